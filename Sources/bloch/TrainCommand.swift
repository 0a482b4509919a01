import ArgumentParser
import Deck
import Foundation
import Simulation

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model as a deck describes, or go on with a training.",
    discussion: """
      Ctrl-C ends the training after the present step with a checkpoint; `bloch train --resume` continues it, \
      bit for bit. So do SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU and the deck's `max_hours`. The best model \
      so far is always in NAME.model.h5. `bloch deck --training` lists the keys of a deck.
      """)

  @Argument(
    help:
      "The deck: a YAML file. With --resume the deck as it is now, held against the one of the checkpoint.",
    completion: .file(extensions: ["yaml", "yml"]))
  var deck: String?

  @Option(help: "Checkpoint to go on from: a *.checkpoint.h5 file.", completion: .file(extensions: ["h5"]))
  var resume: String?

  @Flag(help: "Go on although deck or data have changed since the training began.")
  var allowChanges = false

  @Option(help: "Threads, instead of the deck's. Another number gives other bits.")
  var threads: Int?

  @Option(help: "Folder for the output, instead of the deck's.", completion: .directory)
  var outputDir: String?

  @Flag(help: "Replace the files of an earlier training.")
  var overwrite = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
    guard resume != nil else {
      if deck == nil { throw ValidationError("Give a deck, or a checkpoint with --resume.") }
      if allowChanges { throw ValidationError("--allow-changes belongs to --resume.") }
      return
    }
    if overwrite {
      throw ValidationError("--overwrite is for a new training; --resume goes on with the old one.")
    }
    if outputDir != nil {
      throw ValidationError("--resume writes beside its checkpoint: leave --output-dir out.")
    }
  }

  func run() throws {
    Interruption.watch()
    if let resume {
      var training = try TrainingRun(
        checkpoint: resume,
        options: TrainingResumeOptions(deck: deck, allowsChanges: allowChanges, threads: threads),
        events: Console.listener())
      try training.resume(interruption: { Interruption.name })
    } else {
      let arguments = DeckOverrides(threads: threads, outputDir: outputDir)
      var training = try TrainingRun(
        deck: TrainingDeck(path: deck ?? "", overrides: arguments.values), events: Console.listener())
      try training.run(overwrite: overwrite, interruption: { Interruption.name })
    }
  }
}
