// What a run has left behind: its log, its trajectory and the deck within.

import Analysis
import Deck
import Diagnostics
import Foundation
import Lattice
import Simulation
import Trajectory

struct RunRecord {
  let files: OutputFiles
  let log: LogTable.Content
  let deck: Deck
  /// In fs; nil where no time passes: of a minimisation or a band.
  let timestep: Double?
  let provenance: Provenance
  let composition: Composition
  let frameCount: Int
  /// Index of the first line of the log that counts as equilibrium.
  let equilibrium: Int
  /// Seconds by part, where the run has come to an end.
  let timings: RunTimings?

  /// - Throws: `TrajectoryError`, `HDF5Error`, `FileError`; also of what has neither a frame nor a line of its log yet.
  init(_ files: OutputFiles) throws {
    self.files = files
    let reader = try H5MDReader(files.trajectory)
    provenance = reader.provenance
    frameCount = reader.frameCount
    guard frameCount > 0 else {
      throw FileError(
        file: files.trajectory, "holds no frame yet", help: "wait until the run has written one")
    }
    let first = try reader.frame(0)
    composition = Composition(
      TrajectoryFrame(first, hasVelocities: reader.hasVelocities, time: first.time))
    do { deck = try Deck(text: provenance.deck, file: files.trajectory, folder: "/") } catch {
      throw FileError(
        file: files.trajectory, "the deck in it is not one that this version of Bloch reads",
        help: "make the report with the version that made the run: \(provenance.engineVersion)")
    }
    timestep = deck.timestep
    let log = try LogTable.read(files.log)
    self.log = log
    guard log["step"]?.isEmpty == false, timestep == nil || log["time"] != nil else {
      throw FileError(file: files.log, "holds no line yet", help: "wait until the run has written one")
    }
    // What settles last decides; a ramp settles nowhere.
    let isRamp = deck.temperature.map { $0.start != $0.end } ?? false
    equilibrium =
      isRamp || timestep == nil
      ? 0 : ["potential_energy", "temperature"].map { Equilibration.start(of: log[$0] ?? []) }.max() ?? 0
    timings = try RunTimings(reading: files.timings)
  }

  /// In ps, of every line of the log.
  var times: [Double] { log["time"] ?? [] }
  var steps: [Double] { log["step"] ?? [] }
  /// In ps.
  var equilibriumTime: Double { times[equilibrium] }
  var atoms: Int { composition.atomCount }
  /// The step that the run has come to.
  var lastStep: Int { Int(steps.last ?? 0) }

  /// A column from the equilibrium on, where it holds numbers; nil otherwise.
  func level(_ name: String) -> [Double]? {
    guard let values = log[name]?[equilibrium...], values.allSatisfy(\.isFinite) else { return nil }
    return Array(values)
  }
}

extension OutputFiles {
  /// The run that a path means: one of its files, what their names begin with, or its deck.
  /// - Throws: `DeckError`, `FileError`.
  public init(ofRun path: String) throws {
    let endings = [
      ".trajectory.h5", ".log.tsv", ".checkpoint.previous.h5", ".checkpoint.h5", ".resolved.yaml",
      ".run.html",
      ".timings.tsv", ".band.xyz",
    ]
    let url = URL(fileURLWithPath: path)
    let (folder, name) = (url.deletingLastPathComponent().path, url.lastPathComponent)
    if let ending = endings.first(where: name.hasSuffix) {
      self.init(folder: folder, name: String(name.dropLast(ending.count)))
    } else if ["yaml", "yml"].contains(url.pathExtension) {
      let deck = try Deck(path: path)
      self.init(folder: deck.outputFolder, name: deck.outputName)
    } else {
      self.init(folder: folder, name: name)
    }
    guard FileManager.default.fileExists(atPath: trajectory) else {
      throw FileError(
        file: trajectory, "there is no such file, so \(path) is no run",
        help: "name one of the run's files, such as NAME.trajectory.h5, or its deck")
    }
  }
}
