// A cell from the lengths of its vectors and the angles between them, as PDB and CIF give it: a along x, b in the plane xy.

import Foundation
import Lattice

extension Matrix3 {
  /// - Parameters:
  ///   - lengths: a, b, c in Angstrom.
  ///   - angles: alpha, beta, gamma in degrees, between b and c, a and c, a and b.
  /// - Returns: nil where no three vectors have these.
  init?(lengths: Vector3, angles: Vector3) {
    // Right angles are exact.
    func cosine(_ degrees: Double) -> Double { degrees == 90 ? 0 : cos(degrees * .pi / 180) }
    let (ca, cb, cg) = (cosine(angles.x), cosine(angles.y), cosine(angles.z))
    let sg = angles.z == 90 ? 1 : sin(angles.z * .pi / 180)
    let cy = (ca - cb * cg) / sg
    let square = 1 - cb * cb - cy * cy
    guard lengths.min() > 0, sg > 1e-6, square > 1e-12 else { return nil }
    self.init(
      [lengths.x, 0, 0], [lengths.y * cg, lengths.y * sg, 0],
      [lengths.z * cb, lengths.z * cy, lengths.z * square.squareRoot()])
  }

  /// Lengths of the rows in Angstrom, and the angles between them in degrees, as above.
  var parameters: (lengths: Vector3, angles: Vector3) {
    let lengths = Vector3(length(x), length(y), length(z))
    func angle(_ a: Vector3, _ b: Vector3) -> Double {
      let cosine = dot(a, b) / (length(a) * length(b))
      return cosine == 0 ? 90 : acos(max(-1, min(1, cosine))) * 180 / .pi
    }
    return (lengths, Vector3(angle(y, z), angle(x, z), angle(x, y)))
  }
}
