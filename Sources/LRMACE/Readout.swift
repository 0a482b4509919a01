// Energies of atoms from their scalar features and the gradient, one pass: nothing else depends on them.
//   linear   e = h0 . w                 de/dh0 = w
//   network  e = silu(h0 W) . w         de/dh0 = (w * silu'(h0 W)) W^T

import Foundation
import Kernels
import LRMACEModel

struct PackedReadout<T: KernelScalar> {
  private let hidden: PackedMatrix<T>?
  private let weights: [T]

  /// Hidden units, which is what `addEnergies` needs of scratch memory.
  var width: Int { hidden?.columns ?? 0 }

  init(_ readout: Model.Readout, channels: Int) {
    switch readout {
    case .linear(let w):
      hidden = nil
      weights = w.map { T($0) }
    case .network(let matrix, let w):
      hidden = PackedMatrix(
        matrix, rowBlock: matrix.rows, paddedRowBlock: channels, paddedColumns: matrix.columns)
      weights = w.map { T($0) }
    }
  }

  /// z = h0 W of one atom.
  func hidden(_ h0: UnsafePointer<T>, into z: UnsafeMutablePointer<T>) { hidden?.apply(h0, rows: 1, into: z) }

  /// Adds e_i to `energies` and scale * de_i/dh0 to `gradient`.
  ///
  /// - Parameter scratch: room for `width` values of every atom, twice.
  func addEnergies(
    of range: Range<Int>, features: Features<T>, scale: Double, energies: UnsafeMutablePointer<Double>,
    gradient: Features<T>, scratch: Workspace<T>
  ) {
    guard let hidden else {
      for i in range {
        let (h, dh) = (features.row(0, i), gradient.row(0, i))
        var e = 0.0
        for (c, w) in weights.enumerated() {
          e += Double(h[c]) * Double(w)
          dh[c] += T(scale) * w
        }
        energies[i] += e
      }
      return
    }
    let (first, count) = (range.lowerBound, range.count)
    let z = scratch.pointer
    let slopes = z + count * width
    hidden.apply(features.row(0, first), rows: count, into: z)
    z.applySilu(slope: slopes, count: count * width, scale: 1)
    for (n, i) in range.enumerated() {
      var e = 0.0
      for (k, w) in weights.enumerated() {
        e += Double(z[n * width + k]) * Double(w)
        slopes[n * width + k] *= T(scale) * w
      }
      energies[i] += e
    }
    hidden.applyAdjoint(slopes, rows: count, into: gradient.row(0, first), adding: true)
  }
}
