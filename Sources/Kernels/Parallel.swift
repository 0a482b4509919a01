// Threads with a fixed division of labour: the same number of threads gives the same bits.

/// The contiguous part of `0 ..< count` that belongs to `thread`; parts differ in length by at most one.
@inlinable
public func partition(of count: Int, thread: Int, threads: Int) -> Range<Int> {
  count * thread / threads..<count * (thread + 1) / threads
}

/// Runs `body` once for each of `threads` fixed, contiguous parts of `0 ..< count` and waits for all of them. More
/// threads than there is work count as many as there is: `thread` is less than `count`.
///
/// Parts may run at once, so each writes only to its own range or its own slot of scratch; whoever called
/// reduces the slots afterwards in the order of `thread`. With one thread the body runs on the caller.
/// Denormal numbers count as zero inside `body`.
public func parallel(threads: Int, count: Int, body: (_ thread: Int, _ range: Range<Int>) -> Void) {
  precondition(threads > 0)
  guard count > 0 else { return }
  let threads = min(threads, count)
  guard threads > 1 else { return flushingDenormals { body(0, 0..<count) } }
  ThreadTeam.shared.run(threads) { thread in
    flushingDenormals { body(thread, partition(of: count, thread: thread, threads: threads)) }
  }
}

/// Contiguous parts of a sequence for so many threads, of costs as even as whole elements allow; some may be empty.
public func shares(of costs: [Int], threads: Int) -> [Range<Int>] {
  let total = costs.reduce(0, +)
  var (end, sum) = (0, 0)
  return (1...threads).map { thread in
    let (start, target) = (end, total * thread / threads)
    while end < costs.count, thread == threads || 2 * (target - sum) > costs[end] {
      sum += costs[end]
      end += 1
    }
    return start..<end
  }
}

/// As the other, with parts that the caller has chosen, one for each thread.
public func parallel(_ shares: [Range<Int>], body: (_ thread: Int, _ range: Range<Int>) -> Void) {
  guard shares.count > 1 else { return flushingDenormals { shares.first.map { body(0, $0) } } }
  ThreadTeam.shared.run(shares.count) { thread in flushingDenormals { body(thread, shares[thread]) } }
}

/// `body` of each of `0 ..< count`, in their order, worked out as by `parallel`.
public func parallelMap<Result>(threads: Int, count: Int, _ body: (Int) -> Result) -> [Result] {
  Array(unsafeUninitializedCapacity: count) { results, initialized in
    let first = results.baseAddress
    parallel(threads: threads, count: count) { _, range in
      for n in range { first?.advanced(by: n).initialize(to: body(n)) }
    }
    initialized = count
  }
}
