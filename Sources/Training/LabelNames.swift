// Under which names a file keeps its labels. The usual ones are known: a quantity, alone or with a prefix that says whose it
// is, case aside:
//
//   energy, REF_energy, dft_energy, qm_energy      forces, force, REF_forces ...      stress ...      virial, virials ...
//
// Two of them for one quantity are an error, as is a name from the user that the file does not have: which numbers a model
// learns is never guessed. Only where labels are compared with results a name with a prefix comes before the bare one, which may
// be a result itself, and a stress before a virial.

import Diagnostics

/// Names that the user gave; nil looks for the usual ones.
public struct LabelNames: Sendable, Hashable {
  public var energy: String?
  public var forces: String?
  public var stress: String?
  public var virial: String?
  public var charge: String?
  public var weight: String?

  public init(
    energy: String? = nil, forces: String? = nil, stress: String? = nil, virial: String? = nil,
    charge: String? = nil, weight: String? = nil
  ) {
    self.energy = energy
    self.forces = forces
    self.stress = stress
    self.virial = virial
    self.charge = charge
    self.weight = weight
  }

  /// Names that a file has; nil for a label that it does not have. Of `stress` and `virial` one at most.
  public struct Found: Sendable, Hashable {
    public var energy: String?
    public var forces: String?
    public var stress: String?
    public var virial: String?
    public var charge: String?
    public var weight: String?
    /// Weights of single labels, as mace-torch names them.
    public var energyWeight: String?
    public var forcesWeight: String?
    public var stressWeight: String?

    public init() {}
  }

  /// What is done with the labels.
  public enum Use: Sendable {
    /// The deck of a training names them.
    case learning
    /// Options of a command line name them.
    case comparison

    func naming(_ key: String, _ name: String) -> String {
      self == .learning ? "labels: {\(key): \(name)}" : "--\(key)-key \(shellQuoted(name))"
    }
  }

  private static let prefixes = ["", "ref_", "dft_", "qm_"]

  /// Finds the labels of a file among the names of its frames.
  /// - Parameters:
  ///   - values: keys of the comment lines.
  ///   - vectors: columns of three real numbers.
  /// - Throws: `FileError` where two names would do, or where the user's is not among them.
  public func find(inValues values: Set<String>, vectors: Set<String>, file: String) throws -> Found {
    var found = try findLabels(inValues: values, vectors: vectors, file: file, for: .learning)
    found.charge = try one(
      "charge", charge, ["charge", "total_charge"], among: values, file: file, for: .learning)
    found.weight = try one("weight", weight, ["config_weight"], among: values, file: file, for: .learning)
    func ofLabel(_ label: String) -> String? {
      let name = "config_\(label)_weight"
      return values.contains(name) ? name : nil
    }
    (found.energyWeight, found.forcesWeight) = (ofLabel("energy"), ofLabel("forces"))
    found.stressWeight = ofLabel("stress")
    return found
  }

  /// The same without charge and weight.
  public func findLabels(
    inValues values: Set<String>, vectors: Set<String>, file: String, for use: Use
  ) throws -> Found {
    func one(_ key: String, _ given: String?, _ usual: [String], among names: Set<String>) throws -> String? {
      try self.one(key, given, usual, among: names, file: file, for: use)
    }
    func prefixed(_ bases: String...) -> [String] { Self.prefixes.flatMap { p in bases.map { p + $0 } } }

    var found = Found()
    found.energy = try one("energy", energy, prefixed("energy"), among: values)
    found.forces = try one("forces", forces, prefixed("forces", "force"), among: vectors)
    // Named outright, one of the two leaves the other aside.
    if virial == nil { found.stress = try one("stress", stress, prefixed("stress"), among: values) }
    if stress == nil {
      found.virial = try one("virial", virial, prefixed("virial", "virials"), among: values)
    }
    if let stress = found.stress, let virial = found.virial {
      guard use == .comparison else {
        throw FileError(
          file: file, "`\(stress)` and `\(virial)` both give the stress",
          help:
            "name the one that is meant: `\(use.naming("stress", stress))` or `\(use.naming("virial", virial))`"
        )
      }
      found.virial = nil
    }
    return found
  }

  /// The name of one label among `names`.
  private func one(
    _ key: String, _ given: String?, _ usual: [String], among names: Set<String>, file: String, for use: Use
  ) throws -> String? {
    if let given {
      guard names.contains(given) else {
        let known = names.sorted().joined(separator: ", ")
        let remove = use == .learning ? "`labels.\(key)`" : "--\(key)-key"
        throw FileError(
          file: file,
          "no frame has `\(given)`, which "
            + (use == .learning ? "the deck names as its \(key)" : "--\(key)-key names"),
          help: names.isEmpty ? "remove \(remove)" : "the file has: \(known)")
      }
      return given
    }
    var candidates = names.filter { usual.contains($0.lowercased()) }.sorted()
    if use == .comparison {
      let withPrefix = candidates.filter { $0.contains("_") }
      if !withPrefix.isEmpty { candidates = withPrefix }
    }
    guard candidates.count < 2 else {
      throw FileError(
        file: file,
        "\(candidates.map { "`\($0)`" }.joined(separator: " and ")) could each be the \(key)",
        help: "name the one that is meant: `\(use.naming(key, candidates[0]))`")
    }
    return candidates.first
  }
}
