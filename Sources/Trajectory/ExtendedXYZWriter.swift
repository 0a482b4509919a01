// Writing extended XYZ as ASE and OVITO read it: forces and energy become the results of ASE's calculator, momenta its
// velocities; OVITO takes its velocities from `velo`.

import Foundation
import Lattice

extension ExtendedXYZ {
  /// Puts a file of `frames` in the place of what is at `path`; whatever happens, one of the two is there as a whole.
  ///
  /// - Throws: `TrajectoryError`.
  public static func replace(_ path: String, with frames: [Configuration]) throws {
    try Disk.replace(path, with: frames.flatMap { Array(ExtendedXYZWriter.text(of: $0).utf8) })
  }
}

/// Writes frames to an extended XYZ file or to the standard output. Every number is written so that reading it gives the same bits,
/// except velocities, which pass through ASE's momenta.
public final class ExtendedXYZWriter {
  public var path: String { file.path }
  private let file: any OutputSink

  /// Begins the file, which appears under its name with `close`; an existing one is an error. `-` is the standard output.
  ///
  /// - Throws: `TrajectoryError`.
  public init(creating path: String) throws { file = try outputSink(path) }

  /// Appends one frame.
  ///
  /// - Throws: `TrajectoryError`.
  public func append(_ frame: Configuration) throws { try file.write(Array(Self.text(of: frame).utf8)) }

  /// Ends the file and gives it its name; without this call nothing is left of it.
  ///
  /// - Throws: `TrajectoryError`.
  public func close() throws { try file.publish() }

  /// One frame as text.
  static func text(of frame: Configuration) -> String {
    let system = frame.system
    let writesMask = system.hasFixedAtoms
    let maskWidth = system.partlyFixedAtoms.isEmpty ? 1 : 3
    let isStandard = zip(system.masses, system.atomicNumbers).allSatisfy { $0 == Elements.mass($1) }
    let masses = isStandard ? nil : system.masses
    var text = "\(system.count)\n"
    if system.cell.hasPeriodicAxis {
      text += "Lattice=\"\((0..<3).map { numbers(system.cell.given[$0]) }.joined(separator: " "))\" "
    }
    text += "Properties=species:S:1:pos:R:3"
    if writesMask { text += ":move_mask:L:\(maskWidth)" }
    if masses != nil { text += ":masses:R:1" }
    if frame.hasVelocities { text += ":momenta:R:3:velo:R:3" }
    if frame.forces != nil { text += ":forces:R:3" }
    if frame.charges != nil { text += ":charges:R:1" }
    if frame.reference.forces != nil { text += ":REF_forces:R:3" }
    for column in frame.columns { text += ":" + column.description }
    // The energy whose derivative the forces are; ASE's optimisers ask for it by this name.
    if let energy = frame.energy { text += " energy=\(energy) free_energy=\(energy)" }
    if let stress = frame.stress { text += " stress=\(tensor(stress))" }
    if let dipole = frame.dipole { text += " dipole=\"\(numbers(dipole))\"" }
    if let energy = frame.reference.energy { text += " REF_energy=\(energy)" }
    if let stress = frame.reference.stress { text += " REF_stress=\(tensor(stress))" }
    for (key, value) in frame.info.sorted(by: { $0.key < $1.key }) {
      text += " \(quoted(key))=\(quoted(value))"
    }
    text += " pbc=\"\(system.cell.isPeriodic.map { $0 ? "T" : "F" }.joined(separator: " "))\"\n"

    for i in 0..<system.count {
      text += Elements.symbol(system.atomicNumbers[i]) ?? "X"
      text += " " + numbers(system.positions[i])
      if writesMask { for axis in 0..<maskWidth { text += system.moveMask[i][axis] == 0 ? " F" : " T" } }
      if let masses { text += " \(masses[i])" }
      if frame.hasVelocities {
        text += " " + numbers(system.velocities[i] * (system.masses[i] / ExtendedXYZ.velocityUnit))
        text += " " + numbers(system.velocities[i])
      }
      if let forces = frame.forces { text += " " + numbers(forces[i]) }
      if let charges = frame.charges { text += " \(charges[i])" }
      if let forces = frame.reference.forces { text += " " + numbers(forces[i]) }
      for column in frame.columns { text += " " + column.texts[i] }
      text += "\n"
    }
    return text
  }

  private static func numbers(_ v: Vector3) -> String { "\(v.x) \(v.y) \(v.z)" }

  private static func tensor(_ t: Matrix3) -> String {
    "\"\((0..<3).map { numbers(t[$0]) }.joined(separator: " "))\""
  }

  /// A key or value in quotes if it needs them.
  private static func quoted(_ text: String) -> String {
    let isPlain = !text.isEmpty && !text.contains { " \t\"'{}[]=\\,".contains($0) }
    if isPlain { return text }
    let escaped = text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(
      of: "\"", with: "\\\"")
    return "\"\(escaped)\""
  }
}
