// The bytes of a file or a pipe from beginning to end, unpacked where gzip (RFC 1952) has packed them.

import CZlib
import Foundation

/// Reads a file or a pipe in pieces. Which of the two it is, and whether it is packed, nobody need know.
final class ByteSource {
  struct Failure: Error {
    /// `no such file or directory`
    let reason: String
  }

  private let descriptor: Int32
  /// Bytes of the file that are not handed out yet: its first two; of a packed one those that wait to be unpacked.
  private var waiting: [UInt8] = []
  /// At one address as long as it lives, as zlib wants it; nil where nothing is packed.
  private var stream: UnsafeMutablePointer<z_stream>?
  /// Whether the packed data may end here.
  private var isBetweenMembers = false

  private static let chunk = 1 << 16
  private static let gzip: [UInt8] = [0x1F, 0x8B]

  /// - Throws: `Failure`.
  init(_ path: String) throws(Failure) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure() }
    while waiting.count < Self.gzip.count, try read(into: &waiting) {}
    guard waiting.starts(with: Self.gzip) else { return }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    self.stream = stream
    // 15 bits of window, and 16 for gzip's own header and check sum.
    guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Failure(reason: "zlib cannot be used")
    }
  }

  deinit {
    if let stream {
      inflateEnd(stream)
      stream.deallocate()
    }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends some of the bytes that follow.
  /// - Returns: false at the end.
  /// - Throws: `Failure`.
  func append(to buffer: inout [UInt8]) throws(Failure) -> Bool {
    guard let stream else {
      guard waiting.isEmpty else {
        buffer += waiting
        waiting = []
        return true
      }
      return try read(into: &buffer)
    }
    while true {
      if waiting.isEmpty, try !read(into: &waiting) {
        guard isBetweenMembers else { throw Failure(reason: "its packed data end too early") }
        return false
      }
      if isBetweenMembers {
        // Another member follows, or what gzip itself calls trailing garbage.
        while waiting.count < Self.gzip.count, try read(into: &waiting) {}
        guard waiting.starts(with: Self.gzip) else { return false }
        inflateReset(stream)
        isBetweenMembers = false
      }
      if try unpack(stream, into: &buffer) { return true }
    }
  }

  /// Unpacks some of what waits.
  /// - Returns: whether anything came of it.
  private func unpack(
    _ stream: UnsafeMutablePointer<z_stream>, into buffer: inout [UInt8]
  ) throws(Failure) -> Bool {
    let filled = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: Self.chunk))
    let status = waiting.withUnsafeMutableBufferPointer { input in
      buffer.withUnsafeMutableBufferPointer { output in
        stream.pointee.next_in = input.baseAddress
        stream.pointee.avail_in = uInt(input.count)
        stream.pointee.next_out = output.baseAddress.map { $0 + filled }
        stream.pointee.avail_out = uInt(Self.chunk)
        return inflate(stream, Z_NO_FLUSH)
      }
    }
    waiting.removeFirst(waiting.count - Int(stream.pointee.avail_in))
    buffer.removeLast(Int(stream.pointee.avail_out))
    isBetweenMembers = status == Z_STREAM_END
    guard [Z_OK, Z_STREAM_END, Z_BUF_ERROR].contains(status) else {
      throw Failure(reason: "its packed data are damaged")
    }
    return buffer.count > filled
  }

  /// Appends some bytes of the file as it is.
  private func read(into buffer: inout [UInt8]) throws(Failure) -> Bool {
    let filled = buffer.count
    buffer.append(contentsOf: repeatElement(0, count: Self.chunk))
    var count = -1
    repeat {
      count = buffer.withUnsafeMutableBytes {
        Foundation.read(
          descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[filled...]).baseAddress, Self.chunk)
      }
    } while count < 0 && errno == EINTR
    let error = errno
    buffer.removeLast(Self.chunk - max(0, count))
    guard count >= 0 else { throw Self.failure(error) }
    return count > 0
  }

  private static func failure(_ error: Int32 = errno) -> Failure {
    Failure(reason: error == EISDIR ? "it is a folder" : String(cString: strerror(error)).lowercased())
  }
}
