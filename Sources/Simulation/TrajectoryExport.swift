// From a trajectory to extended XYZ.

import Trajectory

/// Writes frames 0, every, 2 every, ... of the trajectory `path` to a new extended XYZ file.
/// - Returns: the number of frames written.
/// - Throws: `HDF5Error`, `TrajectoryError`, `StructureError`.
public func exportTrajectory(_ path: String, to output: String, every: Int) throws -> Int {
  let reader = try H5MDReader(path)
  let writer = try ExtendedXYZWriter(creating: output)
  let indices = stride(from: 0, to: reader.frameCount, by: every)
  for index in indices {
    let frame = try reader.frame(index)
    var info = ["step": "\(frame.step)", "time_fs": "\(frame.time)"]
    for (name, value) in frame.observables { info[name] = "\(value)" }
    try writer.append(
      Configuration(
        system: frame.system, hasVelocities: reader.hasVelocities,
        energy: frame.observables["potential_energy"],
        forces: frame.forces, info: info))
  }
  try writer.close()
  return indices.underestimatedCount
}
