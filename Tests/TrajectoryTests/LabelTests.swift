// Labels of a structure file: what nobody needs never stops a reader, and what another program computed never passes
// for what Bloch did.

import Foundation
import Lattice
import Testing

@testable import Trajectory

/// A frame of one atom in a box with these words in its comment line, and what is said of them.
private let unreadable: [(words: String, warning: String)] = [
  ("energy=nan", "energy: `nan` is not a finite number"),
  ("energy=None", "energy: `None` is not a finite number"),
  ("energy=low", "energy: `low` is not a finite number"),
  ("energy=1e300", "energy: `1e300` is not a finite number"),
  ("energy=\"1 2\"", "energy has 2 values"),
  ("energy=1 energy=2", "energy is given twice"),
  ("REF_energy=None", "REF_energy: `None` is not a finite number"),
  ("stress=\"inf 0 0 0 inf 0 0 0 inf\"", "stress: `inf` is not a finite number"),
  ("stress=\"1 2 3\"", "stress has 3 values"),
  ("virials=\"nan 0 0 0 0 0 0 0 0\"", "virials: `nan` is not a finite number"),
  ("REF_stress=[]", "REF_stress has 0 values"),
]

@Test(arguments: unreadable.indices)
func labelsThatAreNoNumbersAreLeftOutWithAWarning(index: Int) throws {
  let scratch = try Scratch()
  let path = try scratch.write(
    "1\nLattice=\"9 0 0 0 9 0 0 0 9\" \(unreadable[index].words) name=a\nO 0 0 0\n", to: "a.xyz")
  let frame = try ExtendedXYZ.read(path)
  #expect(frame.energy == nil && frame.stress == nil && frame.reference == Labels())
  #expect(frame.info == ["name": "a"])
  let warning = try #require(frame.warnings.first).description
  #expect(warning.contains("a.xyz:2:"))
  #expect(warning.contains(": warning: \(unreadable[index].warning); this label is left out\n"), "\(warning)")
}

@Test func aColumnOfForcesWithoutNumbersIsLeftOut() throws {
  let scratch = try Scratch()
  func frame(_ properties: String, _ columns: String) throws -> Configuration {
    try ExtendedXYZ.read(
      scratch.write(
        "2\nProperties=species:S:1:pos:R:3:\(properties)\nO 0 0 0 1 2 3\nH 0 0 1 \(columns)\n", to: "a.xyz"))
  }
  #expect(try frame("forces:R:3", "4 5 6").forces?.count == 2)
  for (properties, columns, words) in [
    ("forces:R:3", "4 nan 6", "a.xyz:4:11: warning: the force of atom 2: `nan` is not finite"),
    ("REF_forces:R:3", "4 5 None", "a.xyz:4:13: warning: the force of atom 2: `None` is not a number"),
    ("forces:S:3", "4 5 6", "a.xyz:2:1: warning: Properties: forces is S:3"),
  ] {
    let frame = try frame(properties, columns)
    #expect(frame.forces == nil && frame.reference.forces == nil)
    #expect(frame.warnings.count == 1 && frame.warnings[0].description.contains(words), "\(frame.warnings)")
  }
}

@Test func resultsOfOtherCalculatorsAreNotKept() throws {
  let scratch = try Scratch()
  let frame = try ExtendedXYZ.read(
    scratch.write(
      """
      1
      Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:magmoms:R:1:charges:R:1 free_energy=-2 energy=-1 \
      dipole="0 0 1" magmom=2 stress="1 0 0 0 1 0 0 0 1" virial="1 0 0 0 1 0 0 0 1" config_type=bulk
      O 0 0 0 1 0.5
      """, to: "a.xyz"))
  #expect(frame.info == ["config_type": "bulk"])
  let text = ExtendedXYZWriter.text(of: frame)
  #expect(text.contains(" energy=-1.0 free_energy=-1.0 "))
  for name in ["dipole", "magmom", "charges", "virial"] { #expect(!text.contains(name)) }
}

// MARK: - Files that are none, and pipes

private let frame = "1\nLattice=\"9 0 0 0 9 0 0 0 9\"\nO 1 2 3\n"

@Test func compressedFilesAreNamedWithTheCure() throws {
  let scratch = try Scratch()
  for (bytes, words) in [
    ([0x50, 0x4B, 3, 4] as [UInt8], "a zip archive\n  help: decompress it first: unzip"),
    (Array("BZh91AY".utf8), "compressed (bzip2)\n  help: decompress it first: bunzip2 -k "),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0], "compressed (xz)\n  help: decompress it first: xz -dk "),
    ([0x28, 0xB5, 0x2F, 0xFD, 4], "compressed (zstd)\n  help: decompress it first: zstd -d "),
    (Array("\u{89}HDF".unicodeScalars.map { UInt8($0.value) }), "HDF5, not text"),
    ([0xFF, 0xFE, 0x31, 0], "UTF-16, not UTF-8"),
  ] {
    let path = scratch.path("two words.xyz")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: StructureError.self) { try ExtendedXYZ.read(path) }
    #expect(error?.description.contains("\(path): error: the file is \(words)") == true, "\(error as Any)")
    if words.contains("help") { #expect(error?.description.hasSuffix(" '\(path)'") == true) }
  }
}

@Test func pipesAreRead() throws {
  let scratch = try Scratch()
  let path = scratch.path("pipe")
  try #require(mkfifo(path, 0o600) == 0)
  let writer = Process()
  writer.executableURL = URL(fileURLWithPath: "/bin/sh")
  writer.arguments = ["-c", "printf '\(frame.replacingOccurrences(of: "\n", with: "\\n"))' > '\(path)'"]
  try writer.run()
  #expect(try ExtendedXYZ.read(path).system.positions == [[1, 2, 3]])
  writer.waitUntilExit()
}

@Test func linesOfAnyLengthAreReadWhole() throws {
  let scratch = try Scratch()
  // The reader takes 65536 bytes at a time; line ends fall before, on and after such borders.
  for length in 65_500..<65_540 {
    let note = String(repeating: "x", count: length)
    let path = try scratch.write("1\nnote=\(note)\nO 1 2 3\n1\nnote=\(note)\nH 4 5 6", to: "a.xyz")
    let frames = try ExtendedXYZ.readAll(path)
    #expect(frames.map(\.system.positions) == [[[1, 2, 3]], [[4, 5, 6]]])
  }
  let endless = scratch.path("endless.xyz")
  try Data(repeating: UInt8(ascii: "7"), count: 20 << 20).write(to: URL(fileURLWithPath: endless))
  #expect(throws: StructureError.self) { try ExtendedXYZ.read(endless) }
}
