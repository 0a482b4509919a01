// What a person sees of the data before training: for each file frames, atoms, elements, labels and their means.
//
//   file    frames  atoms  elements  labels              E - E0       largest |F|  shortest r
//                                                        eV/atom      eV/A         A
//   water      300  192    H O       energy forces       -4.8212            3.912       0.921

import Foundation
import Lattice

public struct LabelTable: Sendable {
  struct Row: Sendable {
    let name: String
    let frames: Int
    let atoms: ClosedRange<Int>
    let elements: String
    /// Names under which labels were found, with the number of frames that have them where not all do.
    let labels: String
    /// Mean over frames of (E - sum E0) / N, eV.
    let binding: Double?
    /// eV/Angstrom.
    let largestForce: Double?
    /// Angstrom.
    let shortestDistance: Double?
    let weight: Double
    let labelWeights: LabelWeights

    /// `3, energy 0`.
    var weightText: String {
      let labels = [
        ("energy", labelWeights.energy), ("forces", labelWeights.forces), ("stress", labelWeights.stress),
      ].filter { $0.1 != 1 }
      return ([String(format: "%g", weight)] + labels.map { String(format: "\($0) %g", $1) })
        .joined(separator: ", ")
    }
  }
  let rows: [Row]

  /// - Throws: `FileError` for atoms on one spot.
  public init(_ data: LabelledData, demands: DataDemands, isolated: IsolatedEnergies) throws {
    let distances = try data.requireDistances(demands)
    rows = data.files.indices.map { file in
      let own = data.frames.indices.filter { data.frames[$0].file == file }
      let frames = own.map { data.frames[$0] }
      let counts = frames.map(\.system.count)
      let elements = Set(frames.flatMap(\.system.atomicNumbers)).sorted()
      let found = data.names[file]
      let kinds: [(name: String?, count: Int)] = [
        (found.energy, frames.count { $0.labels.energy != nil }),
        (found.forces, frames.count { $0.labels.forces != nil }),
        (found.stress ?? found.virial, frames.count { $0.labels.stress != nil }),
        (found.charge, frames.count { $0.charge != nil }), (found.weight, frames.count),
        (found.energyWeight, frames.count), (found.forcesWeight, frames.count),
        (found.stressWeight, frames.count),
      ]
      let labels = kinds.compactMap { kind in
        kind.name.map { kind.count == frames.count ? $0 : "\($0) (\(kind.count))" }
      }
      let bindings = frames.compactMap { frame in
        frame.labels.energy.map { ($0 - isolated.sum(over: frame.system)) / Double(frame.system.count) }
      }
      return Row(
        name: data.files[file].name, frames: frames.count,
        atoms: (counts.min() ?? 0)...(counts.max() ?? 0),
        elements: elements.compactMap(Elements.symbol).joined(separator: " "),
        labels: labels.joined(separator: " "),
        binding: bindings.isEmpty ? nil : bindings.reduce(0, +) / Double(bindings.count),
        largestForce: frames.compactMap(\.labels.forces).flatMap { $0.map(length) }.max(),
        shortestDistance: own.compactMap { distances[$0] }.min(), weight: data.files[file].weight,
        labelWeights: data.files[file].labelWeights)
    }
  }

  /// For a terminal.
  public var text: String {
    func number(_ value: Double?, _ format: String) -> String {
      value.map { String(format: format, $0) } ?? "-"
    }
    let header = [
      ["file", "frames", "atoms", "elements", "weight", "E - E0", "largest |F|", "shortest r", "labels"],
      ["", "", "", "", "", "eV/atom", "eV/A", "A", ""],
    ]
    let cells = rows.map { row in
      [
        row.name, "\(row.frames)",
        row.atoms.count == 1 ? "\(row.atoms.lowerBound)" : "\(row.atoms.lowerBound)-\(row.atoms.upperBound)",
        row.elements, row.weightText, number(row.binding, "%.4f"),
        number(row.largestForce, "%.3f"), number(row.shortestDistance, "%.3f"), row.labels,
      ]
    }
    return alignedTable(header + cells, rightAligned: [1, 4, 5, 6, 7])
  }
}

/// Rows as text, each column as wide as its widest cell, two blanks between.
func alignedTable(_ rows: [[String]], rightAligned: Set<Int>) -> String {
  let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
    rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    var line = row.enumerated().map { column, cell in
      let blanks = String(repeating: " ", count: widths[column] - cell.count)
      return rightAligned.contains(column) ? blanks + cell : cell + blanks
    }.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line
  }.joined(separator: "\n")
}
