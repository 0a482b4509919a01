// G as a matrix where wavevectors are many for the number of atoms: a molecule in a large cell, kernels much narrower
// than the cell. Ewald's split (doi:10.1002/andp.19213690304) takes a kernel whose width sigma' is of the order of the
// cell, which needs few wavevectors, and the rest from a few images:
//
//   G_sigma(r) = f [ sum_n s(|r + n A|) - 2 pi (sigma'^2 - sigma^2) / V ] + G_sigma'(r)
//   s(d)       = [erf(d/(sqrt2 sigma)) - erf(d/(sqrt2 sigma'))] / d  <  erfc(d/(sqrt2 sigma')) / d
//
// (of dispersion likewise, without a background) with f = 1, or V / 4 pi for `noVolume`, and every integer n, whatever axes are periodic (all count as periodic where
// any is). G_sigma' comes from `fillPeriodicKernel` with the wavevectors of the wider kernel. The result is the sum over
// all wavevectors: it lacks the cut at k_max of the other ways, which leaves out no more than their tolerance.
//
// Adjoint, with D = dE/dG + dE/dG^T and d = r_m - r_n + n A:
//   dE/dr_m      = f sum_n D_mn sum_images s'(d)/d d
//   dE/d(strain) = f/2 sum_mn D_mn sum_images s'(d)/d d (x) d, and as V changes
//                  + 1/2 sum_mn D_mn 2 pi (sigma'^2 - sigma^2) / V 1, or for `noVolume`
//                  + f/2 sum_mn D_mn sum_images s(d) 1
// The width sigma' is not a parameter of G: it may change from cell to cell.

import Foundation
import Kernels
import Lattice

extension ReciprocalKernel {
  /// The wider kernels sigma' of the split in a cell; where sigma is as wide, there is nothing to split.
  ///
  /// At a seventh of the cell's size 1,200 wavevectors and five images cost about the same.
  func widened(in cell: Cell) -> ReciprocalKernel {
    var wide = self
    let width = cbrt(cell.volume) / 7
    wide.sigmas = sigmas.map { max($0, width) }
    wide.tolerance = min(tolerance, 1e-12)
    return wide
  }

  /// Distance beyond which s(d) is below the tolerance of the wider kernel: exp(-R^2 / 2 sigma'^2) = tolerance.
  func reach(sigma: Double) -> Double { (2 * log(1 / tolerance)).squareRoot() * sigma }
}

/// The images of a displacement within a distance.
private struct Images {
  private let vectors: Matrix3
  private let inverse: Matrix3
  private let reach: Vector3
  private let square: Double

  init(in cell: Cell, within distance: Double) {
    vectors = cell.vectors
    inverse = cell.inverse
    reach = Vector3(repeating: distance) / cell.heights
    square = distance * distance
  }

  /// Calls `body` with every d + n A that is short enough, and its square: |f_a + n_a| h_a <= |d + n A|.
  @inline(__always)
  func forEach(of d: Vector3, _ body: (_ d: Vector3, _ square: Double) -> Void) {
    let f = d * inverse
    let (first, last) = ((-f - reach).rounded(.up), (-f + reach).rounded(.down))
    var x = first.x
    while x <= last.x {
      var y = first.y
      while y <= last.y {
        var image = d + Vector3(x, y, first.z) * vectors
        var z = first.z
        while z <= last.z {
          let distance = dot(image, image)
          if distance <= square { body(image, distance) }
          image += vectors.z
          z += 1
        }
        y += 1
      }
      x += 1
    }
  }
}

extension ReciprocalKernel {
  /// Of one pair in the cell that chooses, in the units of `ReciprocalAttention.cheapest`.
  func splitCost(in chooser: Cell) -> Double {
    let wide = widened(in: chooser)
    let wavevectors = KGrid.estimate(cell: chooser, kernel: wide).kept
    let reach = Vector3(repeating: wide.reach(sigma: wide.sigmas.min() ?? 1)) / chooser.heights
    let images = (2 * reach.x + 1) * (2 * reach.y + 1) * (2 * reach.z + 1)
    return 4 * wavevectors + 1_000 * images
  }
}

extension PairMatrix {
  /// f, and f 2 pi (sigma'^2 - sigma^2) / V of kernel j; the mean of dispersion is among the wider kernel's weights.
  private func splitFactors(_ waveKernel: ReciprocalKernel, kernel j: Int) -> (
    factor: Double, background: Double
  ) {
    guard kernel.tails[j] == .coulomb else { return (1, 0) }
    let difference = waveKernel.sigmas[j] * waveKernel.sigmas[j] - kernel.sigmas[j] * kernel.sigmas[j]
    return kernel.weight == .noVolume
      ? (cell.volume / (4 * .pi), difference / 2) : (1, 2 * .pi * difference / cell.volume)
  }

  /// s and s'(d)/d.
  @inline(__always)
  private func split(
    _ square: Double, _ waveKernel: ReciprocalKernel, _ j: Int
  ) -> (value: Double, slope: Double) {
    let (a, b) = (kernel.free(j, distanceSquared: square), waveKernel.free(j, distanceSquared: square))
    return (a.value - b.value, a.slopeOverDistance - b.slopeOverDistance)
  }

  /// Adds f [sum over images of s - background] to rows of the lower triangle.
  func addImages(
    to g: UnsafeMutablePointer<T>, _ waveKernel: ReciprocalKernel, rows: Range<Int>, kernel j: Int
  ) {
    let (n, wide) = (atomCount, waveKernel.sigmas[j])
    guard wide > kernel.sigmas[j] else { return }
    let images = Images(in: cell, within: waveKernel.reach(sigma: wide))
    let (factor, background) = splitFactors(waveKernel, kernel: j)
    positions.withUnsafeBufferPointer { positions in
      for m in rows {
        for other in 0...m {
          var sum = 0.0
          images.forEach(of: positions[m] - positions[other]) { _, square in
            sum += split(square, waveKernel, j).value
          }
          g[m * n + other] += T(factor * sum - background)
        }
      }
    }
  }

  /// Adds what images do to dE/dr and dE/d(strain), from D.
  func addImageGradients(
    _ gradient: UnsafePointer<T>, _ waveKernel: ReciprocalKernel, kernel j: Int,
    to sums: UnsafeMutablePointer<Double>, strain: inout Matrix3
  ) {
    let (n, wide) = (atomCount, waveKernel.sigmas[j])
    guard wide > kernel.sigmas[j] else { return }
    let images = Images(in: cell, within: waveKernel.reach(sigma: wide))
    let (factor, background) = splitFactors(waveKernel, kernel: j)
    let hasVolume = kernel.weight != .noVolume
    let partials = imageStrains.reserve(threads)
    imageStrains.fill(.zero, count: threads)
    parallel(threads: threads, count: n) { thread, rows in
      var strain = Matrix3.zero
      positions.withUnsafeBufferPointer { positions in
        for m in rows {
          var force = Vector3.zero
          for other in 0..<n {
            let pull = Double(gradient[m * n + other])
            var (pressure, dyad, sum) = (0.0, Matrix3.zero, Vector3.zero)
            images.forEach(of: positions[m] - positions[other]) { d, square in
              let (value, slope) = split(square, waveKernel, j)
              pressure += value
              let scaled = d * slope
              sum += scaled
              dyad += Matrix3(d.x * scaled, d.y * scaled, d.z * scaled)
            }
            force += sum * (factor * pull)
            let trace = hasVolume ? background : factor * pressure
            strain += (dyad * factor + Matrix3.identity * trace) * (0.5 * pull)
          }
          for axis in 0..<3 { sums[axis * n + m] += force[axis] }
        }
      }
      partials[thread] = strain
    }
    for thread in 0..<threads { strain += partials[thread] }
  }
}
