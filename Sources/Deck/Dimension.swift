// Units that a deck or a command line may write, and what they are worth inside Bloch (fs, K, 1/fs, Angstrom, rad, eV,
// eV/Angstrom, eV/Angstrom^2, eV/rad^2, eV/Angstrom^3 and its inverse, 1/Angstrom, eV fs/Angstrom^3, u; seconds of the clock on
// the wall). Hartree and bohr: CODATA 2018; a rydberg is half a hartree; calories are thermochemical ones.

import Lattice

/// What a number measures.
enum Dimension: Sendable {
  case time, temperature, rate, length, angle, energy, force, duration, pressure, compressibility, stiffness
  case angularStiffness, wavevector, viscosity, mass

  /// What messages call it.
  var name: String { self == .angularStiffness ? "stiffness" : "\(self)" }

  /// Symbol and value in Bloch's internal unit. The first three are named in messages.
  var units: [(symbol: String, value: Double)] {
    switch self {
    case .time:
      [("fs", 1), ("ps", 1e3), ("ns", 1e6), ("as", 1e-3), ("us", 1e9), ("µs", 1e9), ("μs", 1e9), ("s", 1e15)]
    case .temperature: [("K", 1)]
    case .rate:
      [("1/ps", 1e-3), ("1/fs", 1), ("1/ns", 1e-6)]
        + [("ps", 1e-3), ("fs", 1), ("ns", 1e-6)].flatMap { unit, value in
          ["/\(unit)", "\(unit)^-1", "\(unit)-1"].map { ($0, value) }
        }
    case .angle: [("deg", Double.pi / 180), ("rad", 1), ("°", Double.pi / 180)]
    case .stiffness: per(Self.squares, of: Self.energies) + [("N/m", Self.newtonPerMetre)]
    case .angularStiffness: per([("rad^2", 1), ("deg^2", 1 / Self.squareDegrees)], of: Self.energies)
    case .length: Self.lengths
    case .energy: Self.energies
    case .force:
      per(Self.lengths, of: Self.energies) + [
        ("nN", 10 * Self.newtonPerMetre), ("pN", 0.01 * Self.newtonPerMetre),
      ]
    case .duration: [("min", 60), ("h", 3600), ("s", 1), ("d", 86400)]
    case .pressure:
      pressures.map { ($0, $1 / Units.bar) } + [("eV/A^3", 1), ("eV/Angstrom^3", 1), ("eV/Å^3", 1)]
    case .wavevector: Self.lengths.map { ("1/\($0.symbol)", 1 / $0.value) }
    // A pressure times a time of 1e15 fs.
    case .viscosity:
      [
        ("mPa s", 1e12 * 1e-5 / Units.bar), ("cP", 1e12 * 1e-5 / Units.bar),
        ("Pa s", 1e15 * 1e-5 / Units.bar), ("uPa s", 1e9 * 1e-5 / Units.bar),
      ]
    case .compressibility:
      pressures.map { ("1/\($0)", Units.bar / $1) } + pressures.map { ("\($0)^-1", Units.bar / $1) }
    case .mass: [("u", 1), ("Da", 1), ("g/mol", 1), ("amu", 1)]
    }
  }

  private static let energies: [(symbol: String, value: Double)] = [
    ("eV", 1), ("kcal/mol", Units.kilocaloriePerMole), ("kJ/mol", 1 / Units.kilojoulePerMole), ("meV", 1e-3),
    ("Ha", Units.hartree), ("Ry", Units.hartree / 2), ("hartree", Units.hartree), ("Hartree", Units.hartree),
  ]
  private static let lengths: [(symbol: String, value: Double)] = [
    ("A", 1), ("nm", 10), ("bohr", Units.bohr), ("pm", 0.01), ("Angstrom", 1), ("Å", 1), ("Bohr", Units.bohr),
  ]
  private static let squares = lengths.map { ($0.symbol + "^2", $0.value * $0.value) }
  private static let squareDegrees = 180 / Double.pi * 180 / Double.pi
  /// In eV/Angstrom^2; a nN is ten of them times an Angstrom.
  private static let newtonPerMetre = 1e5 / Units.bar

  /// `eV/A`, `eV/nm`, ... `meV/A` ...: each energy by each length, by the length first.
  private func per(
    _ below: [(symbol: String, value: Double)], of above: [(symbol: String, value: Double)]
  ) -> [(symbol: String, value: Double)] {
    below.flatMap { bottom in above.map { ("\($0.symbol)/\(bottom.symbol)", $0.value / bottom.value) } }
  }

  /// In bar.
  private var pressures: [(String, Double)] {
    [
      ("bar", 1), ("GPa", 1e4), ("MPa", 10), ("kbar", 1e3), ("atm", 1.01325), ("kPa", 1e-2), ("hPa", 1e-3),
      ("mbar", 1e-3),
      ("Pa", 1e-5),
    ]
  }

  /// "0.01 to 1000 fs": in the unit of memory, but pressures in bar, angles in degrees.
  func words(for range: ClosedRange<Double>) -> String {
    let unit = units.first { $0.value == 1 && self != .pressure && self != .angle } ?? units[0]
    func number(_ bound: Double) -> String { plain((bound / unit.value * 1e9).rounded() / 1e9) }
    return "\(number(range.lowerBound)) to \(number(range.upperBound)) \(unit.symbol)"
  }

  /// What people write for these units, and what to write instead. A unit that is merely spelled alike is never
  /// proposed: `as` is a thousandth of `fs`.
  func suggestion(for symbol: String, number: Double) -> String? {
    let spelling = symbol.lowercased()
    if self == .temperature, ["c", "°c", "degc", "celsius"].contains(spelling) {
      return "\(plain(number)) degrees Celsius are `\(plain(((number + 273.15) * 100).rounded() / 100)) K`"
    }
    let names = [
      "femtosecond": "fs", "picosecond": "ps", "nanosecond": "ns", "attosecond": "as", "microsecond": "us",
      "kelvin": "K",
    ]
    let singular = spelling.hasSuffix("s") ? String(spelling.dropLast()) : spelling
    let known = units.map(\.symbol)
    let meant =
      names[singular].flatMap { known.contains($0) ? $0 : nil }
      ?? known.first { $0.lowercased() == spelling }
    return meant.map { "did you mean `\(plain(number)) \($0)`?" }
  }

  /// "fs, ps, ns, as, us, s": all that can be written, one spelling of each.
  var allUnitNames: String {
    var values: [Double] = []
    var names: [String] = []
    for unit in units where !values.contains(where: { abs($0 / unit.value - 1) < 1e-12 }) {
      values.append(unit.value)
      names.append(unit.symbol)
    }
    return names.joined(separator: ", ")
  }

  /// "fs, ps or ns"
  var unitNames: String {
    units.prefix(3).map(\.symbol).joined(separator: ", ").replacingLast(", ", with: " or ")
  }
}

/// Reads what a user wrote as a number, followed by anything.
enum NumberText {
  /// The number at the start of `text` and the trimmed rest; nil if `text` does not start with a decimal
  /// number.
  static func split(_ text: String) -> (number: Double, rest: String)? {
    guard let match = text.prefixMatch(of: /[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/),
      let number = Double(match.output)
    else { return nil }
    return (number, text[match.range.upperBound...].trimmed)
  }

  /// Why `text` is no number, when the reason is a common slip.
  static func slip(in text: String) -> String? {
    if text.contains(/[0-9],[0-9]/) { return "numbers take a decimal point and no comma" }
    if let odd = text.unicodeScalars.first(where: { !$0.isASCII }) {
      return
        "`\(odd)` (\(odd.codePoint)) is not an ASCII character"
    }
    return nil
  }
}

extension StringProtocol {
  var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }

  func replacingLast(_ target: String, with replacement: String) -> String {
    guard let range = ranges(of: target).last else { return String(self) }
    return self[..<range.lowerBound] + replacement + self[range.upperBound...]
  }
}

extension Unicode.Scalar {
  /// `U+00A0`
  var codePoint: String {
    let digits = String(value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
