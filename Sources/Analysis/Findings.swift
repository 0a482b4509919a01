// What an analysis has found, for a person, a table and a program: numbers with their errors, and curves.

import Foundation

/// A number with what is known of its error.
public struct Finding: Sendable, Codable, Equatable {
  public let name: String
  public let unit: String
  /// Nil for what could not be computed.
  public let value: Double?
  /// One standard error; nil where there is too little to tell.
  public let error: Double?
  /// Autocorrelation time in fs, and the number of independent samples that the frames are worth; of means alone.
  public let correlationTime: Double?
  public let effectiveSamples: Double?
  /// What a reader must know to believe it.
  public let note: String?

  init(_ name: String, unit: String, _ value: Double, error: Double? = nil, note: String? = nil) {
    (self.name, self.unit, self.note) = (name, unit, note)
    self.value = value.isFinite ? value : nil
    self.error = error.flatMap { $0.isFinite ? $0 : nil }
    (correlationTime, effectiveSamples) = (nil, nil)
  }

  /// The mean of a series whose values are `interval` fs apart; nil where that is not known.
  init(_ name: String, unit: String, meanOf series: [Double], interval: Double?, note: String? = nil) {
    let mean = BlockedMean(series)
    self.name = name
    self.unit = unit
    value = mean.mean.isFinite ? mean.mean : nil
    error = mean.error
    correlationTime = interval.map(mean.correlationTime)
    effectiveSamples = mean.effectiveCount
    let short = mean.isResolved ? nil : "the error is a lower bound: too few frames for their correlation"
    self.note = [note, short].compactMap { $0 }.joined(separator: "; ").nonEmpty
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

/// A curve or several over one abscissa: columns of equal length.
public struct FindingTable: Sendable, Codable, Equatable {
  public struct Column: Sendable, Codable, Equatable {
    public let name: String
    public let unit: String
    /// Nil, in text `nan`, where there is no number.
    public let values: [Double?]

    init(_ name: String, unit: String, _ values: [Double]) {
      (self.name, self.unit) = (name, unit)
      self.values = values.map { $0.isFinite ? $0 : nil }
    }
  }

  /// The end of its file's name, such as `rdf`.
  public let name: String
  public let columns: [Column]

  init(_ name: String, _ columns: [Column]) {
    (self.name, self.columns) = (name, columns)
  }

  /// Tab-separated, names and units in the first line, as the log of a run.
  public var tsv: String {
    var lines = ["# " + columns.map { "\($0.name) [\($0.unit)]" }.joined(separator: "\t")]
    for row in columns.first?.values.indices ?? 0..<0 {
      lines.append(columns.map { $0.values[row].map { "\($0)" } ?? "nan" }.joined(separator: "\t"))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  public subscript(column name: String) -> [Double]? {
    columns.first { $0.name == name }?.values.map { $0 ?? .nan }
  }
}

/// All that one quantity comes to.
public struct Findings: Sendable, Codable, Equatable {
  /// The quantity's word on the command line, and its name.
  public let quantity: String
  public let title: String
  public var numbers: [Finding]
  public var tables: [FindingTable]
  /// What a person should know.
  public var notes: [String]

  init(_ quantity: Quantity, numbers: [Finding] = [], tables: [FindingTable] = [], notes: [String] = []) {
    self.quantity = quantity.rawValue
    title = quantity.title
    (self.numbers, self.tables, self.notes) = (numbers, tables, notes)
  }

  public func table(_ name: String) -> FindingTable? { tables.first { $0.name == name } }
  public func number(_ name: String) -> Finding? { numbers.first { $0.name == name } }
}

// MARK: - For a person

extension Finding {
  /// `0.9981 +- 0.0012`: as many digits as the error leaves.
  public var valueText: String {
    guard let value else { return "-" }
    guard let error, error > 0 else { return String(format: "%.6g", value) }
    let digits = max(0, 1 - Int(log10(error).rounded(.down)))
    guard digits <= 12, error < 1e3, abs(value) < 1e9 else {
      return String(format: "%.4g +- %.2g", value, error)
    }
    return String(format: "%.*f +- %.*f", digits, value, digits, error)
  }
}

extension Findings {
  /// Title, a line for each number, notes.
  public var text: String {
    let width = (numbers.map(\.name.count).max() ?? 0) + 2
    var lines = [title]
    for number in numbers {
      var line = "  " + number.name.padding(toLength: width, withPad: " ", startingAt: 0)
      line += number.valueText + (number.unit == "1" ? "" : " " + number.unit)
      if let effective = number.effectiveSamples, number.error != nil {
        line += String(format: "   (n_eff %.0f", effective)
        line += number.correlationTime.map { String(format: ", tau %.3g fs)", $0) } ?? ")"
      }
      if let note = number.note { line += "   " + note }
      lines.append(line)
    }
    return (lines + notes.map { "  " + $0 }).joined(separator: "\n")
  }
}
