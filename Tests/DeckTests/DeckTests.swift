import Diagnostics
import Foundation
import Lattice
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
  #expect(deck.models == ["/Models/water.h5"])
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
  #expect(Set(DeckKind.run.keys.map(\.path)).count == DeckKind.run.keys.count)
  for key in DeckKind.run.keys {
    #expect(DeckKind.run.reference.contains("\(key.path)  ("))
    #expect(key.help.hasSuffix("."))
  }
}

// MARK: - Units

@Test func unitsThatPeopleWriteAreKnown() throws {
  func timestep(_ text: String) throws -> Double {
    try deck("temperature: 300 K\nthermostat: {tau: \(text)}").thermostat.map {
      if case .noseHoover(let tau, _) = $0 { tau } else { .nan }
    } ?? .nan
  }
  #expect(try timestep("500 as") == 0.5)
  #expect(try timestep("1e-3 us") == 1e6)
  #expect(try timestep("1e-3 µs") == 1e6)
  #expect(try timestep("1e-13 s") == 100)
  for rate in ["2 1/ps", "2 /ps", "2 ps^-1", "2 ps-1", "0.002 fs^-1", "2000 ns-1"] {
    #expect(
      try deck("temperature: 300 K\nthermostat: {friction: \(rate)}").thermostat == .langevin(friction: 0.002)
    )
  }
}

@Test func aUnitThatIsNotKnownIsAnsweredWithThoseThatAre() {
  let message = messages("temperature: 300 K\nthermostat: {tau: 3 ly}")
  #expect(
    message.contains("it takes a time in fs, ps or ns; all units are fs, ps, ns, as, us, s"), "\(message)")
}

@Test func theMotionOfTheWholeIsRemovedAtAnInterval() throws {
  #expect(try deck("temperature: 300 K").driftInterval == nil)
  #expect(try deck("temperature: 300 K\nremove_drift: 100 steps").driftInterval == 100)
  #expect(try deck("temperature: 300 K\nremove_drift: 10 fs").driftInterval == 20)
  let held = messages(
    "temperature: 300 K\nremove_drift: 1 step\nrestraints: [{type: position, atoms: [1], k: 1 eV/A^2}]")
  #expect(held.contains("a restraint on positions holds the whole"), "\(held)")
}

@Test func noUnitOfAnotherSizeIsProposed() {
  for (text, words) in [
    ("500 ms", "it takes a time"), ("500 bs", "it takes a time"), ("500 Fs", "did you mean `500 fs`?"),
    ("500 femtoseconds", "did you mean `500 fs`?"), ("500 attosecond", "did you mean `500 as`?"),
  ] {
    let message = messages("temperature: 300 K\nthermostat: {tau: \(text)}")
    #expect(message.contains("is not a unit of `tau`") && message.contains(words), "\(message)")
  }
  #expect(messages("temperature: 27 °C").contains("27 degrees Celsius are `300.15 K`"))
}

// MARK: - What depends on the rest of the deck, or on the structure

@Test func nothingIsAskedForThatTheRunDoesNotNeed() throws {
  let atRest = try deck(ensemble: "nve")
  #expect(atRest.velocities == .rest && atRest.temperature == nil && atRest.leavesVelocitiesOpen)
  let moving = try atRest.with("velocities", "structure")
  #expect(moving.velocities == .structure && !moving.leavesVelocitiesOpen)
  #expect(
    try Deck(text: moving.resolvedText, file: "r.yaml", folder: "/").resolvedText == moving.resolvedText)
  #expect(try deck("temperature: 0 K", ensemble: "nve").temperature?.start == 0)
  #expect(try deck("temperature: 300 K\nvelocities: rest").velocities == .rest)
  #expect(messages("velocities: maxwell-boltzmann", ensemble: "nve").contains("`temperature` is missing"))
  #expect(
    messages("velocities: rest\ntemperature: 1 K", ensemble: "nve").contains("starts at rest follows no"))
  #expect(messages("").contains("`temperature` is missing"))
}

@Test func theThermostatIsOpenOnlyIfNothingIsSaidOfIt() throws {
  let open = try deck("temperature: 300 K")
  #expect(open.leavesThermostatOpen)
  let langevin = try open.with("thermostat.type", "langevin")
  #expect(langevin.thermostat == .langevin(friction: 1e-3) && !langevin.leavesThermostatOpen)
  #expect(
    try Deck(text: langevin.resolvedText, file: "r.yaml", folder: "/").thermostat == langevin.thermostat)
  let tau = try deck("temperature: 300 K\nthermostat: {tau: 50 fs}")
  #expect(tau.thermostat == .noseHoover(tau: 50, chain: 3) && !tau.leavesThermostatOpen)
  #expect(
    try deck("temperature: 300 K\nthermostat: {friction: 2 1/ps}").thermostat == .langevin(friction: 2e-3))
}

@Test func theReferenceSaysWhereAKeyHasAMeaning() {
  for words in [
    "temperature.from  (in a ramp; required)",
    "thermostat.friction  (with `type: langevin`; default: 1 1/ps)",
    "thermostat.type  (in `nvt` and `npt`; default: nose-hoover; langevin for a free cluster of fewer than 100 atoms)",
  ] { #expect(DeckKind.run.reference.contains(words)) }
}

// MARK: - Numbers and files at the edge

@Test func numbersAtTheEdgeOfTheirRangeAreReadOrRefused() throws {
  let long = try Deck(
    text:
      "structure: a\nmodel: b\nensemble: nvt\ntimestep: 1 fs\nsteps: 1000000000000\ntemperature: {from: 1 K, to: 2 K}\n",
    file: "a.yaml", folder: "/")
  #expect(long.temperature?.steps == 1_000_000_000_000)
  #expect(try deck("temperature: 1 K\nseed: \(Int.max)").seed == UInt64(Int.max))
  #expect(
    messages("temperature: 1 K\nseed: 18446744073709551615").contains(
      "help: `seed` takes a whole number from 0"))
  #expect(
    messages("temperature: 1 K\nfixed: [1-99999999999999999999]").contains("neither an atom nor a range"))
  #expect(try deck("temperature: 1 K\nfixed: [1-\(Int.max)]").fixed == [1...Int.max])
  #expect(messages("temperature: 1 K\nlog: {every: 1e400 steps}").contains("not a whole number of steps"))
}

@Test func decksThatStandForMoreThanTheyHoldAreRefused() {
  #expect(messages("temperature: &t 300 K").contains("water.yaml:6:14: error: `&` begins an anchor"))
  #expect(messages("threads: " + String(repeating: "[", count: 100_000)).contains("nested too deeply"))
}

@Test func filesThatAreNoDecksAreNamed() throws {
  let path = NSTemporaryDirectory() + "bloch-\(UUID().uuidString).yaml"
  defer { try? FileManager.default.removeItem(atPath: path) }
  try Data([0x1F, 0x8B, 8, 0]).write(to: URL(fileURLWithPath: path))
  let error = #expect(throws: DeckError.self) { try Deck(path: path) }
  #expect(
    error?.description
      == "\(path): error: the file is compressed (gzip)\n  help: decompress it first: gunzip -k \(path)")
  try Data(repeating: 0x20, count: 2 << 20).write(to: URL(fileURLWithPath: path))
  #expect(throws: FileError.self) { try Deck(path: path) }
}

// MARK: - Constant pressure

@Test func pressuresAreInEVPerCubicAngstromInVoigtsOrder() throws {
  let bar = 1 / Units.bar
  let plain = try deck("temperature: 300 K\npressure: 2 GPa", ensemble: "npt").barostat
  #expect(plain?.type == .rescaling && plain?.tau == 1000 && plain?.coupling == .isotropic)
  #expect(
    plain?.pressure
      == .init(start: [2e4, 2e4, 2e4, 0, 0, 0].map { $0 * bar }, end: plain?.pressure.end ?? [], steps: 1))
  #expect(abs((plain?.compressibility ?? 0) / (4.5e-5 * Units.bar) - 1) < 1e-15)
  let tensor = try deck(
    """
    temperature: 300 K
    pressure: {from: [1 bar, 2 bar, 3 bar], to: [1 bar, 2 bar, 3 bar, 4 bar, 5 bar, 6 bar], over: 5 fs}
    barostat: {coupling: triclinic, components: [zz, xy]}
    """, ensemble: "nph"
  ).barostat
  #expect(tensor?.type == .martynaTobiasKlein && tensor?.components == [.zz, .xy])
  #expect(
    tensor?.pressure
      == .init(
        start: [1, 2, 3, 0, 0, 0].map { $0 * bar }, end: [1, 2, 3, 4, 5, 6].map { $0 * bar }, steps: 10))
  #expect(try deck("temperature: 300 K").barostat == nil)
}

@Test func aResolvedDeckOfConstantPressureReadsBackAsTheSame() throws {
  for (ensemble, extra) in [
    ("npt", "pressure: -1 kbar\nbarostat: {compressibility: 1 1/GPa}"),
    ("npt", "pressure: [1 bar, 1 bar, 0 bar]\nbarostat: {coupling: semi-isotropic}"),
    ("nph", "pressure: {from: 0 Pa, to: 1 atm}\nbarostat: {coupling: orthorhombic, components: [yy]}"),
  ] {
    let first = try deck("temperature: 300 K\n\(extra)", ensemble: ensemble)
    let second = try Deck(text: first.resolvedText, file: "other.yaml", folder: "/")
    #expect(first.resolvedText == second.resolvedText && first.barostat == second.barostat)
  }
}

@Test func aPressureThatTheCellCannotFollowIsRefused() {
  func message(_ barostat: String, _ pressure: String) -> String {
    messages(
      "temperature: 1 K\nbarostat: {type: mtk, coupling: \(barostat)}\npressure: \(pressure)", ensemble: "npt"
    )
  }
  #expect(message("isotropic", "[1 bar, 2 bar, 3 bar]").contains("follows one pressure"))
  #expect(message("semi-isotropic", "[1 bar, 2 bar, 3 bar]").contains("has xx and yy alike"))
  #expect(
    message("orthorhombic", "[1 bar, 2 bar, 3 bar, 0 bar, 0 bar, 0 bar]").contains(
      "a list of 6 for this cell"))
  #expect(message("triclinic", "[1 bar, 2 bar]").contains("a list of 2 for a triclinic cell"))
  #expect(message("triclinic", "[1 bar, 2, 3 bar]").contains("`2` has no unit"))
  #expect(message("triclinic", "1e9 bar").contains("takes -10000000 to 10000000 bar"))
}

@Test func valuesOfACommandLineHaveTheUnitsAndTheWordsOfADeck() throws {
  #expect(try OptionValue.time("2 ps").value == 2000)
  #expect(try OptionValue.time("2ps").value == 2000)
  #expect(try OptionValue.length("0.3 nm").value == 3)
  #expect(try OptionValue.wavevector("6 1/A").value == 6)
  #expect(try OptionValue.temperature("300 K").value == 300)
  // 1 Pa s = 1e15 fs / (1.602176634e11 Pa Angstrom^3/eV).
  #expect(abs(try OptionValue.viscosity("0.89 mPa s").value / (0.89e-3 * 1e15 / 1.602176634e11) - 1) < 1e-12)
  for (text, words) in [
    ("2", "`2` has no unit"), ("2 K", "is not a unit of `time`"), ("-1 ps", "out of range"),
  ] {
    do {
      _ = try OptionValue.time(text)
      Issue.record("\(text) is a time")
    } catch { #expect("\(error)".contains(words), "\(error)") }
  }
}
