// Densities along the normal of a pair of cell faces, in slices of the cell:
//
//   n_a(z) = N_a(slice) / (V / slices),      rho(z) = mass(slice) / (V / slices),      z = f h
//
// f is the wrapped fractional coordinate along the axis, h the mean distance between the faces. The other two axes must be
// periodic; along an open axis the slices go from the lowest atom of the first frame to the highest.

import Lattice

/// A lattice vector, named as in crystallography.
public enum Axis: String, Sendable, CaseIterable {
  case a, b, c
  var index: Int { self == .a ? 0 : self == .b ? 1 : 2 }
}

public struct DensityProfile: ResumableAccumulator {
  public let composition: Composition
  public let axis: Axis
  private let slices: Int
  /// Fractional coordinates of the first slice's lower end and of the last one's upper end.
  private let range: ClosedRange<Double>
  /// Each slice's mass in u and number of each element, over its volume; then the height of the whole.
  private var sums = BlockSums()

  private static let margin = 3.0
  private static let mostSlices = 1e5

  /// - Parameter width: about that of a slice, Angstrom.
  /// - Throws: `AnalysisError`.
  public init(_ composition: Composition, axis: Axis = .c, width: Double = 0.2) throws {
    let cell = composition.first.system.cell
    let others = (0..<3).filter { $0 != axis.index }
    guard others.allSatisfy({ cell.isPeriodic[$0] }) else {
      throw AnalysisError(
        "a density profile along \(axis.rawValue) needs an area, and another axis is open",
        help: "it has a meaning where the other two axes are periodic")
    }
    (self.composition, self.axis) = (composition, axis)
    if cell.isPeriodic[axis.index] {
      range = 0...1
    } else {
      let f = composition.first.system.positions.map { cell.fractional($0)[axis.index] }
      let margin = Self.margin / cell.heights[axis.index]
      range = ((f.min() ?? 0) - margin)...((f.max() ?? 0) + margin)
    }
    let length = (range.upperBound - range.lowerBound) * cell.heights[axis.index]
    guard length / width < Self.mostSlices else {
      throw AnalysisError(
        "a density profile of \(Int(Self.mostSlices)) slices or more", help: "take thicker ones: --slice",
        isUsage: true)
    }
    slices = max(1, Int((length / width).rounded()))
  }

  public func sample(_ frame: TrajectoryFrame) -> [Double] {
    let system = frame.system
    let kinds = composition.elements.count
    let span = range.upperBound - range.lowerBound
    let perVolume = Double(slices) / (system.cell.volume * span)
    var sums = [Double](repeating: 0, count: slices * (kinds + 1) + 1)
    for atom in 0..<system.count {
      var f = system.cell.fractional(system.positions[atom])[axis.index]
      if system.cell.isPeriodic[axis.index] { f -= f.rounded(.down) }
      let place = (f - range.lowerBound) / span * Double(slices)
      // Along an open axis atoms may leave what is looked at.
      guard place >= 0, place <= Double(slices) else { continue }
      let row = min(slices - 1, Int(place)) * (kinds + 1)
      sums[row] += system.masses[atom] * perVolume
      sums[row + 1 + composition.elementOfAtom[atom]] += perVolume
    }
    sums[slices * (kinds + 1)] = system.cell.heights[axis.index]
    return sums
  }

  public mutating func add(_ sample: [Double]) { sums.add(sample) }

  public var state: StateTree { sums.state }

  public mutating func restore(_ state: StateTree, frames: Int) throws {
    sums = try BlockSums(state, width: slices * (composition.elements.count + 1) + 1, frames: frames)
  }

  public func findings(_ conditions: Conditions) throws -> Findings {
    guard sums.frames > 0 else { throw AnalysisError.noFrames }
    let rows = composition.elements.count + 1
    let (mean, errors) = (sums.mean, sums.errors())
    let height = mean[slices * rows]
    let span = range.upperBound - range.lowerBound
    func column(_ values: [Double], _ row: Int, _ factor: Double) -> [Double] {
      (0..<slices).map { values[$0 * rows + row] * factor }
    }
    let places = (0..<slices).map { (range.lowerBound + (Double($0) + 0.5) * span / Double(slices)) * height }
    let density = column(mean, 0, Units.gramPerCubicCentimetre)
    var columns = [
      FindingTable.Column(axis.rawValue, unit: "Angstrom", places), .init("density", unit: "g cm-3", density),
    ]
    if let errors {
      columns.append(.init("density_error", unit: "g cm-3", column(errors, 0, Units.gramPerCubicCentimetre)))
    }
    for element in composition.elements.indices {
      columns.append(
        .init("n_\(composition.symbol(element))", unit: "Angstrom-3", column(mean, element + 1, 1)))
    }
    return Findings(
      .profile,
      numbers: [
        Finding("highest density", unit: "g cm-3", density.max() ?? 0),
        Finding("lowest density", unit: "g cm-3", density.min() ?? 0),
      ], tables: [FindingTable("profile", columns)])
  }
}
