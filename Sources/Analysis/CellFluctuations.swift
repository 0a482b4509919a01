// The cell and its fluctuations at constant pressure: lengths, angles, volume, and the elastic response
// (Parrinello and Rahman, doi:10.1063/1.443248):
//
//   K_T = k_B T <V> / (<V^2> - <V>^2)
//   e = 1/2 (A0^-1 A A^T A0^-T - 1),   S_ij = <V> (<e_i e_j> - <e_i><e_j>) / (k_B T),   C = S^-1
//
// A0 = <A>, rows of A are the lattice vectors, so that r = f A; e in Voigt's order xx yy zz yz xz xy with doubled shears.

import Foundation
import Lattice

public struct CellFluctuations: ResumableAccumulator {
  public let composition: Composition
  private var cells: [Matrix3] = []

  /// Relative change of a length that is no rounding of the file's.
  private static let least = 1e-5
  /// Strains whose variance is less than this share of the largest are not let free by the barostat.
  private static let freedom = 1e-6
  /// One eV/Angstrom^3 in GPa.
  static let gigapascal = Units.bar * 1e-4

  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition) throws {
    try composition.requireVolume(for: "an average cell")
    self.composition = composition
  }

  public func sample(_ frame: TrajectoryFrame) -> Matrix3 { frame.system.cell.vectors }
  public mutating func add(_ sample: Matrix3) { cells.append(sample) }

  public var state: StateTree { ["cells": .vectors(cells.flatMap { [$0.x, $0.y, $0.z] })] }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    let rows = try state.read { try $0.vectors("cells", count: 3 * frames) }
    cells = (0..<frames).map { Matrix3(rows[3 * $0], rows[3 * $0 + 1], rows[3 * $0 + 2]) }
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard let first = cells.first else { throw AnalysisError.noFrames }
    let interval = conditions.interval
    let volumes = cells.map { abs($0.determinant) }
    guard cells.contains(where: { Self.differ($0, first) }) else {
      return Findings(
        .cell, numbers: [Finding("volume", unit: "Angstrom3", volumes[0], error: 0)],
        notes: ["the cell did not change"])
    }
    var numbers = [Finding("volume", unit: "Angstrom3", meanOf: volumes, interval: interval)]
    for (axis, name) in ["a", "b", "c"].enumerated() {
      numbers.append(
        Finding(name, unit: "Angstrom", meanOf: cells.map { length($0[axis]) }, interval: interval))
    }
    for (axis, name) in ["alpha", "beta", "gamma"].enumerated() {
      let angles = cells.map { Self.angle($0[(axis + 1) % 3], $0[(axis + 2) % 3]) }
      numbers.append(Finding(name, unit: "degree", meanOf: angles, interval: interval))
    }
    let temperature = try conditions.requireTemperature(for: "the response of the cell")
    let thermal = Units.boltzmann * temperature
    func modulus(_ frames: [Int]) -> Double {
      let (mean, square) = Self.moments(frames.map { volumes[$0] })
      return thermal * mean / square * Self.gigapascal
    }
    let all = Array(cells.indices)
    numbers.append(
      Finding(
        "bulk modulus", unit: "GPa", modulus(all), error: Jackknife.error(frames: cells.count, modulus),
        note: String(
          format: "isothermal, from the volume's fluctuations, n_eff %.0f",
          BlockedMean(Self.squares(volumes)).effectiveCount)))
    var notes: [String] = []
    let strains = self.strains(all)
    let covariance = Self.covariance(strains)
    if let constants = Self.elastic(covariance, scale: Self.moments(volumes).mean / thermal) {
      func constant(_ i: Int, _ j: Int, _ frames: [Int]) -> Double {
        let mean = Self.moments(frames.map { volumes[$0] }).mean
        let found = Self.elastic(Self.covariance(self.strains(frames)), scale: mean / thermal)
        return (found?[i][j] ?? .nan) * Self.gigapascal
      }
      for i in 0..<6 {
        for j in i..<6 {
          numbers.append(
            Finding(
              "C\(i + 1)\(j + 1)", unit: "GPa", constants[i][j] * Self.gigapascal,
              error: Jackknife.error(frames: cells.count) { constant(i, j, $0) }))
        }
      }
    } else {
      notes.append(
        "elastic constants need a cell whose six strains are free: barostat `mtk` with `coupling: triclinic`")
    }
    return Findings(.cell, numbers: numbers, notes: notes)
  }

  private static func differ(_ a: Matrix3, _ b: Matrix3) -> Bool {
    (0..<3).contains { length(a[$0] - b[$0]) > least * length(b[$0]) }
  }

  private static func angle(_ a: Vector3, _ b: Vector3) -> Double {
    acos(min(1, max(-1, dot(a, b) / (length(a) * length(b))))) * 180 / .pi
  }

  /// Mean and variance.
  private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
  }

  private static func squares(_ values: [Double]) -> [Double] {
    let mean = moments(values).mean
    return values.map { ($0 - mean) * ($0 - mean) }
  }

  /// Voigt strains of frames about their mean cell.
  private func strains(_ frames: [Int]) -> [[Double]] {
    let mean = frames.reduce(into: Matrix3.zero) { $0 += cells[$1] } * (1 / Double(frames.count))
    let inverse = mean.inverse
    return frames.map { frame in
      let deformation = inverse * cells[frame]
      let e = (deformation * deformation.transposed - .identity) * 0.5
      return [e.x.x, e.y.y, e.z.z, 2 * e.y.z, 2 * e.x.z, 2 * e.x.y]
    }
  }

  private static func covariance(_ strains: [[Double]]) -> [[Double]] {
    let count = Double(strains.count)
    let means = (0..<6).map { i in strains.reduce(0) { $0 + $1[i] } / count }
    return (0..<6).map { i in
      (0..<6).map { j in strains.reduce(0) { $0 + ($1[i] - means[i]) * ($1[j] - means[j]) } / count }
    }
  }

  /// C = (scale covariance)^-1 in eV/Angstrom^3; nil where a strain is not free, or two are tied to each other.
  static func elastic(_ covariance: [[Double]], scale: Double) -> [[Double]]? {
    guard let inverse = inverse(ofPositive: covariance, freedom: freedom) else { return nil }
    return inverse.map { $0.map { $0 / scale } }
  }

  /// By Cholesky's factors; nil where one of its pivots is less than `freedom` times the largest variance.
  private static func inverse(ofPositive matrix: [[Double]], freedom: Double) -> [[Double]]? {
    let n = matrix.count
    let least = freedom * ((0..<n).map { matrix[$0][$0] }.max() ?? 0)
    var lower = matrix.map { $0.map { _ in 0.0 } }
    for i in 0..<n {
      for j in 0...i {
        let rest = matrix[i][j] - (0..<j).reduce(0) { $0 + lower[i][$1] * lower[j][$1] }
        guard i == j else {
          lower[i][j] = rest / lower[j][j]
          continue
        }
        guard rest > least else { return nil }
        lower[i][i] = rest.squareRoot()
      }
    }
    // L y = e_c, then L^T x = y.
    let columns = (0..<n).map { column in
      var x = (0..<n).map { $0 == column ? 1.0 : 0 }
      for i in 0..<n { x[i] = (x[i] - (0..<i).reduce(0) { $0 + lower[i][$1] * x[$1] }) / lower[i][i] }
      for i in (0..<n).reversed() {
        x[i] = (x[i] - (i + 1..<n).reduce(0) { $0 + lower[$1][i] * x[$1] }) / lower[i][i]
      }
      return x
    }
    return columns
  }
}
