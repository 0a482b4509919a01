// What a frame is once a trajectory has stored it and a reader has read it: rounded to the file's precision, in the file's units
// and back. What sees frames while a run goes on then sees the same as what reads them later.

import Lattice

extension H5MDOptions {
  /// In fs.
  public func stored(time: Double) -> Double {
    time / H5MD.femtosecondsPerPicosecond * H5MD.femtosecondsPerPicosecond
  }

  /// In e.
  public func stored(charges: [Double]) -> [Double] { charges.map { stored($0) } }

  /// Which atoms are fixed is not stored.
  public func stored(_ system: AtomicSystem) -> AtomicSystem {
    let cell = system.cell
    let rows = Matrix3(stored(cell.given.x), stored(cell.given.y), stored(cell.given.z))
    let (to, from) = (H5MD.femtosecondsPerPicosecond, 1 / H5MD.femtosecondsPerPicosecond)
    return AtomicSystem(
      cell: cell.hasPeriodicAxis ? Cell(vectors: rows, isPeriodic: cell.isPeriodic) : .free,
      atomicNumbers: system.atomicNumbers, masses: system.masses,
      positions: system.positions.map { stored($0) },
      velocities: system.velocities.map { stored($0 * to) * from })
  }

  private func stored(_ number: Double) -> Double { isDouble ? number : Double(Float(number)) }
  private func stored(_ v: Vector3) -> Vector3 { isDouble ? v : Vector3(SIMD3<Float>(v)) }
}
