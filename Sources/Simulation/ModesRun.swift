// Normal modes from deck to files: a table of frequencies, and the lowest modes as moving pictures.

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
  public var growing: [String] { [table] }
  public var others: [String] { [movies, resolvedDeck] }
  public static let resumeCommand = OutputFiles.resumeCommand
}

/// Normal modes of a structure: made from a deck, then run once.
public struct ModesRun {
  public let deck: Deck
  public let files: ModesFiles
  private let keys: Deck.Modes
  private let forceField: ForceField
  private let system: AtomicSystem
  private let events: EventHandler

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
    system = try AtomicSystem(structure, deck: deck, forceField: forceField)
    if let words = system.massNotice { try events(.note(words)) }
    files = ModesFiles(folder: deck.outputFolder, name: deck.outputName)
    guard system.moveMask.contains(where: { $0 != .zero }) else {
      throw deck.error(at: "fixed", or: ["structure"], "no atom may move", help: "let some go")
    }
  }

  private var evaluations: Int { 2 * system.freeCoordinates.count }

  /// Evaluates the forces once and describes the run.
  public func check() throws -> String {
    var evaluation = Evaluation()
    try numerically { try forceField.potential.evaluate(system, into: &evaluation) }
    return """
      atoms           \(system.count), of which \(system.count - system.fixedAtoms.count) may move
      energy          \(String(format: "%.6f eV", evaluation.energy))
      largest force   \(String(format: "%.4f eV/Angstrom", evaluation.largestForce(of: system)))
      modes           \(evaluations) evaluations of the forces, displacement \(keys.displacement) Angstrom
      All is well: \(Release.command) \(deck.kind.command) \(shellQuoted(deck.file))
      """
  }

  /// - Parameter overwrite: replace the files of an earlier run.
  /// - Throws: `FileError`, `TrajectoryError`, `NumericalError`, what the handler of events throws.
  public func run(overwrite: Bool) throws {
    let lock = try files.lock()
    defer { withExtendedLifetime(lock) {} }
    try files.claim(overwrite: overwrite)
    var rest = Evaluation()
    try numerically { try forceField.potential.evaluate(system, into: &rest) }
    let force = rest.largestForce(of: system)
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
    var told = ContinuousClock.now
    let modes = try numerically {
      try NormalModes(of: system, in: forceField.potential, displacement: keys.displacement) {
        guard $0 == $1 || ContinuousClock.now - told > .milliseconds(250) else { return }
        told = .now
        try events(
          .progress(
            Progress(
              step: Int64($0), lastStep: Int64($1), timestep: nil, energy: $2.energy, temperature: 0,
              density: nil, largestForce: nil, stepsPerSecond: nil)))
      }
    }
    do {
      try files.writeResolvedDeck(deck.resolvedText, of: deck.file)
      try writeTable(modes)
      try writeMovies(modes)
    } catch {
      files.remove()
      throw error
    }
    try events(.result(summary(of: modes)))
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
    lines.append("  \(files.resolvedDeck)   the deck with every default")
    return lines.joined(separator: "\n")
  }
}
