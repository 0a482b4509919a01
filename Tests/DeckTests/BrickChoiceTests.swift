// The bricks of several ranks: in a deck a list, on a command line 2x2x1, or `auto`.

import Testing

@testable import Deck

private func deck(_ extra: String) throws -> Deck {
  try Deck(
    text: "structure: a\nmodel: b\nensemble: nve\ntemperature: 300 K\ntimestep: 1 fs\nsteps: 5\n\(extra)\n",
    file: "a.yaml", folder: "/")
}

@Test func bricksAreAListOrFound() throws {
  #expect(try deck("").grid == .auto)
  #expect(try deck("grid: auto").grid == .auto)
  let given = try deck("grid: [2, 2, 1]")
  #expect(given.grid == .counts(SIMD3(2, 2, 1)))
  for deck in [given, try deck("")] {
    #expect(try Deck(text: deck.resolvedText, file: "b.yaml", folder: "/").grid == deck.grid)
  }
  for (value, words) in [
    ("[2, 2]", "a list of 2"), ("[2, 2, 0]", "0 is out of range"), ("2x2x1", "not a list"),
    ("[1, 1, 1e6]", "out of range"), ("[a, 1, 1]", "`a` is not a whole number"),
  ] {
    let error = try #require(throws: DeckError.self) { try deck("grid: \(value)") }
    #expect("\(error)".contains(words), "\(error)")
  }
}

@Test func bricksOnACommandLineAreThoseOfADeck() throws {
  for (text, choice) in [("auto", BrickChoice.auto), ("2x2x1", .counts(SIMD3(2, 2, 1)))] {
    #expect(BrickChoice(text) == choice && "\(choice)" == text)
    let changed = try Deck(
      text: deck("grid: [1, 1, 4]").resolvedText, file: "a.yaml", folder: "/",
      overrides: ["grid": choice.deckValue])
    #expect(changed.grid == choice)
  }
  for text in ["", "2", "2x2", "2x2x0", "2x2x1x1", "2xx1", "-1x1x1", "1x1x99999999999999999999", "2,2,1"] {
    #expect(BrickChoice(text) == nil, "\(text)")
  }
}
