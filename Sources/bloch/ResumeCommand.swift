import ArgumentParser
import Deck
import Simulation

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Continue a run from its checkpoint.",
    discussion: """
      The run goes on in the checkpoint's folder and appends to its files; what was written after the \
      checkpoint is written again, so that the files are those of an unbroken run. The folder may have been \
      moved, its files renamed together.
      """)

  @Argument(help: "The checkpoint: a *.checkpoint.h5 file.", completion: .file(extensions: ["h5"]))
  var checkpoint: String

  @Option(help: "Steps to run from the checkpoint on, instead of what is left of the deck's.")
  var steps: Int?

  @Option(
    help:
      "Where the model is now; of a committee once for each. (default: where it was, seen from the output folder or as it was)"
  )
  var model: [String] = []

  @Option(
    help: "Where the structure is now; only the resolved deck names it, the atoms are the checkpoint's.")
  var structure: String?

  @Option(help: "Threads, instead of the run's. Another number gives other bits.")
  var threads: Int?

  @Option(help: "Bricks of the ranks, instead of the run's: auto, or such as 2x2x1. Others give other bits.")
  var grid: BrickChoice?

  @Flag(help: "Drop what a later part of the run wrote after this checkpoint.")
  var overwrite = false

  func validate() throws {
    if let steps, steps < 0 { throw ValidationError("--steps takes a number from 0.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
  }

  func run() throws {
    Interruption.watch()
    let options = ResumeOptions(
      steps: steps, models: model, structure: structure, threads: threads, grid: grid,
      overwrite: overwrite)
    if ModesRun.isCheckpoint(checkpoint) {
      var modes = try ModesRun(
        checkpoint: checkpoint, options: options, events: Console.listener(), forceField: Ranks.forceField)
      return try modes.resume(interruption: { Interruption.name })
    }
    var simulation = try Simulation(
      checkpoint: checkpoint, options: options, events: Console.listener(), forceField: Ranks.forceField)
    try simulation.resume(interruption: { Interruption.name })
  }
}
