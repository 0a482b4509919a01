// Reading Bloch's trajectories frame by frame, back into the units of memory.

import HDF5
import Lattice

/// One frame of a trajectory.
public struct H5MDFrame: Sendable {
  public let step: Int64
  /// In fs.
  public let time: Double
  /// Velocities are zero if the trajectory has none.
  public let system: AtomicSystem
  /// In eV/Angstrom, if the trajectory has them.
  public let forces: [Vector3]?
  /// Values by name, in the units of `H5MDReader.observables`.
  public let observables: [String: Double]
}

/// Reads a trajectory that `H5MDWriter` wrote, also one whose writer was killed.
public final class H5MDReader {
  public let path: String
  public let atomCount: Int
  /// Frames that are complete.
  public let frameCount: Int
  public let observables: [H5MDObservable]
  public let hasVelocities: Bool
  public let hasForces: Bool
  public let provenance: Provenance

  private let file: HDF5File
  private let isPeriodic: [Bool]
  private let masses: [Double]
  private let step: HDF5Rows
  private let time: HDF5Rows
  private let position: HDF5Rows
  private let velocity: HDF5Rows?
  private let force: HDF5Rows?
  private let species: HDF5Rows
  private let edges: HDF5Rows
  private let observableRows: [HDF5Rows]

  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public init(_ path: String) throws {
    self.path = path
    let file = try HDF5File(reading: path)
    self.file = file
    guard try file.exists(H5MD.position) else {
      throw TrajectoryError.mismatch(file: path, reason: "is no trajectory: it has no \(H5MD.position)")
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
    let shape = try file.shape(of: H5MD.position + "/value")
    guard shape.count == 3 else {
      throw TrajectoryError.mismatch(
        file: path, reason: "positions have shape \(shape), not [frames, atoms, 3]")
    }
    let atoms = shape[1]
    atomCount = atoms
    step = try rows(H5MD.position + "/step", [], unit: nil)
    time = try rows(H5MD.position + "/time", [], unit: H5MD.timeUnit)
    position = try rows(H5MD.position + "/value", [atoms, 3], unit: H5MD.lengthUnit)
    hasVelocities = try file.exists(H5MD.velocity)
    velocity = hasVelocities ? try rows(H5MD.velocity + "/value", [atoms, 3], unit: H5MD.velocityUnit) : nil
    hasForces = try file.exists(H5MD.force)
    force = hasForces ? try rows(H5MD.force + "/value", [atoms, 3], unit: H5MD.forceUnit) : nil
    species = try rows(H5MD.species + "/value", [atoms], unit: nil)
    edges = try rows(H5MD.edges + "/value", [3, 3], unit: H5MD.lengthUnit)
    isPeriodic = try file.stringsAttribute("boundary", at: H5MD.box).map { $0 == "periodic" }
    masses = try file.readDoubles("/parameters/masses").values
    guard isPeriodic.count == 3, masses.count == atoms else {
      throw TrajectoryError.mismatch(file: path, reason: "its boundary or masses do not fit \(atoms) atoms")
    }
    let names = try file.exists(H5MD.observables) ? file.children(of: H5MD.observables) : []
    observables = try names.map {
      try H5MDObservable(name: $0, unit: file.stringAttribute("unit", at: "\(H5MD.observables)/\($0)/value"))
    }
    observableRows = try names.map { try rows("\(H5MD.observables)/\($0)/value", [], unit: nil) }
    provenance = try Provenance(
      engineVersion: file.readString("/parameters/engine_version"),
      modelHash: file.readString("/parameters/model_hash"), deck: file.readString("/parameters/deck"))

    let all = [step, time, position, species, edges] + [velocity, force].compactMap { $0 } + observableRows
    frameCount = H5MDReader.completeFrames(of: all, step: step, position: position)
  }

  /// A killed writer may leave datasets of unequal length, lengthened and not yet filled (there the step is
  /// zero), or filled beyond the end of file that it stated.
  private static func completeFrames(of all: [HDF5Rows], step: HDF5Rows, position: HDF5Rows) -> Int {
    func isComplete(_ row: Int) -> Bool {
      guard let last = try? step.readDoubles(row: row)[0], (try? position.readDoubles(row: row)) != nil else {
        return false
      }
      guard row > 0 else { return true }
      return (try? step.readDoubles(row: row - 1)[0]).map { last > $0 } ?? false
    }
    var count = all.map(\.count).min() ?? 0
    while count > 0, !isComplete(count - 1) { count -= 1 }
    return count
  }

  /// Frame `index` of `0 ..< frameCount`.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func frame(_ index: Int) throws -> H5MDFrame {
    precondition((0..<frameCount).contains(index))
    let atomicNumbers = try species.readDoubles(row: index).map { Int($0) }
    let system = try AtomicSystem(
      cell: cell(index), atomicNumbers: atomicNumbers, masses: masses,
      positions: vectors(position, index, times: 1),
      velocities: velocity.map { try vectors($0, index, times: 1 / H5MD.femtosecondsPerPicosecond) })
    return try H5MDFrame(
      step: Int64(step.readDoubles(row: index)[0]),
      time: time.readDoubles(row: index)[0] * H5MD.femtosecondsPerPicosecond, system: system,
      forces: force.map { try vectors($0, index, times: 1 / Units.kilojoulePerMole) },
      observables: Dictionary(
        uniqueKeysWithValues: zip(observables, observableRows).map {
          ($0.name, try $1.readDoubles(row: index)[0])
        }))
  }

  private func cell(_ index: Int) throws -> Cell {
    guard isPeriodic.contains(true) else { return .free }
    let rows = try vectors(edges, index, times: 1)
    let matrix = Matrix3(rows[0], rows[1], rows[2])
    guard matrix.determinant.isFinite, matrix.determinant != 0 else {
      throw TrajectoryError.mismatch(file: path, reason: "the cell of frame \(index) has no volume")
    }
    return Cell(vectors: matrix, isPeriodic: isPeriodic)
  }

  private func vectors(_ rows: HDF5Rows, _ index: Int, times factor: Double) throws -> [Vector3] {
    let values = try rows.readDoubles(row: index)
    return stride(from: 0, to: values.count, by: 3).map {
      Vector3(values[$0], values[$0 + 1], values[$0 + 2]) * factor
    }
  }
}
