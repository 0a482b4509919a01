// What ranks, processes that evaluate one system together, say to each other. Three calls that a communicator must have, and
// what is made of them: every sum runs in the order of the ranks, so that the same number of ranks gives the same bits.
//
// All ranks make the same calls in the same order. Counts and bytes are `Int`: no message is too long. Every message says what it
// carries, and is counted by that (`Traffic`).

import Dispatch
import Kernels

/// `SingleProcess` is one alone; `MPICommunicator` those that mpirun has started.
public protocol Communicator: AnyObject {
  /// 0 ..< size.
  var rank: Int { get }
  var size: Int { get }

  /// What this rank has received so far.
  var traffic: Traffic { get set }

  /// As `begin`, uncounted.
  func post(
    _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer, from: Int?)

  /// Waits for all that has been posted.
  func complete()

  /// As `broadcast`, uncounted.
  func spread(_ bytes: UnsafeMutableRawBufferPointer)
}

extension Communicator {
  public var isLeader: Bool { rank == 0 }

  /// Begins to send to one rank and to receive from another, each of which may be this one; nil is nobody. What is received is
  /// as long as what was sent. Until `finish` the one is not changed, the other not read. Messages between two ranks arrive in
  /// the order in which they began.
  public func begin(
    _ cargo: Cargo, _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer,
    from: Int?
  ) {
    if let from, from != rank { traffic.count(cargo, bytes: received.count) }
    let start = DispatchTime.now()
    post(sent, to: to, received, from: from)
    traffic.time(since: start)
  }

  /// Waits for all that has begun.
  public func finish() {
    let start = DispatchTime.now()
    complete()
    traffic.time(since: start)
  }

  /// Sends to one rank and receives from another.
  public func exchange(
    _ cargo: Cargo, _ sent: UnsafeRawBufferPointer, to: Int?, _ received: UnsafeMutableRawBufferPointer,
    from: Int?
  ) {
    begin(cargo, sent, to: to, received, from: from)
    finish()
  }

  /// The bytes of rank 0, on all ranks.
  public func broadcast(_ cargo: Cargo, _ bytes: UnsafeMutableRawBufferPointer) {
    if !isLeader { traffic.count(cargo, bytes: bytes.count) }
    let start = DispatchTime.now()
    spread(bytes)
    traffic.time(since: start)
  }

  // MARK: - Everybody with everybody

  /// As of a group of all ranks.
  public func allToAll<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ sent: UnsafePointer<Element>, counts: [Int],
    into received: UnsafeMutablePointer<Element>,
    counts receivedCounts: [Int]
  ) {
    RankGroup(self).allToAll(cargo, sent, counts: counts, into: received, counts: receivedCounts)
  }

  /// As of a group of all ranks.
  public func allGather<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ own: UnsafePointer<Element>, counts: [Int], into all: UnsafeMutablePointer<Element>
  ) {
    RankGroup(self).allGather(cargo, own, counts: counts, into: all)
  }

  /// One value of every rank, in their order.
  public func allGather<Element: BitwiseCopyable>(_ cargo: Cargo, _ value: Element) -> [Element] {
    RankGroup(self).allGather(cargo, [value], counts: Array(repeating: 1, count: size), filler: value)
  }

  /// The arrays of all ranks behind each other, on every rank.
  public func allGather<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ own: [Element], filler: Element
  ) -> [Element] {
    RankGroup(self).allGather(cargo, own, counts: allGather(cargo, own.count), filler: filler)
  }

  // MARK: - Sums

  /// Replaces the values by their sums over the ranks, added in the order of ranks: the same bits on all of them.
  ///
  /// Each rank adds up a part of the values, so that twice as much is sent as there is, whatever the number of ranks.
  public func sum<T: KernelScalar>(_ values: UnsafeMutablePointer<T>, count: Int, scratch: Workspace<T>) {
    guard size > 1, count > 0 else { return }
    let counts = (0..<size).map { partition(of: count, thread: $0, threads: size).count }
    let own = counts[rank]
    let parts = scratch.reserve((size + 1) * own)
    allToAll(.sums, values, counts: counts, into: parts, counts: Array(repeating: own, count: size))
    let sum = parts + size * own
    sum.update(from: parts, count: own)
    for r in 1..<size { add(parts + r * own, count: own, to: sum) }
    allGather(.sums, sum, counts: counts, into: values)
  }

  /// The sum over the ranks, in their order.
  public func sum(_ value: Double) -> Double { allGather(.sums, value).reduce(0, +) }
  public func sum(_ value: Int) -> Int { allGather(.sums, value).reduce(0, +) }

  // MARK: - Failures

  /// Runs `body`, which does not communicate, on all ranks; what it throws on one ends it on all.
  ///
  /// - Throws: this rank's own error, or `RankError` where another failed.
  public func together(_ body: () throws -> Void) throws {
    guard size > 1 else { return try body() }
    var failure: (any Error)?
    do { try body() } catch { failure = error }
    let failures = allGather(.division, failure == nil ? 0 : 1)
    guard let first = failures.firstIndex(of: 1) else { return }
    let reason = allGather(
      .division, rank == first ? failure.map { Array("\($0)".utf8) } ?? [] : [], filler: 0)
    throw failure ?? RankError(rank: first, reason: String(decoding: reason, as: UTF8.self))
  }
}

@_specialize(where T == Float)
@_specialize(where T == Double)
private func add<T: KernelScalar>(_ addend: UnsafePointer<T>, count: Int, to sum: UnsafeMutablePointer<T>) {
  for n in 0..<count { sum[n] += addend[n] }
}

/// What has happened on another rank.
public struct RankError: Error, Hashable, CustomStringConvertible {
  public let rank: Int
  /// Its error, in words.
  public let reason: String

  public var description: String { "on rank \(rank): \(reason)" }
}
