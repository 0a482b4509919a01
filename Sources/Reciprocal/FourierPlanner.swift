// FFTW's planner, one for the process and for one thread at a time, and the files where its wisdom is kept, so that
// every run on a machine takes the same transforms. The loss of a file is harmless: the transforms are timed anew.
//
// They lie in the user's folder for such things, $XDG_CACHE_HOME/bloch/fftw, ~/.cache/bloch/fftw or, on a Mac,
// ~/Library/Caches/bloch/fftw.

import Foundation
import Synchronization

enum FourierPlanner {
  private static let lock = Mutex(())

  /// Calls `body` while no other thread plans.
  static func alone<Result>(_ body: () -> Result) -> Result {
    lock.withLock { _ in body() }
  }

  private static var folder: URL? {
    if let path = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"], path.hasPrefix("/") {
      return URL(fileURLWithPath: path).appendingPathComponent("bloch/fftw")
    }
    return FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first?
      .appendingPathComponent("bloch/fftw")
  }

  private static func file(_ name: String) -> URL? { folder?.appendingPathComponent(name + ".wisdom") }

  /// More is no wisdom of a few transforms.
  private static let mostBytes = 1 << 20

  static func keptWisdom(_ name: String) -> String? {
    guard let file = file(name), let handle = try? FileHandle(forReadingFrom: file),
      let data = try? handle.read(upToCount: mostBytes)
    else { return nil }
    return String(bytes: data, encoding: .utf8)
  }

  static func keep(_ wisdom: String, _ name: String) {
    guard let folder, let file = file(name) else { return }
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // Under a name of its own first: a reader never meets half of it.
    try? Data(wisdom.utf8).write(to: file, options: .atomic)
  }
}
