// The command line. One file per command; each hands its arguments to `Simulation` and prints the answer.

import ArgumentParser
import Foundation
import Simulation

@main
struct Bloch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bloch",
    abstract: "Molecular dynamics with long-range machine-learned force fields.",
    discussion: """
      Begin with `bloch check DECK`, then `bloch run DECK`. `bloch deck` lists the keys of a deck.

      Exit codes: 0 done (also when interrupted with a checkpoint), 2 a mistake in the deck or the command \
      line, 3 a file that cannot be read or written, 4 the simulation failed numerically.
      """,
    version: Release.version,
    subcommands: [
      RunCommand.self, ResumeCommand.self, CheckCommand.self, EvaluateCommand.self, ModelCommand.self,
      ExportCommand.self, BenchmarkCommand.self, DeckCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      fail(error)
    }
  }

  /// Ends the program with the message and code that belong to `error`.
  private static func fail(_ error: any Error) -> Never {
    if let failure = RunFailure(error) {
      FileHandle.standardError.write(Data("\(failure.message)\n".utf8))
      Foundation.exit(failure.exitCode)
    }
    if exitCode(for: error).isSuccess { exit(withError: error) }
    FileHandle.standardError.write(Data("\(fullMessage(for: error))\n".utf8))
    Foundation.exit(RunFailure.usageExitCode)
  }
}
