import ArgumentParser
import Simulation

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Convert a trajectory or a checkpoint to extended XYZ for ASE and OVITO."
  )

  @Argument(
    help: "H5MD trajectory of a run, also of one in progress; or a checkpoint, for its configuration.",
    completion: .file(extensions: ["h5"]))
  var trajectory: String

  @Argument(help: "Extended XYZ file to write.", completion: .file(extensions: ["xyz"]))
  var output: String

  @Option(help: "Write every n-th frame, beginning with the first.")
  var every = 1

  func validate() throws {
    if every < 1 { throw ValidationError("--every takes a number from 1.") }
  }

  func run() throws {
    let frames = try exportTrajectory(trajectory, to: output, every: every, events: Console.listener())
    try Console.print("\(frames) \(frames == 1 ? "frame" : "frames") written to \(output)")
  }
}
