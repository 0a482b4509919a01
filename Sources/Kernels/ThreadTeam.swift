// Threads that stand by between parallel regions. A step has a dozen regions a few microseconds apart, and waking a
// thread that sleeps takes longer than that: who waits looks for a moment whether it may go on before it sleeps.

import Dispatch
import Foundation
import Synchronization

/// Runs a body on several threads at once; the caller is one of them.
final class ThreadTeam: Sendable {
  static let shared = ThreadTeam()

  private let isTaken = Atomic(false)
  /// Made when first needed; only whoever has taken the team touches them.
  private nonisolated(unsafe) var workers: [Worker] = []
  /// More threads than processors gain nothing and hold a stack each.
  private let mostWorkers = Processors.count - 1

  /// Calls `body` with every number below `threads` and returns when all are done.
  ///
  /// With more numbers than processors the caller and each worker take every n-th. What a worker has not begun when the
  /// caller is through with its own share, the caller does, too: on a busy machine nobody waits for a thread that has
  /// no core, and a thread that the system refuses is not missed. Where the team is taken, by another caller or by the
  /// region that this call is part of, the caller does everything.
  func run(_ threads: Int, _ body: (_ thread: Int) -> Void) {
    guard !isTaken.exchange(true, ordering: .acquiring) else {
      for thread in 0..<threads { body(thread) }
      return
    }
    defer { isTaken.store(false, ordering: .releasing) }
    let members = min(threads, mostWorkers + 1)
    while workers.count < members - 1 { workers.append(Worker()) }
    withoutActuallyEscaping(body) { body in
      func share(_ first: Int) -> Share { Share(body: body, first: first, threads: threads, step: members) }
      for first in 1..<members { workers[first - 1].offer(share(first)) }
      share(0).run()
      for first in 1..<members {
        if workers[first - 1].withdraw() { share(first).run() } else { workers[first - 1].wait() }
      }
    }
  }
}

/// Every n-th of a region's numbers.
private struct Share {
  let body: (_ thread: Int) -> Void
  let first: Int
  let threads: Int
  let step: Int

  func run() { for thread in stride(from: first, to: threads, by: step) { body(thread) } }
}

/// A thread that does one task after the other, for as long as the process lives.
private final class Worker: Sendable {
  private enum State: UInt8, AtomicRepresentable {
    case idle, offered, busy, done
  }

  private let state = Atomic(State.idle)
  private nonisolated(unsafe) var task: Share?
  private let offers = Bell()
  private let results = Bell()

  init() {
    let thread = Thread { [self] in
      while true {
        offers.wait { state.load(ordering: .sequentiallyConsistent) == .offered }
        guard change(from: .offered, to: .busy) else { continue }
        task?.run()
        state.store(.done, ordering: .sequentiallyConsistent)
        results.ring()
      }
    }
    thread.name = "bloch worker"
    thread.qualityOfService = .userInitiated
    thread.start()
  }

  func offer(_ share: Share) {
    task = share
    state.store(.offered, ordering: .sequentiallyConsistent)
    offers.ring()
  }

  /// Takes the offer back; false if the worker has taken it up.
  func withdraw() -> Bool {
    guard change(from: .offered, to: .idle) else { return false }
    task = nil
    return true
  }

  /// Waits for the end of a task that was not withdrawn.
  func wait() {
    results.wait { state.load(ordering: .sequentiallyConsistent) == .done }
    state.store(.idle, ordering: .relaxed)
    task = nil
  }

  private func change(from old: State, to new: State) -> Bool {
    state.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }
}

/// Where one thread waits for a condition that another brings about.
private final class Bell: Sendable {
  private let isAwaited = Atomic(false)
  private let semaphore = DispatchSemaphore(value: 0)

  /// How long to look before sleeping: the serial parts of a step are shorter.
  private static let patience: UInt64 = 100_000  // ns

  func wait(until condition: () -> Bool) {
    let start = DispatchTime.now().uptimeNanoseconds
    while !condition() {
      guard DispatchTime.now().uptimeNanoseconds - start > Self.patience else { continue }
      isAwaited.store(true, ordering: .sequentiallyConsistent)
      // A ring between these lines leaves the semaphore raised: the next sleep is short, no condition missed.
      if !condition() { semaphore.wait() }
    }
  }

  /// To be called after the condition has come true.
  func ring() {
    if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { semaphore.signal() }
  }
}
