import ArgumentParser
import Simulation

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Continue a run from its checkpoint.",
    discussion: """
      The run goes on in the checkpoint's folder and appends to its files; what was written after the \
      checkpoint is written again, so that the files are those of an unbroken run.
      """)

  @Argument(help: "The checkpoint: a *.checkpoint.h5 file.", completion: .file(extensions: ["h5"]))
  var checkpoint: String

  @Option(help: "Steps to run from the checkpoint on, instead of what is left of the deck's.")
  var steps: Int?

  func validate() throws {
    if let steps, steps < 0 { throw ValidationError("--steps takes a number from 0.") }
  }

  func run() throws {
    Interruption.watch()
    var simulation = try Simulation(checkpoint: checkpoint, steps: steps)
    try simulation.resume()
  }
}
