// Some of the ranks, which speak among themselves; groups that share no rank do so at the same time.

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

  public var count: Int { members.count }

  /// Sends to each member its part of `sent` and receives one from each; parts lie behind each other in the order of members and
  /// are of so many elements.
  public func allToAll<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ sent: UnsafePointer<Element>, counts: [Int],
    into received: UnsafeMutablePointer<Element>,
    counts receivedCounts: [Int]
  ) {
    let stride = MemoryLayout<Element>.stride
    var (starts, receivedStarts) = ([0], [0])
    for n in 0..<count {
      starts.append(starts[n] + counts[n])
      receivedStarts.append(receivedStarts[n] + receivedCounts[n])
    }
    for step in 0..<count {
      let (to, from) = ((place + step) % count, (place + count - step) % count)
      communicator.exchange(
        cargo, UnsafeRawBufferPointer(start: sent + starts[to], count: counts[to] * stride), to: members[to],
        UnsafeMutableRawBufferPointer(
          start: received + receivedStarts[from], count: receivedCounts[from] * stride),
        from: members[from])
    }
  }
}
