// What a training came to, as one page that a browser opens without a network: how it learned, how good it is, where it is
// worst, and by which settings.

import Foundation
import Lattice

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
    var parts = [
      "<!DOCTYPE html>", "<html lang=\"en\"><head><meta charset=\"utf-8\"/>",
      "<meta name=\"viewport\" content=\"width=device-width\"/>", "<title>\(escaped(name))</title>",
      "<style>\(Self.style)</style></head><body>", "<h1>\(escaped(name))</h1>", "<p>\(escaped(summary))</p>",
      heading("Learning curves"),
      "<p>The loss of what is learned has the weights of its stage, that of what is held back those of the last one.</p>",
      "<div class=\"plots\">", learningCurves, "</div>",
      heading("Predictions against labels" + (heldBackIsEmpty ? "" : ", frames held back in colour")),
      "<div class=\"plots\">", parityPlots, "</div>", heading("Errors, learned"),
      preformatted(learned.table),
    ]
    if !heldBackIsEmpty { parts += [heading("Errors, held back"), preformatted(heldBack.table)] }
    parts += [
      heading("Worst frames" + (heldBackIsEmpty ? "" : " of those held back")), worstTable(shown),
    ]
    for section in sections { parts += [heading(section.title), preformatted(section.text)] }
    return (parts + ["</body></html>", ""]).joined(separator: "\n")
  }

  private func heading(_ text: String) -> String { "<h2>\(escaped(text))</h2>" }
  private func preformatted(_ text: String) -> String { "<pre>\(escaped(text))</pre>" }

  // MARK: - Pictures

  private var learningCurves: String {
    let epochs = history.map { Double($0.epoch) }
    func plot(
      _ title: String, _ unit: String, train: (EpochRecord) -> Double?, valid: (EpochRecord) -> Double?
    ) -> String {
      Plot(
        title: title, xLabel: "epoch", yLabel: unit, isLogarithmic: true,
        series: [
          .init(
            name: "learned", shape: .line, style: "learned", x: epochs, y: history.map { train($0) ?? .nan }),
          .init(
            name: "held back", shape: .line, style: "held", x: epochs, y: history.map { valid($0) ?? .nan }),
        ]
      ).svg
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
        series: [.init(name: "", shape: .line, style: "learned", x: epochs, y: history.map(\.rate))]
      ).svg)
    return plots.joined(separator: "\n")
  }

  private var parityPlots: String {
    func plot(_ title: String, _ unit: String, _ learned: [Assessment.Pair], _ held: [Assessment.Pair])
      -> String
    {
      func series(_ name: String, _ style: String, _ pairs: [Assessment.Pair]) -> Plot.Series {
        .init(name: name, shape: .points, style: style, x: pairs.map(\.label), y: pairs.map(\.prediction))
      }
      return Plot(
        title: title, xLabel: "label, " + unit, yLabel: "prediction", isParity: true,
        series: [series("learned", "learned", learned), series("held back", "held", held)]
      ).svg
    }
    let elements = Set(learned.forces.keys).union(heldBack.forces.keys).sorted()
    return
      ([plot("Energy less free atoms", "eV/atom", learned.energies, heldBack.energies)]
      + elements.map { z in
        plot(
          "Forces on \(Elements.symbol(z) ?? "?")", "eV/Angstrom", learned.forces[z] ?? [],
          heldBack.forces[z] ?? [])
      }).joined(separator: "\n")
  }

  // MARK: - Tables

  private func worstTable(_ assessment: Assessment) -> String {
    func cell(_ value: Double?) -> String {
      "<td>\(value.map { String(format: "%.3f", $0 * 1e3) } ?? "-")</td>"
    }
    let rows = assessment.worst(Self.worstCount).map {
      "<tr><th>\(escaped($0.place))</th>\(cell($0.energy))\(cell($0.forceRMSE))\(cell($0.largestForceError))</tr>"
    }
    return
      "<table><tr><th>frame</th><th>energy error, meV/atom</th><th>force RMSE, meV/A</th>"
      + "<th>largest |force error|, meV/A</th></tr>\n\(rows.joined(separator: "\n"))</table>"
  }

  /// Colours of Okabe and Ito, which most eyes tell apart.
  private static let style = """
    body{font:15px/1.45 system-ui,sans-serif;max-width:1120px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
    h1{font-size:1.5em}h2{font-size:1.1em;margin-top:1.8em}
    .plots{display:flex;flex-wrap:wrap;gap:12px}svg{width:340px;height:260px}
    pre{background:#f5f5f5;padding:.8em;overflow:auto;font-size:12.5px}
    table{border-collapse:collapse;font-size:13px}td,th{padding:.15em .8em;text-align:right}th:first-child{text-align:left}
    .grid{stroke:#ddd;stroke-width:.6;fill:none}polyline{fill:none;stroke-width:1.4}
    .learned{stroke:#999}.held{stroke:#0072b2}.diagonal{stroke:#d55e00;stroke-width:.8}
    .dots{fill:none;stroke-width:2;stroke-linecap:round}.key{stroke-width:3}
    text{font-size:10px;fill:#333;stroke:none}.title{font-size:12px;font-weight:600}.label{font-size:11px}
    .middle{text-anchor:middle}.end{text-anchor:end}
    @media print{body{margin:0}}
    """
}
