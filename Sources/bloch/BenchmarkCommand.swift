import ArgumentParser
import Deck
import Foundation
import LRMACE
import Simulation

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Time a step: forces, neighbour list and motion, by part.")

  @Option(help: "LR-MACE model file.", completion: .file(extensions: ["h5"]))
  var model: String

  @Option(help: "Structure file; its first frame is used.", completion: .file(extensions: ["xyz"]))
  var structure: String

  @Option(parsing: .upToNextOption, help: "Copies along the three lattice vectors.")
  var replicate: [Int] = [1, 1, 1]

  @Option(
    parsing: .upToNextOption, help: "Numbers of threads; several take turns, to be compared with the first.")
  var threads = [1]

  @Option(help: "Precision of the network: mixed or double.")
  var precision = LRMACEPotential.Precision.mixed

  @Option(help: "Bricks of the ranks that mpirun starts: auto, or such as 2x2x1.")
  var grid = BrickChoice.auto

  @OptionGroup var attention: AttentionArguments

  @Flag(help: "Also compute what the model multiplies by zero.")
  var keepDeadPaths = false

  @Flag(help: "Print a JSON object; an array of them for several numbers of threads.")
  var json = false

  func validate() throws {
    if threads.isEmpty || !threads.allSatisfy((1...1024).contains) {
      throw ValidationError("--threads takes numbers from 1 to 1024.")
    }
    if replicate.count != 3 || !replicate.allSatisfy((1...1000).contains) {
      throw ValidationError("--replicate takes three numbers from 1 to 1000, such as --replicate 2 2 2.")
    }
  }

  func run() throws {
    let forceFields = try threads.map { threads in
      let forceField = try ForceField.lrmace(
        path: model, precision: precision, threads: threads, attention: attention.evaluation(in: precision),
        dropsDeadPaths: !keepDeadPaths, on: Ranks.team, grid: grid)
      return (threads, forceField)
    }
    let results = try Benchmark.results(
      structure: structure, copies: replicate, forceFields: forceFields, precision: precision.rawValue)
    try Console.print(json ? Benchmark.json(results) : Benchmark.table(results))
  }
}
