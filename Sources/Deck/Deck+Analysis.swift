// The keys of what a run analyses while it goes on.

import Foundation
import Lattice

extension Deck {
  /// What a run can follow: a checkpoint holds all that the next frame needs.
  public enum FollowedQuantity: String, CaseIterable, Sendable {
    case means, rdf, msd, vacf, profile, hbonds, dipole, chi, sk, cell, viscosity
  }
  public enum ProfileAxis: String, CaseIterable, Sendable { case a, b, c }

  /// Angstrom, fs, K, eV, rad and e; nil leaves a choice to the quantity, as for `bloch analyze`.
  public struct Analyses: Sendable, Hashable {
    public let quantities: [FollowedQuantity]
    /// Steps between two frames that are looked at.
    public let interval: Int
    public let skip: Double
    public let temperature: Double?
    /// By atomic number; empty for those of the model.
    public let charges: [Int: Double]
    /// Two atomic numbers each; empty for all.
    public let pairs: [[Int]]
    public let reach: Double?
    public let shell: Double
    public let axis: ProfileAxis
    public let slice: Double
    /// Atomic numbers; empty for N, O and F.
    public let donors: [Int]
    public let acceptors: [Int]
    public let bondDistance: Double
    public let bondAngle: Double
    public let largestWavevector: Double?
    /// Times between which the MSD is a line.
    public let fit: ClosedRange<Double>?
    public let longestLag: Double?
    /// Time origins that are followed at once.
    public let origins: Int?
    /// In eV fs/Angstrom^3.
    public let viscosity: Double?
  }
}

extension DeckReader {
  /// - Parameter trajectoryInterval: the interval of the frames unless the deck names another.
  mutating func analyses(timestep: Double?, trajectoryInterval: Int) -> Deck.Analyses? {
    let quantities = followedQuantities("analysis.quantities")
    let nothing = quantities.isEmpty ? "`analysis.quantities` names none" : nil
    func without(_ wanted: Deck.FollowedQuantity...) -> String? {
      nothing
        ?? (wanted.contains(where: quantities.contains)
          ? nil
          : "`analysis.quantities` has no "
            + wanted.map { "`\($0)`" }.joined(separator: ", ").replacingLast(", ", with: " or "))
    }
    let interval = interval(
      "analysis.every", timestep: timestep, default: "\(trajectoryInterval) steps",
      defaultInWords: "as `trajectory.every`", excluded: nothing,
      help: "Interval between frames that are analysed.")
    let skip = quantity(
      "analysis.skip", .time, 0...1e15, default: "0 fs", excluded: nothing,
      help: "Time at the start that is left out.")
    let temperature = optionalQuantity(
      "analysis.temperature", .temperature, 1e-3...1e6, absent: "auto",
      defaultInWords: "the mean of the frames",
      excluded: without(.dipole, .chi, .cell, .viscosity, .msd), help: "Temperature of response functions.")
    let charges = elementCharges("analysis.charges", excluded: without(.dipole, .chi))
    let pairs = elementPairs("analysis.pairs", excluded: without(.rdf))
    let reach = optionalQuantity(
      "analysis.r_max", .length, 1e-3...1e3, absent: "auto", defaultInWords: "half the cell, 12 A at most",
      excluded: without(.rdf),
      help: "Reach of `rdf`.")
    let shell = quantity(
      "analysis.shell", .length, 1e-3...1e3, default: "0.05 A", excluded: without(.rdf),
      help: "Shells of `rdf`.")
    let axis: Deck.ProfileAxis = choice(
      "analysis.axis", default: "c", excluded: without(.profile),
      help: "Lattice vector along whose faces' normal `profile` is.")
    let slice = quantity(
      "analysis.slice", .length, 1e-3...1e3, default: "0.2 A", excluded: without(.profile),
      help: "Slices of `profile`.")
    let donors = elements(
      "analysis.donors", excluded: without(.hbonds),
      help: "Elements that give hydrogen bonds; by default N, O and F.")
    let acceptors = elements(
      "analysis.acceptors", excluded: without(.hbonds),
      help: "Elements that take hydrogen bonds; by default N, O and F."
    )
    let bondDistance = quantity(
      "analysis.hbond_distance", .length, 1e-3...1e3, default: "3.5 A", excluded: without(.hbonds),
      help: "Distance of donor and acceptor in a hydrogen bond.")
    let bondAngle = quantity(
      "analysis.hbond_angle", .angle, 0...Double.pi, default: "30 deg", excluded: without(.hbonds),
      help: "Angle hydrogen-donor-acceptor in a hydrogen bond.")
    let largestWavevector = optionalQuantity(
      "analysis.k_max", .wavevector, 1e-3...100, absent: "auto",
      defaultInWords: "of `sk` 6 1/A, of `chi` 3 1/A, less in large cells",
      excluded: without(.sk, .chi), help: "Largest wavevector.")
    let fit = fitTimes(
      "analysis.fit", excluded: without(.msd),
      help: "Two times between which `msd` is a line; it is followed to the second one.")
    let longestLag = optionalQuantity(
      "analysis.max_lag", .time, 0...1e15, absent: "auto",
      defaultInWords: "of `vacf` a quarter of the frames, 2 ps at most; of `viscosity` a tenth, 5 ps at most",
      excluded: without(.vacf, .viscosity), help: "Longest time of `vacf` and `viscosity`.")
    let origins = optionalCount(
      "analysis.origins", 1...1_000_000, absent: "auto",
      defaultInWords: "as many as 16 MB hold, 500000 over the number of atoms",
      excluded: without(.msd, .vacf),
      help:
        "Time origins of `msd` and `vacf` that are followed at once, evenly over the longest time; with more than that time has frames, every frame is one."
    )
    let viscosity = optionalQuantity(
      "analysis.viscosity", .viscosity, 1e-6...1e12, excluded: without(.msd),
      help: "Shear viscosity, for D of infinite size after Yeh and Hummer.")
    guard !quantities.isEmpty else { return nil }
    return Deck.Analyses(
      quantities: quantities, interval: interval, skip: skip, temperature: temperature, charges: charges,
      pairs: pairs, reach: reach, shell: shell, axis: axis, slice: slice, donors: donors,
      acceptors: acceptors,
      bondDistance: bondDistance, bondAngle: bondAngle, largestWavevector: largestWavevector,
      fit: fit, longestLag: longestLag, origins: origins, viscosity: viscosity)
  }

  private mutating func followedQuantities(_ path: String) -> [Deck.FollowedQuantity] {
    let names = Deck.FollowedQuantity.allCases.map(\.rawValue)
    let takes = "a list of \(names.joined(separator: ", ")), such as [rdf, hbonds]"
    return list(
      path, takes: takes, default: "[]",
      help:
        "What is computed while the run goes on, as `bloch analyze` would of frames at the interval `every`."
    ) { text, node, _ throws(Mistake) in
      guard let quantity = Deck.FollowedQuantity(rawValue: text) else {
        throw Mistake(
          message: "`\(text)` is not known here",
          help: nearestName(to: text, among: names).map { "did you mean `\($0)`?" }
            ?? "`quantities` takes \(takes)",
          part: node)
      }
      return (quantity, text)
    }.reduce(into: []) { all, quantity in if !all.contains(quantity) { all.append(quantity) } }
  }

  /// Two times in fs, the second one later; nil for the word `auto`.
  private mutating func fitTimes(_ path: String, excluded: String?, help: String) -> ClosedRange<Double>? {
    let takes = "`auto`, or a list of two times, such as [5 ps, 10 ps]"
    let name = path.lastKey
    return key(
      path, takes: takes, default: "auto", defaultInWords: "a twentieth and a tenth of the run",
      excluded: excluded, help: help, standIn: nil
    ) { node throws(Mistake) in
      guard let items = node.sequence else {
        let text = try Self.text(of: node, name, takes: takes)
        guard text == "auto" else {
          throw Mistake(message: "`\(text)` is not two times", help: "`\(name)` takes \(takes)")
        }
        return (nil, text)
      }
      var texts: [String] = []
      var times: [Double] = []
      for item in items {
        let text = try Self.text(of: item, name, takes: takes)
        times.append(try Self.quantity(text, name, .time, 0...1e15, takes: takes, part: item))
        texts.append(text)
      }
      guard times.count == 2, times[0] < times[1] else {
        throw Mistake(
          message: times.count == 2
            ? "\(texts[1]) is not later than \(texts[0])" : "a list of \(times.count)",
          help: "`\(name)` takes \(takes)")
      }
      return (times[0]...times[1], "[\(texts.joined(separator: ", "))]")
    }
  }

  private mutating func elementCharges(_ path: String, excluded: String?) -> [Int: Double] {
    let table = numberTable(
      path, -100...100, takes: "a group of elements such as {O: -0.8476, H: 0.4238}", default: "{}",
      defaultInWords: "those of the model", excluded: excluded,
      help: "Charges in e for `dipole` and `chi`."
    ) { Elements.atomicNumber($0) == nil ? "`\($0)` is no element" : nil }
    return table.reduce(into: [:]) { charges, entry in
      if let z = Elements.atomicNumber(entry.key) { charges[z] = entry.value }
    }
  }

  private mutating func elementPairs(_ path: String, excluded: String?) -> [[Int]] {
    let takes = "a list of pairs of elements, such as [O-O, O-H]"
    return list(
      path, takes: takes, default: "[]", defaultInWords: "all", excluded: excluded, help: "Pairs of `rdf`."
    ) { text, node, _ throws(Mistake) in
      let pair = text.split(separator: "-").compactMap { Elements.atomicNumber(String($0)) }
      guard pair.count == 2, text.count(where: { $0 == "-" }) == 1 else {
        throw Mistake(message: "`\(text)` is no pair of elements", help: "`pairs` takes \(takes)", part: node)
      }
      return (pair, text)
    }
  }
}
