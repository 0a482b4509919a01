// Pieces of work that threads share out as they go: on a busy machine threads run at changing speeds, and who is
// through with its own part takes pieces from another's.

import Synchronization

/// The numbers 0 ..< count, each handed out once.
public final class WorkQueue: Sendable {
  public let threads: Int
  /// What is left of each thread's contiguous part: its first number, and in the upper half the one past its last.
  private let parts: [Part]

  private final class Part: Sendable {
    let bounds = Atomic<UInt64>(0)
  }

  public init(threads: Int) {
    precondition(threads > 0)
    self.threads = threads
    parts = (0..<threads).map { _ in Part() }
  }

  fileprivate func fill(count: Int, threads: Int) {
    for thread in 0..<threads {
      let part = partition(of: count, thread: thread, threads: threads)
      parts[thread].bounds.store(
        UInt64(part.upperBound) << 32 | UInt64(part.lowerBound), ordering: .releasing)
    }
  }

  /// The next piece of a thread's own part; then the last one of another's of `threads`, far from where its owner
  /// works.
  fileprivate func next(for thread: Int, of threads: Int) -> Int? {
    for n in 0..<threads {
      let part = parts[(thread + n) % threads]
      var seen = part.bounds.load(ordering: .acquiring)
      while true {
        let (first, end) = (seen & 0xffff_ffff, seen >> 32)
        guard first < end else { break }
        let rest = n == 0 ? seen + 1 : seen - 1 << 32
        let result = part.bounds.compareExchange(
          expected: seen, desired: rest, ordering: .acquiringAndReleasing)
        if result.exchanged { return Int(n == 0 ? first : end - 1) }
        seen = result.original
      }
    }
    return nil
  }
}

/// Runs `body` for every number below `count` on the threads of `queue`, each beginning with its own contiguous part.
///
/// Which thread does a piece may differ from run to run, so what a piece writes must not depend on it: rows of its
/// own, or scratch of the thread. More threads than pieces count as many as there are pieces: `thread` is less than
/// `count`. With one thread the pieces run in order on the caller. Denormal numbers count as zero inside `body`.
public func parallel(_ queue: WorkQueue, count: Int, body: (_ thread: Int, _ piece: Int) -> Void) {
  guard count > 0 else { return }
  let threads = min(queue.threads, count)
  guard threads > 1 else {
    return flushingDenormals { for piece in 0..<count { body(0, piece) } }
  }
  queue.fill(count: count, threads: threads)
  ThreadTeam.shared.run(threads) { thread in
    flushingDenormals { while let piece = queue.next(for: thread, of: threads) { body(thread, piece) } }
  }
}
