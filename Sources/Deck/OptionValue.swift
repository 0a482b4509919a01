// Values with units on a command line, by the rules and in the words of a deck.

/// `2 ps`, `0.3 nm`, `300 K` as a number in Bloch's internal unit.
public struct OptionValue: Sendable, Hashable {
  public let value: Double

  /// What is wrong with it, and how to mend it.
  public struct Mistake: Error, CustomStringConvertible {
    public let description: String
  }

  /// In fs.
  public static func time(_ text: String) throws -> OptionValue { try read(text, .time, 0...1e15) }
  /// In Angstrom.
  public static func length(_ text: String) throws -> OptionValue { try read(text, .length, 1e-3...1e3) }
  /// In rad.
  public static func angle(_ text: String) throws -> OptionValue { try read(text, .angle, 0...Double.pi) }
  /// In K.
  public static func temperature(_ text: String) throws -> OptionValue {
    try read(text, .temperature, 1e-3...1e6)
  }
  /// In 1/Angstrom.
  public static func wavevector(_ text: String) throws -> OptionValue {
    try read(text, .wavevector, 1e-3...100)
  }
  /// In eV fs/Angstrom^3.
  public static func viscosity(_ text: String) throws -> OptionValue {
    try read(text, .viscosity, 1e-6...1e12)
  }

  private static func read(_ text: String, _ dimension: Dimension, _ range: ClosedRange<Double>) throws
    -> OptionValue
  {
    let name = dimension.name
    do throws(DeckReader.Mistake) {
      return OptionValue(
        value: try DeckReader.quantity(
          text, name, dimension, range, takes: "\(name.withArticle) in \(dimension.unitNames)"))
    } catch {
      throw Mistake(description: error.message + "; " + error.help)
    }
  }
}
