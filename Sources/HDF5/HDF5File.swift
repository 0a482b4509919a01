// An HDF5 file: opening, its tree of groups, flushing and closing. Datasets and attributes are named by path.

import CHDF5
import Foundation

/// An open HDF5 file.
///
///     let file = try HDF5File(reading: "model.h5")
///     let (values, shape) = try file.readDoubles("/layer0/weights")
///
/// Confined to one thread at a time; different files may be used from different threads. After a write has
/// failed (a full disk) the library's buffers no longer match the file, so every later call throws and the
/// file is left as it is. Writers call `close`, which tells what could not be written; `deinit` cannot.
public final class HDF5File {
  /// Path of the file on disk.
  public let name: String
  private var handle: hid_t
  private let isInMemory: Bool
  /// Bytes on disk when a file was opened to be read; nil for one that this program writes.
  private let sizeOnDisk: Int?
  private var state = State.open

  private enum State { case open, closed, failed }

  /// Opens an existing file for reading, after `HDF5Guard` has looked at it.
  public convenience init(reading name: String) throws {
    try self.init(opening: name, forWriting: false)
  }

  /// Opens an existing file for reading and writing, also one whose writer was killed, after `HDF5Guard` has
  /// looked at it.
  public convenience init(updating name: String) throws {
    try self.init(opening: name, forWriting: true)
  }

  /// Creates a file. An existing one is never overwritten: it is an error.
  public init(creating name: String) throws {
    self.name = name
    isInMemory = false
    sizeOnDisk = nil
    if FileManager.default.fileExists(atPath: name) {
      throw HDF5Error(file: name, reason: "exists already; choose another name or remove it first")
    }
    handle = try HDF5Library.locked {
      try withHandle(HDF5File.accessProperties(), close: H5Pclose) { access in
        let id = H5Fcreate(name, bloch_h5f_acc_excl(), bloch_h5p_default(), access)
        guard id >= 0 else {
          throw HDF5Error(
            file: name, reason: "cannot be created" + HDF5File.becauseOf(HDF5Library.lastMessage()))
        }
        return id
      }
    }
  }

  /// Creates a file that lives in memory only and is taken from there with `image`; `name` is for messages.
  public init(inMemory name: String) throws {
    self.name = name
    isInMemory = true
    sizeOnDisk = nil
    handle = try HDF5Library.locked {
      try withHandle(HDF5File.accessProperties(), close: H5Pclose) { access in
        let grownBy = 1 << 16
        H5Pset_fapl_core(access, grownBy, false)
        // HDF5 tells files in memory apart by their names.
        let id = H5Fcreate("\(name) \(UUID())", bloch_h5f_acc_trunc(), bloch_h5p_default(), access)
        guard id >= 0 else {
          throw HDF5Error(
            file: name, reason: "cannot be made" + HDF5File.becauseOf(HDF5Library.lastMessage()))
        }
        return id
      }
    }
  }

  /// The bytes of the file as they would lie on disk.
  public func image() throws -> [UInt8] {
    try flush()
    return try reading { file in
      let count = H5Fget_file_image(file, nil, 0)
      try check(count, nil, "has no image")
      var bytes = [UInt8](repeating: 0, count: count)
      try check(H5Fget_file_image(file, &bytes, count), nil, "has no image")
      return bytes
    }
  }

  private init(opening name: String, forWriting isWriter: Bool) throws {
    var status = stat()
    guard stat(name, &status) == 0 else {
      throw HDF5Error(file: name, reason: String(cString: strerror(errno)).lowercased())
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HDF5Error(file: name, reason: "is not a file") }
    guard status.st_size > 0 else { throw HDF5Error(file: name, reason: "the file is empty") }
    guard access(name, R_OK) == 0 else { throw HDF5Error(file: name, reason: "cannot be read") }
    guard !isWriter || access(name, W_OK) == 0 else {
      throw HDF5Error(file: name, reason: "cannot be written")
    }
    self.name = name
    isInMemory = false
    sizeOnDisk = isWriter ? nil : Int(status.st_size)
    if isWriter { HDF5File.repairEndOfFile(name) }
    try HDF5Guard.inspect(name, byteCount: Int(status.st_size))
    handle = try HDF5Library.locked {
      try withHandle(HDF5File.accessProperties(), close: H5Pclose) { properties in
        let id = H5Fopen(name, isWriter ? bloch_h5f_acc_rdwr() : bloch_h5f_acc_rdonly(), properties)
        guard id < 0 else { return id }
        let message = HDF5Library.lastMessage()
        throw HDF5Error(file: name, reason: HDF5File.whyNotOpened(name, message))
      }
    }
  }

  deinit {
    guard state == .open else { return }
    HDF5Library.locked { _ = H5Fclose(handle) }
  }

  /// Objects that are still open are closed together with the file. HDF5's own lock is not used: it would keep readers
  /// from the trajectory of a run in progress, and an open reader would keep a run from going on. One writer at a time is
  /// for the caller to see to.
  private static func accessProperties() -> hid_t {
    let access = H5Pcreate(bloch_h5p_file_access())
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
    H5Pset_file_locking(access, false, true)
    return access
  }

  private static func whyNotOpened(_ name: String, _ message: String?) -> String {
    if H5Fis_hdf5(name) == 0 { return "is not an HDF5 file" }
    return "the file is truncated or corrupt" + becauseOf(message)
  }

  static func becauseOf(_ message: String?) -> String { message.map { " (HDF5: \($0))" } ?? "" }

  // MARK: - Flushing and closing

  /// Hands every buffered byte to the operating system, so that a killed process leaves a readable file.
  public func flush() throws {
    try writing { file in try check(H5Fflush(file, H5F_SCOPE_LOCAL), nil, "cannot be flushed") }
  }

  /// Writes what is left and closes. A second call does nothing; after a failed write it only lets go.
  public func close() throws {
    guard state == .open else { return }
    state = .closed
    try HDF5Library.locked {
      guard H5Fclose(handle) >= 0 else { throw error(nil, "cannot be closed") }
    }
  }

  // MARK: - The tree

  /// Whether a group or dataset of this path exists.
  ///
  /// - Throws: `HDF5Error`, also where a soft or external link is on the way: such a link can lead to any file.
  public func exists(_ path: String) throws -> Bool {
    try reading { file in
      var prefix = ""
      for part in path.split(separator: "/") {
        prefix += "/" + part
        let found = H5Lexists(file, prefix, bloch_h5p_default())
        try check(found, prefix, "cannot be looked up")
        guard found > 0 else { return false }
        let isHard = bloch_h5l_is_hard(file, prefix)
        try check(isHard, prefix, "the link cannot be read")
        guard isHard > 0 else {
          throw HDF5Error(
            file: name, path: prefix,
            reason: "is a link to another place, which is not followed; copy what it leads to into the file")
        }
      }
      return true
    }
  }

  /// Whether the object at `path` is a group.
  public func isGroup(_ path: String) throws -> Bool {
    try reading { file in
      guard try exists(path) else { return false }
      let id = H5Gopen2(file, path, bloch_h5p_default())
      guard id >= 0 else { return false }
      H5Gclose(id)
      return true
    }
  }

  /// No group of Bloch's files has more members.
  private static let mostMembers = 1000

  /// Names of the members of a group, sorted.
  public func children(of path: String) throws -> [String] {
    try reading { file in
      guard try exists(path) else { throw HDF5Error(file: name, path: path, reason: "is missing") }
      let id = H5Gopen2(file, path, bloch_h5p_default())
      try check(id, path, "is not a group")
      return try withHandle(id, close: H5Gclose) { group in
        var info = H5G_info_t()
        try check(H5Gget_info(group, &info), path, "the group cannot be read")
        guard info.nlinks <= HDF5File.mostMembers else {
          throw HDF5Error(
            file: name, path: path,
            reason: "has \(info.nlinks) members, more than the \(HDF5File.mostMembers) that are read")
        }
        let names = try (0..<info.nlinks).map { try memberName($0, of: group, at: path) }
        guard Set(names).count == names.count else {
          throw HDF5Error(file: name, path: path, reason: "has two members of one name: the file is damaged")
        }
        return names
      }
    }
  }

  private func memberName(_ index: hsize_t, of group: hid_t, at path: String) throws -> String {
    func linkName(_ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
      H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, buffer, size, bloch_h5p_default())
    }
    let length = linkName(nil, 0)
    try check(length, path, "a member's name cannot be read")
    var buffer = [CChar](repeating: 0, count: length + 1)
    try check(linkName(&buffer, length + 1), path, "a member's name cannot be read")
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Creates a group and the groups above it that are missing.
  public func createGroup(_ path: String) throws {
    try writing { file in
      try withHandle(HDF5File.linkProperties(), close: H5Pclose) { link in
        let id = H5Gcreate2(file, path, link, bloch_h5p_default(), bloch_h5p_default())
        try check(id, path, "the group cannot be created")
        try check(H5Gclose(id), path, "the group cannot be written")
      }
    }
  }

  /// Gives the object at `target` a second name.
  public func hardLink(_ path: String, to target: String) throws {
    try writing { file in
      try withHandle(HDF5File.linkProperties(), close: H5Pclose) { link in
        try check(
          H5Lcreate_hard(file, target, file, path, link, bloch_h5p_default()), path,
          "cannot be linked to \(target)")
      }
    }
  }

  /// Missing groups on the way to a new object are created.
  static func linkProperties() -> hid_t {
    let link = H5Pcreate(bloch_h5p_link_create())
    H5Pset_create_intermediate_group(link, 1)
    H5Pset_char_encoding(link, H5T_CSET_UTF8)
    return link
  }

  // MARK: - Guarded calls

  /// Bytes of the file; bounds what can be in it. What a file that is only read says of its own size is not believed.
  public var size: Int {
    if let sizeOnDisk { return sizeOnDisk }
    var bytes: hsize_t = 0
    return H5Fget_filesize(handle, &bytes) < 0 ? 0 : Int(clamping: bytes)
  }

  /// Runs `body` on the open file.
  func reading<Result>(_ body: (hid_t) throws -> Result) throws -> Result {
    switch state {
    case .open: return try HDF5Library.locked { try body(handle) }
    case .closed: throw HDF5Error(file: name, reason: "is closed")
    case .failed: throw HDF5Error(file: name, reason: "is not touched again after a failed write")
    }
  }

  /// Runs `body`, which changes the file; when it throws, the file is given up.
  func writing<Result>(_ body: (hid_t) throws -> Result) throws -> Result {
    do { return try reading(body) } catch {
      if state == .open {
        state = .failed
        if !isInMemory { HDF5File.repairEndOfFile(name) }
      }
      throw error
    }
  }

  /// As `withHandle` for an object that `body` writes to: a close that fails is a write that failed.
  func withWritten<Result>(
    _ id: hid_t, close: (hid_t) -> herr_t, _ path: String, _ body: (hid_t) throws -> Result
  ) throws -> Result {
    let result: Result
    do { result = try body(id) } catch {
      _ = close(id)
      throw error
    }
    try check(close(id), path, "cannot be written")
    return result
  }

  /// Throws with HDF5's own words when `status` is negative.
  func check(_ status: some SignedInteger, _ path: String?, _ reason: @autoclosure () -> String) throws {
    if status < 0 { throw error(path, reason()) }
  }

  /// An error at `path` with the innermost message of HDF5's error stack.
  func error(_ path: String?, _ reason: String) -> HDF5Error {
    HDF5Error(file: name, path: path, reason: reason + HDF5File.becauseOf(HDF5Library.lastMessage()))
  }
}
