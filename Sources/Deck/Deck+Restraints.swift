// The keys of a restraint, of which `restraints` is a list.

import Yams

extension Deck {
  public enum RestraintType: String, CaseIterable, Sendable {
    case distance
    case distanceDifference = "distance-difference"
    case angle, position

    /// Number of atoms; nil for any.
    var atomCount: Int? {
      switch self {
      case .distance: 2
      case .distanceDifference: 4
      case .angle: 3
      case .position: nil
      }
    }
  }

  /// Angstrom and eV/Angstrom^2, of angles radians and eV/rad^2.
  public struct Restraint: Sendable, Hashable {
    public enum Profile: Sendable, Hashable {
      case harmonic(center: Double)
      case flat(lower: Double?, upper: Double?)
      case moving(from: Double, to: Double, steps: Int)
    }

    /// What the log calls it.
    public let name: String
    public let type: RestraintType
    /// Numbered from 1 as in the structure file; of all but `position` in the order that matters.
    public let atoms: [ClosedRange<Int>]
    public let profile: Profile
    public let stiffness: Double

    /// Each atom by itself, from 1.
    public var atomNumbers: [Int] { atoms.flatMap { Array($0) } }
  }
}

extension DeckReader {
  /// - Parameters:
  ///   - steps: of the run.
  ///   - timestep: in fs; nil where no time passes, and nothing can move with it.
  mutating func restraints(steps: Int, timestep: Double?) -> [Deck.Restraint] {
    let restraints = groups(
      "restraints", of: "restraint", example: "{type: distance, atoms: [1, 2], center: 3 A, k: 10 eV/A^2}",
      help: "Springs on distances, angles and positions of atoms."
    ) { $0.restraint(number: $1, steps: steps, timestep: timestep) }
    for (n, restraint) in restraints.enumerated()
    where restraints[..<n].contains(where: { $0.name == restraint.name }) {
      report(
        Mistake(
          message: "two restraints are called `\(restraint.name)`",
          help: "give one a `name` of its own: the log has a column of that name"),
        at: entries["restraints"]?.value)
    }
    return restraints
  }

  private mutating func restraint(number: Int, steps: Int, timestep: Double?) -> Deck.Restraint {
    let type: Deck.RestraintType = choice(
      "type", help: "What is restrained; a distance difference is that of two pairs, first less second.")
    let name = word("name", default: "restraint_\(number)", help: "What the log calls it.")
    let atoms = atoms(
      "atoms", default: nil,
      help:
        "Two atoms of a distance, two pairs of a difference, three of an angle (the second in the middle).")
    check(atoms, of: type)

    let dimension: Dimension = type == .angle ? .angle : .length
    let range =
      switch type {
      case .angle: 0...Double.pi
      case .distance, .position: 0...1e4
      case .distanceDifference: -1e4...1e4
      }
    let isPosition = type == .position
    let isMoving = isGiven("from") || isGiven("to") || isGiven("over")
    let isFlat = isPosition || isGiven("lower") || isGiven("upper")
    let notHarmonic: String? =
      isPosition
      ? "atoms are held where they are at the start"
      : isMoving ? "it moves, with `from` and `to`" : isFlat ? "it has bounds" : nil
    let notFlat = isMoving ? "it moves, with `from` and `to`" : nil
    let center = quantity(
      "center", dimension, range, condition: "in a harmonic restraint", excluded: notHarmonic,
      help: "Where the spring is at rest; an angle in deg or rad.")
    let bounds = isFlat ? notFlat : notFlat ?? "it has a `center`"
    let lower = optionalQuantity(
      "lower", dimension, range, condition: "in a flat-bottomed restraint",
      excluded: isPosition ? "distances from a position have an upper bound alone" : bounds,
      help: "Free from here.")
    let upper = optionalQuantity(
      "upper", dimension, range, default: isPosition ? "0 A" : "none",
      condition: "in a flat-bottomed restraint",
      excluded: bounds,
      help: "Free up to here; of a position, the distance from where the atom was at the start.")
    if let lower, let upper, lower > upper {
      report(
        Mistake(message: "`lower` is above `upper`", help: "exchange the two"), at: entries["lower"]?.value)
    }
    let standing: String? =
      isPosition
      ? "positions do not move"
      : !isMoving ? "it does not move" : timestep == nil ? "no time passes in which it could move" : nil
    let from = quantity(
      "from", dimension, range, condition: "in a moving restraint", excluded: standing,
      help: "Center at the first step.")
    let to = quantity(
      "to", dimension, range, condition: "in a moving restraint", excluded: standing,
      help: "Center at the end.")
    let over = interval(
      "over", timestep: timestep, default: "\(max(steps, 1)) steps", defaultInWords: "the whole run",
      condition: "in a moving restraint", excluded: standing, help: "Time from the first center to the last.")
    let stiffness = quantity(
      "k", type == .angle ? .angularStiffness : .stiffness, 0...1e6,
      help: "Stiffness (of an angle in eV/rad^2): the energy is k/2 times the squared deviation.")
    let profile: Deck.Restraint.Profile =
      isMoving && !isPosition
      ? .moving(from: from, to: to, steps: over)
      : isFlat ? .flat(lower: isPosition ? nil : lower, upper: upper) : .harmonic(center: center)
    return Deck.Restraint(name: name, type: type, atoms: atoms, profile: profile, stiffness: stiffness)
  }

  /// Reports a wrong number of atoms, or one atom where there ought to be two.
  private mutating func check(_ atoms: [ClosedRange<Int>], of type: Deck.RestraintType) {
    guard !atoms.isEmpty, isGiven("type") else { return }
    // Of a range only its ends are looked at: it may be long.
    let given = atoms.reduce(0) { $0 + min($1.count, 5) }
    let problem: String?
    if let needed = type.atomCount, given != needed {
      problem = "`\(type.rawValue)` takes \(needed) atoms"
    } else if type == .position {
      let sorted = atoms.sorted { $0.lowerBound < $1.lowerBound }
      problem = zip(sorted, sorted.dropFirst()).contains { $0.overlaps($1) } ? "an atom is named twice" : nil
    } else {
      let list = atoms.flatMap { Array($0.prefix(5)) }
      problem =
        zip(list, list.dropFirst()).enumerated().contains { n, pair in
          pair.0 == pair.1 && (type != .distanceDifference || n != 1)
        } ? "an atom has no distance from itself" : nil
    }
    if let problem {
      report(
        Mistake(message: problem, help: "give different atoms, in the order that `type` asks for"),
        at: entries["atoms"]?.value)
    }
  }
}
