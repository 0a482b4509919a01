// Whether a run is what it was meant to be, as lights: each says what was found and by which bound.

import Analysis
import Deck
import Foundation
import Lattice
import Page

struct Check: Equatable {
  let light: Page.Light
  let name: String
  let text: String
}

enum RunChecks {
  /// Drift of the conserved quantity in eV/ps for each atom: a hundredth of k_B T (300 K) in 25 ps, and ten times as much.
  static let (goodDrift, badDrift) = (1e-5, 1e-4)
  /// Deviations in standard errors, and relative to what was asked for, that need not be explained: either suffices.
  private static let (goodErrors, badErrors) = (3.0, 5.0)
  private static let (goodShare, badShare) = (0.01, 0.03)

  static func all(_ record: RunRecord, means: Findings?) -> [Check] {
    var checks = [completeness(step: record.lastStep, of: record.deck.steps)]
    if let conserved = record.level("conserved_energy") {
      checks.append(
        drift(conserved, times: Array(record.times[record.equilibrium...]), atoms: record.atoms))
    }
    if let temperature = record.level("temperature") {
      if let target = record.deck.temperature, target.start == target.end, target.start > 0,
        record.deck.thermostat != nil
      {
        checks.append(level("Temperature", temperature, target: target.start, unit: "K"))
        if let kinetic = record.level("kinetic_energy") { checks.append(canonical(temperature, kinetic)) }
      } else {
        let mean = BlockedMean(temperature)
        checks.append(
          Check(
            light: .unknown, name: "Temperature",
            text: String(format: "%.4g K; none was to be kept", mean.mean)))
      }
    }
    if let barostat = record.deck.barostat, barostat.pressure.start == barostat.pressure.end,
      let pressure = record.level("pressure")
    {
      let target = barostat.pressure.start.prefix(3).reduce(0, +) / 3 * Units.bar
      checks.append(level("Pressure", pressure, target: target, unit: "bar"))
    }
    if let means { checks.append(equipartition(means)) }
    return checks
  }

  static func completeness(step: Int, of steps: Int) -> Check {
    Check(
      light: step >= steps ? .good : .doubtful, name: "Complete",
      text: step >= steps ? "all \(steps) steps" : "step \(step) of \(steps): interrupted, or still going on")
  }

  /// The slope of the conserved quantity by least squares; its error is that of the residuals' mean times sqrt(12)/duration.
  static func drift(_ conserved: [Double], times: [Double], atoms: Int) -> Check {
    let name = "Conserved energy"
    guard conserved.count >= 20, let first = times.first, let last = times.last, last > first else {
      return Check(light: .unknown, name: name, text: "too few lines of the log to tell a drift")
    }
    let mean = times.reduce(0, +) / Double(times.count)
    let level = conserved.reduce(0, +) / Double(times.count)
    var (up, down) = (0.0, 0.0)
    for (t, e) in zip(times, conserved) {
      up += (t - mean) * (e - level)
      down += (t - mean) * (t - mean)
    }
    let slope = up / down
    let residuals = zip(times, conserved).map { $1 - level - slope * ($0 - mean) }
    let error = (BlockedMean(residuals).error ?? 0) * 12.squareRoot() / (last - first)
    let (perAtom, errorPerAtom) = (slope / Double(atoms), error / Double(atoms))
    let light: Page.Light =
      abs(perAtom) < goodDrift || abs(perAtom) < 2 * errorPerAtom
      ? .good : abs(perAtom) < badDrift || abs(perAtom) < badErrors * errorPerAtom ? .doubtful : .bad
    return Check(
      light: light, name: name,
      text: String(
        format: "drift %.1e +- %.0e eV/ps/atom over %.4g ps; good below %.0e", perAtom, errorPerAtom,
        last - first,
        goodDrift))
  }

  /// The mean of a series against what was asked for.
  static func level(_ name: String, _ series: [Double], target: Double, unit: String) -> Check {
    let mean = BlockedMean(series)
    guard let error = mean.error, error > 0 else {
      return Check(
        light: .unknown, name: name,
        text: String(format: "%.5g %@: too few lines of the log to judge", mean.mean, unit))
    }
    let off = abs(mean.mean - target)
    let light: Page.Light =
      off < goodErrors * error || off < goodShare * abs(target)
      ? .good : off < badErrors * error || off < badShare * abs(target) ? .doubtful : .bad
    return Check(
      light: light, name: name,
      text: String(
        format: "%.5g +- %.2g %@, asked for %.5g; n_eff %.0f", mean.mean, error, unit, target,
        mean.effectiveCount))
  }

  /// Canonical fluctuations: var(T) = 2 <T>^2/n, n = 2 K/(k_B T) degrees of freedom.
  static func canonical(_ temperature: [Double], _ kinetic: [Double]) -> Check {
    let name = "Fluctuation of the temperature"
    let mean = BlockedMean(temperature)
    let freedom = (2 * BlockedMean(kinetic).mean / (Units.boltzmann * mean.mean)).rounded()
    let squares = BlockedMean(temperature.map { ($0 - mean.mean) * ($0 - mean.mean) })
    let exact = 2 * mean.mean * mean.mean / freedom
    guard let error = squares.error, error > 0, exact > 0, squares.isResolved else {
      return Check(light: .unknown, name: name, text: "too few lines of the log to judge")
    }
    let off = abs(squares.mean - exact)
    let light: Page.Light =
      off < goodErrors * error || off < 0.1 * exact
      ? .good : off < badErrors * error || off < 0.3 * exact ? .doubtful : .bad
    return Check(
      light: light, name: name,
      text: String(
        format: "%.4g K; canonical for %.0f degrees of freedom %.4g K", squares.mean.squareRoot(), freedom,
        exact.squareRoot()))
  }

  /// Whether all elements are as hot as the whole.
  static func equipartition(_ means: Findings) -> Check {
    let name = "Equipartition"
    let elements = means.numbers.filter { $0.name.hasPrefix("temperature of ") }
    guard elements.count > 1, let whole = means.number("temperature")?.value, whole > 0 else {
      return Check(light: .unknown, name: name, text: "needs velocities of two elements in the trajectory")
    }
    var light = Page.Light.good
    var words: [String] = []
    for element in elements {
      guard let value = element.value, let error = element.error else { continue }
      let off = abs(value - whole)
      if off > goodErrors * error, off > goodShare * whole {
        light = light == .bad || (off > badErrors * error && off > badShare * whole) ? .bad : .doubtful
      }
      words.append(
        element.name.replacingOccurrences(of: "temperature of ", with: "")
          + String(format: " %.4g +- %.2g K", value, error))
    }
    return Check(
      light: words.isEmpty ? .unknown : light, name: name,
      text: words.isEmpty
        ? "too few frames to judge" : words.joined(separator: ", ") + String(format: "; all %.4g K", whole))
  }
}
