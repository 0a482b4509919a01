// One frame of training data: atoms, what they are to be predicted as, and where they come from.

import Lattice
import Trajectory

/// Atoms with labels.
public struct LabelledFrame: Sendable {
  public var system: AtomicSystem
  /// Energy in eV, forces in eV/Angstrom, stress in eV/Angstrom^3 with ASE's sign; nil where the file has none.
  public var labels: Labels
  /// Total charge in e; nil where the file does not say.
  public var charge: Double?
  /// Of its file times its own; multiplies its terms in the loss.
  public var weight: Double
  /// The same of single labels, beside `weight`.
  public var labelWeights: LabelWeights
  /// Index of its file among those of a data set.
  public var file: Int
  /// In its file, from 1.
  public var number: Int
  /// A single atom without periodic images, or far from them by the word of its file (`config_type=IsolatedAtom`, as
  /// mace-torch marks it).
  public var isIsolatedAtom: Bool

  public init(
    system: AtomicSystem, labels: Labels, charge: Double? = nil, weight: Double = 1,
    labelWeights: LabelWeights = LabelWeights(), file: Int = 0, number: Int = 1,
    isMarkedIsolated: Bool = false
  ) {
    self.system = system
    self.labels = labels
    self.charge = charge
    self.weight = weight
    self.labelWeights = labelWeights
    self.file = file
    self.number = number
    isIsolatedAtom = system.count == 1 && (!system.cell.hasPeriodicAxis || isMarkedIsolated)
  }
}

/// Factors of the terms of single labels in the loss; what has 0 is not learned, and need not be there.
public struct LabelWeights: Sendable, Hashable {
  public var energy: Double
  public var forces: Double
  public var stress: Double

  public init(energy: Double = 1, forces: Double = 1, stress: Double = 1) {
    (self.energy, self.forces, self.stress) = (energy, forces, stress)
  }

  static func * (a: LabelWeights, b: LabelWeights) -> LabelWeights {
    LabelWeights(energy: a.energy * b.energy, forces: a.forces * b.forces, stress: a.stress * b.stress)
  }
}

/// A file of training data.
public struct DataFile: Sendable, Hashable {
  /// Under which tables and messages know it.
  public var name: String
  public var path: String
  /// Multiplies the weight of its frames.
  public var weight: Double
  /// Multiply those of their labels.
  public var labelWeights: LabelWeights

  public init(
    name: String, path: String, weight: Double = 1, labelWeights: LabelWeights = LabelWeights()
  ) {
    self.name = name
    self.path = path
    self.weight = weight
    self.labelWeights = labelWeights
  }
}

/// Frames of several files.
public struct LabelledData: Sendable {
  public var files: [DataFile]
  /// SHA-256 of the bytes of each file, hexadecimal.
  public var hashes: [String]
  /// Under which name each file has each label.
  public var names: [LabelNames.Found]
  public var frames: [LabelledFrame]

  public init(files: [DataFile], hashes: [String], names: [LabelNames.Found], frames: [LabelledFrame]) {
    self.files = files
    self.hashes = hashes
    self.names = names
    self.frames = frames
  }

  /// `water.xyz, frame 3`.
  public func place(of frame: LabelledFrame) -> String { "\(files[frame.file].name), frame \(frame.number)" }
}
