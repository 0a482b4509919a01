// Some of the ranks, or all, which speak among themselves; groups that share no rank do so at the same time.

/// All ranks of a group make the same calls in the same order.
public struct RankGroup {
  public let communicator: any Communicator
  /// Ranks, ascending.
  public let members: [Int]
  /// Of this rank among them.
  public let place: Int

  /// - Precondition: this rank is one of the members.
  public init(_ communicator: any Communicator, members: [Int]) {
    guard let place = members.firstIndex(of: communicator.rank) else {
      preconditionFailure("rank \(communicator.rank) is in its own group")
    }
    (self.communicator, self.members, self.place) = (communicator, members, place)
  }

  /// All ranks.
  public init(_ communicator: any Communicator) {
    self.init(communicator, members: Array(0..<communicator.size))
  }

  public var count: Int { members.count }

  /// Sends to each member its part of `sent` and receives one from each; parts lie behind each other in the order of members and
  /// are of so many elements.
  public func allToAll<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ sent: UnsafePointer<Element>, counts: [Int],
    into received: UnsafeMutablePointer<Element>,
    counts receivedCounts: [Int]
  ) {
    let (starts, receivedStarts) = (starts(counts), starts(receivedCounts))
    exchange(
      cargo, sent, { (starts[$0], counts[$0]) }, into: received, { (receivedStarts[$0], receivedCounts[$0]) })
  }

  /// As the other, of arrays.
  public func allToAll<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ sent: [Element], counts: [Int], receiving receivedCounts: [Int], filler: Element
  ) -> [Element] {
    withPointers(sent, count: receivedCounts.reduce(0, +), filler: filler) {
      allToAll(cargo, $0, counts: counts, into: $1, counts: receivedCounts)
    }
  }

  /// The elements of all members behind each other, on every member.
  ///
  /// - Parameter counts: of every member.
  public func allGather<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ own: UnsafePointer<Element>, counts: [Int], into all: UnsafeMutablePointer<Element>
  ) {
    let starts = starts(counts)
    exchange(cargo, own, { _ in (0, counts[place]) }, into: all, { (starts[$0], counts[$0]) })
  }

  /// As the other, of arrays.
  public func allGather<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ own: [Element], counts: [Int], filler: Element
  ) -> [Element] {
    withPointers(own, count: counts.reduce(0, +), filler: filler) {
      allGather(cargo, $0, counts: counts, into: $1)
    }
  }

  /// Sums over the members, added in their order, of values of which all have as many.
  public func sum(_ cargo: Cargo, _ values: [Double]) -> [Double] {
    let all = allGather(cargo, values, counts: members.map { _ in values.count }, filler: 0)
    return values.indices.map { n in members.indices.reduce(0) { $0 + all[$1 * values.count + n] } }
  }

  // MARK: - Messages

  private func starts(_ counts: [Int]) -> [Int] {
    var starts = [0]
    for count in counts { starts.append((starts.last ?? 0) + count) }
    return starts
  }

  /// To each member its part and from each one, this rank's own first, then with those next to it.
  private func exchange<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ sent: UnsafePointer<Element>, _ part: (Int) -> (start: Int, count: Int),
    into received: UnsafeMutablePointer<Element>, _ receivedPart: (Int) -> (start: Int, count: Int)
  ) {
    let stride = MemoryLayout<Element>.stride
    for step in 0..<count {
      let (to, from) = ((place + step) % count, (place + count - step) % count)
      let (outgoing, incoming) = (part(to), receivedPart(from))
      communicator.exchange(
        cargo, UnsafeRawBufferPointer(start: sent + outgoing.start, count: outgoing.count * stride),
        to: members[to],
        UnsafeMutableRawBufferPointer(start: received + incoming.start, count: incoming.count * stride),
        from: members[from])
    }
  }

  /// Of arrays that may be empty: nothing is read or written where there is nothing.
  private func withPointers<Element: BitwiseCopyable>(
    _ sent: [Element], count: Int, filler: Element,
    _ body: (UnsafePointer<Element>, UnsafeMutablePointer<Element>) -> Void
  ) -> [Element] {
    var received = Array(repeating: filler, count: count)
    var nothing = filler
    withUnsafeMutablePointer(to: &nothing) { nothing in
      sent.withUnsafeBufferPointer { sent in
        received.withUnsafeMutableBufferPointer {
          body(sent.baseAddress ?? UnsafePointer(nothing), $0.baseAddress ?? nothing)
        }
      }
    }
    return received
  }
}
