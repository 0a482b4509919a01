// Decks of minimisations, and restraints in any.

import Foundation
import Testing

@testable import Deck

private func minimization(_ text: String) throws -> Deck {
  try Deck(
    text: "structure: a.xyz\nmodel: m.h5\n\(text)\n", file: "a.yaml", folder: "/decks", as: .minimization)
}

private func messages(_ text: String) -> String {
  do {
    _ = try minimization(text)
    return "no error"
  } catch { return "\(error)" }
}

@Test func aMinimisationNeedsItsMarkAlone() throws {
  for mark in ["minimize: {}", "minimize:"] {
    let deck = try minimization(mark)
    #expect(deck.kind == .minimization && deck.timestep == nil && deck.ensemble == nil && deck.steps == 1000)
    #expect(deck.precision == .double && !deck.writesVelocities && deck.logInterval == 1)
    let found = try #require(deck.minimization)
    #expect(found == .init(algorithm: .lbfgs, force: 0.01, largestStep: 0.2, cell: nil))
  }
}

@Test func keysOfAMinimisationReadBack() throws {
  let deck = try minimization(
    "minimize: {algorithm: fire, cell: triclinic, components: [xx, xy], pressure: 2 GPa, stress: 10 bar}\nsteps: 9"
  )
  let cell = try #require(deck.minimization?.cell)
  #expect(cell.components == [.xx, .xy] && cell.coupling == .triclinic)
  #expect(abs(cell.pressure[0] / cell.tolerance - 2000) < 1e-9)
  let again = try Deck(text: deck.resolvedText, file: "r.yaml", folder: "/elsewhere")
  #expect(again.resolvedText == deck.resolvedText && again.minimization == deck.minimization)
}

@Test func whatPassesTimeHasNoPlaceInAMinimisation() {
  #expect(messages("minimize: {}\nensemble: nvt").contains("a.yaml:4:1: error: `ensemble` has no place here"))
  #expect(messages("minimize: {}\ntimestep: 1 fs").contains("this is the deck of a minimisation"))
  #expect(messages("minimize: {}\nlog: {every: 5 fs}").contains("`fs` is not a unit of `every`"))
  #expect(messages("minimize: {pressure: 1 bar}").contains("the cell is fixed"))
  #expect(messages("minimize: {cell: isotropic, components: [xx]}").contains("have components to choose"))
  #expect(messages("minimize: {forc: 1 eV/A}").contains("did you mean `force`?"))
  #expect(messages("ensemble: nve\ntimestep: 1 fs\nsteps: 1").contains("of a run, not of a minimisation"))
  #expect(Deck.messages("minimize: {}").contains("this is the deck of a minimisation, not of a run"))
}

extension Deck {
  fileprivate static func messages(_ text: String) -> String {
    do {
      _ = try Deck(text: "structure: a.xyz\nmodel: m.h5\n\(text)\n", file: "a.yaml", folder: "/", as: .run)
      return "no error"
    } catch { return "\(error)" }
  }
}

// MARK: - Restraints

@Test func restraintsOfEveryKindAreRead() throws {
  let run = try deck(
    """
    restraints:
      - {type: distance, atoms: [1, 2], center: 0.3 nm, k: 2 eV/A^2}
      - {name: pull, type: distance-difference, atoms: [1, 2, 2, 3], from: -1 A, to: 1 A, over: 50 fs, k: 1 eV/A^2}
      - {type: angle, atoms: [3, 1-2], lower: 90 deg, k: 1 kcal/mol/rad^2}
      - {type: position, atoms: [1, 4-6], upper: 0.5 A, k: 1 eV/A^2}
    """, ensemble: "nve")
  let r = run.restraints
  #expect(r.map(\.name) == ["restraint_1", "pull", "restraint_3", "restraint_4"])
  #expect(r[0].profile == .harmonic(center: 3) && r[0].stiffness == 2)
  #expect(r[1].profile == .moving(from: -1, to: 1, steps: 100))
  #expect(r[2].profile == .flat(lower: Double.pi / 2, upper: nil) && r[2].atomNumbers == [3, 1, 2])
  #expect(abs(r[2].stiffness - 0.0433641) < 1e-6)
  #expect(r[3].profile == .flat(lower: nil, upper: 0.5) && r[3].atomNumbers == [1, 4, 5, 6])
  let again = try Deck(text: run.resolvedText, file: "r.yaml", folder: "/")
  #expect(again.restraints == r && again.resolvedText == run.resolvedText)
}

@Test func mistakesInARestraintAreShownWhereTheyAre() {
  func message(_ restraint: String) -> String {
    Swift.String(describing: Result { try deck("restraints:\n  - \(restraint)", ensemble: "nve") })
  }
  for (restraint, words) in [
    ("{type: distance, atoms: [1, 2], center: 3 A}", "water.yaml:7:5: error: the key `k` is missing"),
    ("{type: distance, atoms: [1, 2], center: 3, k: 1 eV/A^2}", "water.yaml:7:45: error: `3` has no unit"),
    ("{type: distance, atoms: [1, 2, 3], center: 3 A, k: 1 eV/A^2}", "`distance` takes 2 atoms"),
    ("{type: distance, atoms: [2, 2], center: 3 A, k: 1 eV/A^2}", "no distance from itself"),
    ("{type: position, atoms: [1-4, 3], k: 1 eV/A^2}", "an atom is named twice"),
    ("{type: angle, atoms: [1, 2, 3], center: 3 A, k: 1 eV/rad^2}", "`A` is not a unit of `center`"),
    ("{type: distance, atoms: [1, 2], center: 3 A, upper: 4 A, k: 1 eV/A^2}", "it has bounds"),
    ("{type: distance, atoms: [1, 2], from: 3 A, k: 1 eV/A^2}", "the key `to` is missing"),
    ("{type: distance, atoms: [1, 2], lower: 4 A, upper: 3 A, k: 1 eV/A^2}", "`lower` is above `upper`"),
    ("{type: distance, atoms: [1, 2], centre: 3 A, k: 1 eV/A^2}", "did you mean `center`?"),
    ("{type: position, atoms: [1], center: 3 A, k: 1 eV/A^2}", "held where they are at the start"),
    ("3 A", "a restraint is a group of keys"),
  ] { #expect(message(restraint).contains(words), "\(message(restraint))") }
  #expect(
    message(
      "{name: a, type: position, atoms: [1], k: 1 eV/A^2}\n  - {name: a, type: position, atoms: [2], k: 1 eV/A^2}"
    )
    .contains("two restraints are called `a`"))
  #expect(
    messages("minimize: {}\nrestraints: [{type: distance, atoms: [1, 2], from: 1 A, to: 2 A, k: 1 eV/A^2}]")
      .contains("no time passes in which it could move"))
}

@Test(arguments: DeckKind.allCases) func everyKindHasAReference(_ kind: DeckKind) {
  #expect(Set(kind.keys.map(\.path)).count == kind.keys.count)
  for key in kind.keys { #expect(kind.reference.contains("\(key.path)  (") && key.help.hasSuffix(".")) }
  #expect(kind.keys.contains { $0.path.hasPrefix(kind.mark) })
}
