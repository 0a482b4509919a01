// The keys of a minimisation: the group `minimize`.

extension Deck {
  public enum MinimizerType: String, CaseIterable, Sendable {
    case lbfgs = "l-bfgs"
    case fire
  }
  /// What of the cell is relaxed.
  public enum CellRelaxation: String, CaseIterable, Sendable {
    case fixed, isotropic
    case semiIsotropic = "semi-isotropic"
    case orthorhombic, triclinic

    /// Nil for a cell that stays.
    var coupling: CellCoupling? { CellCoupling(rawValue: rawValue) }
  }

  public struct Minimization: Sendable, Hashable {
    public struct Cell: Sendable, Hashable {
      public let coupling: CellCoupling
      /// That change, of an orthorhombic or triclinic coupling.
      public let components: [Component]
      /// In eV/Angstrom^3, positive under compression, in Voigt's order.
      public let pressure: [Double]
      /// Largest deviation of the stress from it, in eV/Angstrom^3.
      public let tolerance: Double
    }

    public let algorithm: MinimizerType
    /// Largest force in the end, in eV/Angstrom.
    public let force: Double
    /// Largest displacement of an atom in a step, in Angstrom.
    public let largestStep: Double
    /// Nil for a cell that stays.
    public let cell: Cell?
  }
}

extension DeckReader {
  /// Nil in a deck of another kind.
  mutating func minimization() -> Deck.Minimization? {
    section = [.minimization]
    let algorithm: Deck.MinimizerType = choice(
      "minimize.algorithm", default: "l-bfgs",
      help: "L-BFGS (fewest evaluations) or FIRE 2.0 (most robust, from poor structures).")
    let force = quantity(
      "minimize.force", .force, 1e-6...10, default: "0.01 eV/A",
      help: "Done when no atom that may move has a larger force.")
    let largestStep = quantity(
      "minimize.max_step", .length, 1e-3...0.5, default: "0.2 A", help: "No atom goes further in a step.")
    let relaxation: Deck.CellRelaxation = choice(
      "minimize.cell", default: "fixed",
      help:
        "What of the cell is relaxed: nothing; the volume; the plane xy and z; lengths along x, y and z; all."
    )
    let coupling = relaxation.coupling
    let excluded = coupling == nil ? "the cell is fixed" : nil
    let components = components(
      "minimize.components", of: coupling ?? .isotropic, key: "cell",
      excluded: excluded ?? (coupling.map(\.hasComponents) == true ? nil : Self.noComponents))
    let pressure = pressure(
      "minimize.pressure", coupling ?? .isotropic, key: "minimize.cell", default: "0 bar",
      condition: "where the cell is relaxed", excluded: excluded,
      help: "Target, or a list of those along x, y and z.")
    let tolerance = quantity(
      "minimize.stress", .pressure, Self.stressTolerances, default: "0.01 GPa",
      condition: "where the cell is relaxed", excluded: excluded,
      help: "Done when no component of the stress is further from the pressure, and the forces are small.")
    guard kind == .minimization else { return nil }
    return Deck.Minimization(
      algorithm: algorithm, force: force, largestStep: largestStep,
      cell: coupling.map {
        .init(coupling: $0, components: components, pressure: pressure, tolerance: tolerance)
      })
  }

  /// 0.001 bar to 100 GPa.
  private static let stressTolerances =
    1e-3 * Dimension.pressure.units[0].value...1e6 * Dimension.pressure.units[0].value
}
