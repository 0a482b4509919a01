// Frames of a file one after another: H5MD, or extended XYZ.
//
// Positions may have been wrapped into the cell by whoever wrote the file, unless it was Bloch: every atom is followed from frame
// to frame through the nearest image, which is right as long as none goes half a cell between two frames.

import Diagnostics
import Foundation
import HDF5
import Lattice
import Trajectory

/// Which frames of a file.
public struct FrameSelection: Sendable {
  /// Time to leave out at the beginning, and the time after which to end, in fs from the first frame on.
  public var skip: Double
  public var until: Double?
  /// Every n-th of the rest.
  public var every: Int
  /// Time between the frames of a file that does not say, in fs.
  public var interval: Double?

  /// Of times in fs, so that "2 ps" is the frame at 2 ps.
  public static let tolerance = 1e-6

  public init(skip: Double = 0, until: Double? = nil, every: Int = 1, interval: Double? = nil) {
    precondition(every > 0)
    (self.skip, self.until, self.every, self.interval) = (skip, until, every, interval)
  }
}

public final class FrameSource {
  public let path: String
  /// Units of the observables, by name.
  public let units: [String: String]
  /// Frames that `next` gives at most; nil where the file does not say.
  public let frameCount: Int?
  /// What a person should know of the file.
  public let warnings: [Diagnostic]
  private let selection: FrameSelection
  private let reader: H5MDReader?
  /// What is read from its beginning, frames that are left out, too.
  private let sequence: FrameSequence?
  private var index = 0
  private var taken = 0
  private var start: Double?
  private var atomicNumbers: [Int] = []

  /// - Parameter hints: what an H5MD file of another program does not say.
  /// - Throws: `HDF5Error`, `TrajectoryError`, `StructureError`; `AnalysisError` for hints of which nothing is left to say.
  public init(
    _ path: String, selection: FrameSelection = FrameSelection(), hints: H5MDHints = H5MDHints()
  ) throws {
    self.path = path
    self.selection = selection
    let isText = Self.isText(path)
    let foreign =
      try isText || !ForeignH5MDReader.recognizes(path)
      ? nil : ForeignH5MDReader(path, hints: hints)
    guard foreign != nil || hints == H5MDHints() else {
      throw AnalysisError(
        "--species and --units are for H5MD of other programs, and this file says both itself",
        help: "leave them out", file: path, isUsage: true)
    }
    sequence = try foreign.map(FrameSequence.init) ?? (isText ? FrameSequence(ofXYZ: path) : nil)
    let reader = sequence == nil ? try H5MDReader(path) : nil
    self.reader = reader
    let observables = reader?.observables.map { ($0.name, $0.unit) } ?? foreign?.observables ?? []
    units = Dictionary(uniqueKeysWithValues: observables)
    frameCount = (reader?.frameCount ?? foreign?.frameCount).map { $0 / selection.every + 1 }
    let told = foreign?.warnings.map { Diagnostic(severity: .warning, file: path, $0) } ?? []
    warnings = told + (reader.map(Self.warnings) ?? [])
  }

  /// Whether the file does not begin as HDF5 does. A pipe, of which nothing can be looked at twice, holds text.
  private static func isText(_ path: String) -> Bool {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO { return true }
    guard let handle = FileHandle(forReadingAtPath: path), let start = try? handle.read(upToCount: 4) else {
      return false
    }
    return Array(start) != [0x89] + Array("HDF".utf8) && !start.isEmpty
  }

  private static func warnings(about reader: H5MDReader) -> [Diagnostic] {
    let total = reader.frameCount + reader.incompleteCount
    guard reader.incompleteCount > 0 else { return [] }
    return [
      Diagnostic(
        severity: .warning, file: reader.path,
        "the last \(reader.incompleteCount) of \(total) frames are incomplete and left out")
    ]
  }

  /// The next frame of the selection; nil at the end.
  /// - Throws: what the file's reader throws; `AnalysisError` where atoms have changed their number or element.
  public func next() throws -> TrajectoryFrame? {
    while true {
      defer { index += 1 }
      let given = selection.interval.map { Double(index) * $0 }
      let frame: TrajectoryFrame
      if let reader {
        guard index < reader.frameCount else { return nil }
        // Of a frame that is left out no more than its time is read.
        let time = try given ?? reader.time(ofFrame: index)
        switch try choice(at: time) {
        case .end: return nil
        case .leaveOut: continue
        case .take:
          frame = try TrajectoryFrame(reader.frame(index), hasVelocities: reader.hasVelocities, time: time)
        }
      } else {
        guard var read = try sequence?.next() else { return nil }
        read.time = given ?? read.time
        switch try choice(at: read.time) {
        case .end: return nil
        case .leaveOut: continue
        case .take: frame = read
        }
      }
      if atomicNumbers.isEmpty { atomicNumbers = frame.system.atomicNumbers }
      guard frame.system.atomicNumbers == atomicNumbers else {
        throw AnalysisError(
          "frame \(index + 1) has other atoms than the first one", help: "analyse frames of one system",
          file: path)
      }
      return frame
    }
  }

  private enum Choice { case take, leaveOut, end }

  /// - Throws: `AnalysisError` where times decide and the file has none.
  private func choice(at time: Double?) throws -> Choice {
    if index == 0 { start = time }
    if let time, let start {
      if time - start < selection.skip - FrameSelection.tolerance { return .leaveOut }
      if let until = selection.until, time - start > until + FrameSelection.tolerance { return .end }
    } else if selection.skip > 0 || selection.until != nil {
      throw AnalysisError(
        "the frames hold no times, by which --skip and --until choose",
        help: "say how far apart they are: --interval \"5 fs\"", isUsage: true)
    }
    defer { taken += 1 }
    return taken % selection.every == 0 ? .take : .leaveOut
  }
}

extension TrajectoryFrame {
  /// - Parameter time: in fs.
  public init(_ frame: H5MDFrame, hasVelocities: Bool, time: Double?) {
    self.init(
      time: time, system: frame.system, hasVelocities: hasVelocities, charges: frame.charges,
      observables: frame.observables)
  }
}

/// Frames of a file of another program, followed through the faces of the cell.
private final class FrameSequence {
  private let read: () throws -> TrajectoryFrame?
  private let isUnwrapped: Bool
  private var before: [Vector3] = []

  init(ofXYZ path: String) throws {
    let reader = try ExtendedXYZReader(path)
    isUnwrapped = false
    read = {
      try reader.next().map { configuration in
        TrajectoryFrame(
          time: configuration.info["time_fs"].flatMap { Double($0) }, system: configuration.system,
          hasVelocities: configuration.hasVelocities,
          observables: configuration.energy.map { ["potential_energy": $0] } ?? [:])
      }
    }
  }

  init(_ reader: ForeignH5MDReader) {
    isUnwrapped = reader.isUnwrapped
    var index = 0
    read = {
      guard index < reader.frameCount else { return nil }
      defer { index += 1 }
      let frame = try reader.frame(index)
      return TrajectoryFrame(
        time: frame.time, system: frame.system, hasVelocities: reader.hasVelocities, charges: frame.charges,
        observables: reader.observables(ofFrame: index))
    }
  }

  func next() throws -> TrajectoryFrame? {
    guard var frame = try read() else { return nil }
    let cell = frame.system.cell
    if !isUnwrapped, before.count == frame.system.count {
      for atom in 0..<before.count {
        var n = cell.fractional(frame.system.positions[atom] - before[atom]).rounded(.toNearestOrEven)
        for axis in 0..<3 where !cell.isPeriodic[axis] { n[axis] = 0 }
        frame.system.positions[atom] -= n * cell.vectors
      }
    }
    before = frame.system.positions
    return frame
  }
}
