// Small systems and files for the tests.

import Foundation
import LRMACEModel
import Lattice
import MorsePair
import Trajectory

@testable import Training

let goldenFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Golden").path

/// A model for what tests write.
func anyModel() throws -> Model { try Model(contentsOf: goldenFolder + "/lr_a_16x0e_1layer.model.h5") }

/// A new folder, removed when the test ends.
final class Scratch {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("bloch-\(UUID().uuidString)").path

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    return "\(path)/\(name)"
  }
}

/// Argon and neon on a disturbed lattice; nothing in it is symmetric.
func cluster(_ seed: UInt64, atoms: Int = 8, isPeriodic: Bool = true, stretch: Double = 1) -> AtomicSystem {
  let random = CounterRNG(seed: seed)
  let vectors = Matrix3([5.1, 0, 0], [0.4, 5.3, 0], [-0.3, 0.2, 4.9]) * stretch
  let numbers = (0..<atoms).map { $0 % 3 == 0 ? 10 : 18 }
  let positions = (0..<atoms).map { n in
    let f = Vector3(Double(n & 1), Double(n >> 1 & 1), Double(n >> 2 & 1)) / 2
    return f * vectors + random.normals(step: 0, atom: n, stream: 1) * 0.15
  }
  return AtomicSystem(
    cell: isPeriodic ? Cell(vectors: vectors) : .free, atomicNumbers: numbers,
    masses: numbers.map { Elements.mass($0) ?? 1 }, positions: positions)
}

/// Frames labelled by the potential that training is to find.
func labelledFrames(_ count: Int, by truth: MorsePair, isPeriodic: Bool = true, stress: Bool = true) throws
  -> [LabelledFrame]
{
  try (0..<count).map { n in
    let system = cluster(
      UInt64(n + 1), atoms: 6 + n % 3, isPeriodic: isPeriodic, stretch: 1 + 0.01 * Double(n % 4))
    let result = try truth.predict(system)
    return LabelledFrame(
      system: system,
      labels: Labels(
        energy: result.energy, forces: result.forces, stress: stress && isPeriodic ? result.stress : nil),
      weight: n % 5 == 0 ? 2 : 1, number: n + 1)
  }
}

/// Frames as a file.
func write(_ frames: [LabelledFrame], to path: String) throws {
  let writer = try ExtendedXYZWriter(creating: path)
  for frame in frames {
    let info = frame.weight == 1 ? [:] : ["config_weight": "\(frame.weight)"]
    try writer.append(
      Configuration(
        system: frame.system, energy: frame.labels.energy, forces: frame.labels.forces,
        stress: frame.labels.stress, info: info))
  }
  try writer.close()
}
