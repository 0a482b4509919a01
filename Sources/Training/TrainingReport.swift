// What a training came to, as one page that a browser opens without a network: how it learned, how good it is, where it is
// worst, and by which settings.

import Foundation
import Lattice
import Page

public struct TrainingReport {
  public var name: String
  /// In a few words: which epoch was best, and how good.
  public var summary: String
  public var history: [EpochRecord]
  public var learned: Assessment
  public var heldBack: Assessment
  /// Lines of plain text under their headings: data, settings, timing, provenance.
  public var sections: [(title: String, text: String)]

  public init(
    name: String, summary: String, history: [EpochRecord], learned: Assessment, heldBack: Assessment,
    sections: [(title: String, text: String)]
  ) {
    self.name = name
    self.summary = summary
    self.history = history
    self.learned = learned
    self.heldBack = heldBack
    self.sections = sections
  }

  private static let worstCount = 12

  public var html: String {
    let heldBackIsEmpty = heldBack.frames.isEmpty
    let shown = heldBackIsEmpty ? learned : heldBack
    var page = Page(title: name, summary: summary)
    page.heading("Learning curves")
    page.paragraph(
      "The loss of what is learned has the weights of its stage, that of what is held back those of the last one."
    )
    page.plots(learningCurves)
    page.heading("Predictions against labels" + (heldBackIsEmpty ? "" : ", frames held back in colour"))
    page.plots(parityPlots)
    page.heading("Errors, learned")
    page.preformatted(learned.table)
    if !heldBackIsEmpty {
      page.heading("Errors, held back")
      page.preformatted(heldBack.table)
    }
    page.heading("Worst frames" + (heldBackIsEmpty ? "" : " of those held back"))
    page.table(
      ["frame", "energy error, meV/atom", "force RMSE, meV/A", "largest |force error|, meV/A"],
      worstRows(shown))
    for section in sections {
      page.heading(section.title)
      page.preformatted(section.text)
    }
    return page.html
  }

  // MARK: - Pictures

  private var learningCurves: [Plot] {
    let epochs = history.map { Double($0.epoch) }
    func plot(
      _ title: String, _ unit: String, train: (EpochRecord) -> Double?, valid: (EpochRecord) -> Double?
    ) -> Plot {
      Plot(
        title: title, xLabel: "epoch", yLabel: unit, isLogarithmic: true,
        series: [
          .init(
            name: "learned", shape: .line, style: .quiet, x: epochs, y: history.map { train($0) ?? .nan }),
          .init(
            name: "held back", shape: .line, style: .strong, x: epochs, y: history.map { valid($0) ?? .nan }),
        ])
    }
    func milli(_ value: Double?) -> Double? { value.map { $0 * 1e3 } }
    var plots = [
      plot(
        "Loss, by the weights of the stage and of the last", "loss", train: { $0.loss },
        valid: { $0.validLoss })
    ]
    if history.contains(where: { $0.train.energy.count > 0 }) {
      plots.append(
        plot(
          "Energy, MAE", "meV/atom", train: { milli($0.train.energy.mae) },
          valid: { milli($0.valid.energy.mae) }))
    }
    if history.contains(where: { $0.train.forces.count > 0 }) {
      plots.append(
        plot(
          "Forces, MAE", "meV/Angstrom", train: { milli($0.train.forces.mae) },
          valid: { milli($0.valid.forces.mae) }))
    }
    if history.contains(where: { $0.train.stress.count > 0 }) {
      plots.append(
        plot(
          "Stress, MAE", "meV/Angstrom^3", train: { milli($0.train.stress.mae) },
          valid: { milli($0.valid.stress.mae) }))
    }
    plots.append(
      Plot(
        title: "Rate", xLabel: "epoch", yLabel: "rate", isLogarithmic: true,
        series: [.init(name: "", style: .quiet, x: epochs, y: history.map(\.rate))]))
    return plots
  }

  private var parityPlots: [Plot] {
    func plot(_ title: String, _ unit: String, _ learned: [Assessment.Pair], _ held: [Assessment.Pair])
      -> Plot
    {
      func series(_ name: String, _ style: Plot.Series.Style, _ pairs: [Assessment.Pair]) -> Plot.Series {
        .init(name: name, shape: .points, style: style, x: pairs.map(\.label), y: pairs.map(\.prediction))
      }
      return Plot(
        title: title, xLabel: "label, " + unit, yLabel: "prediction", isParity: true,
        series: [series("learned", .quiet, learned), series("held back", .strong, held)])
    }
    let elements = Set(learned.forces.keys).union(heldBack.forces.keys).sorted()
    return
      [plot("Energy less free atoms", "eV/atom", learned.energies, heldBack.energies)]
      + elements.map { z in
        plot(
          "Forces on \(Elements.symbol(z) ?? "?")", "eV/Angstrom", learned.forces[z] ?? [],
          heldBack.forces[z] ?? [])
      }
  }

  // MARK: - Tables

  private func worstRows(_ assessment: Assessment) -> [[String]] {
    func cell(_ value: Double?) -> String { value.map { String(format: "%.3f", $0 * 1e3) } ?? "-" }
    return assessment.worst(Self.worstCount).map {
      [$0.place, cell($0.energy), cell($0.forceRMSE), cell($0.largestForceError)]
    }
  }
}
