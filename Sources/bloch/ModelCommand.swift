import ArgumentParser
import Simulation

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Look into a model file.", subcommands: [Info.self])

  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What a model was made for, how it is built and how accurate it is.")

    @Argument(help: "LR-MACE model file.", completion: .file(extensions: ["h5"]))
    var model: String

    func run() throws { try Console.print(modelSummary(path: model)) }
  }
}
