// Data files of LAMMPS: images, masses, units and styles; what they leave open is refused.

import Foundation
import Lattice
import Testing

@testable import Trajectory

let lammps = """
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
