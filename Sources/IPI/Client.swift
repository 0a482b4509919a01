// The client's side of the protocol: reach a server, then answer what it asks until it ends.

import Foundation
import Lattice

/// Forces for one server at a time.
///
///     var client = Client(address, atoms: 192, isInterrupted: { false })
///     try client.connect(within: .seconds(60)) { print("not yet: \($0)") }
///     let ending = try client.serve { request in Answer(...) }
public struct Client {
  public let address: ServerAddress
  /// What the server's system must have.
  private let atoms: Int
  private let isInterrupted: () -> Bool
  private var connection: Connection?

  /// How a service ended.
  public enum Ending: Sendable, Hashable {
    /// By EXIT.
    case dismissed
    /// The server closed the connection, or died; `isAmidst` a message.
    case gone(isAmidst: Bool)
    case interrupted
  }

  /// - Parameter isInterrupted: asked while the client waits, four times a second and after every signal.
  public init(_ address: ServerAddress, atoms: Int, isInterrupted: @escaping () -> Bool) {
    self.address = address
    self.atoms = atoms
    self.isInterrupted = isInterrupted
  }

  // MARK: - Reaching a server

  /// Between tries: doubled from the first to the last.
  private static let (firstPause, lastPause) = (Duration.milliseconds(50), Duration.seconds(2))

  /// Tries to reach the server until there is one.
  /// - Parameters:
  ///   - limit: how long; nil for ever.
  ///   - notice: hears why the first try failed, if more are made.
  /// - Returns: false where it was interrupted.
  /// - Throws: `IPIError` where no server came, or none can.
  public mutating func connect(within limit: Duration?, notice: (String) throws -> Void) throws -> Bool {
    let start = ContinuousClock.now
    var pause = Self.firstPause
    var isFirst = true
    while true {
      do {
        connection = try Connection.open(address, isInterrupted: isInterrupted)
        return true
      } catch ConnectionEnd.interrupted {
        return false
      } catch let failure as Connection.Failure {
        let isLate = limit.map { ContinuousClock.now - start >= $0 } ?? false
        guard failure.mayPass, !isLate else { throw unreachable(failure) }
        if isFirst { try notice(failure.reason) }
        isFirst = false
      }
      let end = ContinuousClock.now + pause
      while ContinuousClock.now < end {
        if isInterrupted() { return false }
        usleep(20_000)
      }
      pause = min(pause * 2, Self.lastPause)
    }
  }

  private func unreachable(_ failure: Connection.Failure) -> IPIError {
    let place =
      switch address {
      case .internet: ""
      case .unix: " at \(address.path)"
      }
    return IPIError(
      address, "there is no server\(place): \(failure.reason)",
      help: failure.mayPass
        ? "start the server, on the same machine for a unix socket, or wait longer for it (`serve.wait`)"
        : "check the address: it is \(ServerAddress.words)")
  }

  // MARK: - Serving

  /// Answers what the server asks until it ends, then closes the connection.
  /// - Throws: `IPIError` for what the protocol does not have, `AtomCountMismatch`, what `answer` throws.
  public mutating func serve(answer: (Request) throws -> Answer) throws -> Ending {
    guard let connection else { return .gone(isAmidst: false) }
    defer { self.connection = nil }
    // A server asks a client that wants it for INIT, which tells of what no client would guess, such as batches. One that
    // knows no INIT sends positions all the same.
    var state = Header.needInit
    var result: Answer?
    while true {
      let header: Header
      do { header = try receiveHeader(connection) } catch let end as ConnectionEnd {
        return end == .interrupted ? .interrupted : .gone(isAmidst: false)
      } catch is PartOfHeader {
        return .gone(isAmidst: true)
      }
      do {
        switch header {
        case .status:
          try connection.write(state.bytes)
        case .initialize:
          try receiveInit(connection)
          state = .ready
        case .positions:
          result = try answer(receivePositions(connection))
          state = .haveData
        case .getForce:
          guard let ready = result else { throw unexpected("forces before it sent positions") }
          try connection.write(ready.bytes)
          result = nil
          state = .ready
        case .exit:
          return .dismissed
        case .needInit, .ready, .haveData, .forceReady:
          throw unexpected("`\(header.rawValue)`, which is a client's to say")
        }
      } catch let end as ConnectionEnd {
        return end == .interrupted ? .interrupted : .gone(isAmidst: true)
      }
    }
  }

  /// The connection ended within a header.
  private struct PartOfHeader: Error {}

  private func receiveHeader(_ connection: Connection) throws -> Header {
    let first = try connection.read(1)
    let rest: [UInt8]
    do { rest = try connection.read(Header.length - 1) } catch ConnectionEnd.gone { throw PartOfHeader() }
    guard let header = Header(first + rest) else {
      let text = String(decoding: first + rest, as: UTF8.self)
      throw unexpected("`\(text)`, which is no message of the i-PI protocol")
    }
    return header
  }

  private static let longestInit = 1 << 20

  private func receiveInit(_ connection: Connection) throws {
    let numbers = try connection.read(2, zero: Int32(0))
    guard 0...Self.longestInit ~= Int(numbers[1]) else {
      throw unexpected("an INIT with a text of \(numbers[1]) bytes")
    }
    let text = String(decoding: try connection.read(Int(numbers[1])), as: UTF8.self)
    guard !text.contains("batch_size") else {
      throw IPIError(
        address, "the server sends several structures in one message (\(text))",
        help: "leave `batch_size` out of the server's ffsocket; several clients share its replicas")
    }
  }

  private func receivePositions(_ connection: Connection) throws -> Request {
    let cell = try connection.read(18, zero: 0.0)
    let count = Int(try connection.read(1, zero: Int32(0))[0])
    guard count == atoms else { throw AtomCountMismatch(sent: count) }
    let numbers = try connection.read(3 * atoms, zero: 0.0)
    func vector(_ numbers: [Double], _ first: Int) -> Vector3 {
      Vector3(numbers[first], numbers[first + 1], numbers[first + 2]) * AtomicUnits.bohr
    }
    // The inverse, behind the cell, is not needed.
    return Request(
      cell: Matrix3(vector(cell, 0), vector(cell, 3), vector(cell, 6)).transposed,
      positions: (0..<atoms).map { vector(numbers, 3 * $0) })
  }

  private func unexpected(_ words: String) -> IPIError {
    IPIError(
      address, "the server sent \(words)",
      help: "check that an i-PI server listens there, in mode `inet` or `unix`")
  }
}
