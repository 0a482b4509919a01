// Extended XYZ as ASE reads and writes it (https://wiki.fysik.dtu.dk/ase/ase/io/formatoptions.html#extxyz):
//
//   3
//   Lattice="ax ay az bx by bz cx cy cz" Properties=species:S:1:pos:R:3:forces:R:3 pbc="T T T" energy=-14.2
//   O  0.000  0.000  0.119  0.01 -0.02  0.03
//   ...
//
// Lattice vectors and positions in Angstrom, energies in eV, forces in eV/Angstrom, stress in eV/Angstrom^3
// with ASE's sign (virial = -V stress), masses in u. `momenta` are in ASE's unit sqrt(u eV); `velo` (as OVITO calls it),
// `velocities`, `velocity` or `vel` are in Angstrom/fs. D and T are hydrogen with the mass of that isotope. `REF_energy`,
// `REF_forces` and `REF_stress` are kept beside the labels without prefix. A cell without `Lattice` or without periodic axes
// is free. A `move_mask` of F fixes an atom, one of three columns along single axes. Other
// columns are kept on request. Not so other results of ASE's calculators (dipole, charges, magmoms ...): beside new energies
// and forces they would pass for results of the same calculation. A label that is no finite number is left out with a warning.

import Foundation
import Lattice

/// Reading and writing extended XYZ files.
public enum ExtendedXYZ {
  /// All frames of a file.
  ///
  /// - Throws: `StructureError`.
  public static func readAll(_ path: String) throws -> [Configuration] {
    let reader = try ExtendedXYZReader(path)
    var frames: [Configuration] = []
    while let frame = try reader.next() { frames.append(frame) }
    return frames
  }

  /// Frame `index` of a file, the first is 0 here and 1 in messages.
  ///
  /// - Throws: `StructureError`.
  public static func read(_ path: String, frame index: Int = 0) throws -> Configuration {
    let reader = try ExtendedXYZReader(path)
    var count = 0
    while let frame = try reader.next() {
      if count == index { return frame }
      count += 1
    }
    throw StructureError(
      file: path, message: "there is no frame \(index + 1)", help: "the file holds \(count)")
  }

  /// The tensor with these nine components, row by row, or six in Voigt's order xx yy zz yz xz xy.
  static func tensor(_ t: [Double]) -> Matrix3 {
    if t.count == 6 { return Matrix3([t[0], t[5], t[4]], [t[5], t[1], t[3]], [t[4], t[3], t[2]]) }
    return Matrix3([t[0], t[1], t[2]], [t[3], t[4], t[5]], [t[6], t[7], t[8]])
  }

  /// The tensor that a value of a comment line holds, of nine numbers or six in Voigt's order; nil for anything else.
  public static func tensor(_ text: String) -> Matrix3? {
    let words = text.split { $0 == " " || $0 == "," || $0 == "\t" }
    let numbers = words.compactMap { Double($0) }
    return numbers.count == words.count && [6, 9].contains(numbers.count) ? tensor(numbers) : nil
  }

  /// In any unit; whatever is larger is taken for infinite, so that squares and sums stay finite.
  static let largestNumber = 1e100

  /// Angstrom/fs of one ASE unit of velocity, sqrt(eV/u): 0.0982269.
  static let velocityUnit = Units.accelerationPerForce.squareRoot()
}
