// A socket to a server: bytes in, bytes out, and an ear for whoever interrupts. Waiting is by poll(2), which a signal ends.

import Foundation

/// A stream socket that is connected; closed with the object.
final class Connection {
  private let descriptor: Int32
  private let isInterrupted: () -> Bool
  /// Milliseconds after which a wait looks for an interruption; signals end it at once.
  private static let slice: Int32 = 250

  private init(_ descriptor: Int32, isInterrupted: @escaping () -> Bool) {
    self.descriptor = descriptor
    self.isInterrupted = isInterrupted
  }

  deinit { close(descriptor) }

  // MARK: - Bytes

  /// Fills `buffer`, however many packets its bytes come in.
  /// - Throws: `ConnectionEnd`, as all that reads and writes.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws {
    var filled = 0
    while filled < buffer.count, let base = buffer.baseAddress {
      try wait(for: POLLIN)
      let count = recv(descriptor, base + filled, buffer.count - filled, 0)
      if count > 0 {
        filled += count
      } else if count == 0 || !Self.isTemporary(errno) {
        throw ConnectionEnd.gone
      }
    }
  }

  func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { bytes in try read(into: bytes) }
    return bytes
  }

  func read<Number: BitwiseCopyable>(_ count: Int, zero: Number) throws -> [Number] {
    var numbers = [Number](repeating: zero, count: count)
    try numbers.withUnsafeMutableBytes { bytes in try read(into: bytes) }
    return numbers
  }

  func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count, let base = bytes.baseAddress {
        try wait(for: POLLOUT)
        let count = send(descriptor, base + sent, bytes.count - sent, Self.sendFlags)
        if count >= 0 {
          sent += count
        } else if !Self.isTemporary(errno) {
          throw ConnectionEnd.gone
        }
      }
    }
  }

  private func wait(for events: some BinaryInteger) throws {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    repeat {
      if isInterrupted() { throw ConnectionEnd.interrupted }
    } while poll(&request, 1, Self.slice) <= 0
  }

  private static func isTemporary(_ error: Int32) -> Bool {
    error == EINTR || error == EAGAIN || error == EWOULDBLOCK
  }

  // MARK: - Connecting

  /// Why one try failed.
  struct Failure: Error {
    let reason: String
    /// Whether a later try may do better.
    let mayPass: Bool

    init(errno code: Int32) {
      reason = String(cString: strerror(code)).lowercased()
      mayPass = ![EACCES, EPERM, ENOTSOCK, EPROTOTYPE].contains(code)
    }

    init(reason: String, mayPass: Bool) {
      self.reason = reason
      self.mayPass = mayPass
    }
  }

  /// Milliseconds that a host has for its answer.
  private static let patience: Int32 = 10_000

  /// One try.
  /// - Throws: `Failure`, `ConnectionEnd.interrupted`.
  static func open(_ address: ServerAddress, isInterrupted: @escaping () -> Bool) throws -> Connection {
    switch address {
    case .unix:
      return try open(AF_UNIX, isInterrupted: isInterrupted) { descriptor in
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) {
          $0.copyBytes(from: address.path.utf8.prefix($0.count - 1))
        }
        return withUnsafePointer(to: &name) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
      }
    case .internet(let host, let port):
      // A name may have several addresses, such as ::1 and 127.0.0.1, of which the server listens to one.
      var hints = addrinfo()
      hints.ai_socktype = stream
      var found: UnsafeMutablePointer<addrinfo>?
      let code = getaddrinfo(host, "\(port)", &hints, &found)
      guard code == 0 else {
        throw Failure(
          reason: String(cString: gai_strerror(code)).lowercased(), mayPass: code == EAI_AGAIN)
      }
      defer { freeaddrinfo(found) }
      var failure = Failure(reason: "it has no address", mayPass: false)
      for entry in sequence(first: found, next: { $0?.pointee.ai_next }) {
        guard let entry else { break }
        do {
          let connection = try open(entry.pointee.ai_family, isInterrupted: isInterrupted) {
            connect($0, entry.pointee.ai_addr, entry.pointee.ai_addrlen)
          }
          // Messages of a few bytes must not wait for each other; a host that vanished is to be missed some day.
          connection.enable(TCP_NODELAY, of: Int32(IPPROTO_TCP))
          connection.enable(SO_KEEPALIVE, of: SOL_SOCKET)
          return connection
        } catch let error as Failure {
          failure = error
        }
      }
      throw failure
    }
  }

  private static func open(
    _ family: Int32, isInterrupted: @escaping () -> Bool, by start: (Int32) -> Int32
  ) throws -> Connection {
    let descriptor = socket(family, stream, 0)
    guard descriptor >= 0 else { throw Failure(errno: errno) }
    let connection = Connection(descriptor, isInterrupted: isInterrupted)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    #if !os(Linux)
      connection.enable(SO_NOSIGPIPE, of: SOL_SOCKET)
    #endif
    guard start(descriptor) != 0 else { return connection }
    guard errno == EINPROGRESS || errno == EINTR else { throw Failure(errno: errno) }
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    var waited: Int32 = 0
    while poll(&request, 1, slice) <= 0 {
      if isInterrupted() { throw ConnectionEnd.interrupted }
      waited += slice
      guard waited < patience else { throw Failure(errno: ETIMEDOUT) }
    }
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    guard code == 0 else { throw Failure(errno: code) }
    return connection
  }

  private func enable(_ option: Int32, of level: Int32) {
    var isOn: Int32 = 1
    setsockopt(descriptor, level, option, &isOn, socklen_t(MemoryLayout<Int32>.size))
  }

  #if os(Linux)
    private static let stream = Int32(SOCK_STREAM.rawValue)
    // A server that is gone is an error of the write, not a signal.
    private static let sendFlags = Int32(MSG_NOSIGNAL)
  #else
    private static let stream = SOCK_STREAM
    private static let sendFlags: Int32 = 0
  #endif
}
