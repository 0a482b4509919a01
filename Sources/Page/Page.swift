// A page of HTML that a browser opens without a network: headings, text, tables, plots, lights. It follows the reader's light or
// dark colours and the width of the screen.

/// A page, from top to bottom.
///
///     var page = Page(title: "water", summary: "21 ps at 298 K")
///     page.heading("Energies")
///     page.plots([plot])
///     let text = page.html
public struct Page: Sendable {
  private let title: String
  private var parts: [String]
  private var scripts: [String] = []

  public init(title: String, summary: String) {
    self.title = title
    parts = ["<h1>\(escaped(title))</h1>", "<p>\(escaped(summary))</p>"]
  }

  public mutating func heading(_ text: String) { parts.append("<h2>\(escaped(text))</h2>") }
  public mutating func paragraph(_ text: String) { parts.append("<p>\(escaped(text))</p>") }
  public mutating func preformatted(_ text: String) { parts.append("<pre>\(escaped(text))</pre>") }

  public mutating func plots(_ plots: [Plot]) {
    parts.append((["<div class=\"plots\">"] + plots.map(\.svg) + ["</div>"]).joined(separator: "\n"))
  }

  /// The first column holds names, the others numbers.
  public mutating func table(_ columns: [String], _ rows: [[String]]) {
    let head = "<tr>" + columns.map { "<th>\(escaped($0))</th>" }.joined() + "</tr>"
    let body = rows.map { row in
      "<tr>"
        + row.enumerated().map { $0 == 0 ? "<th>\(escaped($1))</th>" : "<td>\(escaped($1))</td>" }.joined()
        + "</tr>"
    }
    parts.append(
      "<div class=\"wide\"><table>\n" + ([head] + body).joined(separator: "\n") + "\n</table></div>")
  }

  /// How well something is.
  public enum Light: String, Sendable { case good, doubtful, bad, unknown }

  /// A light for each check, with its name and what was found.
  public mutating func lights(_ checks: [(light: Light, name: String, text: String)]) {
    let items = checks.map { check in
      "<li class=\"\(check.light.rawValue)\"><b>\(escaped(check.name))</b> <span class=\"verdict\">\(check.light.rawValue)</span> "
        + "<span>\(escaped(check.text))</span></li>"
    }
    parts.append("<ul class=\"lights\">\n" + items.joined(separator: "\n") + "\n</ul>")
  }

  /// An element that `script` draws.
  /// - Precondition: both are the program's own, not a user's text.
  public mutating func drawing(_ element: String, script: String) {
    parts.append(element)
    scripts.append("<script>\n\(script)\n</script>")
  }

  public var html: String {
    let head = [
      "<!DOCTYPE html>", "<html lang=\"en\"><head><meta charset=\"utf-8\"/>",
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>",
      "<title>\(escaped(title))</title>", "<style>\(Self.style)</style></head><body>",
    ]
    return (head + parts + scripts + ["</body></html>", ""]).joined(separator: "\n")
  }

  /// Colours of Okabe and Ito, which most eyes tell apart.
  private static let style = """
    :root{color-scheme:light dark;--page:#fff;--ink:#222;--soft:#555;--box:#f5f5f5;--line:#ddd;--quiet:#999;--strong:#0072b2;--warm:#d55e00;--good:#007a5a;--doubtful:#9a6700;--bad:#c0392b}
    @media(prefers-color-scheme:dark){:root{--page:#16181c;--ink:#e4e4e4;--soft:#aaa;--box:#22252b;--line:#3a3e46;--quiet:#8a8a8a;--strong:#56b4e9;--warm:#e69f00;--good:#3fbf8f;--doubtful:#e0b040;--bad:#ff7b6b}}
    body{font:15px/1.45 system-ui,sans-serif;max-width:1120px;margin:2em auto;padding:0 1em;color:var(--ink);background:var(--page)}
    h1{font-size:1.5em;overflow-wrap:anywhere}h2{font-size:1.1em;margin-top:1.8em}
    .plots{display:flex;flex-wrap:wrap;gap:12px}.plots svg{width:340px;max-width:100%;height:auto;aspect-ratio:340/260}
    pre{background:var(--box);padding:.8em;overflow:auto;font-size:12.5px}.wide{overflow-x:auto}
    table{border-collapse:collapse;font-size:13px}td,th{padding:.15em .8em;text-align:right}td:only-of-type{text-align:left}th:first-child{text-align:left}
    .grid{stroke:var(--line);stroke-width:.6;fill:none}polyline{fill:none;stroke-width:1.4}.shaded{fill:var(--quiet);opacity:.18}
    .quiet{stroke:var(--quiet)}.strong{stroke:var(--strong)}.warm{stroke:var(--warm)}.diagonal{stroke:var(--warm);stroke-width:.8}
    .dots{fill:none;stroke-width:2;stroke-linecap:round}.key{stroke-width:3}
    text{font-size:10px;fill:var(--ink);stroke:none}.title{font-size:12px;font-weight:600}.label{font-size:11px}
    .middle{text-anchor:middle}.end{text-anchor:end}
    .lights{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:8px}
    .lights li{background:var(--box);border-left:6px solid var(--quiet);padding:.5em .8em}.lights li>span:last-child{display:block;color:var(--soft);font-size:13.5px}
    .lights .good{border-color:var(--good)}.lights .doubtful{border-color:var(--doubtful)}.lights .bad{border-color:var(--bad)}
    .verdict{font-size:12.5px}.good .verdict{color:var(--good)}.doubtful .verdict{color:var(--doubtful)}.bad .verdict{color:var(--bad)}
    .view{max-width:560px;font-size:13.5px;color:var(--soft)}.view canvas{width:100%;aspect-ratio:4/3;background:var(--box);touch-action:none;cursor:grab;display:block}.view input{width:100%}
    @media print{body{margin:0}}
    """
}
