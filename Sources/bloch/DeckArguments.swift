import ArgumentParser
import Deck
import Foundation
import Simulation

/// A deck and what the command line may change in it.
struct DeckArguments: ParsableArguments {
  @Argument(help: "The deck: a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(help: "Threads, instead of the deck's.")
  var threads: Int?

  @Option(help: "Folder for the output, instead of the deck's.", completion: .directory)
  var outputDir: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
  }

  var overrides: [String: DeckValue] { DeckOverrides(threads: threads, outputDir: outputDir).values }

  /// - Parameter kind: what the deck has to be for; nil for anything but a training.
  func read(as kind: DeckKind? = nil) throws -> Deck { try Deck(path: deck, overrides: overrides, as: kind) }
}

extension DeckArguments {
  /// Does what the deck says until it is done or a signal comes.
  func simulate(as kind: DeckKind, overwrite: Bool) throws {
    Interruption.watch()
    var simulation = try Simulation(
      deck: read(as: kind), events: Console.listener(), forceField: Ranks.forceField)
    try simulation.run(overwrite: overwrite, interruption: { Interruption.name })
  }
}

/// What the command line puts in the place of keys that decks of every kind have.
struct DeckOverrides {
  var threads: Int?
  var outputDir: String?

  var values: [String: DeckValue] {
    var values: [String: DeckValue] = [:]
    if let threads { values["threads"] = "\(threads)" }
    if let outputDir { values["output.folder"] = .text(URL(fileURLWithPath: outputDir).path) }
    return values
  }
}
