// The keys of constant pressure: `pressure` and the group `barostat`.

import Yams

extension Deck {
  public enum BarostatType: String, CaseIterable, Sendable {
    case rescaling = "c-rescale"
    case martynaTobiasKlein = "mtk"
  }
  public enum CellCoupling: String, CaseIterable, Sendable {
    case isotropic
    case semiIsotropic = "semi-isotropic"
    case orthorhombic, triclinic

    /// Whether each component may be let go or kept by itself.
    var hasComponents: Bool { self == .orthorhombic || self == .triclinic }
  }
  /// Components of a symmetric tensor in Voigt's order.
  public enum Component: String, CaseIterable, Sendable { case xx, yy, zz, yz, xz, xy }

  /// Target in eV/Angstrom^3, positive under compression, in Voigt's order: `start` at step 0, changing linearly to `end` at
  /// step `steps`, constant from there.
  public struct PressureSchedule: Sendable, Hashable {
    public let start: [Double]
    public let end: [Double]
    public let steps: Int
  }

  public struct Barostat: Sendable, Hashable {
    public let type: BarostatType
    public let pressure: PressureSchedule
    /// In fs.
    public let tau: Double
    public let coupling: CellCoupling
    /// That change, of an orthorhombic or triclinic coupling.
    public let components: [Component]
    /// In Angstrom^3/eV; of `rescaling` alone.
    public let compressibility: Double
  }
}

extension DeckReader {
  /// Nil where the ensemble has a cell that does not change.
  mutating func barostat(ensemble: Deck.Ensemble, steps: Int, timestep: Double) -> Deck.Barostat? {
    let excluded = ensemble.hasBarostat ? nil : "the cell of `\(ensemble)` does not change"
    let condition = "in `npt` and `nph`"
    let type: Deck.BarostatType = choice(
      "barostat.type", default: ensemble == .nph ? "mtk" : "c-rescale",
      defaultInWords: "c-rescale; mtk in `nph`", condition: condition, excluded: excluded,
      help: "Stochastic cell rescaling (robust) or Martyna-Tobias-Klein (deterministic, any coupling).")
    if ensemble == .nph, type == .rescaling {
      report(
        Mistake(
          message: "`c-rescale` needs a temperature to keep, which `nph` has not",
          help: "write `ensemble: npt`, or `barostat: {type: mtk}`"),
        at: entries["barostat.type"]?.value)
    }
    let tau = quantity(
      "barostat.tau", .time, 1e-2...1e9, default: "1 ps", condition: condition, excluded: excluded,
      help: "Time in which the volume follows the pressure.")
    let coupling: Deck.CellCoupling = choice(
      "barostat.coupling", default: "isotropic", condition: condition, excluded: excluded,
      help: "What changes: the volume; the plane xy and z; the lengths along x, y and z; all of the cell.")
    let hasAll = coupling.hasComponents
    if type == .rescaling, hasAll {
      report(
        Mistake(
          message: "`c-rescale` is isotropic or semi-isotropic",
          help: "write `barostat: {type: mtk, coupling: \(coupling.rawValue)}`"),
        at: entries["barostat.coupling"]?.value)
    }
    let components = components(
      "barostat.components", of: coupling, key: "coupling",
      excluded: excluded ?? (hasAll ? nil : Self.noComponents))
    let compressibility = quantity(
      "barostat.compressibility", .compressibility, Self.compressibilities, default: "4.5e-5 1/bar",
      defaultInWords: "4.5e-5 1/bar, water's", condition: "with `type: c-rescale`",
      excluded: excluded ?? (type == .rescaling ? nil : "`mtk` needs no compressibility"),
      help: "Estimate for the material; it sets how fast the volume moves, not where to.")
    let pressure = pressureSchedule(
      coupling, steps: steps, timestep: timestep, condition: condition, excluded: excluded)
    guard excluded == nil else { return nil }
    return Deck.Barostat(
      type: type, pressure: pressure, tau: tau, coupling: coupling, components: components,
      compressibility: compressibility)
  }

  /// 1e-8 to 100 1/bar, and a thousand GPa either way.
  private static let compressibilities =
    1e-8 * Dimension.compressibility.units[0].value...100 * Dimension.compressibility.units[0].value
  private static let pressures =
    -1e7 * Dimension.pressure.units[0].value...1e7 * Dimension.pressure.units[0].value

  static let noComponents = "only `orthorhombic` and `triclinic` cells have components to choose"

  /// The components of the cell that change.
  /// - Parameter key: that gives the coupling.
  mutating func components(
    _ path: String, of coupling: Deck.CellCoupling, key: String, excluded: String?
  ) -> [Deck.Component] {
    let known = coupling == .triclinic ? Deck.Component.allCases : [.xx, .yy, .zz]
    let all = "[" + known.map(\.rawValue).joined(separator: ", ") + "]"
    return list(
      path, takes: "a list of components, such as [xx, yy, zz, yz, xz, xy]", default: all,
      defaultInWords: "all", condition: "with `\(key): orthorhombic` or `triclinic`", excluded: excluded,
      help: "What of the cell changes; the rest stays as it is."
    ) { text, node, _ throws(Mistake) in
      guard let component = Deck.Component(rawValue: text), known.contains(component) else {
        throw Mistake(
          message: "`\(text)` is no component that `\(key): \(coupling.rawValue)` changes",
          help: "components are \(known.map(\.rawValue).joined(separator: ", "))", part: node)
      }
      return (component, text)
    }
  }

  // MARK: - Pressure

  /// A constant pressure (`1 bar`), or a group for one that changes linearly.
  private mutating func pressureSchedule(
    _ coupling: Deck.CellCoupling, steps: Int, timestep: Double, condition: String, excluded: String?
  ) -> Deck.PressureSchedule {
    let isRamp = isGroup("pressure")
    let constant = pressure(
      "pressure", coupling, condition: condition, excluded: excluded, isGroup: isRamp,
      help: "Target, or a list of those along x, y and z; a group of `from`, `to` and `over` makes it change."
    )
    let notChanging = excluded ?? (isRamp ? nil : "the pressure is constant")
    let start = pressure(
      "pressure.from", coupling, condition: "in a ramp", excluded: notChanging,
      help: "Pressure at the first step.")
    let end = pressure(
      "pressure.to", coupling, condition: "in a ramp", excluded: notChanging, help: "Pressure at the end.")
    let over = interval(
      "pressure.over", timestep: timestep, default: "\(max(steps, 1)) steps", defaultInWords: "the whole run",
      condition: "in a ramp", excluded: notChanging, help: "Time from the first pressure to the last.")
    return isRamp
      ? .init(start: start, end: end, steps: over) : .init(start: constant, end: constant, steps: 1)
  }

  /// One pressure from all sides; a list [xx, yy, zz], or [xx, yy, zz, yz, xz, xy], where the cell can follow it.
  /// - Parameter key: that gives the coupling.
  mutating func pressure(
    _ path: String, _ coupling: Deck.CellCoupling, key: String = "barostat.coupling",
    default fallback: String? = nil, condition: String, excluded: String?, isGroup: Bool = false, help: String
  ) -> [Double] {
    let takes =
      "a pressure in \(Dimension.pressure.unitNames), or a list of [xx, yy, zz] or [xx, yy, zz, yz, xz, xy]"
    return self.key(
      path, takes: takes, default: fallback, condition: condition, excluded: excluded, isGroup: isGroup,
      help: help, standIn: [0, 0, 0, 0, 0, 0]
    ) { node throws(Mistake) in
      func value(_ node: Node) throws(Mistake) -> (Double, String) {
        let text = try Self.text(of: node, path.lastKey, takes: takes)
        return (
          try Self.quantity(text, path.lastKey, .pressure, Self.pressures, takes: takes, part: node), text
        )
      }
      guard let items = node.sequence else {
        let (p, text) = try value(node)
        return ([p, p, p, 0, 0, 0], text)
      }
      var values: [Double] = []
      var texts: [String] = []
      for item in items {
        let (p, text) = try value(item)
        values.append(p)
        texts.append(text)
      }
      let problem: String? =
        switch (coupling, values.count) {
        case (.isotropic, _): "an isotropic cell follows one pressure"
        case (.semiIsotropic, 3): values[0] == values[1] ? nil : "a semi-isotropic cell has xx and yy alike"
        case (.orthorhombic, 3), (.triclinic, 3), (.triclinic, 6): nil
        default: "a list of \(values.count) for \(coupling == .triclinic ? "a triclinic" : "this") cell"
        }
      if let problem {
        throw Mistake(
          message: problem, help: "`\(path.lastKey)` takes \(takes), as `\(key)` lets it")
      }
      values += Array(repeating: 0, count: 6 - values.count)
      return (values, "[" + texts.joined(separator: ", ") + "]")
    }
  }
}
