// PDB: elements by column or name, models, the cell of CRYST1; what it leaves open is refused.

import Foundation
import Lattice
import Testing

@testable import Trajectory

let pdb = """
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
