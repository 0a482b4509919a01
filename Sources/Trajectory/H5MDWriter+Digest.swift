// What the frames of a trajectory hold, in a digest. A checkpoint keeps the digest of the frames that it counts; whoever
// goes on from it works it out again from the file, so that zeros or older bytes in the place of a frame are not taken for
// results.
//
// Frame after frame: step, time, positions, velocities, forces, charges and spreads as far as they are stored, edges,
// species, observables; each number as the file holds it.

import HDF5

extension H5MDWriter {
  /// One frame in the units of the file.
  struct Frame {
    let step: Int64
    let time: Double
    let positions: [Double]
    let velocities: [Double]
    let forces: [Double]
    let charges: [Double]
    let forceSpreads: [Double]
    let species: [UInt8]
    let edges: [Double]
    let observables: [Double]
  }
}

extension ContentDigest {
  mutating func add(_ frame: H5MDWriter.Frame, isDouble: Bool) {
    add(UInt64(bitPattern: frame.step))
    add([frame.time], isDouble: true)
    for values in [
      frame.positions, frame.velocities, frame.forces, frame.charges, frame.forceSpreads, frame.edges,
    ] {
      add(values, isDouble: isDouble)
    }
    add(frame.species)
    add(frame.observables, isDouble: true)
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
    let (positions, velocities) = try (rows(position), rows(velocity))
    let (forces, charges, forceSpreads) = try (rows(force), rows(charge), rows(forceSpread))
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
        charges: charges[i], forceSpreads: forceSpreads[i], species: elements, edges: edges[i],
        observables: observables.map { $0[i] })
    }
  }
}
