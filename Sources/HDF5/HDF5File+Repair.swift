// What a killed or failed writer leaves behind: a superblock whose end of file is not where the file ends.
//
// A flush writes datasets first and the superblock, which states the end of the allocated file, last. A
// process killed in between leaves chunks beyond that end; opened as it is, the file would hand out their
// space a second time. On a full disk it is the other way round: the superblock states more than could be
// written, and HDF5 does not open the file.

import Foundation

extension HDF5File {
  /// Moves the stated end of file to the real one.
  ///
  /// Superblock version 0 (HDF5 File Format Specification 3.0, section II.A): signature (8 bytes), version
  /// (1), ..., size of offsets at byte 13, end-of-file address at byte 40. Other versions are left alone.
  static func repairEndOfFile(_ name: String) {
    let descriptor = open(name, O_RDWR)
    guard descriptor >= 0 else { return }
    defer { _ = Foundation.close(descriptor) }
    var superblock = [UInt8](repeating: 0, count: 48)
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    guard pread(descriptor, &superblock, 48, 0) == 48, superblock.starts(with: signature), superblock[8] == 0,
      superblock[13] == 8
    else { return }
    let stated = superblock[40...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let real = lseek(descriptor, 0, SEEK_END)
    guard real > 0, stated != UInt64(real) else { return }
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: UInt64(real) >> (8 * $0)) }
    _ = pwrite(descriptor, bytes, 8, 40)
  }
}
