// A file made in memory takes its place on disk as a whole: nobody sees it before it is complete and synchronised, and what
// was there is replaced by it or left as it is.

import Foundation

extension HDF5File {
  /// Puts the content of the file at `path`, in the place of a file that is there.
  ///
  /// - Throws: `HDF5Error` that names `path`: a full disk, a folder under this name or none to write in. Nothing is left
  ///   behind then.
  public func save(to path: String) throws {
    let content = try image()
    let temporary = path + ".tmp"
    func failure() -> HDF5Error {
      HDF5Error(file: path, reason: "cannot be written: \(String(cString: strerror(errno)).lowercased())")
    }
    // What a killed writer left; never what a link leads to.
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    do {
      defer { Foundation.close(descriptor) }
      var written = 0
      while written < content.count {
        let count = content[written...].withUnsafeBytes {
          Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw failure() }
        written += count
      }
      // File systems that cannot synchronise say EINVAL; there is nothing to wait for.
      guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure() }
      guard rename(temporary, path) == 0 else { throw failure() }
    } catch {
      unlink(temporary)
      throw error
    }
    let folder = (path as NSString).deletingLastPathComponent
    let names = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
    guard names >= 0 else { throw failure() }
    defer { Foundation.close(names) }
    guard fsync(names) == 0 || errno == EINVAL else { throw failure() }
  }
}
