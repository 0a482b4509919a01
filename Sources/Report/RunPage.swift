// A run, minimisation or band as one page: is it what it was meant to be, how its energies went, what its structure is, by which
// settings.

import Analysis
import Deck
import Diagnostics
import Foundation
import Lattice
import Page
import Simulation
import Trajectory

public struct RunPage {
  /// Things that a person should know of the files.
  public let warnings: [Diagnostic]
  public let html: String

  /// Frames for the RDFs, and points of a curve: what a picture shows.
  private static let mostFrames = 400
  private static let mostPoints = 600

  /// Reads the files of a run, also of one in progress.
  /// - Throws: `TrajectoryError`, `HDF5Error`, `FileError`.
  public init(of files: OutputFiles, threads: Int) throws {
    let record = try RunRecord(files)
    var page = Page(title: files.name, summary: record.summary)
    if record.timestep != nil {
      warnings = try Self.addDynamics(of: record, threads: threads, to: &page)
    } else {
      warnings = []
      try Self.addStatics(of: record, to: &page)
    }
    page.heading("The atoms")
    switch try Viewer(of: record) {
    case .some(let viewer): page.drawing(viewer.element, script: viewer.script)
    case .none:
      page.paragraph(
        "\(record.atoms) atoms are too many for this page: `bloch export` writes them for OVITO.")
    }
    page.heading("Time by part")
    page.preformatted(record.timings?.description ?? "known when the run has come to an end")
    page.heading("What to cite")
    page.table(["for", "reference"], record.deck.citations.map { [$0.what, $0.reference] })
    page.heading("Versions")
    page.preformatted(
      "Bloch \(record.provenance.engineVersion)\nmodel \(record.deck.models.joined(separator: ", "))\nsha256 \(record.provenance.modelHash)"
    )
    page.heading("Deck with every default")
    page.preformatted(record.deck.resolvedText)
    html = page.html
  }

  /// What a run in time is judged by: lights, curves with the equilibration shaded, RDFs, means.
  /// - Returns: what a person should know of the files.
  private static func addDynamics(of record: RunRecord, threads: Int, to page: inout Page) throws
    -> [Diagnostic]
  {
    let source = try record.frames(mostFrames)
    var settings = AnalysisSettings()
    settings.threads = threads
    settings.quantities = record.composition.first.system.cell.isFullyPeriodic ? [.means, .rdf] : [.means]
    let structure = try TrajectoryAnalysis(of: source, settings)
    let checks = RunChecks.all(record, means: structure[.means])
    page.lights(checks.map { ($0.light, $0.name, $0.text) })
    page.heading("Over time")
    if record.equilibrium > 0 {
      page.paragraph(
        String(
          format: "Shaded: equilibration, to %.4g ps. What is said above leaves it out.",
          record.equilibriumTime))
    }
    page.plots(curves(record))
    if let rdf = structure[.rdf] {
      page.heading("Radial distribution functions")
      page.paragraph("\(structure.frames) frames from \(structure.start ?? 0) to \(structure.end ?? 0) ps.")
      page.plots(distributions(rdf))
    }
    if let means = structure[.means] {
      page.heading("Means")
      page.table(["", "mean", "unit", "n_eff", "tau, fs"], means.numbers.map(row))
      page.paragraph(TrajectoryAnalysis.words)
    }
    return source.warnings
  }

  /// - Parameter replacing: whether an earlier page may be there.
  /// - Returns: the path.
  /// - Throws: `TrajectoryError`.
  public func write(to path: String, replacing: Bool) throws -> String {
    guard replacing || !Disk.isTaken(path) else { throw TrajectoryError.exists(file: path) }
    try Disk.replace(path, with: Array(html.utf8))
    return path
  }

  private static func row(_ finding: Finding) -> [String] {
    [
      finding.name.replacingOccurrences(of: "_", with: " "), finding.valueText, finding.unit,
      finding.effectiveSamples.map { String(format: "%.0f", $0) } ?? "-",
      finding.correlationTime.map { String(format: "%.3g", $0) } ?? "-",
    ]
  }

  // MARK: - Pictures

  private static func curves(_ record: RunRecord) -> [Plot] {
    let shaded = record.equilibrium > 0 ? record.equilibriumTime : nil
    let atoms = Double(record.atoms)
    func plot(
      _ title: String, _ unit: String, _ columns: [(name: String, style: Plot.Series.Style)],
      per divisor: Double = 1
    )
      -> Plot?
    {
      let series = columns.compactMap { column -> Plot.Series? in
        guard let values = record.log[column.name], values.contains(where: \.isFinite) else { return nil }
        // Energies are counted from the first: their zero has no meaning, and differences have few digits.
        let zero = divisor == 1 ? 0 : values.first { $0.isFinite } ?? 0
        let (x, y) = thinned(record.times, values.map { ($0 - zero) / divisor })
        return .init(name: columns.count > 1 ? column.name : "", style: column.style, x: x, y: y)
      }
      guard !series.isEmpty else { return nil }
      return Plot(title: title, xLabel: "time, ps", yLabel: unit, shaded: shaded, series: series)
    }
    return [
      plot(
        "Potential energy, from the start", "meV/atom", [("potential_energy", .strong)], per: atoms * 1e-3),
      plot("Conserved energy, from the start", "meV/atom", [("conserved_energy", .warm)], per: atoms * 1e-3),
      plot("Temperature", "K", [("temperature", .strong)]), plot("Pressure", "bar", [("pressure", .strong)]),
      plot("Density", "g/cm^3", [("density", .strong)]),
    ].compactMap { $0 }
  }

  /// Least and largest value of each of a few hundred stretches: what a line of all points would look like.
  static func thinned(_ x: [Double], _ y: [Double]) -> ([Double], [Double]) {
    guard y.count > mostPoints else { return (x, y) }
    let stretches = mostPoints / 2
    let kept = (0..<stretches).flatMap { n -> [Int] in
      let range = (y.count * n / stretches..<y.count * (n + 1) / stretches).filter { y[$0].isFinite }
      guard let least = range.min(by: { y[$0] < y[$1] }), let largest = range.max(by: { y[$0] < y[$1] })
      else { return [] }
      return least == largest ? [least] : [min(least, largest), max(least, largest)]
    }
    return (kept.map { x[$0] }, kept.map { y[$0] })
  }

  private static func distributions(_ findings: Findings) -> [Plot] {
    guard let table = findings.table("rdf"), let r = table[column: "r"] else { return [] }
    return table.columns.filter { $0.name.hasPrefix("g_") && !$0.name.hasSuffix("_error") }.map { column in
      let g = column.values.map { $0 ?? .nan }
      // Bonds would dwarf the liquid: what is far above it is cut off.
      let beyond = zip(r, g).filter { $0.0 > 2 }.map(\.1).max() ?? 0
      let top = max(3, 1.3 * beyond)
      return Plot(
        title: column.name.replacingOccurrences(of: "g_", with: "g(r), "), xLabel: "r, Angstrom", yLabel: "g",
        series: [.init(name: "", style: .strong, x: r, y: g.map { min($0, top) })])
    }
  }
}

extension RunRecord {
  /// Frames of the equilibrium, evenly chosen, `most` at most.
  func frames(_ most: Int) throws -> FrameSource {
    let skip = (equilibriumTime - times[0]) * 1e3
    let share = times.count > 1 ? Double(times.count - equilibrium) / Double(times.count) : 1
    let every = max(1, Int((Double(frameCount) * share / Double(most)).rounded(.up)))
    return try FrameSource(files.trajectory, selection: FrameSelection(skip: skip, every: every))
  }

  /// In one sentence.
  var summary: String {
    guard let ensemble = deck.ensemble, let timestep else { return summaryOfStatics }
    return String(
      format: "%@, %@ with steps of %g fs to %.6g ps; %d frames.", atomsInWords,
      ensemble.rawValue.uppercased(),
      timestep, times.last ?? 0, frameCount)
  }

  /// `192 atoms (H128 O64)`
  var atomsInWords: String {
    let formula = composition.elements.indices.map {
      "\(Elements.symbol(composition.elements[$0]) ?? "?")\(composition.atoms[$0].count)"
    }.joined(separator: " ")
    return "\(atoms) atoms (\(formula))"
  }
}
