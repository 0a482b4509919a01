import Foundation
import Lattice
import Testing

@testable import Reciprocal

/// Electrostatic potential energy of Gaussian-smeared sources by reciprocal attention, plus the short-ranged
/// rest of point charges summed in real space: Ewald's energy, in units of charge^2 / Angstrom.
private func ewaldEnergy(
  positions: [Vector3], charges: [Double], cell: Cell, sigma: Double, method: AttentionMethod? = nil
) throws -> Double {
  let ones = [Double](repeating: 1, count: charges.count)
  var potential = ones
  let attention = PlannedAttention<Double>(
    kernel: ReciprocalKernel(sigmas: [sigma], tolerance: 1e-14), heads: 1, width: 1, layers: 1,
    method: method)
  try attention.prepare(positions: positions, cell: cell)
  attention.sum.forward(layer: 0, filter: [1], q: ones, k: ones, v: charges, u: &potential)
  var energy = zip(potential, charges).reduce(0) { $0 + $1.0 * $1.1 / 2 }
  let images = 6
  for (m, n) in charges.indices.flatMap({ m in charges.indices.map { (m, $0) } }) {
    for x in -images...images {
      for y in -images...images {
        for z in -images...images where m != n || (x, y, z) != (0, 0, 0) {
          let d = positions[m] - positions[n] - Vector3(Double(x), Double(y), Double(z)) * cell.vectors
          let r = dot(d, d).squareRoot()
          energy += charges[m] * charges[n] / 2 * erfc(r / (2.0.squareRoot() * sigma)) / r
        }
      }
    }
  }
  return energy
}

/// One ion pair in its primitive cell; `madelung` refers to the length that is 1 here.
private struct Crystal: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let cell: Cell
  let anion: Vector3
  let madelung: Double

  /// Nearest-neighbour distance 1.
  static let rockSalt = Crystal(
    testDescription: "rock salt", cell: Cell(vectors: Matrix3([0, 1, 1], [1, 0, 1], [1, 1, 0])),
    anion: [1, 1, 1],
    madelung: 1.7475645946)
  /// Lattice constant 1; the constant per nearest-neighbour distance is 1.7626747731 (OEIS A181152).
  static let caesiumChloride = Crystal(
    testDescription: "caesium chloride", cell: Cell(vectors: .identity), anion: [0.5, 0.5, 0.5],
    madelung: 2 / 3.0.squareRoot() * 1.7626747731)
  /// Nearest-neighbour distance 1.
  static let zincblende = Crystal(
    testDescription: "zincblende",
    cell: Cell(vectors: Matrix3([0, 1, 1], [1, 0, 1], [1, 1, 0]) * (2 / 3.0.squareRoot())),
    anion: Vector3(repeating: 1 / 3.0.squareRoot()), madelung: 1.6380550533)
}

@Test(arguments: [Crystal.rockSalt, .caesiumChloride, .zincblende])
private func madelungConstant(of crystal: Crystal) throws {
  for sigma in [0.3, 0.4] {
    let energy = try ewaldEnergy(
      positions: [.zero, crystal.anion], charges: [1, -1], cell: crystal.cell, sigma: sigma)
    #expect(abs(energy + crystal.madelung) < 2e-10)
  }
}

/// Charges so narrow that nothing is left to sum in real space; a million wavevectors without the split.
@Test(arguments: [Crystal.rockSalt, .caesiumChloride, .zincblende])
private func madelungConstantOfNearlyPointCharges(in crystal: Crystal) throws {
  let energy = try ewaldEnergy(
    positions: [.zero, crystal.anion], charges: [1, -1], cell: crystal.cell, sigma: 0.02, method: .ewald)
  #expect(abs(energy + crystal.madelung) < 2e-10)
}

/// 60 Angstrom by wavevectors, the others by the split that only large cells take.
@Test(arguments: [60, 200, 1000, 10_000]) func kernelOfALargeCellIsThePotentialOfAGaussian(edge: Double)
  throws
{
  let kernel = ReciprocalKernel(sigmas: [2])
  let cell = Cell(vectors: .identity * edge)
  let distances = [0.0, 1, 3, 6]
  func kernelRow(cell: Cell) throws -> [Double] {
    let ones = [Double](repeating: 1, count: distances.count)
    return try distances.indices.map { index in
      var sources = [Double](repeating: 0, count: distances.count)
      sources[index] = 1
      var u = ones
      let attention = PlannedAttention<Double>(kernel: kernel, heads: 1, width: 1, layers: 1)
      try attention.prepare(positions: distances.map { [$0, 0, 0] }, cell: cell)
      #expect((attention.plan?.method == .ewald) == (cell.hasPeriodicAxis && edge > 100))
      attention.sum.forward(layer: 0, filter: [1], q: ones, k: ones, v: sources, u: &u)
      return u[0]
    }
  }
  let (periodic, free) = try (kernelRow(cell: cell), kernelRow(cell: .free))
  #expect(free[0] == 0 && abs(free[2] - erf(3 / (2 * 2.0.squareRoot())) / 3) < 1e-15)
  // The lattice of images and the neutralising background shift G by -2.8372974795 / edge (simple cubic),
  // up to terms of order r^4 / edge^5; the sum over wavevectors ends where they count 1e-7.
  for (index, r) in distances.enumerated() {
    let shift = -2.8372974795 / edge
    let background = 2 * Double.pi * 4 / (edge * edge * edge)
    let difference = periodic[index] - free[index] - shift - background - 2 * .pi / 3 * r * r / pow(edge, 3)
    #expect(abs(difference) < (edge > 100 ? 3e-8 * pow(200 / edge, 4) + 1e-12 : 1e-5))
  }
}

@Test func freeKernelIsSmoothWhereTheSeriesMeetsTheFormula() {
  let sigma = 1.7
  for x in stride(from: 0.01, to: 1, by: 0.01) {
    let r = x * 2.0.squareRoot() * sigma
    let (value, slope) = freeKernel(distanceSquared: r * r, sigma: sigma)
    let exact = erf(x) / r
    #expect(abs(value - exact) < 1e-15 * exact * 4)
    let h = 1e-3
    func g(_ r: Double) -> Double { erf(r / (2.0.squareRoot() * sigma)) / r }
    if r > 0.05 {
      let derivative = (8 * (g(r + h) - g(r - h)) - (g(r + 2 * h) - g(r - 2 * h))) / (12 * h)
      #expect(abs(slope * r - derivative) < 1e-11)
    }
  }
  let (value, slope) = freeKernel(distanceSquared: 0, sigma: sigma)
  #expect(abs(value - (2 / Double.pi).squareRoot() / sigma) < 1e-16)
  #expect(abs(slope + value / (3 * sigma * sigma)) < 1e-16)
}

/// |k| of a cell so large that an absolute measure of length would call all of them equal.
@Test func wavevectorsOfACellFollowItsShapeWhateverItsSize() {
  for cell in Cell.triclinic {
    for weight in KernelWeight.allCases {
      let kernel = ReciprocalKernel(sigmas: [1.5, 1.1], weight: weight)
      let grid = KGrid(cell: cell, kernel: kernel)
      for size in [1e3, 1e8, 1e60] {
        let wide = ReciprocalKernel(sigmas: kernel.sigmas.map { $0 * size }, weight: weight)
        let scaled = KGrid(cell: Cell(vectors: cell.vectors * size), kernel: wide)
        #expect(scaled.integers == grid.integers && scaled.counts == grid.counts, "\(weight), \(size)")
      }
    }
  }
}

@Test func halfSpaceHoldsOneOfEveryPairWithinTheCutoff() {
  for cell in Cell.triclinic {
    let kernel = ReciprocalKernel(sigmas: [1.5, 1.1])
    let grid = KGrid(cell: cell, kernel: kernel)
    let chosen = Set(grid.integers)
    #expect(chosen.count == grid.integers.count)
    for (j, sigma) in kernel.sigmas.enumerated() {
      let prefix = Set(grid.integers.prefix(grid.counts[j]))
      let limit = 15
      for x in -limit...limit {
        for y in -limit...limit {
          for z in -limit...limit where (x, y, z) != (0, 0, 0) {
            let k = Vector3(Double(x), Double(y), Double(z)) * cell.reciprocal
            let isInside = dot(k, k) <= pow(kernel.cutoff(sigma: sigma), 2)
            let isPositive = x > 0 || (x == 0 && (y > 0 || (y == 0 && z > 0)))
            #expect(prefix.contains(SIMD3(x, y, z)) == (isInside && isPositive))
          }
        }
      }
    }
  }
}
