// The command line. One file per command; each hands its arguments to `Simulation` and prints the answer.

import ArgumentParser
import Foundation
import HDF5
import Simulation

@main
struct Bloch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bloch",
    abstract: "Molecular dynamics with long-range machine-learned force fields.",
    discussion: """
      Begin with `bloch check DECK`, then `bloch run DECK` or `bloch train DECK`. `bloch deck` lists the keys of \
      a deck.

      Exit codes: 0 done (also when interrupted with a checkpoint), 2 a mistake in the deck or the command \
      line, 3 a file that cannot be read or written or a server that does not come, 4 the simulation failed \
      numerically or its committee disagreed, 5 a minimisation or band has not converged.
      """,
    version: Release.version,
    subcommands: [
      RunCommand.self, ResumeCommand.self, MinimizeCommand.self, NEBCommand.self, ModesCommand.self,
      ServeCommand.self, TrainCommand.self, CheckCommand.self, EvaluateCommand.self, ModelCommand.self,
      AnalyzeCommand.self,
      ReportCommand.self, ExportCommand.self, BenchmarkCommand.self, DeckCommand.self,
    ])

  static func main() {
    Console.reserveStandardDescriptors()
    Interruption.makeWriteErrorsErrors()
    HDF5Guard.install()
    do {
      guard try Ranks.join() else { return }
      do {
        var command = try parseAsRoot()
        try command.run()
      } catch  where exitCode(for: error).isSuccess {
        // Help and version come as errors, too.
        try Console.print(fullMessage(for: error))
      }
      Ranks.leave()
    } catch {
      fail(error)
    }
  }

  /// Ends the program with the message and code that belong to `error`.
  private static func fail(_ error: any Error) -> Never {
    if error is Console.ReaderIsGone { exit(0) }
    if let failure = RunFailure(error) {
      if failure.exitCode != 0 { Console.note(failure.message) }
      exit(failure.exitCode)
    }
    Console.note((error as? RankFailure)?.description ?? fullMessage(for: error))
    exit(RunFailure.usageExitCode)
  }

  private static func exit(_ code: Int32) -> Never {
    Ranks.leave()
    Foundation.exit(code)
  }
}
