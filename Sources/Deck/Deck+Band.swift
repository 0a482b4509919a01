// The keys of a nudged elastic band: the group `neb`.

extension Deck {
  public enum Interpolation: String, CaseIterable, Sendable { case idpp, linear }

  public struct Band: Sendable, Hashable {
    /// The structure where the path ends; it begins at the deck's.
    public let final: String
    /// Nil for the only one of the file.
    public let finalFrame: FrameChoice?
    /// Images between the two.
    public let images: Int
    /// Whether ends that are no minima are brought to one; else they are refused.
    public let minimizesEnds: Bool
    public let interpolation: Interpolation
    /// In eV/Angstrom^2.
    public let spring: Double
    public let climbs: Bool
    public let algorithm: MinimizerType
    /// Largest force in the end, in eV/Angstrom.
    public let force: Double
    /// Largest displacement of an atom in a step, in Angstrom.
    public let largestStep: Double
  }
}

extension DeckReader {
  /// Nil in a deck of another kind.
  mutating func band() -> Deck.Band? {
    section = [.band]
    let (final, finalFrame) = structureFile(
      "neb.final",
      help:
        "Structure where the path ends: the atoms of `structure`, in its order and cell, at another minimum.")
    let images = count("neb.images", 1...200, default: "7", help: "Images between the two ends.")
    let minimizesEnds = flag(
      "neb.minimize_ends", default: "true",
      help:
        "Ends with a force larger than `force` are minimised first, by L-BFGS in at most 1000 steps; with `false` they are refused."
    )
    let interpolation: Deck.Interpolation = choice(
      "neb.interpolation", default: "idpp",
      help: "First path: by distances between atoms (IDPP), which go round each other, or a straight line.")
    let climbs = flag("neb.climb", default: "true", help: "The highest image climbs to the saddle point.")
    let spring = quantity(
      "neb.spring", .stiffness, 1e-3...1e3, default: "1 eV/A^2", help: "Stiffness between images.")
    let algorithm: Deck.MinimizerType = choice(
      "neb.algorithm", default: "fire", help: "FIRE 2.0 (robust: forces on a band are no gradient) or L-BFGS."
    )
    let force = quantity(
      "neb.force", .force, 1e-6...10, default: "0.05 eV/A",
      help: "Done when no image has a larger force across the path; the ends have no larger one either.")
    let largestStep = quantity(
      "neb.max_step", .length, 1e-3...0.5, default: "0.1 A", help: "No atom goes further in a step.")
    guard kind == .band else { return nil }
    return Deck.Band(
      final: final, finalFrame: finalFrame, images: images, minimizesEnds: minimizesEnds,
      interpolation: interpolation, spring: spring, climbs: climbs, algorithm: algorithm, force: force,
      largestStep: largestStep)
  }
}
