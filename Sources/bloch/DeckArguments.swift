import ArgumentParser
import Deck
import Foundation

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

  func read() throws -> Deck {
    var overrides: [String: String] = [:]
    if let threads { overrides["threads"] = "\(threads)" }
    if let outputDir { overrides["output.folder"] = URL(fileURLWithPath: outputDir).path }
    return try Deck(path: deck, overrides: overrides)
  }
}
