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
  /// Where the team is taken, by another caller or by the region that this call is part of, the caller does
  /// everything itself.
  func run(_ threads: Int, _ body: (_ thread: Int) -> Void) {
    guard !isTaken.exchange(true, ordering: .acquiring) else {
      for thread in 0..<threads { body(thread) }
      return
    }
    defer { isTaken.store(false, ordering: .releasing) }
    while workers.count < threads - 1 { workers.append(Worker()) }
    withoutActuallyEscaping(body) { body in
      for thread in 1..<threads { workers[thread - 1].start { body(thread) } }
      body(0)
      for thread in 1..<threads { workers[thread - 1].finish() }
    }
  }
}

/// A thread that does one task after the other, for as long as the process lives.
private final class Worker: Sendable {
  private let begin = Gate()
  private let end = Gate()
  private nonisolated(unsafe) var task: (() -> Void)?

  init() {
    let thread = Thread { [self] in
      while true {
        begin.pass()
        task?()
        end.open()
      }
    }
    thread.name = "bloch worker"
    thread.qualityOfService = .userInitiated
    thread.start()
  }

  func start(_ task: @escaping () -> Void) {
    self.task = task
    begin.open()
  }

  func finish() {
    end.pass()
    task = nil
  }
}

/// Lets one thread pass each time another has opened it.
private final class Gate: Sendable {
  private enum State: UInt8, AtomicRepresentable {
    case closed, open, sleptAt
  }

  private let state = Atomic(State.closed)
  private let bell = DispatchSemaphore(value: 0)

  /// How long to look before sleeping: the serial parts of a step are shorter.
  private static let patience: UInt64 = 100_000  // ns

  func open() {
    if state.exchange(.open, ordering: .acquiringAndReleasing) == .sleptAt { bell.signal() }
  }

  func pass() {
    let start = DispatchTime.now().uptimeNanoseconds
    while state.load(ordering: .acquiring) != .open {
      guard DispatchTime.now().uptimeNanoseconds - start > Self.patience else { continue }
      let (mustSleep, _) = state.compareExchange(
        expected: .closed, desired: .sleptAt, ordering: .acquiringAndReleasing)
      if mustSleep { bell.wait() }
    }
    state.store(.closed, ordering: .relaxed)
  }
}
