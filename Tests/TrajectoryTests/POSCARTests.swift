// POSCAR and CONTCAR of VASP: cell, flags and velocities as VASP means them.

import Foundation
import Lattice
import Testing

@testable import Trajectory

let poscar = """
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
