// DCD of CHARMM and X-PLOR, as VMD, MDAnalysis, mdtraj and OpenMM read it: positions and cells in records between their own
// lengths, as Fortran writes them.
//
//   84  "CORD"  20 numbers of 32 bits: frames, first step, steps between frames, last step, 0 ..., timestep (32-bit real, in
//               AKMA units), 1 if cells follow, 0 ..., 24 (of CHARMM)
//   titles of 80 characters; number of atoms
//   of each frame  6 numbers of 64 bits: a, gamma, b, beta, alpha, c (Angstrom, degrees)      x, y, z of 32 bits, in Angstrom
//
// A DCD knows lengths and angles of a cell and not how it lies: where a is not along x with b in the plane xy, atoms are turned
// with the cell. A left-handed one swaps its first two vectors. An open axis without a vector has length 0. There are no times:
// frames are equally far apart.

import Foundation
import Lattice

public final class DCDWriter {
  /// What the header says of all frames.
  public struct Header: Sendable {
    public var frameCount: Int
    public var firstStep: Int64
    /// Steps between two frames.
    public var interval: Int64
    /// In fs.
    public var timestep: Double
    public var hasCell: Bool

    public init(frameCount: Int, firstStep: Int64, interval: Int64, timestep: Double, hasCell: Bool) {
      (self.frameCount, self.firstStep, self.interval) = (frameCount, firstStep, interval)
      (self.timestep, self.hasCell) = (timestep, hasCell)
    }
  }

  /// fs of one AKMA unit of time, sqrt(u Angstrom^2 / (kcal/mol)): 48.88821.
  static let timeUnit =
    1 / (Units.accelerationPerForce * Units.kilocaloriePerMole).squareRoot()

  /// Records are as long as 32 bits can say.
  public static let mostAtoms = Int(Int32.max) / 4

  private let file: any OutputSink
  private let hasCell: Bool
  private let atomCount: Int

  /// Begins a file, which appears under its name with `close`; an existing one is an error. `-` is the standard output.
  /// - Throws: `TrajectoryError`, also for more atoms or frames than the format can count.
  public init(creating path: String, atomCount: Int, header: Header) throws {
    guard atomCount <= Self.mostAtoms, let frames = Int32(exactly: header.frameCount) else {
      throw TrajectoryError.mismatch(
        file: path,
        reason:
          "DCD counts in 32 bits: \(Self.mostAtoms) atoms and \(Int32.max) frames at most; write extended XYZ"
      )
    }
    (self.atomCount, hasCell) = (atomCount, header.hasCell)
    file = try outputSink(path)
    // What does not fit is counted in frames.
    let last = Double(header.firstStep) + Double(header.interval) * Double(max(0, header.frameCount - 1))
    let fits = last <= Double(Int32.max) && header.interval <= Int64(Int32.max)
    let (first, interval) = fits ? (Int32(header.firstStep), Int32(header.interval)) : (0, 1)
    let timestep = fits ? header.timestep : header.timestep * Double(header.interval)

    var control = [Int32](repeating: 0, count: 20)
    control[0] = frames
    control[1] = first
    control[2] = interval
    control[3] = fits ? Int32(last) : frames
    control[9] = Int32(bitPattern: Float(timestep / Self.timeUnit).bitPattern)
    control[10] = hasCell ? 1 : 0
    control[19] = 24
    var bytes = Self.record(Array("CORD".utf8) + Self.bytes(control))
    let titles = ["Written by Bloch", "Positions in Angstrom"].flatMap {
      Array($0.utf8) + Array(repeating: UInt8(ascii: " "), count: 80 - $0.utf8.count)
    }
    bytes += Self.record(Self.bytes([Int32(2)]) + titles)
    bytes += Self.record(Self.bytes([Int32(atomCount)]))
    try file.write(bytes)
  }

  /// Appends the positions of one frame.
  /// - Throws: `TrajectoryError`.
  public func append(_ system: AtomicSystem) throws {
    precondition(system.count == atomCount)
    let (rotation, lengths, angles) = Self.orientation(of: system.cell)
    let positions = rotation.map { rotation in system.positions.map { $0 * rotation } } ?? system.positions
    var bytes: [UInt8] = []
    if hasCell {
      bytes += Self.record(Self.bytes([lengths.x, angles.z, lengths.y, angles.y, angles.x, lengths.z]))
    }
    for axis in 0..<3 { bytes += Self.record(Self.bytes(positions.map { Float($0[axis]) })) }
    try file.write(bytes)
  }

  /// Ends the file and gives it its name; without this call nothing is left of it.
  /// - Throws: `TrajectoryError`.
  public func close() throws { try file.publish() }

  /// How positions are to be turned, nil where they lie as they should, and what is said of the cell.
  private static func orientation(
    of cell: Cell
  ) -> (rotation: Matrix3?, lengths: Vector3, angles: Vector3) {
    guard cell.hasPeriodicAxis else { return (nil, .zero, Vector3(repeating: 90)) }
    var (vectors, given) = (cell.vectors, cell.given)
    if vectors.determinant < 0 {
      vectors = Matrix3(vectors.y, vectors.x, vectors.z)
      given = Matrix3(given.y, given.x, given.z)
    }
    let (lengths, angles) = vectors.parameters
    let shown = Vector3(length(given.x), length(given.y), length(given.z))
    guard let standard = Matrix3(lengths: lengths, angles: angles) else { return (nil, shown, angles) }
    let isStandard =
      vectors.x.y == 0 && vectors.x.z == 0 && vectors.y.z == 0 && vectors.x.x > 0 && vectors.y.y > 0
    return (isStandard ? nil : vectors.inverse * standard, shown, angles)
  }

  // MARK: - Bytes

  private static func record(_ content: [UInt8]) -> [UInt8] {
    let length = bytes([Int32(content.count)])
    return length + content + length
  }

  private static func bytes<Element>(_ values: [Element]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
}
