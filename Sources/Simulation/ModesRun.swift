// Normal modes from deck to files: a table of frequencies, and the lowest modes as moving pictures. Displacements are counted as the
// steps of a run are: a checkpoint at its interval and after an interruption, from which the rest is the same to the bit.

import Deck
import Diagnostics
import Dynamics
import Foundation
import Lattice
import Statics
import Trajectory

/// The files of normal modes.
public struct ModesFiles: OutputNames {
  public let folder: String
  public let name: String

  public init(folder: String, name: String) {
    self.folder = folder
    self.name = name
  }

  /// One line for each mode.
  public var table: String { path(".modes.tsv") }
  /// The lowest modes in motion.
  public var movies: String { path(".modes.xyz") }
  public var growing: [String] { [resolvedDeck] }
  public var others: [String] { [table, movies] }
  public static let resumeCommand = OutputFiles.resumeCommand
}

/// Normal modes of a structure: made from a deck, then run once, or from a checkpoint, then resumed once.
public struct ModesRun {
  public let deck: Deck
  public let files: ModesFiles
  private let keys: Deck.Modes
  private let forceField: ForceField
  private var constants: ForceConstants
  private let events: EventHandler
  /// Of the files that a run goes on with.
  private let lock: OutputLock?

  private var system: AtomicSystem { constants.system }

  /// Frames of a period, and how far the atom that goes furthest goes, in Angstrom.
  private static let (framesOfAPeriod, amplitude) = (20, 0.5)
  /// Above this force, in eV/Angstrom, a structure is no minimum to speak of.
  private static let restingForce = 0.05

  /// - Throws: `DeckError`, `FileError`, or what the force field throws when it is made.
  public init(
    deck: Deck, events: @escaping EventHandler = { _ in },
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    self.deck = deck
    keys = try deck.require(deck.modes, of: .modes)
    self.events = events
    forceField = try makeForceField(deck)
    let structure = try deck.readStructure()
    for warning in structure.warnings { try events(.warning(warning)) }
    let system = try AtomicSystem(structure, deck: deck, forceField: forceField)
    if let words = system.massNotice { try events(.note(words)) }
    files = ModesFiles(folder: deck.outputFolder, name: deck.outputName)
    guard system.moveMask.contains(where: { $0 != .zero }) else {
      throw deck.error(at: "fixed", or: ["structure"], "no atom may move", help: "let some go")
    }
    constants = ForceConstants(of: system, in: forceField.potential, displacement: keys.displacement)
    lock = nil
  }

  /// Evaluates the forces once and describes the run.
  public mutating func check() throws -> String {
    try numerically { try constants.prepare() }
    let evaluation = constants.evaluation
    return """
      atoms           \(system.count), of which \(system.count - system.fixedAtoms.count) may move\
      \(forceField.ranks?.bricks().map { "\ndivision        \($0)" } ?? "")
      energy          \(String(format: "%.6f eV", evaluation.energy))
      largest force   \(String(format: "%.4f eV/Angstrom", evaluation.largestForce(of: system)))
      modes           \(constants.total) evaluations of the forces, displacement \(keys.displacement) Angstrom
      All is well: \(Release.command) \(deck.kind.command) \(shellQuoted(deck.file))
      """
  }

  /// - Parameters:
  ///   - overwrite: replace the files of an earlier run.
  ///   - interruption: what asks the run to end after the present evaluation, nil for nothing.
  /// - Throws: `FileError`, `TrajectoryError`, `NumericalError`, `BrokenRun`, what the handler of events throws.
  public mutating func run(overwrite: Bool, interruption: () -> String? = { nil }) throws {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) {} }
    try files.claim(overwrite: overwrite)
    try numerically { try constants.prepare() }
    if let bricks = forceField.ranks?.bricks() { try events(.note(bricks)) }
    let force = constants.evaluation.largestForce(of: system)
    if force > Self.restingForce {
      try events(
        .warning(
          Diagnostic(
            severity: .warning,
            String(
              format: "the largest force is %.3f eV/Angstrom: this is no minimum, and its modes mean little",
              force),
            help: "minimise it first: `\(Release.command) minimize`")))
    }
    do {
      try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
      try writeCheckpoint()
    } catch {
      files.remove()
      throw BrokenRun(cause: error, checkpoint: nil)
    }
    try finish(until: interruption)
  }

  /// Makes the displacements that are left and, unless it is interrupted, of all of them the modes.
  private mutating func finish(until interruption: () -> String?) throws {
    do {
      try displace(until: interruption)
      guard constants.isComplete else {
        return try events(
          .result(
            "Interrupted\(interruption().map { " by \($0)" } ?? "") after \(constants.done) of \(constants.total) "
              + "evaluations. Continue with:\n  \(Release.command) \(ModesFiles.resumeCommand) \(shellQuoted(files.checkpoint))"
          ))
      }
      let modes = NormalModes(constants)
      // What was killed may have left a part of them.
      for file in [files.table, files.movies] { unlink(file) }
      try writeTable(modes)
      try writeMovies(modes)
      try events(.result(summary(of: modes)))
    } catch { throw BrokenRun(cause: error, checkpoint: files.checkpoint) }
  }

  private mutating func displace(until interruption: () -> String?) throws {
    var (told, saved) = (ContinuousClock.now, constants.done)
    while !constants.isComplete, interruption() == nil {
      try numerically { try constants.advance() }
      if constants.done.isMultiple(of: deck.checkpointInterval) {
        try writeCheckpoint()
        saved = constants.done
      }
      guard constants.isComplete || ContinuousClock.now - told > .milliseconds(250) else { continue }
      told = .now
      try events(
        .progress(
          Progress(
            step: Int64(constants.done), lastStep: Int64(constants.total), timestep: nil,
            energy: constants.evaluation.energy, temperature: 0, density: nil, largestForce: nil,
            stepsPerSecond: nil)))
    }
    if saved != constants.done { try writeCheckpoint() }
  }

  // MARK: - Checkpoints

  private func writeCheckpoint() throws {
    try Checkpoint(
      step: Int64(constants.done), system: system, motion: constants.state,
      plan: constants.evaluation.plan?.state ?? [:], deck: deck.resolvedText, modelHash: forceField.hash,
      engineVersion: Release.version
    ).write(to: files.checkpoint)
  }

  /// Whether the checkpoint at `path`, or, if that is damaged, the one before it, is one of normal modes.
  public static func isCheckpoint(_ path: String) -> Bool {
    guard
      let checkpoint = (try? Checkpoint.read(path))
        ?? (try? Checkpoint.read(Checkpoint.previousPath(of: path))),
      let deck = try? Deck(text: checkpoint.deck, file: path, folder: "/")
    else { return false }
    return deck.kind == .modes
  }

  /// Sets up the modes whose checkpoint is at `path`, or, if that is damaged, the one before it, in the folder where it
  /// lies now.
  /// - Throws: `UsageError`, `TrajectoryError` if no checkpoint is usable, `FileError` if the force field is another one.
  public init(
    checkpoint path: String, options: ResumeOptions = ResumeOptions(),
    events: @escaping EventHandler = { _ in },
    forceField makeForceField: (Deck) throws -> ForceField = ForceField.lrmace
  ) throws {
    guard options.steps == nil else {
      throw UsageError(message: "--steps is for runs: modes take all displacements", help: "leave it out")
    }
    let (point, warning) = try newestUsable(path, step: \.checkpoint.step) { path, _ in
      try RecordedRun<ModesFiles>(at: path, options)
    }
    for note in [warning].compactMap({ $0 }) + point.notes { try events(note) }
    self.events = events
    (deck, files) = (point.deck, point.files)
    lock = try files.lock()
    keys = try deck.require(deck.modes, of: .modes)
    forceField = try deck.recordedForceField(point.checkpoint.modelHash, makeForceField)
    constants = ForceConstants(
      of: point.checkpoint.system, in: forceField.potential, displacement: keys.displacement, plan: point.plan
    )
    try Checkpoint.reading("motion", of: point.path) {
      try constants.restore(point.checkpoint.motion, done: Int(point.checkpoint.step))
    }
  }

  /// Makes what is left; of modes that are complete the files anew.
  /// - Parameter interruption: what asks the run to end after the present evaluation, nil for nothing.
  /// - Throws: as `run`.
  public mutating func resume(interruption: () -> String? = { nil }) throws {
    let lock = lock
    defer { withExtendedLifetime(lock) {} }
    // Neighbours are found where they had been found.
    try numerically { try constants.prepare() }
    try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
    try finish(until: interruption)
  }

  // MARK: - Results

  private func writeTable(_ modes: NormalModes) throws {
    let table = try LogTable(
      creating: files.table,
      columns: [("mode", "1"), ("frequency", "cm-1"), ("energy", "meV"), ("reduced_mass", "u")]
        .map { LogTable.Column(name: $0, unit: $1) })
    for (n, mode) in modes.modes.enumerated() {
      try table.append(step: Int64(n + 1), [mode.wavenumber, mode.quantum * 1e3, mode.reducedMass])
    }
    try table.synchronize()
  }

  private func writeMovies(_ modes: NormalModes) throws {
    guard keys.animated > 0 else { return }
    let writer = try ExtendedXYZWriter(creating: files.movies)
    for (n, mode) in modes.modes.prefix(keys.animated).enumerated() {
      for frame in 0..<Self.framesOfAPeriod {
        let phase = sin(2 * Double.pi * Double(frame) / Double(Self.framesOfAPeriod)) * Self.amplitude
        var moved = system
        for atom in 0..<system.count { moved.positions[atom] += mode.displacements[atom] * phase }
        try writer.append(
          Configuration(
            system: moved,
            info: ["mode": "\(n + 1)", "frame": "\(frame)", "frequency": "\(mode.wavenumber)"]))
      }
    }
    try writer.close()
  }

  private func summary(of modes: NormalModes) -> String {
    var lines = ["mode   frequency (1/cm)   energy (meV)"]
    for (n, mode) in modes.modes.enumerated() {
      let number = "\(n + 1)".padding(toLength: 7, withPad: " ", startingAt: 0)
      lines.append(
        number
          + (mode.isImaginary
            ? String(format: "%12.2f i", -mode.wavenumber) + "      imaginary"
            : String(format: "%12.2f", mode.wavenumber) + String(format: "%19.3f", mode.quantum * 1e3)))
    }
    let imaginary = modes.imaginaryCount
    lines += [
      "",
      String(format: "Zero-point energy: %.6f eV", modes.zeroPointEnergy)
        + (imaginary > 0 ? " without the \(imaginary) imaginary \(imaginary == 1 ? "mode" : "modes")" : ""),
      "", "Written:", "  \(files.table)   frequencies, imaginary ones negative",
    ]
    if keys.animated > 0 { lines.append("  \(files.movies)   the lowest modes in motion (OVITO, VMD, ASE)") }
    lines += [
      "  \(files.checkpoint)   for bloch resume",
      "  \(files.resolvedDeck)   the deck with every default",
    ]
    return lines.joined(separator: "\n")
  }
}
