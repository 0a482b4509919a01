// Systems and trajectories that the tests of analyses share.

import Foundation
import Lattice

@testable import Analysis

let random = CounterRNG(seed: 7)

/// A triclinic cell so small that spheres of 5 Angstrom meet images.
let triclinic = Cell(vectors: Matrix3([9.1, 0, 0], [2.3, 8.2, 0], [-1.7, 0.9, 7.4]))

/// O and H at random places, unwrapped, with velocities.
func randomFrame(_ step: Int, atoms: Int = 24, cell: Cell = triclinic) -> TrajectoryFrame {
  let positions = (0..<atoms).map { atom in
    let u = random.uniforms(step: Int64(step), atom: atom, stream: 1)
    return (Vector3(u.x, u.y, u.z) * 3 - 1) * cell.vectors
  }
  let velocities = (0..<atoms).map { random.normals(step: Int64(step), atom: $0, stream: 2) * 0.01 }
  let numbers = (0..<atoms).map { $0 % 3 == 0 ? 8 : 1 }
  return TrajectoryFrame(
    time: Double(step) * 2,
    system: AtomicSystem(
      cell: cell, atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 },
      positions: positions,
      velocities: velocities),
    hasVelocities: true, charges: numbers.map { $0 == 8 ? -0.8 : 0.4 }, observables: ["temperature": 300])
}

/// A random walk of every atom from the frame of step 0.
func wandering(_ frames: Int, atoms: Int = 12, step: Double = 0.3) -> [TrajectoryFrame] {
  var frame = randomFrame(0, atoms: atoms)
  return (0..<frames).map { n in
    if n > 0 {
      for atom in 0..<atoms {
        frame.system.positions[atom] += random.normals(step: Int64(n), atom: atom, stream: 3) * step
        frame.system.velocities[atom] = random.normals(step: Int64(n), atom: atom, stream: 4) * 0.01
      }
    }
    frame.time = Double(n) * 2
    return frame
  }
}

/// What `accumulator` finds in `frames`.
func findings<A: Accumulator>(
  _ accumulator: A, _ frames: [TrajectoryFrame], temperature: Double? = 300, threads: Int = 1
) throws -> Findings {
  var accumulator = accumulator
  try accumulator.absorb(frames, threads: threads)
  return try accumulator.findings(
    Conditions(times: frames.map(\.time), temperature: temperature, threads: threads))
}

/// Squared difference of the nearest images, by trying all around.
func nearest(_ a: Vector3, _ b: Vector3, _ cell: Cell) -> Vector3 {
  let d = cell.wrap(a - b).position
  var best = d
  for x in -2...1 {
    for y in -2...1 {
      for z in -2...1 {
        let image = d + Vector3(Double(x), Double(y), Double(z)) * cell.vectors
        if length(image) < length(best) { best = image }
      }
    }
  }
  return best
}

/// A folder of its own, removed with the object.
final class Scratch {
  let url = FileManager.default.temporaryDirectory.appending(path: "bloch-analysis-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }
}
