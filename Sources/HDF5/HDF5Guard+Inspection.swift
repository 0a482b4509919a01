// The second instance of the program: goes through a file as a reader would, and exits with the verdict.

import CHDF5
import Foundation

extension HDF5Guard {
  static func inspectAndExit(_ path: String) -> Never {
    var status = stat()
    guard stat(path, &status) == 0 else { leave(.sound) }
    setLimits(for: Int(status.st_size))
    // A file that does not open is refused by the reader in the same way, and with better words.
    guard let file = try? HDF5File(reading: path) else { leave(.sound) }
    guard let paths = try? objects(of: file) else { leave(.unreadable) }
    for path in paths { inspect(path, in: file) }
    // Where the library trips over damage in good order, it may come to grief when it is asked in another one.
    guard !HDF5Library.hasFailed else { leave(.unreadable) }
    // The index of chunks is another matter: a killed run may leave it so that it ends early.
    for path in paths { try? file.inspectChunks(path) }
    // What the library has corrupted in its own memory, it may only notice when it lets go.
    try? file.close()
    leave(.sound)
  }

  /// Exits; a failed allocation outweighs every other verdict.
  private static func leave(_ verdict: Verdict) -> Never {
    _exit((HDF5Library.isOutOfMemory ? .outOfMemory : verdict).rawValue)
  }

  private static func setLimits(for byteCount: Int) {
    let (memory, computing, clock) = limits(for: byteCount)
    lower(RLIMIT_AS, to: rlim_t(addressSpace + memory))
    lower(RLIMIT_CPU, to: rlim_t(computing))
    lower(RLIMIT_CORE, to: 0)
    alarm(UInt32(clamping: clock))
  }

  /// Bytes that the program addresses before it has read anything (proc(5)): more than memory has under a sanitizer.
  private static var addressSpace: Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
      .first
    return (pages.flatMap { Int($0) } ?? 0) * Int(getpagesize())
  }

  #if os(Linux)
    private typealias Resource = __rlimit_resource
  #else
    private typealias Resource = Int32
  #endif

  /// Lowers a limit that the system has set already higher.
  private static func lower(_ resource: Resource, to most: rlim_t) {
    #if os(Linux)
      let resource = __rlimit_resource_t(resource.rawValue)
    #endif
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur > most else { return }
    limit.rlim_cur = most
    setrlimit(resource, &limit)
  }

  // MARK: - The tree

  /// Deeper or larger trees are no files of ours.
  private static let (deepest, mostObjects) = (32, 100_000)

  /// Paths of all groups and datasets that hard links lead to, each once.
  private static func objects(of file: HDF5File) throws -> [String] {
    var paths = ["/"]
    var visited: Set<UInt64> = try [file.identity(of: "/")]
    var next = 0
    while next < paths.count {
      let group = paths[next]
      next += 1
      guard try file.isGroup(group) else { continue }
      for name in try file.children(of: group) {
        let path = group == "/" ? "/" + name : group + "/" + name
        // Other links are refused where a reader meets them, and so is what cannot be opened.
        guard (try? file.exists(path)) == true, let identity = try? file.identity(of: path),
          visited.insert(identity).inserted
        else { continue }
        guard path.split(separator: "/").count <= deepest, paths.count < mostObjects else {
          throw HDF5Error(file: file.name, path: path, reason: "is nested too deep")
        }
        paths.append(path)
      }
    }
    return paths
  }

  /// Reads attributes and text of an object. What is wrong with them for Bloch is the reader's to report.
  private static func inspect(_ path: String, in file: HDF5File) {
    for name in (try? file.attributeNames(at: path)) ?? [] { try? file.inspectAttribute(name, at: path) }
    if (try? file.isGroup(path)) == false { try? file.inspectText(path) }
    if HDF5Library.isOutOfMemory { leave(.outOfMemory) }
  }
}

extension HDF5File {
  /// What an object is known by, whatever its names.
  fileprivate func identity(of path: String) throws -> UInt64 {
    try reading { file in
      var identity: UInt64 = 0
      try check(bloch_h5o_identity(file, path, &identity), path, "cannot be opened")
      return identity
    }
  }

  fileprivate func inspectAttribute(_ name: String, at path: String) throws {
    try withAttribute(name, at: path) { source in
      if source.isText { _ = try source.strings() } else { _ = try source.numbers() }
    }
  }

  fileprivate func inspectText(_ path: String) throws {
    try withDataset(path) { source in
      if source.isText { _ = try source.strings() } else if source.isEnumeration { _ = try source.names() }
    }
  }

  /// Goes through the index of chunks of a table of numbers, and unpacks what is packed. Plain bytes are not read: where
  /// they lie is checked by `HDF5Storage` before a reader copies them.
  fileprivate func inspectChunks(_ path: String) throws {
    guard try !isGroup(path) else { return }
    let rows = try HDF5Rows(opening: path, in: self)
    let count = try rows.storedCount()
    guard rows.isFiltered else { return }
    for row in 0..<count { _ = try rows.readDoubles(row: row) }
  }
}
