// The ranks of a job that mpirun has started (Documentation/mpi.md). Rank 0 is the program; the others follow it.

import ArgumentParser
import Deck
import Domains
import Foundation
import Simulation

#if MPI
  import MPI
#endif

enum Ranks {
  /// All ranks; nil in a process that is alone.
  nonisolated(unsafe) private(set) static var team: RankTeam?

  #if MPI
    nonisolated(unsafe) private static var communicator: MPICommunicator?
  #endif

  /// What mpirun and its like tell the processes that they start: how many there are, and which one this is.
  private static let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]
  private static let numbers = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"]

  private static func value(_ names: [String]) -> Int? {
    names.lazy.compactMap { ProcessInfo.processInfo.environment[$0].flatMap { Int($0) } }.first
  }

  /// Finds the other ranks. All but rank 0 come back when the program is over there.
  ///
  /// - Returns: whether this process is the program.
  /// - Throws: `RankFailure` where there are others that cannot be spoken to.
  static func join() throws -> Bool {
    guard value(sizes + numbers) != nil else { return true }
    #if MPI
      guard let communicator = MPICommunicator() else {
        throw RankFailure(
          "this MPI cannot be called from threads (MPI_THREAD_SERIALIZED)", help: "take another MPI")
      }
      Ranks.communicator = communicator
      guard communicator.size > 1 else { return true }
      let team = RankTeam(communicator)
      guard communicator.isLeader else {
        Interruption.ignore()
        try team.follow()
        communicator.end()
        return false
      }
      Ranks.team = team
      return true
    #else
      guard value(sizes) ?? 1 > 1 else { return true }
      guard value(numbers) ?? 0 == 0 else { return false }
      throw RankFailure(
        "this bloch was built without MPI, and mpirun has started it \(value(sizes) ?? 1) times",
        help: "build it with `swift build -c release --product bloch --traits MPI`, or start it once")
    #endif
  }

  /// Lets the others go, before the program ends.
  static func leave() {
    team?.end()
    #if MPI
      communicator?.end()
    #endif
  }

  /// The force field of a deck, on all ranks.
  static func forceField(_ deck: Deck) throws -> ForceField { try .lrmace(deck, on: team) }
}

extension BrickChoice: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

/// What keeps ranks from each other.
struct RankFailure: Error, CustomStringConvertible {
  let description: String

  init(_ message: String, help: String) { description = "error: \(message)\n  help: \(help)" }
}
