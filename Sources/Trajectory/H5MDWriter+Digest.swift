// What the frames of a trajectory hold, in 32 bytes. A checkpoint keeps the digest of the frames that it counts; whoever
// goes on from it works the digest out again from the file, so that zeros or older bytes in the place of a frame (after
// a power cut, or a copy that was not whole) are not taken for results.
//
// SHA-256 over frame after frame, little-endian as in the file: step (Int64); time (Double); positions, velocities and
// forces, as far as they are stored, and edges (Float, or Double on request); species (UInt8); observables (Double).

import HDF5

extension H5MDWriter {
  /// One frame in the units of the file.
  struct Frame {
    let step: Int64
    let time: Double
    let positions: [Double]
    let velocities: [Double]
    let forces: [Double]
    let species: [UInt8]
    let edges: [Double]
    let observables: [Double]
  }

  /// The digest of the frames that were added so far.
  struct FrameDigest {
    let isDouble: Bool
    private var hash = SHA256()

    init(isDouble: Bool) { self.isDouble = isDouble }

    mutating func add(_ frame: Frame) {
      hash.update([frame.step])
      hash.update([frame.time])
      for values in [frame.positions, frame.velocities, frame.forces, frame.edges] {
        if isDouble { hash.update(values) } else { hash.update(values.map(Float.init)) }
      }
      hash.update(frame.species)
      hash.update(frame.observables)
    }

    var hexadecimal: String { SHA256.hex(hash.finalize()) }
  }
}

extension H5MDWriter.Tables {
  /// `frames` in parts of about a chunk of positions, the unit in which HDF5 reads.
  func blocks(of frames: Range<Int>) -> [Range<Int>] {
    let size = Self.framesPerChunk(bytesPerFrame: position.rowShape.reduce(8, *))
    return stride(from: frames.lowerBound, to: frames.upperBound, by: size).map {
      $0..<min($0 + size, frames.upperBound)
    }
  }

  /// Frames as they were written.
  /// - Throws: `HDF5Error`; `TrajectoryError.mismatch` for a step or an element that no run writes.
  func read(_ frames: Range<Int>, from path: String) throws -> [H5MDWriter.Frame] {
    func rows(_ table: HDF5Rows?) throws -> [[Double]] {
      guard let table else { return frames.map { _ in [] } }
      let width = table.rowShape.reduce(1, *)
      let values = try table.readDoubles(rows: frames)
      return frames.indices.map {
        Array(values[($0 - frames.lowerBound) * width..<($0 - frames.lowerBound + 1) * width])
      }
    }
    let (steps, times, edges, species) = try (rows(step), rows(time), rows(edges), rows(species))
    let (positions, velocities, forces) = try (rows(position), rows(velocity), rows(force))
    let observables = try observables.map { try $0.readDoubles(rows: frames) }
    return try frames.indices.map { frame in
      let i = frame - frames.lowerBound
      let elements = species[i].compactMap { UInt8(exactly: $0) }
      guard let step = Int64(exactly: steps[i][0]), elements.count == species[i].count else {
        throw TrajectoryError.mismatch(
          file: path, reason: "frame \(frame + 1) has an impossible step or element")
      }
      return H5MDWriter.Frame(
        step: step, time: times[i][0], positions: positions[i], velocities: velocities[i], forces: forces[i],
        species: elements, edges: edges[i], observables: observables.map { $0[i] })
    }
  }
}
