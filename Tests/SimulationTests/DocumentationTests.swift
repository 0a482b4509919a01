// Pages of Documentation/ that the program itself knows better: keys of decks from their declarations, common mistakes from
// the recorded messages. `BLOCH_RECORD=1 swift test` writes them anew.

import Foundation
import Testing

@testable import Deck

private let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
private let pages = "\(tests)/../../Documentation"

/// Holds a page to `text`, or writes it.
private func expectPage(_ name: String, _ text: String) throws {
  if ProcessInfo.processInfo.environment["BLOCH_RECORD"] != nil {
    try text.write(toFile: "\(pages)/\(name)", atomically: true, encoding: .utf8)
  }
  #expect(text == (try String(contentsOfFile: "\(pages)/\(name)", encoding: .utf8)))
}

// MARK: - Decks

extension KeyDescription {
  private var groups: [Substring] { path.split(separator: ".").dropLast() }
  private var name: Substring {
    path[(path.lastIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...]
  }

  /// A value that a deck could give: one named where it is described, the default, or one of its kind.
  fileprivate var sample: String {
    if let named = takes.firstMatch(of: /such as (.+)$/) { return String(named.1) }
    if let fallback, !fallback.hasPrefix("/"), fallbackInWords == nil { return fallback }
    if let choice = takes.firstMatch(of: /`([^`]+)`/) { return String(choice.1) }
    if takes.contains("file name") { return "water" }
    if takes.contains("file") { return "\(name).\(path == "model" || path == "start" ? "h5" : "xyz")" }
    let kinds = [
      ("time", "0.5 fs"), ("temperature", "300 K"), ("number of steps", "100 steps"), ("whole number", "8"),
      ("folder", "output"),
    ]
    if let known = kinds.first(where: { takes.contains($0.0) }) { return known.1 }
    return takes.firstMatch(of: /in ([^ ,]+)/).map { "1 \($0.1)" } ?? "1"
  }

  /// The key with that value, inside its groups.
  fileprivate var example: String {
    // Of lists of groups there is one.
    let (open, close) = groups.first == "restraints" ? ("[{", "}]") : ("{", "}")
    return groups.map { "\($0): \(open)" }.joined() + "\(name): \(sample)"
      + String(repeating: close, count: groups.count)
  }

  fileprivate var section: String {
    let fallback = (fallbackInWords ?? fallback).map { "Default: \($0)." } ?? "Required."
    let condition = condition.map { "Counts \($0). " } ?? ""
    return "## \(path)\n\n\(help)\n\n\(condition)\(fallback) Takes \(takes).\n\n```yaml\n\(example)\n```\n"
  }
}

@Test(arguments: DeckKind.allCases) func thePageOfADeckHasEveryKeyWithItsConditionAndAnExample(
  _ kind: DeckKind
) throws {
  let name = kind == .run ? "deck.md" : "\(kind)-deck.md"
  let sections = kind.keys.map(\.section).joined(separator: "\n")
  try expectPage(
    name,
    "# Deck of \(kind.words)\n\nMade from the declarations of the keys, as `bloch deck` prints them.\n\n\(sections)"
  )
}

// MARK: - Mistakes

/// Recorded inputs in the order of the page, under the words that one would look for.
private let gallery: [(heading: String, inputs: [String])] = [
  (
    "Numbers and units",
    ["missing-unit", "misspelt-unit", "celsius", "decimal-comma", "interval-between-steps", "huge-timestep"]
  ),
  (
    "Keys",
    [
      "unknown-key", "missing-keys", "duplicate-key", "key-outside-its-group", "friction-for-nose-hoover",
      "group-given-a-value",
    ]
  ),
  ("YAML", ["tab-indentation", "unclosed-bracket", "empty-file"]),
  (
    "Structures",
    ["missing-structure", "missing-atoms", "two-atoms-on-one-spot", "zero-volume-cell", "nan-position"]
  ),
  (
    "Models",
    ["missing-model", "element-the-model-lacks", "model-is-text", "truncated-model", "wrong-model-version"]
  ),
  (
    "What cannot be simulated",
    [
      "pressure-of-a-molecule", "fixed-atoms-in-npt", "all-atoms-fixed", "timestep-too-long-for-tau",
      "velocities-not-in-structure",
    ]
  ),
  ("Forces for other programs", ["not-an-address", "ensemble-in-a-service"]),
]

@Test func thePageOfErrorsShowsWhatTheProgramSays() throws {
  var text = """
    # Errors

    | exit code | what |
    | --- | --- |
    | 0 | done, or interrupted with a checkpoint |
    | 2 | a mistake in the deck or on the command line |
    | 3 | a file that is missing, damaged, wrong or cannot be written; a server that does not come |
    | 4 | the numbers of the run make no sense any more: forces, steps or energies beyond all bounds |
    | 5 | a minimisation or a band of images has not converged in its steps |

    Nothing that was written before is lost. All mistakes of a deck are shown at once. What follows are decks, or structures and
    models that decks name, and what `bloch check` says of them.

    """
  for (heading, inputs) in gallery {
    text += "\n## \(heading)\n"
    for input in inputs {
      let message = try String(contentsOfFile: "\(tests)/Malformed/\(input).txt", encoding: .utf8)
      text += "\n```\n\(message.trimmingCharacters(in: .newlines))\n```\n"
    }
  }
  try expectPage("errors.md", text)
}
