// One line for each epoch: for a program as tab-separated values, for a person as they come.
//
//   errors are MAE and RMSE as in ErrorSums; those of training over the predictions of its steps, at the weights that each
//   met; those of validation over the frames held back, at the averaged weights at the end of the epoch

import Foundation
import Trajectory

public enum TrainingTable {
  /// meV in an eV.
  private static let milli = 1e3

  private static let quantities: [(name: String, unit: String, of: @Sendable (ErrorSums) -> ErrorSum)] = [
    ("energy", "meV/atom", { $0.energy }), ("forces", "meV/Angstrom", { $0.forces }),
    ("stress", "meV/Angstrom^3", { $0.stress }),
  ]

  // MARK: - For a program

  /// The first is the epoch.
  public static let columns: [LogTable.Column] =
    [
      .init(name: "epoch", unit: "1"), .init(name: "step", unit: "1"), .init(name: "rate", unit: "1"),
      .init(name: "train_loss", unit: "1"),
    ] + errorColumns("train") + [.init(name: "valid_loss", unit: "1")] + errorColumns("valid")

  private static func errorColumns(_ set: String) -> [LogTable.Column] {
    quantities.flatMap { quantity in
      ["mae", "rmse"].map { .init(name: "\(set)_\(quantity.name)_\($0)", unit: quantity.unit) }
    }
  }

  /// Values of the columns after the first; `nan` where there is nothing to compare with.
  public static func values(of record: EpochRecord) -> [Double] {
    func errors(_ sums: ErrorSums) -> [Double] {
      quantities.flatMap { quantity in
        let sum = quantity.of(sums)
        return [sum.mae, sum.rmse].map { ($0 ?? .nan) * milli }
      }
    }
    return [Double(record.step), record.rate, record.loss] + errors(record.train)
      + [record.validLoss ?? .nan] + errors(record.valid)
  }

  // MARK: - For a person

  /// Three lines above the first.
  public static func header(hasStress: Bool) -> String {
    let errors = block("energy", "forces", hasStress ? "stress" : nil)
    let units = block("meV/atom", "meV/A", hasStress ? "meV/A^3" : nil)
    let kinds = block("MAE   RMSE", "MAE   RMSE", hasStress ? "MAE   RMSE" : nil)
    let width = errors.count
    return [
      pad("", 15) + "  " + pad("train: " + "energies per atom, components", width) + "  "
        + pad("held back, averaged weights", width),
      pad("epoch", 6) + pad("loss", 9) + "  " + errors + "  " + errors + "   rate      time left",
      pad("", 15) + "  " + units + "  " + units, pad("", 15) + "  " + kinds + "  " + kinds,
    ].map(trimmed).joined(separator: "\n")
  }

  /// - Parameter left: time to the last epoch, in words.
  public static func row(_ record: EpochRecord, hasStress: Bool, isBest: Bool, left: String) -> String {
    func errors(_ sums: ErrorSums) -> String {
      block(pair(sums.energy), pair(sums.forces), hasStress ? pair(sums.stress) : nil)
    }
    return trimmed(
      pad("\(record.epoch)", 6) + " " + pad(Self.loss(record.loss), 8) + "  " + errors(record.train)
        + "  " + errors(record.valid) + "   " + pad(String(format: "%.2e", record.rate), 8, isRight: false)
        + "  " + pad(left, 7) + (isBest ? "  best" : ""))
  }

  /// Eight characters for losses that are met.
  private static func loss(_ value: Double) -> String {
    String(format: value == 0 || (1e-3..<1e4).contains(abs(value)) ? "%.4g" : "%.2e", value)
  }

  private static func pair(_ sum: ErrorSum) -> String {
    guard let mae = sum.mae, let rmse = sum.rmse else { return "-" }
    return number(mae * milli) + " " + pad(number(rmse * milli), 6)
  }

  private static func number(_ value: Double) -> String {
    String(format: value < 10 ? "%.3f" : value < 1000 ? "%.1f" : value < 1e6 ? "%.0f" : "%.0e", value)
  }

  private static func block(_ energy: String, _ forces: String, _ stress: String?) -> String {
    ([energy, forces] + (stress.map { [$0] } ?? [])).map { pad($0, 14) }.joined(separator: " ")
  }

  private static func pad(_ text: String, _ width: Int, isRight: Bool = true) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return isRight ? blanks + text : text + blanks
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }
}
