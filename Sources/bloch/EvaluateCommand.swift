import ArgumentParser
import Kernels
import LRMACE
import Simulation

extension LRMACEPotential.Precision: ExpressibleByArgument {}

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Energies, forces and stresses of the structures in a file.",
    discussion: "Where the file has labels, the difference from them is printed too.")

  @Option(
    help: "LR-MACE model file; given more than once, a committee: its mean, and how far it is apart.",
    completion: .file(extensions: ["h5"]))
  var model: [String]

  @Argument(help: "Extended XYZ file with one or more frames.", completion: .file(extensions: ["xyz"]))
  var structures: String

  @Option(help: "Precision of the network: mixed or double. (default: double)")
  var precision: LRMACEPotential.Precision?

  @OptionGroup var attention: AttentionArguments

  @Option(help: "Extended XYZ file for the results, as ASE reads it.", completion: .file(extensions: ["xyz"]))
  var output: String?

  @Option(help: "Threads. (default: all processors that the job may use)")
  var threads: Int?

  @Option(
    help:
      "Checkpoint of a run, to evaluate as that run did: its configuration gives the same bits. Precision and threads are then the run's by default.",
    completion: .file(extensions: ["h5"]))
  var planOf: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
  }

  func run() throws {
    let run = try planOf.map(RunPlan.init(ofCheckpoint:))
    let precision = precision ?? run?.precision ?? .double
    let attention = try attention.evaluation(in: precision)
    let forceField = try ForceField.committee(
      of: model.map {
        try .lrmace(
          path: $0, precision: precision, threads: threads ?? run?.threads ?? Processors.count,
          attention: attention)
      })
    let listener = Console.listener()
    try evaluateStructures(in: structures, with: forceField, as: run, output: output) { event in
      do { try listener(event) } catch is Console.ReaderIsGone where output != nil {
        // The file is what counts.
      }
    }
  }
}
