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
  func addEnergies(
    of range: Range<Int>, features: Features<T>, scale: Double, energies: UnsafeMutablePointer<Double>,
    gradient: Features<T>,
    scratch: Workspace<T>
  ) {
    for i in range {
      let h = features.row(0, i)
      let dh = gradient.row(0, i)
      guard let hidden else {
        var e = 0.0
        for (c, w) in weights.enumerated() {
          e += Double(h[c]) * Double(w)
          dh[c] += T(scale) * w
        }
        energies[i] += e
        continue
      }
      let z = scratch.pointer
      hidden.apply(h, rows: 1, into: z)
      var e = 0.0
      for (n, w) in weights.enumerated() {
        let s = silu(Double(z[n]))
        e += s.value * Double(w)
        z[n] = T(scale * s.first * Double(w))
      }
      energies[i] += e
      hidden.applyAdjoint(z, rows: 1, into: dh, adding: true)
    }
  }
}
