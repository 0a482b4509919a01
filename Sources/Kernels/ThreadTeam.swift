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

  /// Calls `body` with every number below `threads` and returns when all are done.
  ///
  /// What a worker has not begun when the caller is through with its own part, the caller does, too: on a busy
  /// machine nobody waits for a thread that has no core. Where the team is taken, by another caller or by the
  /// region that this call is part of, the caller does everything.
  func run(_ threads: Int, _ body: (_ thread: Int) -> Void) {
    guard !isTaken.exchange(true, ordering: .acquiring) else {
      for thread in 0..<threads { body(thread) }
      return
    }
    defer { isTaken.store(false, ordering: .releasing) }
    while workers.count < threads - 1 { workers.append(Worker()) }
    withoutActuallyEscaping(body) { body in
      for thread in 1..<threads { workers[thread - 1].offer(body, thread) }
      body(0)
      for thread in 1..<threads {
        if workers[thread - 1].withdraw() { body(thread) } else { workers[thread - 1].wait() }
      }
    }
  }
}

/// A thread that does one task after the other, for as long as the process lives.
private final class Worker: Sendable {
  private enum State: UInt8, AtomicRepresentable {
    case idle, offered, busy, done
  }

  private let state = Atomic(State.idle)
  private nonisolated(unsafe) var task: (body: (Int) -> Void, thread: Int)?
  private let offers = Bell()
  private let results = Bell()

  init() {
    let thread = Thread { [self] in
      while true {
        offers.wait { state.load(ordering: .sequentiallyConsistent) == .offered }
        guard change(from: .offered, to: .busy) else { continue }
        if let task { task.body(task.thread) }
        state.store(.done, ordering: .sequentiallyConsistent)
        results.ring()
      }
    }
    thread.name = "bloch worker"
    thread.qualityOfService = .userInitiated
    thread.start()
  }

  func offer(_ body: @escaping (Int) -> Void, _ thread: Int) {
    task = (body, thread)
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
