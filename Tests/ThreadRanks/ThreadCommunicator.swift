// Ranks as threads of one process: what several ranks do is tested without MPI.

import Domains
import Foundation

/// Messages between ranks, in the order in which they were sent, from each to each.
private final class Mail: @unchecked Sendable {
  private let condition = NSCondition()
  private var messages: [SIMD2<Int>: [[UInt8]]] = [:]

  func send(_ message: [UInt8], from: Int, to: Int) {
    condition.withLock {
      messages[SIMD2(from, to), default: []].append(message)
      condition.broadcast()
    }
  }

  func receive(from: Int, to: Int) -> [UInt8] {
    condition.withLock {
      while messages[SIMD2(from, to), default: []].isEmpty { condition.wait() }
      return messages[SIMD2(from, to), default: []].removeFirst()
    }
  }
}

private final class ThreadCommunicator: Communicator {
  let rank: Int
  let size: Int
  var traffic = Traffic()
  private let mail: Mail
  private var awaited: [(UnsafeMutableRawBufferPointer, from: Int)] = []

  init(rank: Int, size: Int, _ mail: Mail) { (self.rank, self.size, self.mail) = (rank, size, mail) }

  func post(
    _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer, from: Int?
  ) {
    if let to { mail.send(Array(sent), from: rank, to: to) }
    if let from { awaited.append((received, from)) }
  }

  func complete() {
    for (received, from) in awaited {
      let message = mail.receive(from: from, to: rank)
      precondition(message.count == received.count, "what comes is as long as what was sent")
      received.copyBytes(from: message)
    }
    awaited.removeAll(keepingCapacity: true)
  }

  func spread(_ bytes: UnsafeMutableRawBufferPointer) {
    if rank == 0 {
      for other in 1..<size { mail.send(Array(bytes), from: 0, to: other) }
    } else {
      bytes.copyBytes(from: mail.receive(from: 0, to: rank))
    }
  }
}

/// Runs `body` on so many ranks at once and returns what each has, in their order; rethrows the error of the first that failed.
public func onRanks<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Value] {
  let mail = Mail()
  let results = Results<Value>(count)
  let group = DispatchGroup()
  for rank in 0..<count {
    group.enter()
    let thread = Thread {
      let result = Result { try body(ThreadCommunicator(rank: rank, size: count, mail)) }
      results.set(rank, result)
      group.leave()
    }
    thread.stackSize = 16 << 20
    thread.start()
  }
  group.wait()
  return try results.all.map { try $0.get() }
}

private final class Results<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<Value, any Error>?]

  init(_ count: Int) { values = Array(repeating: nil, count: count) }

  func set(_ rank: Int, _ value: Result<Value, any Error>) { lock.withLock { values[rank] = value } }

  var all: [Result<Value, any Error>] { lock.withLock { values.compactMap { $0 } } }
}
