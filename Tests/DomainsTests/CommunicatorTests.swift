// What is made of a communicator's three calls, on ranks that are threads.

import Domains
import Kernels
import Testing
import ThreadRanks

private struct Failure: Error, Equatable { let rank: Int }

@Suite struct CommunicatorTests {
  @Test(arguments: [1, 2, 3, 5, 8]) func everyRankHasTheSumInTheOrderOfRanks(ranks: Int) throws {
    // Of numbers whose sum depends on the order.
    @Sendable func value(_ rank: Int, _ n: Int) -> Double {
      (rank % 2 == 0 ? 1e16 : 1) / Double(n + 3 * rank + 1)
    }
    for count in [0, 1, 4, 23] {
      let expected = (0..<count).map { n in (1..<ranks).reduce(value(0, n)) { $0 + value($1, n) } }
      let sums = try onRanks(ranks) { communicator in
        var values = (0..<count).map { value(communicator.rank, $0) }
        values.withUnsafeMutableBufferPointer {
          if let base = $0.baseAddress { communicator.sum(base, count: count, scratch: Workspace()) }
        }
        return values
      }
      #expect(sums == Array(repeating: expected, count: ranks))
    }
  }

  @Test(arguments: [1, 2, 3, 5]) func everyRankGetsItsPartOfEveryOther(ranks: Int) throws {
    // Rank r sends (r + s) % 3 numbers to rank s.
    @Sendable func part(_ from: Int, _ to: Int) -> [Int] {
      (0..<(from + to) % 3).map { 100 * from + 10 * to + $0 }
    }
    let received = try onRanks(ranks) { communicator in
      let r = communicator.rank
      let sent = (0..<ranks).flatMap { part(r, $0) } + [-1]
      let counts = (0..<ranks).map { part($0, r).count }
      var received = Array(repeating: 0, count: counts.reduce(1, +))
      communicator.allToAll(
        .columns, sent, counts: (0..<ranks).map { part(r, $0).count }, into: &received, counts: counts)
      return Array(received.dropLast())
    }
    for r in 0..<ranks { #expect(received[r] == (0..<ranks).flatMap { part($0, r) }) }
  }

  @Test(arguments: [1, 3, 4]) func everyRankHasTheArraysOfAll(ranks: Int) throws {
    let all = try onRanks(ranks) { communicator in
      communicator.allGather(
        .system, Array(repeating: communicator.rank, count: 2 * communicator.rank % 3), filler: 0)
    }
    let expected = (0..<ranks).flatMap { Array(repeating: $0, count: 2 * $0 % 3) }
    #expect(all == Array(repeating: expected, count: ranks))
  }

  /// What comes from other ranks, by what it carries; what a rank keeps is no message.
  @Test func bytesAreCountedWhereTheyArrive() throws {
    let traffic = try onRanks(4) { communicator -> Traffic in
      var numbers = [1.0, 2, 3]
      numbers.withUnsafeMutableBytes { communicator.broadcast(.system, $0) }
      _ = communicator.allGather(.places, numbers, filler: 0)
      _ = communicator.sum(1.0)
      return communicator.traffic
    }
    for (rank, bytes) in traffic.enumerated() {
      #expect(bytes[.system] == (rank == 0 ? 0 : 24))
      // Of three ranks a count and three numbers each.
      #expect(bytes[.places] == 3 * (8 + 24) && bytes[.sums] == 3 * 8)
      #expect(bytes.messages(.system) == (rank == 0 ? 0 : 1) && bytes.messages(.places) == 6)
      #expect(bytes[.features] == 0 && (bytes - bytes)[.places] == 0)
    }
  }

  /// MPI counts in 32 bits.
  @Test(arguments: [0, 1, 1 << 30, (1 << 30) + 1, 1 << 31, 3 << 31, 100_000_000 * 32, 1 << 40])
  func longMessagesGoInPiecesThat32BitsCount(bytes: Int) {
    var end = 0
    for piece in MessagePieces(of: bytes) {
      #expect(piece.lowerBound == end && !piece.isEmpty && piece.count <= Int(Int32.max))
      end = piece.upperBound
    }
    #expect(end == bytes)
  }

  @Test func whereOneRankFailsAllDo() throws {
    let errors = try onRanks(3) { communicator -> String in
      do {
        try communicator.together { if communicator.rank == 1 { throw Failure(rank: 1) } }
        return "none"
      } catch { return "\(error)" }
    }
    let words = "\(Failure(rank: 1))"
    #expect(errors == ["on rank 1: \(words)", words, "on rank 1: \(words)"])
  }
}
