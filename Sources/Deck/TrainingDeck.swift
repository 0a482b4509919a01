// A training as its user describes it. Every key is declared once, in `init(reading:)`.

import Diagnostics
import Foundation
import Lattice

/// The keys of a training, in Bloch's internal units (Angstrom, eV, e; seconds of the clock on the wall); paths are absolute.
public struct TrainingDeck: Sendable {
  public enum IsolatedSource: String, CaseIterable, Sendable {
    case automatic = "auto"
    case atoms
    case leastSquares = "least-squares"
  }
  public enum LongRange: String, CaseIterable, Sendable { case none, attention, conserved }
  public enum LossType: String, CaseIterable, Sendable { case l1, squared, huber, universal }
  public enum OptimizerType: String, CaseIterable, Sendable { case adam, adamw }
  public enum ScheduleType: String, CaseIterable, Sendable { case cosine, plateau, constant }

  // Data
  public let train: [DeckFile]
  /// Empty where a part of `train` is held back.
  public let valid: [DeckFile]
  public let validFraction: Double
  /// Nil for none.
  public let note: String?
  /// Names of labels; nil for the usual ones.
  public let energyName: String?
  public let forcesName: String?
  public let stressName: String?
  public let virialName: String?
  public let chargeName: String?
  public let weightName: String?
  /// Energies of free atoms in eV by atomic number; empty where `isolatedSource` says where they are from.
  public let isolatedEnergies: [Int: Double]
  public let isolatedSource: IsolatedSource
  /// eV/Angstrom and Angstrom.
  public let largestForce: Double
  public let smallestDistance: Double

  // Model
  /// The model from which to go on; nil for a new one.
  public let start: String?
  /// Atomic numbers; empty for those of the data.
  public let species: [Int]
  public let cutoff: Double
  public let layers: Int
  public let channels: Int
  public let hiddenDegree: Int
  public let lmax: Int
  public let correlation: Int
  public let besselCount: Int
  public let radialWidths: [Int]
  public let readoutWidth: Int
  public let longRange: LongRange
  /// From 0.
  public let longRangeLayers: [Int]
  public let columns: Int
  public let heads: Int
  public let sigmas: [Double]
  public let isGated: Bool
  public let hasDispersion: Bool
  public let dispersionSigma: Double
  /// Charges in e by formula.
  public let charges: [(key: String, value: Double)]
  /// First guesses of the charges of atoms in e, by atomic number.
  public let atomicCharges: [(key: Int, value: Double)]
  /// Patterns of blocks that keep their values, and factors of the rate.
  public let frozen: [String]
  public let rateFactors: [(key: String, value: Double)]

  // Loss and optimiser
  public let loss: LossType
  public let energyWeight: Double
  public let forceWeight: Double
  public let stressWeight: Double
  public let delta: Double
  /// The part of the epochs after which the second stage begins; nil for none.
  public let secondStageStart: Double?
  public let secondEnergyWeight: Double
  public let secondForceWeight: Double
  public let secondStressWeight: Double
  public let secondRate: Double?
  public let optimizer: OptimizerType
  public let rate: Double
  public let decay: Double
  public let usesLargest: Bool
  public let largestNorm: Double?
  public let averageDecay: Double
  public let schedule: ScheduleType
  public let warmUp: Int
  public let finalRate: Double
  public let plateauFactor: Double
  public let plateauPatience: Int
  /// Of a batch; nil where `batchAtoms` says how many.
  public let batchFrames: Int?
  public let batchAtoms: Int
  public let epochs: Int
  public let patience: Int?
  public let maxHours: Double?
  public let seed: UInt64

  // Output
  public let checkpointInterval: Double
  public let outputFolder: String
  public let outputName: String
  public let precision: Deck.Precision
  public let threads: Int

  /// The deck with every default written out and paths absolute; it reads back as the same deck.
  public let resolvedText: String
  /// The same key by key, in the order of declaration.
  private let resolved: [(path: String, text: String)]
  private let source: SourceText
  private let spans: [String: SourceSpan]

  init(reading read: inout DeckReader) {
    // What is learned
    train = read.dataFiles("train", help: "Extended XYZ files with labelled frames to learn.")
    valid = read.dataFiles(
      "valid", default: "[]", defaultInWords: "a part of `train`",
      help: "Frames that are not learned, by which epochs are compared.")
    validFraction = read.number(
      "valid_fraction", 0...0.9, default: "0.1", condition: "without `valid`",
      excluded: valid.isEmpty ? nil : "`valid` gives the frames",
      help: "Part of the frames of each file that is held back.")
    note = read.note(
      "note",
      help: "What the frames are, by which method: goes into the model's provenance, for those who use it.")
    energyName = read.name("labels.energy", help: "Key of the energy in eV, if not a usual name.")
    forcesName = read.name("labels.forces", help: "Column of the forces in eV/Angstrom.")
    stressName = read.name(
      "labels.stress", help: "Key of the stress in eV/Angstrom^3, (1/V) dE/d(strain) as in ASE.")
    virialName = read.name("labels.virial", help: "Key of the virial in eV, -V times the stress.")
    chargeName = read.name("labels.charge", help: "Key of the total charge in e.")
    weightName = read.name("labels.weight", help: "Key of the weight of a frame.")
    start = read.optionalPath(
      "start", takes: "a model file", help: "Model to go on from, instead of a new one.")
    let brings = start == nil ? nil : "`start` brings its own model"
    let isolated: (word: IsolatedSource?, table: [(key: Int, value: Double)]) = read.wordOrElements(
      "isolated_energies", .energy, -2e6...2e6, default: "auto",
      help:
        "Energies of free atoms: given, of frames of one atom (`atoms`), or fitted (`least-squares`). `auto` takes those "
        + "of the model to go on from, or of frames where all elements have one, or fits.")
    isolatedSource = isolated.word ?? .automatic
    isolatedEnergies = Dictionary(isolated.table.map { ($0.key, $0.value) }) { $1 }
    largestForce = read.quantity(
      "limits.force", .force, 1e-3...1e6, default: "100 eV/A", help: "A larger force is refused.")
    smallestDistance = read.quantity(
      "limits.distance", .length, 0...10, default: "0.3 A", help: "Atoms closer than this are refused.")

    // What learns
    species = read.elements(
      "model.species", excluded: brings, help: "Elements; `auto` for those of the data.")
    cutoff = read.quantity(
      "model.cutoff", .length, 0.5...20, default: "5 A", excluded: brings, help: "Range of the messages.")
    layers = read.count("model.layers", 1...8, default: "2", excluded: brings, help: "Number of layers.")
    channels = read.count(
      "model.channels", 1...1024, default: "64", excluded: brings, help: "Features of each component.")
    hiddenDegree = read.count(
      "model.hidden_degree", 0...2, default: "0", excluded: brings,
      help: "Highest degree L of the features between layers: 0 scalars, 1 with vectors, 2.")
    lmax = read.count(
      "model.l_max", 0...4, default: "3", excluded: brings, help: "Highest degree of the harmonics.")
    correlation = read.count(
      "model.correlation", 1...3, default: "2", excluded: brings,
      help: "Highest power of the messages: neighbours that are seen together.")
    besselCount = read.count(
      "model.bessel", 1...64, default: "8", excluded: brings, help: "Functions of the radial basis.")
    radialWidths = read.numbers(
      "model.radial", 1...8192, default: "[64, 64, 64]", excluded: brings, isOrdered: false,
      help: "Hidden units of the radial network.")
    readoutWidth = read.count(
      "model.readout", 1...8192, default: "16", excluded: brings, help: "Hidden units of the last readout.")

    longRange = read.choice(
      "long_range.type", default: "conserved", excluded: brings,
      help: "Conserved charges, the paper's attention, or none.")
    let isShort = brings ?? (longRange == .none ? "`type: none` has no long range" : nil)
    let isNotAttention = isShort ?? (longRange == .conserved ? "it is for `attention`" : nil)
    let isNotConserved = isShort ?? (longRange == .attention ? "it is for `conserved`" : nil)
    longRangeLayers = read.numbers(
      "long_range.layers", 1...max(1, layers), default: "\(Array(1...max(1, layers)))",
      defaultInWords: "all", excluded: isShort, isOrdered: true, help: "Layers that take part, from 1."
    ).map { $0 - 1 }
    columns = read.count(
      "long_range.columns", 1...1024, default: "16", excluded: isShort,
      help: "Sources of each atom, D; with `conserved` the first is its charge.")
    heads = read.count(
      "long_range.heads", 1...1024, default: "\(columns)", defaultInWords: "`columns`",
      condition: "with `type: attention`", excluded: isNotAttention,
      help: "Heads; each has columns/heads sources.")
    sigmas = read.quantities(
      "long_range.sigma", .length, 0.3...20, default: "\(cutoff / 2.5) A", defaultInWords: "cutoff/2.5",
      excluded: isShort, help: "Width of the charges' Gaussians; several with `type: attention`.")
    if longRange == .attention, isShort == nil, !columns.isMultiple(of: heads) {
      read.report(
        .init(
          message: "\(columns) columns cannot be shared out among \(heads) heads",
          help: "`heads` divides `columns`"),
        at: read.entries["long_range.heads"]?.value)
    }
    if longRange == .conserved, sigmas.count > 1 {
      read.report(
        .init(message: "`conserved` takes one sigma", help: "write `sigma: \(plain(sigmas[0])) A`"),
        at: read.entries["long_range.sigma"]?.value)
    }
    isGated = read.flag(
      "long_range.gate", default: "false", condition: "with `type: attention`", excluded: isNotAttention,
      help: "Let the sum scale all features, too.")
    hasDispersion = read.flag(
      "long_range.dispersion", default: "false", condition: "with `type: conserved`",
      excluded: isNotConserved,
      help: "Add dispersion, 1/r^6 of learned strength, to what charges do.")
    dispersionSigma = read.quantity(
      "long_range.dispersion_sigma", .length, 0.3...20, default: "\(sigmas[0]) A",
      defaultInWords: "`sigma`", condition: "with `dispersion: true`",
      excluded: hasDispersion ? nil : "there is no `dispersion: true`",
      help:
        "Width over which 1/r^6 is damped: what is nearer than four of it messages add. A smaller one takes a finer mesh."
    )
    charges = read.numberTable(
      "long_range.charges", -100...100, takes: "a group of formulae such as {H2O: 0, F: -1}", default: "{}",
      defaultInWords: "fitted to the frames' `charge`", condition: "with `type: conserved`",
      excluded: isNotConserved,
      help: "Total charges in e of molecules and ions, as they are when far apart.",
      checkingKey: { chemicalFormula($0) == nil ? "`\($0)` is no formula such as CH3I" : nil })
    atomicCharges = read.numberTable(
      "long_range.atomic_charges", -20...20, takes: "a group of elements such as {O: -0.76, H: 0.38}",
      default: "{}", defaultInWords: "from electronegativities", condition: "with `type: conserved`",
      excluded: isNotConserved,
      help:
        "First guesses of the charges of atoms in e; `freeze: [layers/1/conserved/xbar]` would keep them.",
      checkingKey: { Elements.atomicNumber($0) == nil ? "`\($0)` is no element" : nil }
    ).map { (Elements.atomicNumber($0.key) ?? 0, $0.value) }
    frozen = read.words(
      "freeze", takes: "a list of patterns of blocks such as [layers/0/radial/*]", default: "[]",
      help: "Blocks of parameters that keep their values; names are those of the model's file.")
    rateFactors = read.numberTable(
      "rate_factors", 0...1000, takes: "a group of patterns such as {layers/0/*: 0.1}", default: "{}",
      help: "Factors of the rate by block; of several that match the last one counts.")

    // What is good
    loss = read.choice(
      "loss.type", default: "l1",
      help: "l1 of the paper; squared, huber and universal are mace-torch's weighted, huber and universal.")
    let weights = loss == .l1 ? ("10", "50", "1") : ("1", "1000", "100")
    energyWeight = read.number(
      "loss.energy", 0...1e9, default: weights.0, defaultInWords: "10 for l1, else 1",
      help: "Weight of energies per atom.")
    forceWeight = read.number(
      "loss.forces", 0...1e9, default: weights.2, defaultInWords: "1 for l1, else 100",
      help: "Weight of forces.")
    stressWeight = read.number("loss.stress", 0...1e9, default: "0", help: "Weight of stresses.")
    let hasDelta = loss == .huber || loss == .universal
    delta = read.number(
      "loss.delta", 1e-9...1e6, default: "0.01", condition: "with huber and universal",
      excluded: hasDelta ? nil : "`\(loss.rawValue)` has no corner",
      help: "Error beyond which it is linear, in eV per atom, eV/Angstrom and eV/Angstrom^3.")
    secondStageStart = read.optionalNumber(
      "stage_two.start", 0...1, default: "0.7",
      help:
        "Part of the epochs after which the weights change; they give the loss by which epochs are compared.")
    let hasOneStage = secondStageStart == nil ? "there is no second stage" : nil
    secondEnergyWeight = read.number(
      "stage_two.energy", 0...1e9, default: weights.1, defaultInWords: "50 for l1, else 1000",
      excluded: hasOneStage, help: "Weight of energies then.")
    secondForceWeight = read.number(
      "stage_two.forces", 0...1e9, default: plain(forceWeight), defaultInWords: "`loss.forces`",
      excluded: hasOneStage, help: "Weight of forces then.")
    secondStressWeight = read.number(
      "stage_two.stress", 0...1e9, default: plain(stressWeight), defaultInWords: "`loss.stress`",
      excluded: hasOneStage, help: "Weight of stresses then.")
    secondRate = read.optionalNumber(
      "stage_two.rate", 1e-12...10, excluded: hasOneStage,
      help: "Peak of the rate then, instead of the optimizer's.")

    // How it learns
    optimizer = read.choice(
      "optimizer.type", default: "adamw",
      help: "Adam, with decay of the weights beside it (`adamw`) or in it.")
    rate = read.number("optimizer.rate", 1e-12...10, default: "0.01", help: "Peak of the learning rate.")
    decay = read.number("optimizer.decay", 0...1, default: "1e-6", help: "Decay of the weights.")
    usesLargest = read.flag("optimizer.amsgrad", default: "true", help: "AMSGrad.")
    largestNorm = read.optionalNumber(
      "optimizer.clip", 1e-9...1e9, default: "10", help: "Largest norm of the gradient.")
    averageDecay = read.number(
      "optimizer.ema", 0...0.999999, default: "0.99",
      help: "Decay of the moving average of the weights, which is what is saved; 0 for none.")
    schedule = read.choice(
      "schedule.type", default: "cosine",
      help: "How the rate falls: with the epochs, where the validation loss stands still, or never.")
    warmUp = read.count("schedule.warmup", 0...1_000_000, default: "100", help: "Steps to the peak.")
    finalRate = read.number(
      "schedule.end", 0...1, default: "0.01", condition: "with `type: cosine`",
      excluded: schedule == .cosine ? nil : "`\(schedule.rawValue)` does not end so",
      help: "The last rate, as a part of the peak.")
    let isNoPlateau = schedule == .plateau ? nil : "`\(schedule.rawValue)` waits for nothing"
    plateauFactor = read.number(
      "schedule.factor", 0.01...0.99, default: "0.8", condition: "with `type: plateau`",
      excluded: isNoPlateau,
      help: "What the rate is multiplied by.")
    plateauPatience = read.count(
      "schedule.patience", 0...1_000_000, default: "50", condition: "with `type: plateau`",
      excluded: isNoPlateau, help: "Epochs without a lower validation loss before that.")
    batchFrames = read.optionalCount("batch.frames", 1...1_000_000, help: "Frames of a batch.")
    batchAtoms = read.count(
      "batch.atoms", 1...100_000_000, default: "400", condition: "without `frames`",
      excluded: batchFrames == nil ? nil : "`frames` says how large a batch is",
      help: "Largest number of atoms of a batch; a frame of more is one of its own.")
    epochs = read.count("epochs", 1...10_000_000, help: "Passes through all frames.")
    patience = read.optionalCount(
      "patience", 1...10_000_000,
      help: "Epochs without a lower validation loss that end a stage early.")
    maxHours = read.optionalNumber(
      "max_hours", 1e-4...1e5, help: "Hours after which to stop with a checkpoint, for queues.")
    seed = UInt64(
      read.count(
        "seed", 0...Int.max, default: "1", help: "Start of the random numbers: first weights, split, order."))

    // What is written
    checkpointInterval = read.quantity(
      "checkpoint.every", .duration, 1...1e6, default: "10 min", help: "Time between checkpoints.")
    (outputFolder, outputName) = read.output()
    precision = read.choice(
      "precision", default: "mixed",
      help:
        "`mixed`: network in single precision, sums over frames in double; `double`: all in double, slower.")
    threads = read.threads("a training")

    source = read.source
    spans = read.entries.mapValues(\.value)
    resolvedText = read.resolvedText
    resolved = read.resolved
  }

  /// Reads the deck at `path`.
  /// - Parameter overrides: values by key (`threads`) that replace the deck's own.
  /// - Throws: `FileError` if there is no readable file, `DeckError` with every mistake found in it.
  public init(path: String, overrides: [String: DeckValue] = [:]) throws {
    try self.init(
      text: DeckText.contents(of: path), file: path, folder: DeckText.folder(of: path), overrides: overrides)
  }

  /// Reads a deck from its text.
  /// - Parameters:
  ///   - file: the name that messages give.
  ///   - folder: the folder to which the deck's paths are relative.
  /// - Throws: `DeckError` with every mistake found.
  public init(text: String, file: String, folder: String, overrides: [String: DeckValue] = [:]) throws {
    self = try DeckText.read(text, file: file, folder: folder, overrides: overrides, as: [.training]) {
      TrainingDeck(reading: &$0)
    }
  }

  /// The name of the file, as messages give it.
  public var file: String { source.file }

  /// A mistake in the value of `key` that shows only when the deck is put to work.
  /// - Parameter others: where to point, in this order, if the deck does not give `key`.
  public func error(at key: String, or others: [String] = [], _ message: String, help: String? = nil)
    -> DeckError
  {
    let span = ([key] + others).lazy.compactMap { spans[$0] }.first
    return source.error(at: span, message, help: help)
  }

  /// A key that two decks give other values.
  public struct Difference: Sendable, Hashable {
    public let key: String
    /// As a deck would write them; nil where the key has no place.
    public let old: String?
    public let new: String?
  }

  /// Keys whose values are not those of `old`, in the order of declaration, but for `ignoring`.
  public func differences(from old: TrainingDeck, ignoring: Set<String> = []) -> [Difference] {
    let before = Dictionary(uniqueKeysWithValues: old.resolved.map { ($0.path, $0.text) })
    let now = Dictionary(uniqueKeysWithValues: resolved.map { ($0.path, $0.text) })
    return DeckKind.training.keys.map(\.path).filter { !ignoring.contains($0) && before[$0] != now[$0] }
      .map { Difference(key: $0, old: before[$0], new: now[$0]) }
  }
}

/// Atoms of a chemical formula by atomic number: `CH3I` is one C, three H and one I; nil for what is none.
public func chemicalFormula(_ text: String) -> [Int: Int]? {
  guard text.wholeMatch(of: /(?:[A-Z][a-z]?[0-9]*)+/) != nil else { return nil }
  var atoms: [Int: Int] = [:]
  for match in text.matches(of: /([A-Z][a-z]?)([0-9]*)/) {
    guard let z = Elements.atomicNumber(String(match.output.1)) else { return nil }
    let count = match.output.2.isEmpty ? 1 : Int(match.output.2) ?? 0
    guard (1...10_000).contains(count) else { return nil }
    atoms[z, default: 0] += count
  }
  return atoms
}
