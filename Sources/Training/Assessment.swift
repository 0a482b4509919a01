// How good a potential is in the end: errors by file and by element, the worst frames by name, and the numbers behind the
// parity plots.

import Foundation
import Lattice

public struct Assessment: Sendable {
  /// A frame and how far it is off.
  public struct FrameError: Sendable {
    /// `water, frame 3`.
    public let place: String
    /// (E - E_ref)/N, eV.
    public let energy: Double?
    /// RMSE of the components of its forces, and the largest |F - F_ref|, eV/Angstrom.
    public let forceRMSE: Double?
    public let largestForceError: Double?
  }

  /// A label and what was predicted for it.
  public struct Pair: Sendable {
    public let label: Double
    public let prediction: Double
  }

  /// Errors of the frames of each file, in the order of the files.
  public private(set) var files: [(name: String, frames: Int, errors: ErrorSums)]
  public private(set) var total = ErrorSums()
  /// Errors of the forces on atoms of each element, by atomic number.
  public private(set) var elements: [Int: ErrorSum] = [:]
  public private(set) var frames: [FrameError] = []
  /// (E - sum E0)/N of each frame, eV.
  public private(set) var energies: [Pair] = []
  /// Components of forces by atomic number, eV/Angstrom: of every atom, or of evenly chosen ones.
  public private(set) var forces: [Int: [Pair]] = [:]

  /// Components of forces of one element that a plot shows.
  public static let mostPairs = 3000

  /// Predicts all frames of `data` at the present parameters of `potential`.
  /// - Parameters:
  ///   - isolated: energies of free atoms, taken off the energies of the plots.
  ///   - interruption: asked between frames.
  /// - Returns: nil where it was interrupted.
  public init?(
    of potential: any TrainablePotential, on frames: [LabelledFrame], of data: LabelledData,
    isolated: IsolatedEnergies, until interruption: () -> Bool = { false }
  ) throws {
    files = data.files.map { ($0.name, 0, ErrorSums()) }
    var components: [Int: Int] = [:]
    for frame in frames {
      for z in frame.labels.forces == nil ? [] : frame.system.atomicNumbers { components[z, default: 0] += 3 }
    }
    // Every n-th component of an element is shown.
    let strides = components.mapValues { max(1, ($0 + Self.mostPairs - 1) / Self.mostPairs) }
    var seen: [Int: Int] = [:]
    let isWhole = try potential.forEachPrediction(of: frames, until: interruption) { prediction, frame in
      add(prediction, frame, place: data.place(of: frame), isolated: isolated, strides, &seen)
    }
    if !isWhole { return nil }
  }

  private mutating func add(
    _ prediction: Prediction, _ frame: LabelledFrame, place: String, isolated: IsolatedEnergies,
    _ strides: [Int: Int], _ seen: inout [Int: Int]
  ) {
    total.add(prediction, frame)
    files[frame.file].frames += 1
    files[frame.file].errors.add(prediction, frame)
    let (system, labels) = (frame.system, frame.labels)
    let count = Double(system.count)
    var own = ErrorSum()
    var largest = 0.0
    for (i, label) in (labels.forces ?? []).enumerated() {
      let z = system.atomicNumbers[i]
      let error = prediction.forces[i] - label
      largest = max(largest, length(error))
      for axis in 0..<3 {
        own.add(error[axis])
        elements[z, default: ErrorSum()].add(error[axis])
        if seen[z, default: 0].isMultiple(of: strides[z] ?? 1) {
          forces[z, default: []].append(Pair(label: label[axis], prediction: prediction.forces[i][axis]))
        }
        seen[z, default: 0] += 1
      }
    }
    if let label = labels.energy {
      let free = isolated.sum(over: system)
      energies.append(
        Pair(label: (label - free) / count, prediction: (prediction.energy - free) / count))
    }
    frames.append(
      FrameError(
        place: place, energy: labels.energy.map { (prediction.energy - $0) / count }, forceRMSE: own.rmse,
        largestForceError: labels.forces == nil ? nil : largest))
  }

  /// The frames whose forces are furthest off, or whose energies where there are no forces.
  public func worst(_ count: Int) -> [FrameError] {
    Array(frames.sorted { measure($0) > measure($1) }.prefix(count))
  }

  private func measure(_ frame: FrameError) -> Double { frame.forceRMSE ?? abs(frame.energy ?? 0) }

  /// By file and by element, for a terminal.
  public var table: String {
    let header = [
      ["", "frames", "energy MAE", "RMSE", "forces MAE", "RMSE", "stress MAE", "RMSE"],
      ["", "", "meV/atom", "", "meV/A", "", "meV/A^3", ""],
    ]
    func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0 * 1e3) } ?? "-" }
    func cells(_ sum: ErrorSum) -> [String] { [number(sum.mae), number(sum.rmse)] }
    func row(_ name: String, _ frames: Int, _ errors: ErrorSums) -> [String] {
      [name, "\(frames)"] + cells(errors.energy) + cells(errors.forces) + cells(errors.stress)
    }
    let byFile = files.filter { $0.frames > 0 }.map { row($0.name, $0.frames, $0.errors) }
    let byElement = elements.sorted { $0.key < $1.key }.map { z, sum in
      ["forces on \(Elements.symbol(z) ?? "?")", "", "", ""] + cells(sum) + ["", ""]
    }
    let all = byFile.count > 1 ? [row("all", frames.count, total)] : []
    return alignedTable(header + byFile + all + byElement, rightAligned: Set(1...7))
  }

  /// `energy 0.350 meV/atom, forces 25.0 meV/Angstrom (MAE over 30 frames)`.
  public var summary: String { total.summary(frames: frames.count) }
}

extension ErrorSums {
  /// Mean absolute errors in words.
  public func summary(frames: Int) -> String {
    let parts = [
      energy.mae.map { String(format: "energy %.3f meV/atom", $0 * 1e3) },
      forces.mae.map { String(format: "forces %.2f meV/Angstrom", $0 * 1e3) },
      stress.mae.map { String(format: "stress %.3f meV/Angstrom^3", $0 * 1e3) },
    ].compactMap { $0 }
    return parts.joined(separator: ", ") + " (MAE over \(frames) frames)"
  }
}
