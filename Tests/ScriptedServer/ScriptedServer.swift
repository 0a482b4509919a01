// The server's side of the i-PI protocol, as tests want it: it says what it is told to, in the packets that it is told to,
// and dies where it is told to. Numbers are those of the wire, bohr and hartree.

import Foundation
import Synchronization

#if os(Linux)
  private let stream = Int32(SOCK_STREAM.rawValue)
#else
  private let stream = SOCK_STREAM
#endif

public struct ServerFailure: Error, CustomStringConvertible {
  public let description: String
  init(_ words: String) { description = words + ": " + String(cString: strerror(errno)) }
}

/// Listens until it has one client, and follows a script with it on a thread of its own.
public final class ScriptedServer: Sendable {
  public enum Place: Sendable { case unix, ipv4, ipv6 }

  /// As a client is told it.
  public let address: String
  private let descriptor: Int32
  private let path: String?
  private let isListening = Atomic(true)
  private let outcome = Mutex<Result<Void, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// Starts to listen at `place`, at `name` where it is a unix socket.
  public init(_ place: Place = .unix, name: String = "bloch-\(UUID().uuidString)") throws {
    switch place {
    case .unix:
      let path = name.hasPrefix("/") ? name : "/tmp/ipi_\(name)"
      (address, self.path) = ("unix:\(name)", path)
      descriptor = socket(AF_UNIX, stream, 0)
      var socketName = sockaddr_un()
      socketName.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &socketName.sun_path) { $0.copyBytes(from: path.utf8) }
      try Self.bind(descriptor, &socketName)
    case .ipv4:
      path = nil
      descriptor = socket(AF_INET, stream, 0)
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      try Self.bind(descriptor, &name)
      address = "127.0.0.1:\(Self.port(of: descriptor, name, \.sin_port))"
    case .ipv6:
      path = nil
      descriptor = socket(AF_INET6, stream, 0)
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_addr = in6addr_loopback
      try Self.bind(descriptor, &name)
      address = "[::1]:\(Self.port(of: descriptor, name, \.sin6_port))"
    }
    guard listen(descriptor, 4) == 0 else { throw ServerFailure("listen") }
  }

  deinit { stopListening() }

  private func stopListening() {
    guard isListening.exchange(false, ordering: .relaxed) else { return }
    close(descriptor)
    if let path { unlink(path) }
  }

  /// Whether this machine has the loopback address of IPv6.
  public static let hasIPv6 = (try? ScriptedServer(.ipv6)) != nil

  /// Takes a client and does with it what `script` says, beside whoever calls.
  public func start(_ script: @escaping @Sendable (Peer) throws -> Void) {
    Thread { [self] in
      let result = Result {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 20_000) == 1 else { throw ServerFailure("no client came") }
        let client = accept(descriptor, nil, nil)
        guard client >= 0 else { throw ServerFailure("accept") }
        stopListening()
        let peer = Peer(client)
        defer { peer.hangUp() }
        try script(peer)
      }
      outcome.withLock { $0 = result }
      done.signal()
    }.start()
  }

  /// Waits for the end of the script.
  /// - Throws: what the script threw.
  public func finish() throws {
    guard done.wait(timeout: .now() + 30) == .success else { throw ServerFailure("the script has not ended") }
    try outcome.withLock { try $0?.get() }
  }

  private static func bind<Name>(_ descriptor: Int32, _ name: inout Name) throws {
    let status = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<Name>.size))
      }
    }
    guard status == 0 else { throw ServerFailure("bind") }
  }

  private static func port<Name>(
    of descriptor: Int32, _ name: Name, _ port: (Name) -> in_port_t
  ) -> UInt16 {
    var name = name
    var length = socklen_t(MemoryLayout<Name>.size)
    withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: port(name))
  }
}

/// A client, seen from its server.
public final class Peer {
  private var descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  public func hangUp() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  // MARK: - Bytes

  /// - Parameter packet: bytes that are sent at a time.
  public func send(_ bytes: [UInt8], packet: Int = .max) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = Array(rest.prefix(packet))
      guard Foundation.send(descriptor, part, part.count, 0) == part.count else {
        throw ServerFailure("send")
      }
      rest = rest.dropFirst(part.count)
      if packet < .max { usleep(200) }
    }
  }

  public func receive(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let more = bytes.withUnsafeMutableBytes { bytes in
        recv(
          descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]).baseAddress, count - filled, 0
        )
      }
      guard more > 0 else { throw ServerFailure("the client sent \(filled) bytes of \(count)") }
      filled += more
    }
    return bytes
  }

  public static func header(_ word: String) -> [UInt8] {
    Array(word.padding(toLength: 12, withPad: " ", startingAt: 0).utf8)
  }

  public static func bytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  private func receive<Number: BitwiseCopyable>(_ type: Number.Type, _ count: Int) throws -> [Number] {
    try receive(count * MemoryLayout<Number>.stride).withUnsafeBytes { bytes in
      (0..<count).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self)
      }
    }
  }

  // MARK: - Messages

  /// The client's answer to STATUS.
  public func status() throws -> String {
    try send(Self.header("STATUS"))
    return try word()
  }

  public func word() throws -> String {
    String(decoding: try receive(12), as: UTF8.self).trimmingCharacters(in: .whitespaces)
  }

  public static func initialization(replica: Int32 = 0, _ text: [UInt8]) -> [UInt8] {
    header("INIT") + bytes([replica, Int32(text.count)]) + text
  }

  /// - Parameters:
  ///   - h: nine numbers, the lattice vectors as columns, in bohr.
  ///   - positions: three for each atom, in bohr.
  public static func positions(h: [Double], _ positions: [Double]) -> [UInt8] {
    header("POSDATA") + bytes(h) + bytes([Double](repeating: 0, count: 9))
      + bytes([Int32(positions.count / 3)])
      + bytes(positions)
  }

  public struct Forces: Sendable, Hashable {
    public let energy: Double
    public let forces: [Double]
    public let virial: [Double]
    public let extras: String

    public init(energy: Double, forces: [Double], virial: [Double], extras: String) {
      self.energy = energy
      self.forces = forces
      self.virial = virial
      self.extras = extras
    }
  }

  /// FORCEREADY and what belongs to it.
  public func forces() throws -> Forces {
    guard try word() == "FORCEREADY" else { throw ServerFailure("no FORCEREADY") }
    let energy = try receive(Double.self, 1)[0]
    let count = Int(try receive(Int32.self, 1)[0])
    let (forces, virial) = try (receive(Double.self, 3 * count), receive(Double.self, 9))
    let length = Int(try receive(Int32.self, 1)[0])
    return try Forces(
      energy: energy, forces: forces, virial: virial,
      extras: String(decoding: receive(length), as: UTF8.self))
  }

  /// Forces by all steps of the protocol, or in the one packet into which i-PI puts positions and GETFORCE.
  public func evaluate(h: [Double], _ positions: [Double], inOnePacket: Bool = false) throws -> Forces {
    if inOnePacket {
      try send(Self.positions(h: h, positions) + Self.header("GETFORCE"))
      return try forces()
    }
    try send(Self.positions(h: h, positions))
    guard try status() == "HAVEDATA" else { throw ServerFailure("no HAVEDATA") }
    try send(Self.header("GETFORCE"))
    return try forces()
  }
}
