import Testing

@testable import Deck

/// A deck with nothing but the keys that must be given, and `extra` lines.
func deck(_ extra: String = "", ensemble: String = "nvt") throws -> Deck {
  try Deck(
    text: """
      structure: water.xyz
      model: ../Models/water.h5
      ensemble: \(ensemble)
      timestep: 0.5 fs
      steps: 1000
      \(extra)
      """, file: "water.yaml", folder: "/decks")
}

/// The messages of a deck that is wrong.
func messages(_ extra: String, ensemble: String = "nvt") -> String {
  do {
    _ = try deck(extra, ensemble: ensemble)
    return "no error"
  } catch {
    return "\(error)"
  }
}

@Test func defaultsFillWhatTheDeckLeavesOut() throws {
  let deck = try deck("temperature: 300 K")
  #expect(deck.thermostat == .noseHoover(tau: 100, chain: 3))
  #expect(deck.replicate == [1, 1, 1])
  #expect(deck.trajectoryInterval == 100)
  #expect(deck.outputName == "water")
  #expect(deck.precision == .mixed)
}

@Test func pathsAreRelativeToTheDeck() throws {
  let deck = try deck("temperature: 300 K")
  #expect(deck.structure == "/decks/water.xyz")
  #expect(deck.model == "/Models/water.h5")
}

@Test func unitsAreConverted() throws {
  let deck = try deck(
    """
    temperature: {from: 100 K, to: 300 K, over: 0.1 ps}
    thermostat: {type: langevin, friction: 2 /ps}
    trajectory: {every: 5fs}
    log: {every: 3 steps}
    """)
  #expect(deck.temperature == .init(start: 100, end: 300, steps: 200))
  #expect(deck.thermostat == .langevin(friction: 2e-3))
  #expect(deck.trajectoryInterval == 10)
  #expect(deck.logInterval == 3)
}

@Test func resolvedDeckReadsBackAsTheSameDeck() throws {
  let extras = [
    "temperature: 300 K",
    "temperature: {from: 100 K, to: 3.0e2 K}\nfixed: [1, 4, 10-20]",
    "temperature: 300 K\noutput: {folder: \"a b: c\", name: ümlaut}",
    "temperature: 300 K\nthermostat: {type: langevin}\nseed: 9007199254740993",
  ]
  for extra in extras {
    let first = try deck(extra)
    let second = try Deck(text: first.resolvedText, file: "other.yaml", folder: "/elsewhere")
    #expect(first.resolvedText == second.resolvedText)
    #expect(first.temperature == second.temperature)
    #expect(first.fixed == second.fixed)
    #expect(first.outputFolder == second.outputFolder && first.outputName == second.outputName)
    #expect(first.seed == second.seed)
  }
}

@Test func commandLineReplacesKeysOfTheDeck() throws {
  let text =
    "structure: a\nmodel: b\nensemble: nve\nvelocities: structure\ntimestep: 1 fs\nsteps: 5\nthreads: 2\n"
  let deck = try Deck(
    text: text, file: "a.yaml", folder: "/", overrides: ["threads": "1", "output.folder": "/x"])
  #expect(deck.threads == 1)
  #expect(deck.outputFolder == "/x")
}

@Test func windowsLineEndsAndByteOrderMarkAreAccepted() throws {
  let text =
    "structure: a\r\nmodel: b\r\nensemble: nve\r\ntemperature: 300 K\r\ntimestep: 1 fs\r\nsteps: 5\r\n"
  #expect(try Deck(text: text, file: "a.yaml", folder: "/").steps == 5)
}

@Test func everyMistakeIsReportedAtOnceInOrderOfLines() {
  let text = messages("tempreature: 300 K\nthermostat: {tau: 100}\nthreads: two\nseeed: 1\n")
  #expect(
    text == """
      water.yaml:6:1: error: unknown key `tempreature`
        6 | tempreature: 300 K
          | ^~~~~~~~~~~
        help: did you mean `temperature`?
      water.yaml:7:19: error: `100` has no unit
        7 | thermostat: {tau: 100}
          |                   ^~~
        help: write `tau: 100 fs`: it takes a time in fs, ps or ns
      water.yaml:8:10: error: `two` is not a whole number
        8 | threads: two
          |          ^~~
        help: `threads` takes a whole number from 1 to 1024
      water.yaml:9:1: error: unknown key `seeed`
        9 | seeed: 1
          | ^~~~~
        help: did you mean `seed`?
      """)
}

@Test func nearestNameForgivesSlipsOnly() {
  let names = ["timestep", "temperature", "steps", "fs", "ps"]
  #expect(nearestName(to: "time_step", among: names) == "timestep")
  #expect(nearestName(to: "setps", among: names) == "steps")
  #expect(nearestName(to: "Fs", among: names) == "fs")
  #expect(nearestName(to: "pressure", among: names) == nil)
}

@Test func everyKeyIsInTheReferenceOnce() {
  #expect(Set(Deck.keys.map(\.path)).count == Deck.keys.count)
  for key in Deck.keys {
    #expect(Deck.reference.contains("\(key.path)  ("))
    #expect(key.help.hasSuffix("."))
  }
}
