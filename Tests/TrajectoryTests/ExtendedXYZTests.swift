import Foundation
import Lattice
import Testing

@testable import Trajectory

@Test func framesSurviveARoundTripThroughExtendedXYZ() throws {
  let scratch = try Scratch()
  let system = sampleSystem(isPeriodic: [true, false, true])
  let frame = Configuration(
    system: system, hasVelocities: true, energy: -14.222222222222222,
    forces: [[0.1, 0.2, 1 / 3], [1e-17, -1, 0], [0, 0, -0.0]],
    stress: Matrix3([1, 2, 3], [2, 4, 5], [3, 5, 6]),
    reference: Labels(energy: -14.5, forces: [[1, 2, 1 / 7], .zero, .zero], stress: .identity),
    info: ["note": "two words, \"quoted\"", "step": "12"])
  let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  try writer.append(frame)
  try writer.append(
    Configuration(
      system: AtomicSystem(
        cell: .free, atomicNumbers: [2], masses: [4.002602], positions: [[1, 2, 3]])))
  try writer.close()

  let frames = try ExtendedXYZ.readAll(scratch.path("a.xyz"))
  #expect(frames.count == 2)
  let read = frames[0]
  #expect(read.system.cell == system.cell)
  #expect(read.system.atomicNumbers == system.atomicNumbers)
  #expect(read.system.masses == system.masses)
  #expect(read.system.positions == system.positions)
  #expect(read.system.moveMask == system.moveMask)
  #expect(read.hasVelocities)
  for (a, b) in zip(read.system.velocities, system.velocities) {
    #expect(length(a - b) <= 4 * length(b) * Double.ulpOfOne)
  }
  #expect(read.energy == frame.energy)
  #expect(read.forces == frame.forces)
  #expect(read.stress == frame.stress)
  #expect(read.reference == frame.reference)
  #expect(read.warnings.isEmpty)
  #expect(read.info == frame.info)
  #expect(frames[1].system.cell == .free)
  #expect(!frames[1].hasVelocities)
  #expect(throws: TrajectoryError.exists(file: scratch.path("a.xyz"))) {
    try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  }
}

@Test func aFileThatIsNotClosedLeavesNothing() throws {
  let scratch = try Scratch()
  do {
    let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
    try writer.append(Configuration(system: sampleSystem()))
  }
  #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.url.path).isEmpty)
}

@Test func columnsMayComeInAnyOrderAmongOthers() throws {
  let scratch = try Scratch()
  let path = try scratch.write(
    """
    2
    label='a b' energy=-1 Lattice="9 0 0 0 9 0 0 0 9" Properties=no:I:1:forces:R:3:species:S:1:tags:I:2:pos:R:3:velo:R:3
    7 0.1 0.2 0.3 O 1 2 1 2 3 0.01 0.02 0.03
    9 0.4 0.5 0.6 h 1 2 4 5 6 0.04 0.05 0.06

    """, to: "a.xyz")
  let frame = try ExtendedXYZ.read(path)
  #expect(frame.system.atomicNumbers == [8, 1])
  #expect(frame.system.positions == [[1, 2, 3], [4, 5, 6]])
  #expect(frame.system.velocities == [[0.01, 0.02, 0.03], [0.04, 0.05, 0.06]])
  #expect(frame.forces == [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
  #expect(frame.system.cell.isPeriodic == [true, true, true])
  #expect(frame.system.masses == [15.999, 1.008])
  #expect(frame.energy == -1)
  #expect(frame.info == ["label": "a b"])
}

@Test func referenceLabelsAreKeptBesidePlainOnes() throws {
  let scratch = try Scratch()
  let path = try scratch.write(
    """
    1
    Properties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3 energy=1 REF_energy=2 pbc="F F F"
    O 0 0 0 1 1 1 2 2 2
    """, to: "a.xyz")
  let frame = try ExtendedXYZ.read(path)
  #expect(frame.energy == 1)
  #expect(frame.forces == [[1, 1, 1]])
  #expect(frame.reference == Labels(energy: 2, forces: [[2, 2, 2]]))
}

@Test func virialIsMinusVolumeTimesStress() throws {
  let scratch = try Scratch()
  let path = try scratch.write(
    "1\nLattice=\"2 0 0 0 2 0 0 0 2\" virial=\"8 0 0 0 16 0 0 0 24\"\nO 0 0 0\n", to: "a.xyz")
  #expect(try ExtendedXYZ.read(path).stress == Matrix3([-1, 0, 0], [0, -2, 0], [0, 0, -3]))
}

@Test func windowsLineEndsTabsAndByteOrderMarksAreRead() throws {
  let scratch = try Scratch()
  let path = try scratch.write(
    "\u{FEFF}1\r\nLattice=\"9 0 0 0 9 0 0 0 9\"\tProperties=species:S:1:pos:R:3\r\nO\t1\t2\t3\r\n\r\n",
    to: "a.xyz")
  #expect(try ExtendedXYZ.read(path).system.positions == [[1, 2, 3]])
}

@Test func plainXYZIsAFreeCell() throws {
  let scratch = try Scratch()
  let path = try scratch.write("2\nmade by \"hand\nO 0 0 0 0.5\nH 0 0 1 0.1\n", to: "a.xyz")
  let frame = try ExtendedXYZ.read(path)
  #expect(frame.system.cell == .free)
  #expect(frame.system.count == 2)
}

@Test func vectorsMeanNothingWhereNothingIsPeriodic() throws {
  let scratch = try Scratch()
  for lattice in ["0 0 0 0 0 0 0 0 0", "9 0 0 0 9 0 0 0 0", "9 0 0 0 9 0 0 0 9"] {
    let path = try scratch.write("1\nLattice=\"\(lattice)\" pbc=\"F F F\"\nO 0 0 0\n", to: "a.xyz")
    #expect(try ExtendedXYZ.read(path).system.cell == .free)
  }
}

/// Malformed files and what the reader says of them.
private let malformed: [(content: String, message: String)] = [
  (
    "",
    "a.xyz: error: the file is empty\n  help: an extended XYZ file begins with the number of atoms; see "
      + "ase.io.write(..., format='extxyz')"
  ),
  (
    "timestep: 0.5 fs\n",
    """
    a.xyz:1:1: error: this line should hold the number of atoms of frame 1
      1 | timestep: 0.5 fs
        | ^~~~~~~~~~~~~~~~
      help: an extended XYZ file begins with the number of atoms alone on a line
    """
  ),
  (
    "0\n\n",
    """
    a.xyz:1:1: error: 0 atoms
      1 | 0
        | ^
      help: a frame has between 1 and 2147483646 atoms
    """
  ),
  (
    "99999999999\n\nO 0 0 0\n",
    """
    a.xyz:1:1: error: 99999999999 atoms
      1 | 99999999999
        | ^~~~~~~~~~~
      help: a frame has between 1 and 2147483646 atoms
    """
  ),
  (
    "3\n",
    """
    a.xyz:1:1: error: the file ends after the number of atoms
      1 | 3
        | ^
      help: a line with Lattice and Properties and 3 atoms follow
    """
  ),
  (
    "3\n\nO 0 0 0\nH 1 0 0\n",
    """
    a.xyz:1:1: error: the frame ends after 2 of 3 atoms
      1 | 3
        | ^
      help: correct the number of atoms, or restore the missing lines
    """
  ),
  (
    "3\n\nO 0 0 0\nH 1 0 0\n3\n\nO 0 0 0\nH 1 0 0\nH 0 1 0\n",
    """
    a.xyz:5:1: error: a new frame begins after 2 of 3 atoms
      5 | 3
        | ^
      help: correct the number of atoms on line 1, or restore the missing lines
    """
  ),
  (
    "1\n\nO 0 0 0\nH 1 0 0\n",
    """
    a.xyz:4:1: error: this line should hold the number of atoms of frame 2
      4 | H 1 0 0
        | ^~~~~~~
      help: the frame before may have more atoms than its first line says
    """
  ),
  (
    "2\n\nO 0 0 0\nH\t1 nan 0\n",
    """
    a.xyz:4:5: error: the position of atom 2: `nan` is not finite
      4 | H 1 nan 0
        |     ^~~
      help: write a finite decimal number with a point
    """
  ),
  (
    "1\n\nO 0 0 -1e999\n",
    """
    a.xyz:3:7: error: the position of atom 1: `-1e999` is not finite
      3 | O 0 0 -1e999
        |       ^~~~~~
      help: write a finite decimal number with a point
    """
  ),
  (
    "1\n\nO 0 1,5 0\n",
    """
    a.xyz:3:5: error: the position of atom 1: `1,5` is not a number
      3 | O 0 1,5 0
        |     ^~~
      help: write a finite decimal number with a point
    """
  ),
  (
    "1\n\nO 0 1.0D+00 0\n",
    """
    a.xyz:3:5: error: the position of atom 1: `1.0D+00` is not a number
      3 | O 0 1.0D+00 0
        |     ^~~~~~~
      help: write the exponent with E
    """
  ),
  (
    "1\n\nO 0 0 1e30\n",
    """
    a.xyz:3:3: error: atom 1 is absurdly far away
      3 | O 0 0 1e30
        |   ^~~~~~~~
      help: positions are in Angstrom
    """
  ),
  (
    "1\n\nOw 0 0 0\n",
    """
    a.xyz:3:1: error: `Ow` is no element
      3 | Ow 0 0 0
        | ^~
      help: symbols are H, He, Li, ...
    """
  ),
  (
    "1\n\n8 0 0 0\n",
    """
    a.xyz:3:1: error: `8` is no element
      3 | 8 0 0 0
        | ^
      help: write its symbol, O
    """
  ),
  (
    "1\nräume Å\nÖ 0 0 x\n",
    """
    a.xyz:3:1: error: `Ö` is no element
      3 | Ö 0 0 x
        | ^
      help: symbols are H, He, Li, ...
    """
  ),
  (
    "1\nLattice=\"9 0 0 9 0 0 0 0 9\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: lattice vectors 1 and 2 are parallel
      2 | Lattice="9 0 0 9 0 0 0 0 9"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: give three independent lattice vectors in Angstrom
    """
  ),
  (
    "1\npbc=\"T T T\" Lattice=\"9 0 0 0 9 0 0 9\"\nO 0 0 0\n",
    """
    a.xyz:2:13: error: Lattice has 8 values
      2 | pbc="T T T" Lattice="9 0 0 0 9 0 0 9"
        |             ^~~~~~~~~~~~~~~~~~~~~~~~~
      help: it takes 9 numbers
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 nine 0 0 0 9\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: Lattice: `nine` is not a finite number
      2 | Lattice="9 0 0 0 nine 0 0 0 9"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: it takes 9 numbers
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 9 0 0 0 9\nO 0 0 0\n",
    """
    a.xyz:2:9: error: a quote is opened and not closed
      2 | Lattice="9 0 0 0 9 0 0 0 9
        |         ^
      help: close it, as in Lattice="10 0 0 0 10 0 0 0 10"
    """
  ),
  (
    "1\nlattice=\"9 0 0 0 9 0 0 0 9\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: unknown key lattice
      2 | lattice="9 0 0 0 9 0 0 0 9"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: the key is spelled Lattice
    """
  ),
  (
    "1\npbc=\"T T T\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: pbc asks for periodic axes, but there is no Lattice
      2 | pbc="T T T"
        | ^~~~~~~~~~~
      help: add Lattice="ax ay az bx by bz cx cy cz" in Angstrom, or write pbc="F F F"
    """
  ),
  (
    "1\nProperties=species:S:1:pos:R\nO 0 0 0\n",
    """
    a.xyz:2:1: error: Properties has 5 fields
      2 | Properties=species:S:1:pos:R
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: it is a list of name:type:columns such as species:S:1:pos:R:3
    """
  ),
  (
    "1\nProperties=species:S:1:forces:R:3\nO 0 0 0\n",
    """
    a.xyz:2:1: error: Properties has no positions
      2 | Properties=species:S:1:forces:R:3
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: add pos:R:3
    """
  ),
  (
    "1\nProperties=species:S:1:pos:R:3:forces:R:3\nO 0 0 0 1 2\n",
    """
    a.xyz:3:1: error: 6 columns where Properties describes 7
      3 | O 0 0 0 1 2
        | ^~~~~~~~~~~
      help: correct this line, or Properties on line 2
    """
  ),
  (
    "2\nLattice=\"9 0 0 0 9 0 0 0 9\"\nO 1 0 0\nH 10 0 9\n",
    """
    a.xyz:4:1: error: atoms 1 and 2 are on one spot
      4 | H 10 0 9
        | ^~~~~~~~
      help: atom 1 is on line 3; remove one of them, or check the cell
    """
  ),
  (
    "1\nProperties=species:S:1:pos:R:3:masses:R:1\nO 1 0 0 -2\n",
    """
    a.xyz:3:9: error: the mass of atom 1 is out of range
      3 | O 1 0 0 -2
        |         ^~
      help: masses are in u, from 0.001 to 1000000
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 9 0 0 0 0\" pbc=\"T T T\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: lattice vector 3 is zero
      2 | Lattice="9 0 0 0 9 0 0 0 0" pbc="T T T"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: give three components in Angstrom, or write F for that axis in pbc
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 0 0 0 0 0\" pbc=\"T T F\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: lattice vector 2 is zero
      2 | Lattice="9 0 0 0 0 0 0 0 0" pbc="T T F"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: give three components in Angstrom, or write F for that axis in pbc
    """
  ),
  (
    "1\nLattice=\"9 0 0 9 0 0 0 0 0\" pbc=\"T T F\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: lattice vectors 1 and 2 are parallel
      2 | Lattice="9 0 0 9 0 0 0 0 0" pbc="T T F"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: give three independent lattice vectors in Angstrom
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 9 0 9 9 0\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: the three lattice vectors lie in one plane
      2 | Lattice="9 0 0 0 9 0 9 9 0"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: give three independent lattice vectors in Angstrom
    """
  ),
  (
    "1\nLattice=\"9 0 0 0 9 0 0 0 0.051234\"\nO 0 0 0\n",
    """
    a.xyz:2:1: error: the cell is 0.0512 Angstrom thick along lattice vector 3
      2 | Lattice="9 0 0 0 9 0 0 0 0.051234"
        | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
      help: lengths are in Angstrom; give three independent lattice vectors in Angstrom
    """
  ),
  (
    "1\nLattice=\"1 0 0 0 9 0 0 0 9\"\nO 9e6 0 0\n",
    """
    a.xyz:3:1: error: atom 1 is absurdly far away from the cell
      3 | O 9e6 0 0
        | ^~~~~~~~~
      help: wrap the atoms into the cell, which is on line 2
    """
  ),
  (
    "1\n\u{1B}[31m\nO\u{07} 0 0 0\n",
    """
    a.xyz:3:1: error: `O\u{07}` is no element
      3 | O\u{FFFD} 0 0 0
        | ^~
      help: symbols are H, He, Li, ...
    """
  ),
  (
    "2\nO 0 0 0\0\nH 0 0 1\n",
    "a.xyz: error: the file is not text: line 2 holds what no line of text does\n"
      + "  help: give the path of a structure file"
  ),
]

@Test(arguments: malformed.indices)
func malformedFilesAreExplained(index: Int) throws {
  let scratch = try Scratch()
  let path = try scratch.write(malformed[index].content, to: "a.xyz")
  do {
    let frames = try ExtendedXYZ.readAll(path)
    Issue.record("read \(frames.count) frames of \(malformed[index].content)")
  } catch let error as StructureError {
    let text = error.description.replacingOccurrences(of: scratch.url.path + "/", with: "")
    #expect(text == malformed[index].message)
  }
}

@Test func missingFilesAndFoldersAreExplained() throws {
  let scratch = try Scratch()
  #expect(throws: StructureError.self) { try ExtendedXYZ.readAll(scratch.path("absent.xyz")) }
  #expect(throws: StructureError.self) { try ExtendedXYZ.readAll(scratch.url.path) }
}

/// Cutting or damaging a file anywhere may give an error, never a crash.
@Test func damagedFilesNeverCrashTheReader() throws {
  let scratch = try Scratch()
  let whole = Array(
    """
    2
    Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 pbc="T T T" energy=-1
    O 1 2 3 0.1 0.2 0.3
    H 1 3 3 0.1 0.2 0.3

    """.utf8)
  for i in whole.indices {
    var damaged = whole
    damaged[i] ^= 0xFF
    for content in [Array(whole[..<i]), damaged, Array(whole[..<i]) + Array(whole[(i + 1)...])] {
      let url = scratch.url.appending(path: "damaged.xyz")
      try Data(content).write(to: url)
      do { _ = try ExtendedXYZ.readAll(url.path) } catch is StructureError {}
    }
  }
}
