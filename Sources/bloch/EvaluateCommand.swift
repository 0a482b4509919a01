import ArgumentParser
import Deck
import Kernels
import LRMACE
import Simulation
import Training

extension LRMACEPotential.Precision: ExpressibleByArgument {}

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Energies, forces and stresses of the structures in a file.",
    discussion: """
      Where the file has labels, the difference from them is printed, too. They are found by their usual names (energy, \
      REF_energy, dft_forces ...), or named. Columns and keys of the file are kept in the output.
      """)

  @Option(
    help: "LR-MACE model file; given more than once, a committee: its mean, and how far it is apart.",
    completion: .file(extensions: ["h5"]))
  var model: [String]

  @Argument(
    help:
      "Extended XYZ with one or more frames, POSCAR, PDB, CIF or LAMMPS data, also packed by gzip; - for the standard input.",
    completion: .file(extensions: ["xyz"]))
  var structures: String

  @Option(help: "Precision of the network: mixed or double. (default: double)")
  var precision: LRMACEPotential.Precision?

  @OptionGroup var attention: AttentionArguments

  @Option(
    help: "Extended XYZ file for the results, as ASE reads it; - for the standard output.",
    completion: .file(extensions: ["xyz"]))
  var output: String?

  @Option(help: "Name of the energies to compare with. (default: a usual one)")
  var energyKey: String?

  @Option(help: "Name of the forces to compare with. (default: a usual one)")
  var forcesKey: String?

  @Option(help: "Name of the stress to compare with. (default: a usual one)")
  var stressKey: String?

  @Option(help: "Name of the virial to compare with, instead of a stress.")
  var virialKey: String?

  @Option(help: "Threads. (default: all processors that the job may use)")
  var threads: Int?

  @Option(help: "Bricks of the ranks that mpirun starts: auto, or such as 2x2x1. (default: auto)")
  var grid: BrickChoice?

  @Option(
    help:
      "Checkpoint of a run, to evaluate as that run did: its configuration gives the same bits. Precision, threads and bricks are then the run's by default.",
    completion: .file(extensions: ["h5"]))
  var planOf: String?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads takes 1 to 1024.") }
    if stressKey != nil, virialKey != nil {
      throw ValidationError("--stress-key and --virial-key name the same in two ways: give one.")
    }
  }

  func run() throws {
    let run = try planOf.map(RunPlan.init(ofCheckpoint:))
    let precision = precision ?? run?.precision ?? .double
    let attention = try attention.evaluation(in: precision)
    let forceField = try ForceField.committee(
      of: model.map {
        try .lrmace(
          path: $0, precision: precision, threads: threads ?? run?.threads ?? Processors.count,
          attention: attention, on: Ranks.team, grid: grid ?? run?.grid ?? .auto)
      })
    let listener = Console.listener()
    let names = LabelNames(energy: energyKey, forces: forcesKey, stress: stressKey, virial: virialKey)
    try evaluateStructures(
      in: structures == "-" ? "/dev/stdin" : structures, with: forceField, labels: names, as: run,
      output: output
    ) { event in
      if output == "-", case .result(let line) = event { return Console.note(line) }
      do { try listener(event) } catch is Console.ReaderIsGone where output != nil {
        // The file is what counts.
      }
    }
  }
}
