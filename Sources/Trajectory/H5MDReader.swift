// Reading Bloch's trajectories frame by frame, back into the units of memory. Nothing that a file says is used before
// it is checked: types, shapes and names when it is opened, numbers with each frame.

import HDF5
import Lattice

/// One frame of a trajectory.
public struct H5MDFrame: Sendable {
  public let step: Int64
  /// In fs; nil where a step is no time.
  public let time: Double?
  /// Velocities are zero if the trajectory has none.
  public let system: AtomicSystem
  /// In eV/Angstrom, if the trajectory has them.
  public let forces: [Vector3]?
  /// In e, if the trajectory has them.
  public let charges: [Double]?
  /// How far a committee was apart in the force on every atom, eV/Angstrom, if the trajectory has it.
  public let forceSpreads: [Double]?
  /// Values by name, in the units of `H5MDReader.observables`, without those that do not apply here (stored as NaN).
  public let observables: [String: Double]
}

/// Reads a trajectory that `H5MDWriter` wrote, also one whose writer was killed.
public final class H5MDReader {
  public let path: String
  public let atomCount: Int
  /// Frames that are complete.
  public let frameCount: Int
  /// Frames at the end that a killed writer, or damage, has left incomplete.
  public let incompleteCount: Int
  public let observables: [H5MDObservable]
  public let hasVelocities: Bool
  public let hasForces: Bool
  public let hasCharges: Bool
  /// Whether steps have a time; those of a minimisation have none.
  public let hasTime: Bool
  /// Columns of the structure with which the run began.
  public let columns: [AtomColumn]
  public let provenance: Provenance

  private let file: HDF5File
  private let isPeriodic: [Bool]
  private let masses: [Double]
  private let moveMask: [Vector3]
  private let step: HDF5Rows
  private let time: HDF5Rows
  private let position: HDF5Rows
  private let velocity: HDF5Rows?
  private let force: HDF5Rows?
  private let charge: HDF5Rows?
  private let forceSpread: HDF5Rows?
  private let species: HDF5Rows
  private let edges: HDF5Rows
  private let observableRows: [HDF5Rows]

  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public init(_ path: String) throws {
    self.path = path
    let file = try HDF5File(reading: path)
    self.file = file
    guard try file.exists(H5MD.position) else {
      let format = try file.hasAttribute("format") ? file.stringAttribute("format") : nil
      throw TrajectoryError.mismatch(
        file: path,
        reason: "is no trajectory: it has no \(H5MD.position)"
          + (format.map { "; its format is \"\($0)\"" } ?? ""))
    }
    func rows(_ element: String, _ rowShape: [Int], unit: String?) throws -> HDF5Rows {
      let rows = try HDF5Rows(opening: element, in: file)
      guard rows.rowShape == rowShape else {
        throw TrajectoryError.mismatch(
          file: path, reason: "\(element) has rows of shape \(rows.rowShape), not \(rowShape)")
      }
      if let unit, try file.stringAttribute("unit", at: element) != unit {
        throw TrajectoryError.mismatch(file: path, reason: "\(element) is not in \(unit)")
      }
      return rows
    }
    position = try HDF5Rows(opening: H5MD.position + "/value", in: file)
    guard position.rowShape.count == 2, let atoms = position.rowShape.first, atoms > 0 else {
      throw TrajectoryError.mismatch(
        file: path, reason: "\(position.path) has rows of shape \(position.rowShape), not [atoms, 3]")
    }
    atomCount = atoms
    step = try rows(H5MD.position + "/step", [], unit: nil)
    time = try rows(H5MD.position + "/time", [], unit: H5MD.timeUnit)
    hasTime = try !file.hasAttribute(H5MD.timeStandsFor, at: H5MD.position + "/time")
    _ = try rows(H5MD.position + "/value", [atoms, 3], unit: H5MD.lengthUnit)
    hasVelocities = try file.exists(H5MD.velocity)
    velocity = hasVelocities ? try rows(H5MD.velocity + "/value", [atoms, 3], unit: H5MD.velocityUnit) : nil
    hasForces = try file.exists(H5MD.force)
    force = hasForces ? try rows(H5MD.force + "/value", [atoms, 3], unit: H5MD.forceUnit) : nil
    hasCharges = try file.exists(H5MD.charge)
    charge = hasCharges ? try rows(H5MD.charge + "/value", [atoms], unit: H5MD.chargeUnit) : nil
    forceSpread =
      try file.exists(H5MD.forceSpread)
      ? rows(H5MD.forceSpread + "/value", [atoms], unit: H5MD.forceUnit) : nil
    species = try rows(H5MD.species + "/value", [atoms], unit: nil)
    edges = try rows(H5MD.edges + "/value", [3, 3], unit: H5MD.lengthUnit)
    isPeriodic = try H5MDReader.boundary(of: file)
    let (masses, massShape) = try file.readDoubles(H5MD.masses)
    guard massShape == [atoms] else {
      throw TrajectoryError.mismatch(
        file: path, reason: "\(H5MD.masses) has shape \(massShape), not [\(atoms)] as there are atoms")
    }
    if let flaw = Plausibility.flaw(ofMasses: masses) {
      throw TrajectoryError.mismatch(file: path, reason: "\(H5MD.masses): \(flaw)")
    }
    self.masses = masses
    moveMask = try Self.moveMask(in: file, of: atoms)
    columns = try Self.columns(in: file, of: atoms)
    let names = try file.exists(H5MD.observables) ? file.children(of: H5MD.observables) : []
    for name in names
    where !name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }) {
      throw TrajectoryError.mismatch(
        file: path,
        reason: "\(H5MD.observables) has a member whose name is not one of letters, digits, _, - and .")
    }
    observables = try names.map {
      try H5MDObservable(name: $0, unit: file.stringAttribute("unit", at: "\(H5MD.observables)/\($0)/value"))
    }
    observableRows = try names.map { try rows("\(H5MD.observables)/\($0)/value", [], unit: nil) }
    provenance = try Provenance(
      engineVersion: file.readString("/parameters/engine_version"),
      modelHash: file.readString("/parameters/model_hash"), deck: file.readString("/parameters/deck"))

    let all =
      [step, time, position, species, edges] + [velocity, force, charge, forceSpread].compactMap { $0 }
      + observableRows
    for rows in [step, species] where !rows.holdsIntegers {
      throw TrajectoryError.mismatch(
        file: path, reason: "\(rows.path) holds floating-point numbers, not integers")
    }
    // A killed writer may also leave an index of chunks that cannot be walked to its end, but looked up.
    let most = all.map { (try? $0.storedCount()) ?? min($0.count, file.size) }.min() ?? 0
    frameCount = H5MDReader.completeFrames(ofAtMost: most, step: step, position: position)
    incompleteCount = max(0, (all.map(\.count).max() ?? 0) - frameCount)
  }

  private static func moveMask(in file: HDF5File, of atoms: Int) throws -> [Vector3] {
    var mask = Array(repeating: Vector3.one, count: atoms)
    func numbers(_ path: String, _ bounds: [Int]) throws -> [Int] {
      guard try file.exists(path) else { return [] }
      let (values, shape) = try file.readIntegers(path)
      let width = bounds.count
      guard Array(shape.dropFirst()) == (width == 1 ? [] : [width]), !shape.isEmpty,
        values.indices.allSatisfy({ (0..<bounds[$0 % width]).contains(values[$0]) })
      else {
        throw TrajectoryError.mismatch(
          file: file.name,
          reason: "\(path) does not hold numbers of \(atoms) atoms\(width == 2 ? " and their axes" : "")")
      }
      return values
    }
    for atom in try numbers(H5MD.fixed, [atoms]) { mask[atom] = .zero }
    let pairs = try numbers(H5MD.fixedAxes, [atoms, 3])
    for n in stride(from: 0, to: pairs.count, by: 2) { mask[pairs[n]][pairs[n + 1]] = 0 }
    return mask
  }

  private static func columns(in file: HDF5File, of atoms: Int) throws -> [AtomColumn] {
    guard try file.exists(H5MD.columns) else { return [] }
    guard let columns = try AtomColumn.columns(of: file.readString(H5MD.columns), atoms: atoms) else {
      throw TrajectoryError.mismatch(
        file: file.name, reason: "\(H5MD.columns) does not hold a line for each of \(atoms) atoms")
    }
    return columns
  }

  /// Whether each axis is periodic.
  private static func boundary(of file: HDF5File) throws -> [Bool] {
    let words = try file.stringsAttribute("boundary", at: H5MD.box)
    let flags = words.compactMap { ["periodic": true, "none": false][$0] }
    guard flags.count == 3, words.count == 3 else {
      throw TrajectoryError.mismatch(
        file: file.name,
        reason: "\(H5MD.box)@boundary is not one of `periodic` and `none` for each of three axes")
    }
    return flags
  }

  /// A killed writer may leave datasets of unequal length, lengthened and not yet filled (there the step is
  /// zero), or filled beyond the end of file that it stated. Any other step is a frame's, and damage if it is wrong.
  private static func completeFrames(ofAtMost most: Int, step: HDF5Rows, position: HDF5Rows) -> Int {
    var count = most
    while count > 0 {
      guard let last = try? step.readIntegers(row: count - 1)[0] else {
        // None of the rows of an unreadable chunk can be read.
        count = (count - 1) / step.chunkRows * step.chunkRows
        continue
      }
      if last != 0 || count == 1, (try? position.readDoubles(row: count - 1)) != nil { break }
      count -= 1
    }
    return count
  }

  /// Frame `index` of `0 ..< frameCount`.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func frame(_ index: Int) throws -> H5MDFrame {
    precondition((0..<frameCount).contains(index))
    let (step, time) = try (self.step(index), time(ofFrame: index))
    let atomicNumbers = try species.readIntegers(row: index)
    try require(Plausibility.flaw(ofSpecies: atomicNumbers), of: species, index)
    return try H5MDFrame(
      step: step, time: time,
      system: AtomicSystem(
        cell: cell(index), atomicNumbers: atomicNumbers, masses: masses,
        positions: vectors(position, index, times: 1),
        velocities: velocity.map { try vectors($0, index, times: 1 / H5MD.femtosecondsPerPicosecond) },
        moveMask: moveMask),
      forces: force.map { try vectors($0, index, times: 1 / Units.kilojoulePerMole) },
      charges: charge.map { try numbers($0, index, flaw: Plausibility.flaw(ofCharges:)) },
      forceSpreads: forceSpread.map {
        try numbers($0, index, flaw: Plausibility.flaw(ofSpreads:)).map { $0 / Units.kilojoulePerMole }
      },
      observables: values(index))
  }

  /// Of frame `index` of `0 ..< frameCount`.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func step(_ index: Int) throws -> Int64 {
    let value = try step.readIntegers(row: index)[0]
    let before = index == 0 ? -1 : try step.readIntegers(row: index - 1)[0]
    try require(value > before ? nil : "step \(value) comes after \(before)", of: step, index)
    return Int64(value)
  }

  /// In fs, of frame `index` of `0 ..< frameCount`; nil where a step is no time.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func time(ofFrame index: Int) throws -> Double? {
    precondition((0..<frameCount).contains(index))
    guard hasTime else { return nil }
    let value = try time.readDoubles(row: index)[0] * H5MD.femtosecondsPerPicosecond
    try require(value.isFinite ? nil : "the time is \(value)", of: time, index)
    return value
  }

  private func values(_ index: Int) throws -> [String: Double] {
    var values: [String: Double] = [:]
    for (observable, rows) in zip(observables, observableRows) {
      let value = try rows.readDoubles(row: index)[0]
      try require(value.isInfinite ? "the value is \(value)" : nil, of: rows, index)
      if !value.isNaN { values[observable.name] = value }
    }
    return values
  }

  private func cell(_ index: Int) throws -> Cell {
    guard isPeriodic.contains(true) else { return .free }
    let values = try edges.readDoubles(row: index)
    let rows = Matrix3(
      [values[0], values[1], values[2]], [values[3], values[4], values[5]], [values[6], values[7], values[8]])
    try require(Plausibility.flaw(ofCell: rows, isPeriodic: isPeriodic), of: edges, index)
    return Cell(vectors: rows, isPeriodic: isPeriodic)
  }

  private func numbers(
    _ rows: HDF5Rows, _ index: Int, flaw: ([Double]) -> String?
  ) throws -> [Double] {
    let numbers = try rows.readDoubles(row: index)
    try require(flaw(numbers), of: rows, index)
    return numbers
  }

  private func vectors(_ rows: HDF5Rows, _ index: Int, times factor: Double) throws -> [Vector3] {
    let values = try rows.readDoubles(row: index)
    let vectors = stride(from: 0, to: values.count, by: 3).map {
      Vector3(values[$0], values[$0 + 1], values[$0 + 2]) * factor
    }
    try require(Plausibility.flaw(ofVectors: vectors), of: rows, index)
    return vectors
  }

  /// Throws if there is a flaw in a frame of an element.
  private func require(_ flaw: String?, of rows: HDF5Rows, _ index: Int) throws {
    guard let flaw else { return }
    throw TrajectoryError.mismatch(
      file: path, reason: "\(rows.path), frame \(index) (the first is 0): \(flaw); the file is damaged")
  }
}
