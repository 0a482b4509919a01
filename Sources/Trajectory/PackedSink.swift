// What is written packed by gzip (RFC 1952), where a file's name ends in .gz.

import CZlib
import Foundation

final class PackedSink: OutputSink {
  var path: String { file.path }
  private let file: any OutputSink
  /// At one address as long as it lives, as zlib wants it.
  private let stream: UnsafeMutablePointer<z_stream>

  private static let chunk = 1 << 16

  /// - Throws: `TrajectoryError`.
  init(_ file: any OutputSink) throws {
    self.file = file
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for gzip's own header and check sum.
    let status = deflateInit2_(
      stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw TrajectoryError.notWritten(file: file.path, bytes: 0, reason: "zlib cannot be used")
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func write(_ bytes: [UInt8]) throws { try pack(bytes, Z_NO_FLUSH) }

  func publish() throws {
    try pack([], Z_FINISH)
    try file.publish()
  }

  private func pack(_ bytes: [UInt8], _ flush: Int32) throws {
    var (input, output) = (bytes, [UInt8](repeating: 0, count: Self.chunk))
    var packed: [UInt8] = []
    try input.withUnsafeMutableBufferPointer { input in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = uInt(input.count)
      repeat {
        let status = output.withUnsafeMutableBufferPointer { output in
          stream.pointee.next_out = output.baseAddress
          stream.pointee.avail_out = uInt(output.count)
          return deflate(stream, flush)
        }
        guard status != Z_STREAM_ERROR else {
          throw TrajectoryError.notWritten(file: path, bytes: bytes.count, reason: "zlib failed")
        }
        packed += output.prefix(output.count - Int(stream.pointee.avail_out))
      } while stream.pointee.avail_out == 0
    }
    if !packed.isEmpty { try file.write(packed) }
  }
}
