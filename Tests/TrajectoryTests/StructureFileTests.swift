// Structures of other programs: what each format says is understood, refused with its place, or read as ASE reads it.

import Foundation
import Lattice
import Testing

@testable import Trajectory

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

@Test func whatIsWrittenUnderTheNameOfAPackedFileIsPacked() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.xyz.gz")
  let writer = try ExtendedXYZWriter(creating: path)
  // Longer than zlib's pieces.
  for _ in 0..<2000 { try writer.append(Configuration(system: sampleSystem())) }
  try writer.close()
  #expect(try Data(contentsOf: URL(fileURLWithPath: path)).starts(with: [0x1F, 0x8B]))
  let read = try ExtendedXYZ.readAll(path)
  #expect(read.count == 2000 && read[1999].system.positions == sampleSystem().positions)
  #expect(["a.xyz", "b.extxyz.gz", "c.dcd", "frames"].allSatisfy { StructureFormat.unwritable($0) == nil })
  #expect(StructureFormat.unwritable("x/a.pdb.gz") == "PDB" && StructureFormat.unwritable("a.dcd.gz") != nil)
  #expect(StructureFormat.unwritable("a.lammpstrj") == ".lammpstrj")
}

// MARK: - Extended XYZ

/// As i-PI 3.3 writes it: a cell by lengths and angles or by columns of a matrix, each unit said.
@Test func framesOfIPIHaveItsUnitsAndItsCell() throws {
  func frame(_ comment: String) throws -> AtomicSystem {
    try structure("2\n\(comment)\n O  1.0  0.0 -2.0\n H  0.5  0.25  0.0\n", "ipi.xyz").system
  }
  let bohr = 0.529177210903
  let abc = try frame(
    "# CELL(abcABC):   12.0    13.0    14.0    90.0    90.0    60.0  Step:  0  Bead:       0 "
      + "positions{atomic_unit}  cell{atomic_unit}")
  expect(abc.positions[0], Vector3(1, 0, -2) * bohr)
  expect(abc.cell.vectors.y, Vector3(6.5, 13 * 0.75.squareRoot(), 0) * bohr)
  #expect(abc.cell.isFullyPeriodic && abs(abc.cell.vectors.z.z - 14 * bohr) < 1e-12)
  let h = try frame(
    "# CELL(H): 6.4 0.9 -1.1 0.0 6.3 0.7 0.0 0.0 6.5 Step: 3 Bead: 1 positions{angstrom} cell{atomic_unit}")
  expect(h.positions[1], [0.5, 0.25, 0])
  expect(h.cell.vectors.z, Vector3(-1.1, 0.7, 6.5) * bohr)
  for (comment, words) in [
    ("# CELL(abcABC): 12 13 14 90 90 90 Step: 0 velocities{angstrom} cell{angstrom}", "holds `velocities`"),
    ("# CELL(abcABC): 12 13 14 90 90 90 Step: 0 Bead: 0", "in which units"),
    ("# CELL(abcABC): 12 13 14 90 90 positions{angstrom} cell{angstrom}", "is not followed by 6 numbers"),
    ("# CELL(abcABC): 12 13 14 90 90 10 positions{foot} cell{angstrom}", "`foot` of positions is no unit"),
    ("# CELL(H): 1 0 0 1 0 0 0 0 1 positions{angstrom} cell{angstrom}", "has no volume"),
  ] {
    #expect(try refusal("1\n\(comment)\nO 0 0 0\n", "ipi.xyz").contains(words), "\(comment)")
  }
}

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
