// Checkpoints on disk: HDF5 files closed by a seal, so that a damaged one is recognised whatever the damage.
//
// Writing never leaves the run without a good checkpoint: a temporary file is written, synchronised to disk
// and read back against its seal; only then the newest checkpoint becomes the previous one and the temporary
// file the newest.

import Foundation
import HDF5
import Lattice

extension Checkpoint {
  /// The name of the newest checkpoint of a run: `NAME.checkpoint.h5`.
  public static func path(of name: String) -> String { name + ".checkpoint.h5" }

  /// The name under which the checkpoint before the one at `path` is kept: `NAME.checkpoint.previous.h5`.
  public static func previousPath(of path: String) -> String {
    (path.hasSuffix(".h5") ? String(path.dropLast(3)) : path) + ".previous.h5"
  }

  private static let format = "bloch-checkpoint"
  private static let version = 3

  // MARK: - Writing

  /// Writes the checkpoint to `path` and keeps the one that was there as the previous one.
  ///
  /// - Throws: `TrajectoryError`, `HDF5Error`; whatever happens, the checkpoints that were there are left.
  public func write(to path: String) throws {
    let temporary = path + ".tmp"
    let image = try image()
    let content = FileSeal.sealed(image)
    do {
      try Disk.requireSpace(content.count, for: path)
      try Disk.writeWhole(content, to: temporary)
      try FileSeal.verify(temporary)
      // A damaged checkpoint must not take the place of a good previous one.
      if (try? FileSeal.verify(path)) != nil { try Checkpoint.keepPrevious(path) }
      try Disk.rename(temporary, to: path)
      try Disk.synchronizeFolder(of: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// The HDF5 file, made in memory: on a full disk HDF5 could not be left in peace.
  private func image() throws -> [UInt8] {
    let file = try HDF5File(inMemory: "checkpoint in memory")
    try file.setAttribute("format", Checkpoint.format)
    try file.setAttribute("version", Checkpoint.version)
    try file.setAttribute("engine_version", engineVersion)
    try file.setAttribute("model_hash", modelHash)
    try file.write(step, to: "/step")
    try file.write(flat(positions), shape: [positions.count, 3], to: "/positions")
    try file.write(flat(velocities), shape: [velocities.count, 3], to: "/velocities")
    try file.write(flat((0..<3).map { cell.vectors[$0] }), shape: [3, 3], to: "/cell")
    try file.write(cell.isPeriodic.map { UInt8($0 ? 1 : 0) }, to: "/is_periodic")
    try file.write(atomicNumbers.map(Int32.init), to: "/atomic_numbers")
    try file.write(masses, to: "/masses")
    try file.write(isFixed.map { UInt8($0 ? 1 : 0) }, to: "/is_fixed")
    try file.createGroup("/plan")
    try file.write(flat((0..<3).map { plan.cell.vectors[$0] }), shape: [3, 3], to: "/plan/cell")
    try file.write(flat(plan.positions), shape: [plan.positions.count, 3], to: "/plan/positions")
    try file.createGroup("/plan/choices")
    for (name, choice) in plan.choices.sorted(by: { $0.key < $1.key }) {
      try file.write(choice, to: "/plan/choices/" + name)
    }
    try file.createGroup("/arrays")
    for (name, values) in arrays.sorted(by: { $0.key < $1.key }) {
      try file.write(values, to: "/arrays/" + name)
    }
    try file.createGroup("/outputs")
    for (name, mark) in outputs.sorted(by: { $0.key < $1.key }) {
      try file.write(mark.count, to: "/outputs/" + name)
      try file.setAttribute("digest", mark.digest, at: "/outputs/" + name)
    }
    try file.write(deck, to: "/deck")
    let bytes = try file.image()
    try file.close()
    return bytes
  }

  private func flat(_ vectors: [Vector3]) -> [Double] { vectors.flatMap { [$0.x, $0.y, $0.z] } }

  /// Gives the checkpoint at `path` its second name. A hard link leaves no moment without a newest checkpoint; file
  /// systems without links get a plain renaming.
  private static func keepPrevious(_ path: String) throws {
    let previous = previousPath(of: path)
    // Not by renaming a link: between two names of one file that does nothing.
    unlink(previous)
    if link(path, previous) != 0 { try Disk.rename(path, to: previous) }
  }

  /// Removes what a run that was killed while it wrote may have left beside the checkpoint at `path`.
  public static func removeLeftovers(of path: String) { unlink(path + ".tmp") }

  // MARK: - Reading

  /// Reads the checkpoint at `path`.
  ///
  /// - Throws: `TrajectoryError.corruptCheckpoint`.
  public static func read(_ path: String) throws -> Checkpoint {
    do {
      try FileSeal.verify(path)
      return try readContent(path)
    } catch let error as HDF5Error {
      throw TrajectoryError.corruptCheckpoint(file: path, reason: error.pathAndReason)
    }
  }

  private static func readContent(_ path: String) throws -> Checkpoint {
    func corrupt(_ reason: String) -> TrajectoryError { .corruptCheckpoint(file: path, reason: reason) }
    let file = try HDF5File(reading: path)
    let found = try (file.stringAttribute("format"), file.integerAttribute("version"))
    guard found == (format, version) else {
      throw corrupt(
        "it is \(found.0) version \(found.1); this program reads \(format) version \(version): finish the run with the "
          + "Bloch that began it")
    }
    if let unknown = try file.children(of: "/").first(where: { !members.contains($0) }) {
      throw corrupt("it holds /\(unknown), which this program does not know")
    }
    func vectors(_ name: String) throws -> [Vector3] {
      let (values, shape) = try file.readDoubles(name)
      guard shape.count == 2, shape[1] == 3 else { throw corrupt("\(name) does not hold vectors") }
      return stride(from: 0, to: values.count, by: 3).map {
        Vector3(values[$0], values[$0 + 1], values[$0 + 2])
      }
    }
    func flags(_ name: String) throws -> [Bool] {
      try file.readIntegers(name).values.map { value in
        guard value == 0 || value == 1 else { throw corrupt("\(name) holds \(value), not 0 or 1") }
        return value == 1
      }
    }
    func number(_ name: String) throws -> Int64 {
      let values = try file.readIntegers(name).values
      guard values.count == 1 else { throw corrupt("\(name) holds \(values.count) numbers instead of one") }
      return Int64(values[0])
    }
    let positions = try vectors("/positions")
    let velocities = try vectors("/velocities")
    let planPositions = try vectors("/plan/positions")
    let planRows = try vectors("/plan/cell")
    let rows = try vectors("/cell")
    let isPeriodic = try flags("/is_periodic")
    let atomicNumbers = try file.readIntegers("/atomic_numbers").values
    let masses = try file.readDoubles("/masses").values
    let isFixed = try flags("/is_fixed")
    let counts = [
      positions.count, velocities.count, planPositions.count, atomicNumbers.count, masses.count,
      isFixed.count,
    ]
    guard Set(counts).count == 1, !positions.isEmpty, rows.count == 3, planRows.count == 3,
      isPeriodic.count == 3
    else { throw corrupt("its arrays do not fit together") }
    if let flaw = Plausibility.flaw(ofCell: Matrix3(rows[0], rows[1], rows[2])) { throw corrupt(flaw) }
    let system = AtomicSystem(
      cell: Cell(vectors: Matrix3(rows[0], rows[1], rows[2]), isPeriodic: isPeriodic),
      atomicNumbers: atomicNumbers,
      masses: masses, positions: positions, velocities: velocities, isFixed: isFixed)
    if let flaw = Plausibility.flaw(ofCell: Matrix3(planRows[0], planRows[1], planRows[2])) {
      throw corrupt("/plan: \(flaw)")
    }
    let plan = EvaluationPlan(
      cell: Cell(vectors: Matrix3(planRows[0], planRows[1], planRows[2]), isPeriodic: isPeriodic),
      positions: planPositions,
      choices: Dictionary(
        uniqueKeysWithValues: try file.children(of: "/plan/choices").map {
          ($0, try file.readString("/plan/choices/" + $0))
        }))
    let checkpoint = try Checkpoint(
      step: number("/step"), system: system, plan: plan,
      arrays: Dictionary(
        uniqueKeysWithValues: file.children(of: "/arrays").map {
          ($0, try file.readDoubles("/arrays/" + $0).values)
        }),
      outputs: Dictionary(
        uniqueKeysWithValues: file.children(of: "/outputs").map {
          let path = "/outputs/" + $0
          return try ($0, OutputMark(count: number(path), digest: file.stringAttribute("digest", at: path)))
        }),
      deck: file.readString("/deck"), modelHash: file.stringAttribute("model_hash"),
      engineVersion: file.stringAttribute("engine_version"))
    if let flaw = checkpoint.flaw { throw corrupt(flaw) }
    return checkpoint
  }

  /// Names at the top of the file.
  private static let members: Set = [
    "step", "positions", "velocities", "cell", "is_periodic", "atomic_numbers", "masses", "is_fixed",
    "plan", "arrays", "outputs", "deck",
  ]
}
