import ArgumentParser
import Deck
import Simulation

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Do all that a run or a training does except to integrate or to learn.",
    discussion: """
      Reads deck, structure and model, evaluates the forces once, and prints what the run would be: atoms, \
      density, memory, and the size of its files against the free disk. Of a training it reads and checks the \
      data, and prints the table of labels, parameters, memory and, from a few timed steps, how long it takes.
      """)

  @OptionGroup var deck: DeckArguments

  func run() throws {
    switch try DeckKind(ofDeckAt: deck.deck) {
    case .run, .minimization, .band:
      var simulation = try Simulation(deck: deck.read(), forceField: Ranks.forceField)
      try Console.print(simulation.check())
    case .modes:
      var modes = try ModesRun(
        deck: deck.read(), events: Console.listener(), forceField: Ranks.forceField)
      try Console.print(modes.check())
    case .serve:
      try Console.print(
        ForceService(deck: deck.read(), events: Console.listener(), forceField: Ranks.forceField).check())
    case .training:
      let training = try TrainingRun(deck: TrainingDeck(path: deck.deck, overrides: deck.overrides))
      try Console.print(training.check())
    }
  }
}
