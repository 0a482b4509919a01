// Structures of other programs: what each format says is understood, refused with its place, or read as ASE reads it.

import Foundation
import Lattice
import Testing

@testable import Trajectory

/// The only structure of `text` under the name `name`.
private func structure(_ text: String, _ name: String) throws -> Configuration {
  let scratch = try Scratch()
  return try #require(try StructureReader.read(scratch.write(text, to: name), frame: nil))
}

private func refusal(_ text: String, _ name: String) throws -> String {
  let scratch = try Scratch()
  let path = try scratch.write(text, to: name)
  let error = #expect(throws: StructureError.self) { try StructureReader.read(path, frame: .number(1)) }
  return (error?.description ?? "").replacingOccurrences(of: path, with: name)
}

private func expect(_ a: Vector3, _ b: Vector3, _ tolerance: Double = 1e-12) {
  #expect(length(a - b) < tolerance, "\(a) is not \(b)")
}

// MARK: - Which frame

private let twoFrames =
  "1\nLattice=\"9 0 0 0 9 0 0 0 9\"\nO 1 2 3\n1\nLattice=\"9 0 0 0 9 0 0 0 9\"\nH 4 5 6\n"

@Test func ofSeveralStructuresOneIsChosenAndNoneInSilence() throws {
  let scratch = try Scratch()
  let path = try scratch.write(twoFrames, to: "two.xyz")
  #expect(try StructureReader.read(path, frame: nil) == nil)
  #expect(try StructureReader.read(path, frame: .number(1))?.system.atomicNumbers == [8])
  #expect(try StructureReader.read(path, frame: .number(2))?.system.atomicNumbers == [1])
  #expect(try StructureReader.read(path, frame: .last)?.system.atomicNumbers == [1])
  let error = #expect(throws: StructureError.self) { try StructureReader.read(path, frame: .number(3)) }
  #expect(error?.description.contains("there is no frame 3\n  help: the file holds 2") == true)
}

// MARK: - gzip

@Test func packedFilesAndPipesAreUnpacked() throws {
  let scratch = try Scratch()
  let plain = try scratch.write(String(repeating: twoFrames, count: 3000), to: "a.xyz")
  // Two members one after another are one file.
  _ = try runTool([
    "sh", "-c", "gzip -kn \(plain); cat \(plain).gz \(plain).gz > \(scratch.path("b.xyz.gz"))",
  ])
  let expected = try ExtendedXYZ.readAll(plain).map(\.system.positions)
  #expect(try ExtendedXYZ.readAll(plain + ".gz").map(\.system.positions) == expected)
  #expect(try ExtendedXYZ.readAll(scratch.path("b.xyz.gz")).count == 2 * expected.count)
  // Cut off and changed ones are errors, not shorter trajectories.
  let bytes = try Data(contentsOf: URL(fileURLWithPath: plain + ".gz"))
  var changed = bytes
  changed[bytes.count / 2] ^= 0xFF
  for (data, words) in [
    (bytes.prefix(bytes.count / 2), "end too early"), (bytes.prefix(3), "end too early"), (changed, ""),
  ] {
    let path = scratch.path("bad.xyz.gz")
    try Data(data).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: StructureError.self) { try ExtendedXYZ.readAll(path) }
    #expect(error?.description.contains(words) == true || words.isEmpty, "\(error as Any)")
  }
}

// MARK: - Extended XYZ

@Test func heavyHydrogenHasItsMassAndAColumnOfMassesComesFirst() throws {
  let text = "3\nLattice=\"9 0 0 0 9 0 0 0 9\"\nD 0 0 0\nT 3 0 0\nH 0 3 0\n"
  let read = try structure(text, "a.xyz").system
  #expect(read.atomicNumbers == [1, 1, 1] && read.masses == [2.014101777844, 3.016049281320, 1.008])
  let given = try structure("1\nProperties=species:S:1:pos:R:3:mass:R:1\nD 0 0 0 2.5\n", "a.xyz").system
  #expect(given.masses == [2.5])
  // What is written is what is read again.
  let scratch = try Scratch()
  let again = try scratch.write(ExtendedXYZWriter.text(of: Configuration(system: read)), to: "b.xyz")
  #expect(try ExtendedXYZ.read(again).system.masses == read.masses)
}

@Test func columnsThatMeanNothingAreKeptAndMasksOfSingleAxesRead() throws {
  let scratch = try Scratch()
  let text = """
    2
    Properties=species:S:1:pos:R:3:tags:I:1:move_mask:L:3:magmoms:R:1:name:S:1:velo:R:3 pbc="F F F"
    O 0 0 0 7 T F T 2.5 OW 0.001 0 0
    H 0 0 1 8 F F F 0.5 HW 0 0.002 0
    """
  let path = try scratch.write(text, to: "a.xyz")
  let plain = try ExtendedXYZ.read(path)
  #expect(plain.columns.isEmpty && plain.system.moveMask == [[1, 0, 1], .zero])
  #expect(plain.velocitySource == "the column `velo`, in Angstrom/fs")
  expect(plain.system.velocities[1], [0, 0.002, 0])
  let kept = try #require(try ExtendedXYZReader(path, keeping: .columns).next())
  #expect(kept.columns.map(\.name) == ["tags", "name"])
  let again = try scratch.write(ExtendedXYZWriter.text(of: kept), to: "b.xyz")
  #expect(try ExtendedXYZReader(again, keeping: .columns).next()?.columns == kept.columns)
  let written = try String(contentsOfFile: again, encoding: .utf8)
  #expect(written.contains(":move_mask:L:3:momenta:R:3:velo:R:3:") && !written.contains("magmoms"))
  #expect(written.contains(" T F T ") && written.contains(" F F F "))
  #expect(AtomColumn.columns(of: AtomColumn.text(of: kept.columns), atoms: 2) == kept.columns)
  #expect(AtomColumn.columns(of: AtomColumn.text(of: kept.columns), atoms: 3) == nil)
}

// MARK: - POSCAR

private let poscar = """
  quartz
  -100.0
  5.0 0.0 0.0
  -2.5 4.0 0.0
  0.1 0.2 5.0
  Si_sv O/1a2b3c
  1 2
  Selective dynamics
  Direct
  0.47 0.0 0.0   F F F
  0.41 0.27 0.12  T T T  O1
  0.61 0.2 0.9  .TRUE. .TRUE. .TRUE.

  0.001 0.0 0.0
  0.0 0.002 0.0
  0.0 0.0 0.003
  """

@Test func aPOSCARHasVolumeFlagsAndVelocities() throws {
  let read = try structure(poscar, "CONTCAR")
  #expect(abs(read.system.cell.volume - 100) < 1e-10)
  #expect(
    read.system.atomicNumbers == [14, 8, 8] && read.system.moveMask == [.zero, [1, 1, 1], [1, 1, 1]])
  expect(read.system.positions[1], Vector3(0.41, 0.27, 0.12) * read.system.cell.vectors)
  #expect(read.hasVelocities && read.velocitySource == "its last block, in Angstrom/fs")
  expect(read.system.velocities[2], [0, 0, 0.003])

  let cartesian = poscar.replacingOccurrences(of: "-100.0", with: "2.0").replacingOccurrences(
    of: "Direct", with: "Kart")
  expect(try structure(cartesian, "a.vasp").system.positions[1], [0.82, 0.54, 0.24])
  let stretched = poscar.replacingOccurrences(of: "-100.0", with: "1 2 3 of x, y, z")
  expect(try structure(stretched, "a.poscar").system.cell.vectors.z, [0.1, 0.4, 15])
  // A relaxation leaves zeros.
  let zeros = poscar.components(separatedBy: "\n\n")[0] + "\n\n0 0 0\n0 0 0\n0 0 0\n"
  #expect(try !structure(zeros, "POSCAR").hasVelocities)
}

@Test func whatAPOSCARDoesNotSayIsRefused() throws {
  #expect(
    try refusal(poscar.replacingOccurrences(of: "Si_sv O/1a2b3c\n", with: ""), "POSCAR").contains(
      "POSCAR:6:1: error: the symbols of the elements are missing: this is a file of VASP 4"))
  #expect(
    try refusal(poscar.replacingOccurrences(of: "0.41 0.27", with: "0.41 x"), "POSCAR").contains(
      "POSCAR:11:6: error: the position of atom 2: `x` is not a number"))
  #expect(try refusal(String(poscar.prefix(90)), "POSCAR").contains("the file ends before"))
  #expect(try refusal(poscar.replacingOccurrences(of: "-100.0", with: "0"), "POSCAR").contains("POSCAR:2:"))
  #expect(
    try refusal(poscar.replacingOccurrences(of: "1 2\n", with: "1 99999999999\n"), "POSCAR").contains(
      "POSCAR:7:3"))
  let oblique = try structure(poscar.replacingOccurrences(of: "F F F", with: "F T T"), "POSCAR")
  #expect(
    oblique.partialMask?.description.contains("POSCAR:10:16: error: atom 1 is fixed along lattice") == true)
  #expect(oblique.system.moveMask[0] == [1, 1, 1])
  let direct = try structure(poscar.replacingOccurrences(of: "\n\n", with: "\nDirect\n"), "POSCAR")
  #expect(!direct.hasVelocities && direct.warnings.first?.description.contains("POTIM are left out") == true)
}

/// VASP's flags are of lattice vectors: a and b of this cell span the plane of x and y, and a alone the axis x.
@Test func anAtomOfAPOSCARMovesInThePlaneOfItsLatticeVectors() throws {
  func mask(_ flags: String) throws -> Vector3 {
    let read = try structure(poscar.replacingOccurrences(of: "F F F", with: flags), "POSCAR")
    #expect(read.partialMask == nil)
    return read.system.moveMask[0]
  }
  #expect(try mask("T T F") == [1, 1, 0])
  #expect(try mask("T F F") == [1, 0, 0])
  let refused = try structure(poscar.replacingOccurrences(of: "F F F", with: "F T F"), "POSCAR")
  #expect(refused.partialMask != nil)
}

// MARK: - PDB

private let pdb = """
  REMARK   made by hand
  CRYST1   10.000   11.000   12.000  80.00  90.00 100.00 P 1
  MODEL        1
  ATOM      1  OW  HOH A   1       1.000   2.000   3.000  1.00  0.00
  ATOM      2 1HW  HOH A   1       1.900   2.000   3.000  1.00  0.00
  ATOM      3  HW2 HOH A   1       0.700   2.900   3.000  0.00  0.00           D
  HETATM    4 ZN    ZN A   2      -5.000   5.000-100.123  1.00  0.00          ZN2+
  HETATM    5 CL   CL  A   3       5.000   5.000   5.000  1.00  0.00
  ATOM      6 HG11 VAL A   4       7.000   7.000   7.000  1.00  0.00
  ATOM      7  CA  VAL A   4       8.000   7.000   7.000  1.00  0.00
  ENDMDL
  MODEL        2
  ATOM      1  OW  HOH A   1       1.000   2.000   4.000  1.00  0.00
  ENDMDL
  END

  """

@Test func aPDBHasElementsByColumnOrName() throws {
  let scratch = try Scratch()
  let path = try scratch.write(pdb, to: "a.pdb")
  let read = try #require(try StructureReader.read(path, frame: .number(1)))
  #expect(read.system.atomicNumbers == [8, 1, 1, 30, 17, 1, 6])
  #expect(read.system.masses[2] > 2 && read.warnings.isEmpty)
  expect(read.system.positions[3], [-5, 5, -100.123])
  let (lengths, angles) = read.system.cell.vectors.parameters
  expect(lengths, [10, 11, 12])
  expect(angles, [80, 90, 100], 1e-9)
  #expect(try StructureReader.read(path, frame: .last)?.system.positions == [[1, 2, 4]])
  #expect(try StructureReader.read(path, frame: nil) == nil)
  let free = pdb.split(separator: "\n").filter { !$0.hasPrefix("CRYST1") && !$0.hasPrefix("MODEL") }
  #expect(try structure(free.prefix(4).joined(separator: "\n"), "a.ent").system.cell == .free)
}

@Test func whatAPDBLeavesOpenIsRefused() throws {
  let atom = "ATOM      1  OW  HOH A   1       1.000   2.000   3.000  1.00  0.00           O\n"
  func with(_ old: String, _ new: String) -> String { atom.replacingOccurrences(of: old, with: new) }
  #expect(
    try refusal(with(" OW  HOH", " OW AHOH"), "a.pdb").contains("a.pdb:1:17: error: atom 1 is one of several")
  )
  #expect(
    try refusal(with("1.00  0.00", "0.50  0.00"), "a.pdb").contains("atom 1 is there in part: occupancy 0.50")
  )
  #expect(try refusal(with("          O", "         Xx"), "a.pdb").contains("`Xx` is no element"))
  #expect(
    try refusal(with(" OW  HOH", "OXYG HOH").replacingOccurrences(of: " O\n", with: "\n"), "a.pdb").contains(
      "does not follow"))
  #expect(
    try refusal(with("   2.000", "        "), "a.pdb").contains("a.pdb:1:39: error: the position of atom 1"))
  #expect(try refusal("HEADER\nEND\n", "a.pdb").contains("there are no atoms"))
  let scaled =
    "CRYST1   10.000   10.000   10.000  90.00  90.00  90.00\nSCALE1      0.000000  0.100000  0.000000        0.00000\n"
  #expect(try refusal(scaled + atom, "a.pdb").contains("a.pdb:2:1: error: the cell does not lie"))
  let group = "CRYST1   10.000   10.000   10.000  90.00  90.00  90.00 P 21 21 21    4\n" + atom
  #expect(
    try structure(group, "a.pdb").warnings.first?.description.contains("the space group P 21 21 21 makes")
      == true)
}

// MARK: - LAMMPS

private let lammps = """
  LAMMPS data file via write_data, version 2 Aug 2023, timestep = 100, units = real

  3 atoms
  2 atom types
  1 bonds

  -1.0 9.0 xlo xhi
  0.0 11.0 ylo yhi
  0.0 12.0 zlo zhi
  1.0 -2.0 0.5 xy xz yz

  Masses

  1 15.9994  # OW
  2 1.00794

  Pair Coeffs # lj/cut

  1 0.1 3.0
  2 0.0 0.0

  Atoms  # full

  3 1 2 0.4238 1.0 0.0 1.0  0 0 0
  1 1 1 -0.8476 0.0 0.0 0.0  1 0 -1
  2 1 2 0.4238 1.0 0.0 0.0  1 0 -1

  Velocities

  1 0.001 0.0 0.0
  2 0.0 0.002 0.0
  3 0.0 0.0 0.003

  Bonds

  1 1 1 2

  """

@Test func aLAMMPSDataFileHasImagesMassesAndUnits() throws {
  let read = try structure(lammps, "data.water")
  #expect(read.system.cell.vectors == Matrix3([10, 0, 0], [1, 11, 0], [-2, 0.5, 12]))
  #expect(read.system.atomicNumbers == [8, 1, 1] && read.system.masses == [15.999, 1.008, 1.008])
  expect(read.system.positions[0], [12, -0.5, -12])
  expect(read.system.positions[2], [1, 0, 1])
  #expect(read.velocitySource == "the section Velocities, in Angstrom/fs (units real)")
  expect(read.system.velocities[2], [0, 0, 0.003])
  let metal = try structure(lammps.replacingOccurrences(of: ", units = real", with: ""), "a.lmp")
  expect(metal.system.velocities[2], [0, 0, 3e-6])
  #expect(metal.velocitySource?.contains("Angstrom/ps") == true)
  // Heavy hydrogen, and one that only its name tells.
  let heavy = lammps.replacingOccurrences(of: "1.00794", with: "2.0141")
  #expect(try structure(heavy, "a.data").system.masses[1] == 2.014101777844)
  let named = lammps.replacingOccurrences(of: "2 1.00794", with: "2 3.024  # H")
  #expect(try structure(named, "a.data").system.masses[1] == 3.024)
  // Told by its content.
  #expect(try structure(lammps, "water").system.count == 3)
}

@Test func whatALAMMPSDataFileLeavesOpenIsRefused() throws {
  func with(_ old: String, _ new: String) throws -> String {
    try refusal(lammps.replacingOccurrences(of: old, with: new), "a.data")
  }
  #expect(
    try with("units = real", "units = lj").contains("a.data:1:1: error: units lj of LAMMPS are not read"))
  #expect(
    try with("Atoms  # full", "Atoms").contains("a.data:24:1: error: which columns these are is not said"))
  #expect(try with("# full", "# sphere").contains("atom style sphere is not read"))
  #expect(try with("# full", "# charge").contains("do not fit atom style charge"))
  #expect(try with("1.00794", "3.3").contains("a.data:15:3: error: no element has the mass of type 2"))
  #expect(try with("3 atoms", "4 atoms").contains("the file has 3 of 4 atoms"))
  #expect(try with("3 1 2 0.4", "2 1 2 0.4").contains("atom 2 is given twice"))
  #expect(try with("3 0.0 0.0 0.003", "").contains("atom 3 has no velocity, others have"))
  #expect(try with("0.0 12.0 zlo zhi", "").contains("the box has no `zlo zhi`"))
  #expect(try with("-1.0 9.0 xlo", "9.0 -1.0 xlo").contains("a.data:7:1: error: the box has no volume"))
}

// MARK: - CIF

/// Alpha quartz, P 32 2 1, with its six operations and coordinates as they are published.
private let quartz = """
  data_quartz
  _cell_length_a    4.9134(2)
  _cell_length_b    4.9134(2)
  _cell_length_c    5.4052
  _cell_angle_alpha 90
  _cell_angle_beta  90
  _cell_angle_gamma 120
  _space_group_name_H-M_alt 'P 32 2 1'
  loop_
  _space_group_symop_operation_xyz
  'x,y,z'
  'y,x,2/3-z'
  '-y,x-y,2/3+z'
  '-x,y-x,1/3-z'
  'y-x,-x,z+1/3'
  'x-y,-y,-z'
  loop_
  _atom_site_label
  _atom_site_type_symbol
  _atom_site_fract_x
  _atom_site_fract_y
  _atom_site_fract_z
  _atom_site_occupancy
  Si1 Si4+ 0.4697 0 0 1.0
  O1 O2- 0.4135(3) 0.2669(2) 0.1191(1) 1
  """

@Test func aCrystalIsMadeByTheOperationsOfItsCIF() throws {
  let read = try structure(quartz, "quartz.cif")
  #expect(read.system.atomicNumbers.sorted() == [8, 8, 8, 8, 8, 8, 14, 14, 14])
  // Every silicon has four oxygens at 1.61 Angstrom.
  let system = read.system
  for i in 0..<9 where system.atomicNumbers[i] == 14 {
    let near = (0..<9).filter {
      system.atomicNumbers[$0] == 8
        && abs(length(system.cell.nearestImage(system.positions[$0] - system.positions[i])) - 1.61) < 0.01
    }
    #expect(near.count == 4)
  }
  // A special position, and what only its label names.
  let zinc = quartz.replacingOccurrences(
    of: "Si1 Si4+ 0.4697 0 0 1.0", with: "Zn1 ? 0.3333 0.6667 0.0 ?\nO2 O 0 0 .5 .")
  #expect(try structure(zinc, "a.cif").system.count == 6 + 3 + 6)
  // Thirds are rounded to four places, and images of one atom off by 0.0005 Angstrom are one.
  let axis = """
    data_P3
    _cell_length_a 5
    _cell_length_b 5
    _cell_length_c 6
    _cell_angle_alpha 90
    _cell_angle_beta 90
    _cell_angle_gamma 120
    _symmetry_equiv_pos_as_xyz ?
    loop_ _space_group_symop_id _space_group_symop_operation_xyz
    1 x,y,z  2 -y,x-y,z  3 -x+y,-x,z
    loop_ _atom_site_label _atom_site_fract_x _atom_site_fract_y _atom_site_fract_z
    Zn1 0.3333 0.6667 0
    """
  #expect(try structure(axis, "a.cif").system.count == 1)
}

@Test func aCrystalWithoutOperationsOrWithPartsOfAtomsIsRefused() throws {
  func with(_ old: String, _ new: String) throws -> String {
    try refusal(quartz.replacingOccurrences(of: old, with: new), "a.cif")
  }
  #expect(
    try with("0.4697 0 0 1.0", "0.4697 0 0 0.5").contains(
      "a.cif:24:21: error: a site that is occupied in part"))
  #expect(try with("_atom_site_occupancy", "_atom_site_disorder_group").contains("disordered group"))
  #expect(try with("Si1 Si4+", "Si1 Q").contains("a.cif:24:5: error: `Q` is no element"))
  #expect(
    try with("'x-y,-y,-z'", "'x-y,-y'").contains("a.cif:16:1: error: `x-y,-y` is no symmetry operation"))
  #expect(try with("1/3-z", "1/0-z").contains("is no symmetry operation"))
  #expect(try with("_cell_angle_gamma 120", "").contains("_cell_angle_gamma is missing"))
  #expect(try with("_cell_angle_gamma 120", "_cell_angle_gamma 200").contains("no cell has these"))
  #expect(try with("0.1191(1) 1", "0.1191(1)").contains("values for 6 columns"))
  let start = try #require(quartz.range(of: "loop_\n_space"))
  let end = try #require(quartz.range(of: "loop_\n_atom"))
  let nameless = quartz[..<start.lowerBound] + quartz[end.lowerBound...]
  #expect(
    try refusal(String(nameless), "a.cif").contains(
      "a.cif:8:27: error: the space group P 32 2 1 is named, but its operations are not listed\n"))
  let simple = nameless.replacingOccurrences(of: "P 32 2 1", with: "P 1")
  #expect(try structure(simple, "a.cif").system.count == 2)
  let silent = nameless.split(separator: "\n").filter { !$0.contains("H-M") }.joined(separator: "\n")
  #expect(
    try structure(silent, "a.cif").warnings.first?.description.contains("says nothing of its symmetry")
      == true)
  #expect(try refusal("data_x\n_cell_length_a 5\n", "a.cif").contains("there are no atoms"))
}

// MARK: - Others, and damaged ones

@Test func filesOfOtherFormatsAreToldHowToConvert() throws {
  #expect(
    try refusal("text", "a b.gro").contains("Bloch reads no .gro files\n  help: `ase convert '"))
  #expect(
    try refusal("nobody\nknows\nthis\n", "a.foo").contains(
      "this is no structure that Bloch knows: extended XYZ, POSCAR"))
  #expect(try refusal("", "a.foo").contains("the file is empty"))
}

@Test func damagedStructuresOfEveryFormatAreErrorsOrRead() throws {
  let scratch = try Scratch()
  var random = SystemRandomNumberGenerator()
  let words = [
    "", "nan", "-1", "1e300", "99999999999999999999", "x", "'", ";", "loop_", "0", "#", "\n", "ENDMDL", "_x",
  ]
  for (name, text) in [("POSCAR", poscar), ("a.pdb", pdb), ("a.data", lammps), ("a.cif", quartz)] {
    for _ in 0..<150 {
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let start = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, start + Int.random(in: 0...8, using: &random))
        bytes.replaceSubrange(start..<end, with: Array((words.randomElement(using: &random) ?? "").utf8))
      }
      let damaged = String(decoding: bytes, as: UTF8.self)
      let path = try scratch.write(damaged, to: name)
      do {
        let reader = try StructureReader(path)
        while let frame = try reader.next() {
          #expect(frame.system.positions.allSatisfy { length($0).isFinite }, "\(damaged)")
        }
      } catch let error as StructureError {
        #expect(error.description.hasPrefix(path), "\(damaged)")
      }
    }
  }
}

private let canRunASE = (try? runTool([python, "-c", "import ase.io, spglib"]).status) == 0

@Test(.enabled(if: canRunASE, "needs a Python (BLOCH_PYTHON) with ASE and spglib"))
func structuresAreThoseThatASEReads() throws {
  let scratch = try Scratch()
  let rutile = """
    data_rutile
    _symmetry_space_group_name_H-M 'P 42/m n m'
    loop_
    _symmetry_equiv_pos_as_xyz
    x,y,z
    -x,-y,z
    -y+1/2,x+1/2,z+1/2
    y+1/2,-x+1/2,z+1/2
    -x+1/2,y+1/2,-z+1/2
    x+1/2,-y+1/2,-z+1/2
    y,x,-z
    -y,-x,-z
    -x,-y,-z
    x,y,-z
    y+1/2,-x+1/2,-z+1/2
    -y+1/2,x+1/2,-z+1/2
    x+1/2,-y+1/2,z+1/2
    -x+1/2,y+1/2,z+1/2
    -y,-x,z
    y,x,z
    _cell_length_a 4.5937
    _cell_length_b 4.5937
    _cell_length_c 2.9587
    _cell_angle_alpha 90
    _cell_angle_beta 90
    _cell_angle_gamma 90
    loop_
    _atom_site_label
    _atom_site_fract_x
    _atom_site_fract_y
    _atom_site_fract_z
    Ti1 0 0 0
    O1 0.3053 0.3053 0
    """
  // ASE wants elements in their columns, and reads no comments behind masses.
  var symbols = ["O", "H", "H", "ZN", "CL", "H", "C"]
  let withElements =
    pdb.components(separatedBy: "ENDMDL")[0].split(separator: "\n").map { line in
      guard line.hasPrefix("ATOM") || line.hasPrefix("HETATM") else { return String(line) }
      let symbol = symbols.removeFirst()
      return String(line.prefix(76)).padding(toLength: 78 - symbol.count, withPad: " ", startingAt: 0)
        + symbol
    }.joined(separator: "\n") + "\n"
  let files = [
    ("POSCAR", poscar.components(separatedBy: "\n\n")[0] + "\n", "vasp"),
    ("water.pdb", withElements + "END\n", "proteindatabank"),
    ("water.data", lammps.replacingOccurrences(of: "  # OW", with: ""), "lammps-data"),
    ("quartz.cif", quartz, "cif"),
    ("rutile.cif", rutile, "cif"),
  ]
  for (name, text, format) in files {
    let path = try scratch.write(text, to: name)
    let frame = try #require(try StructureReader.read(path, frame: nil))
    let written = try scratch.write(ExtendedXYZWriter.text(of: frame), to: "\(name).xyz")
    let script = """
      import sys, warnings, numpy as np
      warnings.simplefilter('ignore')
      from ase.io import read
      from ase.geometry import find_mic
      kw = {'units': 'real'} if sys.argv[3] == 'lammps-data' else {}
      a, b = read(sys.argv[1], format=sys.argv[3], **kw), read(sys.argv[2], format='extxyz')
      assert np.allclose(a.cell.cellpar(), b.cell.cellpar(), atol=1e-6), (a.cell.cellpar(), b.cell.cellpar())
      assert np.allclose(a.cell[:], b.cell[:], atol=1e-6) and b.pbc.all()
      assert len(a) == len(b) and sorted(a.numbers) == sorted(b.numbers), (a, b)
      left = list(range(len(b)))
      for z, r in zip(a.numbers, a.positions):
          d = [find_mic(b.positions[j] - r, a.cell, True)[1] if b.numbers[j] == z else 9 for j in left]
          assert min(d) < 2e-3, (z, r, min(d))
          left.pop(int(np.argmin(d)))
      if sys.argv[3] == 'lammps-data':
          assert np.allclose(a.get_velocities(), b.get_velocities(), rtol=1e-6)
      if sys.argv[3] == 'vasp':
          assert list(a.constraints[0].index) == list(b.constraints[0].index)
      """
    let result = try runTool([python, "-c", script, path, written, format])
    #expect(result.status == 0, "\(name): \(result.output)")
  }
}
