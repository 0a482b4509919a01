// Pages of what has no time: energy and forces step by step, and of a band its profile.

import Deck
import Diagnostics
import Foundation
import Lattice
import Page
import Simulation
import Trajectory

extension RunPage {
  static func addStatics(of record: RunRecord, to page: inout Page) throws {
    page.lights(RunChecks.statics(record).map { ($0.light, $0.name, $0.text) })
    if let path = try record.path {
      page.heading("The path")
      page.plots([profile(path)])
      page.table(
        ["image", "path, Angstrom", "energy, eV", "largest force, eV/Angstrom"],
        path.enumerated().map { n, image in
          [
            "\(n)", String(format: "%.4f", image.length), String(format: "%.4f", image.energy),
            String(format: "%.3g", image.force),
          ]
        })
      page.paragraph(
        "Forces are those of the atoms, along the path, too: between its ends they need not vanish.")
    }
    page.heading("Step by step")
    page.plots(stepCurves(record))
  }

  private static func profile(_ path: [RunRecord.Image]) -> Plot {
    let (x, y) = (path.map(\.length), path.map(\.energy))
    return Plot(
      title: "Energy along the path", xLabel: "path, Angstrom", yLabel: "eV",
      series: [
        .init(name: "", style: .quiet, x: x, y: y),
        .init(name: "", shape: .points, style: .strong, x: x, y: y),
      ])
  }

  private static func stepCurves(_ record: RunRecord) -> [Plot] {
    func plot(
      _ title: String, _ unit: String, _ column: String, _ style: Plot.Series.Style = .strong,
      isLogarithmic: Bool = false, from zero: Double = 0
    ) -> Plot? {
      guard let values = record.log[column], values.contains(where: \.isFinite) else { return nil }
      let (x, y) = thinned(record.steps, values.map { $0 - zero })
      return Plot(
        title: title, xLabel: "step", yLabel: unit, isLogarithmic: isLogarithmic,
        series: [.init(name: "", style: style, x: x, y: y)])
    }
    let last = record.log["potential_energy"]?.last { $0.isFinite } ?? 0
    return [
      record.deck.band == nil
        ? plot("Energy, from the last step", "eV", "potential_energy", from: last)
        : plot("Barrier", "eV", "barrier"),
      record.deck.band == nil ? nil : plot("Reaction energy", "eV", "reaction_energy"),
      plot("Largest force", "eV/Angstrom", "largest_force", .warm, isLogarithmic: true),
      plot("Pressure", "bar", "pressure"), plot("Volume", "Angstrom^3", "volume"),
    ].compactMap { $0 }
  }
}

// MARK: - Lights

extension RunChecks {
  /// Whether the forces, and the stress where the cell is free, have become as small as the deck asks for.
  static func statics(_ record: RunRecord) -> [Check] {
    let deck = record.deck
    guard let asked = deck.band?.force ?? deck.minimization?.force,
      let force = record.log["largest_force"]?.last
    else { return [] }
    let isSmall = force <= asked
    var checks = [
      Check(
        light: isSmall ? .good : .doubtful, name: isSmall ? "Converged" : "Not converged",
        text: String(
          format: "largest force %.3g eV/Angstrom at step %d, asked for %g", force, record.lastStep, asked))
    ]
    if let cell = deck.minimization?.cell, let off = record.largestExcess(of: cell) {
      let tolerance = cell.tolerance * Units.bar
      checks.append(
        Check(
          light: off <= tolerance ? .good : .doubtful, name: "Pressure",
          text: String(format: "off by %.3g bar, asked for %g", off, tolerance)))
    }
    return checks
  }
}

extension RunRecord {
  /// How far the pressure of the last step is from its target, in bar, along what of the cell may change.
  fileprivate func largestExcess(of cell: Deck.Minimization.Cell) -> Double? {
    let names = ["xx", "yy", "zz", "yz", "xz", "xy"]
    let values = names.compactMap { log["pressure_\($0)"]?.last }
    guard values.count == names.count, cell.pressure.count == names.count else { return nil }
    let off = zip(values, cell.pressure).map { $0 - $1 * Units.bar }
    switch cell.coupling {
    case .isotropic: return abs(off[0] + off[1] + off[2]) / 3
    case .semiIsotropic: return max(abs(off[0] + off[1]) / 2, abs(off[2]))
    case .orthorhombic, .triclinic:
      let free = names.indices.filter { n in cell.components.contains { $0.rawValue == names[n] } }
      return free.map { abs(off[$0]) }.max()
    }
  }

  // MARK: - Bands

  struct Image {
    /// From the first end, in Angstrom; relative to its energy, in eV; eV/Angstrom.
    let length: Double
    let energy: Double
    let force: Double
    let system: AtomicSystem
  }

  /// The images of a band, first end to last; nil of what is none, or has no image yet.
  /// - Throws: `StructureError`.
  var path: [Image]? {
    get throws {
      guard deck.band != nil, FileManager.default.fileExists(atPath: files.band) else { return nil }
      return try ExtendedXYZ.readAll(files.band).map { image in
        Image(
          length: image.info["path_length"].flatMap { Double($0) } ?? .nan,
          energy: image.info["relative_energy"].flatMap { Double($0) } ?? .nan,
          force: image.forces?.map(length).max() ?? .nan, system: image.system)
      }
    }
  }

  var summaryOfStatics: String {
    let what = deck.band.map { "a band of \($0.images) images between two ends" } ?? "a minimisation"
    return "\(atomsInWords), \(what), \(lastStep) steps; \(frameCount) frames."
  }

  /// Frames for the viewer with a label each, `most` at most: of a band its images, of others frames of the trajectory.
  /// - Throws: `HDF5Error`, `TrajectoryError`, `StructureError`.
  func shownFrames(_ most: Int) throws -> [(label: String, system: AtomicSystem)] {
    func chosen(_ all: Int) -> [Int] {
      let count = min(most, all)
      return (0..<count).map { count == 1 ? 0 : $0 * (all - 1) / (count - 1) }
    }
    if let path = try path, !path.isEmpty {
      return chosen(path.count).map { ("image \($0)", path[$0].system) }
    }
    let reader = try H5MDReader(files.trajectory)
    return try chosen(reader.frameCount).map { index in
      let frame = try reader.frame(index)
      let time = frame.time.map { String(format: "%.4g ps", $0 * 1e-3) }
      return (time ?? "step \(frame.step)", frame.system)
    }
  }
}
