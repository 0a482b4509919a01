// Extended XYZ files to frames with labels. Every label is held against what it must be where it is read, and the message
// names file, frame and line.
//
//   stress = -virial / V        (ASE's sign: stress = (1/V) dE/d(strain); 6 numbers in Voigt's order or 9)

import Diagnostics
import Foundation
import HDF5
import Lattice
import Trajectory

/// What training asks of its data.
public struct DataDemands: Sendable, Hashable {
  /// Whether the loss weighs these.
  public var energy: Bool
  public var forces: Bool
  public var stress: Bool
  /// eV/Angstrom; a label beyond is a calculation gone wrong.
  public var largestForce: Double
  /// Angstrom; atoms closer than this are a mistake.
  public var smallestDistance: Double

  public init(
    energy: Bool = true, forces: Bool = true, stress: Bool = false, largestForce: Double = 100,
    smallestDistance: Double = 0.3
  ) {
    self.energy = energy
    self.forces = forces
    self.stress = stress
    self.largestForce = largestForce
    self.smallestDistance = smallestDistance
  }
}

extension LabelledData {
  /// Reads all frames of `files`.
  /// - Parameter warnings: hears what may not be meant.
  /// - Throws: `StructureError`, `FileError` naming file and frame.
  public init(
    reading files: [DataFile], names: LabelNames, demands: DataDemands, warnings: (Diagnostic) throws -> Void
  ) throws {
    self.init(files: files, hashes: [], names: [], frames: [])
    for (index, file) in files.enumerated() {
      let reader = try ExtendedXYZReader(file.path, keeping: .names)
      var configurations: [Configuration] = []
      while let configuration = try reader.next() { configurations.append(configuration) }
      hashes.append(try Self.hash(of: file.path))
      let named = configurations.map { $0.named ?? NamedValues(line: 1, values: [:]) }
      let found = try names.find(
        inValues: Set(named.flatMap(\.values.keys)), vectors: Set(named.flatMap(\.vectors.keys)),
        file: file.path)
      self.names.append(found)
      let new = try zip(configurations, named).enumerated().map { n, pair in
        let (configuration, named) = pair
        let reader = LabelReader(
          named: named, system: configuration.system,
          place: "frame \(n + 1) (line \(named.line))", file: file.path)
        return try reader.frame(
          found, demands, of: file, fileIndex: index, number: n + 1)
      }
      try Self.requireLabels(of: new, file, demands, warnings)
      frames += new
    }
  }

  private static func hash(of path: String) throws -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw FileError(file: path, "cannot be read a second time, for its hash", help: "give files, not pipes")
    }
    var hash = SHA256()
    while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
      block.withUnsafeBytes { hash.update($0) }
    }
    return SHA256.hex(hash.finalize())
  }

  /// A weighted label that a whole file lacks is a mistake; one that some frames lack is worth a word.
  private static func requireLabels(
    of frames: [LabelledFrame], _ file: DataFile, _ demands: DataDemands,
    _ warnings: (Diagnostic) throws -> Void
  ) throws {
    let kinds: [(String, isAsked: Bool, KeyPath<LabelWeights, Double>, isThere: (Labels) -> Bool)] = [
      ("energy", demands.energy, \.energy, { $0.energy != nil }),
      ("forces", demands.forces, \.forces, { $0.forces != nil }),
      ("stress", demands.stress, \.stress, { $0.stress != nil }),
    ]
    // On a free atom there is no force and no stress.
    let frames = frames.filter { !$0.isIsolatedAtom }
    for (kind, isAsked, weight, isThere) in kinds where isAsked && file.labelWeights[keyPath: weight] > 0 {
      let missing = frames.filter { $0.labelWeights[keyPath: weight] > 0 && !isThere($0.labels) }
      guard let first = missing.first else { continue }
      guard missing.count < frames.count else {
        throw FileError(
          file: file.path, "none of its \(frames.count) frames has \(kind) that training knows by its name",
          help:
            "name it in `labels.\(kind)`, or give it no weight: {file: ..., \(kind): 0} for this file, `loss.\(kind)` 0 for all"
        )
      }
      let verb = missing.count == 1 ? "has" : "have"
      try warnings(
        Diagnostic(
          severity: .warning, file: file.path,
          "\(missing.count) of \(frames.count) frames \(verb) no \(kind), the first is frame \(first.number); "
            + "it does not count there"))
    }
  }
}

/// Reads the labels of one frame.
private struct LabelReader {
  let named: NamedValues
  let system: AtomicSystem
  let place: String
  let file: String

  func frame(
    _ names: LabelNames.Found, _ demands: DataDemands, of source: DataFile, fileIndex: Int, number: Int
  ) throws -> LabelledFrame {
    var labels = Labels()
    labels.energy = try value(names.energy, "eV")
    labels.forces = try forces(names.forces, demands)
    // Without a volume there is no stress; calculators write zeros.
    if system.cell.isFullyPeriodic {
      labels.stress = try tensor(names.stress)
      if let virial = try tensor(names.virial) { labels.stress = virial * (-1 / system.cell.volume) }
    }
    let own = try LabelWeights(
      energy: weight(names.energyWeight), forces: weight(names.forcesWeight),
      stress: weight(names.stressWeight))
    var frame = try LabelledFrame(
      system: system, labels: labels, charge: value(names.charge, "e"),
      weight: source.weight * weight(names.weight), labelWeights: source.labelWeights * own, file: fileIndex,
      number: number, isMarkedIsolated: named.values["config_type"] == "IsolatedAtom")
    // The energy of a free atom says where energies begin.
    if frame.labelWeights.energy == 0, !frame.isIsolatedAtom { frame.labels.energy = nil }
    if frame.labelWeights.forces == 0 { frame.labels.forces = nil }
    if frame.labelWeights.stress == 0 { frame.labels.stress = nil }
    return frame
  }

  private func weight(_ name: String?) throws -> Double {
    let weight = try value(name, "") ?? 1
    guard weight >= 0 else {
      throw error("`\(name ?? "")` is \(weight)", help: "weights are positive or 0")
    }
    return weight
  }

  private func error(_ message: String, help: String) -> FileError {
    FileError(file: file, "\(place): \(message)", help: help)
  }

  /// Beyond any energy of atoms in eV.
  private static let largestNumber = 1e12

  private func value(_ name: String?, _ unit: String) throws -> Double? {
    guard let name, let text = named.values[name] else { return nil }
    guard let value = Double(text), abs(value) < Self.largestNumber else {
      throw error(
        "`\(name)` is `\(text)`",
        help: "it takes a finite number\(unit.isEmpty ? "" : " in \(unit)"); remove the frame or its label")
    }
    return value
  }

  private func forces(_ name: String?, _ demands: DataDemands) throws -> [Vector3]? {
    guard let name, let forces = named.vectors[name] else { return nil }
    for (atom, force) in forces.enumerated() {
      let magnitude = length(force)
      guard magnitude.isFinite else {
        throw error(
          "`\(name)` of atom \(atom + 1) is not finite", help: "remove the frame, or compute it again")
      }
      guard magnitude <= demands.largestForce || !demands.forces else {
        throw error(
          "the force on atom \(atom + 1) is \(String(format: "%.4g", magnitude)) eV/Angstrom",
          help: "forces are in eV/Angstrom; remove the frame, or raise `limits.force`")
      }
    }
    return forces
  }

  /// Symmetric: rotations do no work, only rounding says otherwise.
  private func tensor(_ name: String?) throws -> Matrix3? {
    guard let name, let text = named.values[name] else { return nil }
    guard let t = ExtendedXYZ.tensor(text), (t.x + t.y + t.z).sum().magnitude < Self.largestNumber else {
      throw error(
        "`\(name)` is `\(text)`", help: "it takes 9 finite numbers, or 6 in the order xx yy zz yz xz xy")
    }
    return (t + t.transposed) * 0.5
  }
}
