// DCD byte by byte, and as MDAnalysis and mdtraj read it.

import Foundation
import Lattice
import Testing

@testable import Trajectory

private func write(_ systems: [AtomicSystem], _ header: DCDWriter.Header, to path: String) throws -> Data {
  let writer = try DCDWriter(creating: path, atomCount: systems[0].count, header: header)
  for system in systems { try writer.append(system) }
  try writer.close()
  return try Data(contentsOf: URL(fileURLWithPath: path))
}

private func system(_ cell: Cell, _ positions: [Vector3]) -> AtomicSystem {
  AtomicSystem(
    cell: cell, atomicNumbers: positions.map { _ in 8 }, masses: positions.map { _ in 15.999 },
    positions: positions)
}

@Test func everyByteOfADCDIsInItsPlace() throws {
  let scratch = try Scratch()
  let cell = Cell(vectors: Matrix3([10, 0, 0], [0, 11, 0], [0, 0, 12]))
  let data = try write(
    [system(cell, [[1, 2, 3], [4, 5, 6]])],
    .init(frameCount: 1, firstStep: 100, interval: 20, timestep: 0.5, hasCell: true),
    to: scratch.path("a.dcd"))
  func integer(_ offset: Int) -> Int32 {
    data[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int32($1) }
  }
  func real(_ offset: Int) -> Float { Float(bitPattern: UInt32(bitPattern: integer(offset))) }
  func double(_ offset: Int) -> Double {
    Double(bitPattern: data[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }
  #expect(integer(0) == 84 && data[4..<8] == Data("CORD".utf8) && integer(88) == 84)
  #expect([8, 12, 16, 20].map(integer) == [1, 100, 20, 100])
  // 0.5 fs in units of 48.88821 fs.
  #expect(abs(real(8 + 9 * 4) - 0.5 / 48.88821) < 1e-8)
  #expect(integer(8 + 10 * 4) == 1 && integer(8 + 19 * 4) == 24)
  #expect(integer(92) == 164 && integer(96) == 2 && integer(92 + 4 + 164) == 164)
  let atoms = 92 + 8 + 164
  #expect([atoms, atoms + 4, atoms + 8].map(integer) == [4, 2, 4])
  let box = atoms + 12
  #expect(integer(box) == 48 && integer(box + 52) == 48)
  #expect((0..<6).map { double(box + 4 + 8 * $0) } == [10, 90, 11, 90, 90, 12])
  for (axis, values) in [[1, 4], [2, 5], [3, 6]].enumerated() {
    let record = box + 56 + axis * 16
    #expect(integer(record) == 8 && integer(record + 12) == 8)
    #expect([real(record + 4), real(record + 8)] == values.map(Float.init))
  }
  #expect(data.count == box + 56 + 3 * 16)
}

@Test func aCellThatLiesElsewhereIsTurnedWithItsAtoms() throws {
  let scratch = try Scratch()
  // Left-handed and turned.
  let cell = Cell(vectors: Matrix3([1, 9, 0], [8, 2, 1], [0.5, 1, 10]))
  let positions: [Vector3] = [[1, 2, 3], [4, 3, 3], [0, 1, 7], [2, 2, 2]]
  let data = try write(
    [system(cell, positions)], .init(frameCount: 1, firstStep: 0, interval: 1, timestep: 1, hasCell: true),
    to: scratch.path("a.dcd"))
  let start = 92 + 8 + 164 + 12 + 56
  let moved = (0..<4).map { atom in
    var r = Vector3.zero
    for axis in 0..<3 {
      r[axis] = data.withUnsafeBytes {
        Double($0.loadUnaligned(fromByteOffset: start + axis * 24 + 4 + 4 * atom, as: Float.self))
      }
    }
    return r
  }
  // Distances and handedness stay.
  for i in 0..<4 {
    for j in 0..<i {
      #expect(abs(length(moved[i] - moved[j]) - length(positions[i] - positions[j])) < 1e-5)
    }
  }
  func volume(_ r: [Vector3]) -> Double { dot(r[1] - r[0], cross(r[2] - r[0], r[3] - r[0])) }
  #expect(abs(volume(moved) - volume(positions)) < 1e-4)
}

@Test func whatADCDCannotCountIsRefusedOrCountedInFrames() throws {
  let scratch = try Scratch()
  let header = DCDWriter.Header(
    frameCount: 3, firstStep: 5_000_000_000, interval: 1000, timestep: 0.5, hasCell: false)
  #expect(throws: TrajectoryError.self) {
    try DCDWriter(creating: scratch.path("a.dcd"), atomCount: DCDWriter.mostAtoms + 1, header: header)
  }
  let data = try write([system(.free, [[1, 2, 3]])], header, to: scratch.path("b.dcd"))
  let timestep = data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8 + 36, as: Float.self) }
  #expect(data[16..<20] == Data([1, 0, 0, 0]))
  #expect(abs(timestep - 500 / 48.88821) < 1e-5)
}

private func canImport(_ module: String) -> Bool {
  (try? runTool([python, "-c", "import \(module)"]).status) == 0
}

private func frames(_ scratch: Scratch) throws -> (dcd: String, xyz: String) {
  let cells = [
    Matrix3([10, 0, 0], [2, 11, 0], [1, -3, 12]), Matrix3([10.5, 0, 0], [2, 11.5, 0], [1, -3, 12.5]),
  ]
  let systems = cells.enumerated().map { n, vectors in
    system(
      Cell(vectors: vectors), (0..<5).map { Vector3(Double($0) * 1.7, Double(n) - 3, 0.25 * Double($0 * $0)) }
    )
  }
  _ = try write(
    systems, .init(frameCount: 2, firstStep: 40, interval: 20, timestep: 0.5, hasCell: true),
    to: scratch.path("a.dcd"))
  let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  for system in systems { try writer.append(Configuration(system: system)) }
  try writer.close()
  return (scratch.path("a.dcd"), scratch.path("a.xyz"))
}

@Test(.enabled(if: canImport("MDAnalysis, ase"), "needs a Python (BLOCH_PYTHON) with MDAnalysis and ASE"))
func MDAnalysisReadsDCD() throws {
  let scratch = try Scratch()
  let paths = try frames(scratch)
  let script = """
    import sys, warnings, numpy as np
    warnings.simplefilter('ignore')
    import MDAnalysis, ase.io
    u = MDAnalysis.Universe.empty(5, trajectory=True)
    u.load_new(sys.argv[1])
    frames = ase.io.read(sys.argv[2], index=':')
    assert len(u.trajectory) == 2 and abs(u.trajectory.dt - 0.01) < 1e-8, u.trajectory.dt
    for ts, a in zip(u.trajectory, frames):
        assert np.allclose(ts.positions, a.positions, atol=1e-5)
        assert np.allclose(ts.dimensions, a.cell.cellpar(), atol=1e-4), (ts.dimensions, a.cell.cellpar())
        assert np.allclose(ts.triclinic_dimensions, a.cell[:], atol=1e-4)
    """
  let result = try runTool([python, "-c", script, paths.dcd, paths.xyz])
  #expect(result.status == 0, "\(result.output)")
}

@Test(.enabled(if: canImport("mdtraj, ase"), "needs a Python (BLOCH_PYTHON) with mdtraj and ASE"))
func mdtrajReadsDCD() throws {
  let scratch = try Scratch()
  let paths = try frames(scratch)
  let script = """
    import sys, numpy as np, ase.io
    from mdtraj.formats import DCDTrajectoryFile
    with DCDTrajectoryFile(sys.argv[1]) as f: xyz, lengths, angles = f.read()
    for i, a in enumerate(ase.io.read(sys.argv[2], index=':')):
        assert np.allclose(xyz[i], a.positions, atol=1e-5)
        assert np.allclose(np.concatenate([lengths[i], angles[i]]), a.cell.cellpar(), atol=1e-4)
    """
  let result = try runTool([python, "-c", script, paths.dcd, paths.xyz])
  #expect(result.status == 0, "\(result.output)")
}
