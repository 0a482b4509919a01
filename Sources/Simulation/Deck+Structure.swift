// From a deck to the structure that it names, and what the deck leaves to the structure.

import Deck
import Diagnostics
import Foundation
import Lattice
import Trajectory

extension Deck {
  /// The structure that the deck names.
  /// - Throws: `DeckError` at `structure` if there is no such file or frame, `StructureError` for what it holds.
  func readStructure() throws -> Configuration {
    try readStructure(structure, frame: structureFrame, at: "structure")
  }

  /// The structure that the deck names at `key`.
  /// - Throws: as above; also where the file holds several structures and the deck does not say which, or where atoms are
  ///   fixed as nothing here can fix them.
  func readStructure(_ path: String, frame: FrameChoice?, at key: String) throws -> Configuration {
    guard FileManager.default.fileExists(atPath: path) else {
      throw error(at: key, "there is no file \(path)", help: "paths are relative to the folder of the deck")
    }
    guard let structure = try StructureReader.read(path, frame: frame?.ofTrajectory, keeping: .columns) else {
      let name = written(path)
      let group = "\(key.split(separator: ".").last ?? ""): {file: \(name), frame: "
      throw error(
        at: key, "\(name) holds several structures",
        help: "say which: `\(group)1}` is the first, `\(group)last}` the last")
    }
    if let obstacle = structure.partialMask { throw obstacle }
    return structure
  }

  /// The deck with the defaults that depend on `structure`, each announced in `notices`.
  /// - Throws: `DeckError` at `velocities` where the deck asks for those that the structure does not have.
  func settled(for structure: Configuration, notices: inout [Event]) throws -> Deck {
    if velocities == .structure, !structure.hasVelocities {
      throw error(
        at: "velocities", "the structure has no velocities",
        help: "write `velocities: maxwell-boltzmann` to draw them at the temperature")
    }
    var deck = self
    if leavesVelocitiesOpen {
      if structure.hasVelocities { deck = try deck.with("velocities", Velocities.structure.rawValue) }
      notices.append(
        .note(
          structure.hasVelocities
            ? "the run starts with the velocities of the structure, as the deck gives no temperature\(structure.source)"
            : "the run starts at rest, as the deck gives no temperature and the structure no velocities"))
    }
    if velocities == .structure, !leavesVelocitiesOpen {
      notices.append(.note("the run starts with the velocities of the structure\(structure.source)"))
    }
    if leavesCompressibilityOpen {
      notices.append(
        .note(
          "the barostat takes the compressibility of water, 4.5e-5 1/bar, for want of another "
            + "(`barostat.compressibility`): it sets how fast the volume moves, not where to"))
    }
    if structure.system.isSmallCluster {
      if leavesThermostatOpen {
        deck = try deck.with("thermostat.type", "langevin")
        notices.append(
          .note(
            "the thermostat is Langevin's, the default for free clusters of fewer than \(Deck.smallCluster) atoms"
          ))
      } else if case .noseHoover = thermostat {
        notices.append(
          .warning(
            Diagnostic(
              severity: .warning,
              "a Nose-Hoover chain does not share its heat out in so small a free cluster: rotation and "
                + "vibrations keep temperatures of their own; `thermostat: {type: langevin}` brings them to one"
            )))
      }
    }
    return deck
  }
}

extension Deck.FrameChoice {
  fileprivate var ofTrajectory: FrameChoice {
    switch self {
    case .number(let number): .number(number)
    case .last: .last
    }
  }
}

extension Configuration {
  /// `: the column ...`, of its velocities.
  fileprivate var source: String { velocitySource.map { ": \($0)" } ?? "" }
}

extension AtomicSystem {
  /// Whether this is a molecule or cluster in which heat hardly moves from one mode to another.
  var isSmallCluster: Bool { !cell.hasPeriodicAxis && count < Deck.smallCluster }
}
