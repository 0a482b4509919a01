import Dispatch
import Foundation
import Kernels
import Testing

@Test(arguments: [1, 2, 3, 8]) func partitionsCoverEveryIndexOnceInOrder(threads: Int) {
  for count in [0, 1, 7, 64] {
    let parts = (0..<threads).map { partition(of: count, thread: $0, threads: threads) }
    #expect(parts.flatMap { Array($0) } == Array(0..<count))
  }
}

@Test(arguments: [1, 4]) func denormalsAreZeroInsideAParallelBodyOnly(threads: Int) {
  let tiny = Double.leastNormalMagnitude
  var halves = [Double](repeating: -1, count: threads)
  halves.withUnsafeMutableBufferPointer { halves in
    nonisolated(unsafe) let out = halves
    parallel(threads: threads, count: threads) { _, range in
      for i in range { out[i] = tiny / Double(2 + i) }
    }
  }
  #expect(halves.allSatisfy { $0 == 0 })
  #expect(tiny / Double(threads + 1) > 0)
}

@Test func dotProductsCountEveryElementOnce() {
  for count in [0, 1, 15, 16, 17, 100] {
    let (a, b) = ((0..<count).map { Float($0 % 7) }, (0..<count).map { Float($0 % 5) - 1 })
    #expect(Float.dot(a, b, count: count) == zip(a, b).reduce(0) { $0 + $1.0 * $1.1 })
  }
}

@Test func sumsOfARegisterOfVectorsStandInTheOrderOfTheVectors() {
  let single = (0..<16).map { n in SIMD16<Float>((0..<16).map { Float(n * n + $0) }) }
  let singleSums = single.withUnsafeBufferPointer { Float.sums($0.baseAddress!) }
  for n in 0..<16 { #expect(singleSums[n] == Float(16 * n * n + 120)) }
  let double = (0..<8).map { n in SIMD8<Double>((0..<8).map { Double(n * n + $0) }) }
  let doubleSums = double.withUnsafeBufferPointer { Double.sums($0.baseAddress!) }
  for n in 0..<8 { #expect(doubleSums[n] == Double(8 * n * n + 28)) }
}

@Test func tilesAreTransposed() {
  var single = (0..<16).map { n in SIMD16<Float>((0..<16).map { Float(100 * n + $0) }) }
  Float.transpose(&single)
  var double = (0..<8).map { n in SIMD8<Double>((0..<8).map { Double(100 * n + $0) }) }
  Double.transpose(&double)
  for n in 0..<16 {
    #expect(single[n] == SIMD16((0..<16).map { Float(100 * $0 + n) }))
    if n < 8 { #expect(double[n] == SIMD8((0..<8).map { Double(100 * $0 + n) })) }
  }
}

@Test func partsRunOnceEachWhoeverCalls() {
  let (callers, threads, count) = (4, 3, 10)
  var visits = [Int](repeating: 0, count: callers * count * count)
  visits.withUnsafeMutableBufferPointer { visits in
    nonisolated(unsafe) let visits = visits
    DispatchQueue.concurrentPerform(iterations: callers) { caller in
      for _ in 0..<100 {
        parallel(threads: threads, count: count) { _, outer in
          for i in outer {
            parallel(threads: threads, count: count) { _, inner in
              for j in inner { visits[(caller * count + i) * count + j] += 1 }
            }
          }
        }
      }
    }
  }
  #expect(visits.allSatisfy { $0 == 100 })
}

/// Threads beyond the processors are never made; their parts are done all the same.
@Test func aThousandThreadsDoEveryPartOnceWithoutAThousandStacks() {
  for count in [1, 7, 5000] {
    var visits = [Int](repeating: 0, count: count)
    visits.withUnsafeMutableBufferPointer { visits in
      nonisolated(unsafe) let visits = visits
      for _ in 0..<20 {
        parallel(threads: 1000, count: count) { thread, part in
          #expect(thread < count && part == partition(of: count, thread: thread, threads: min(1000, count)))
          for i in part { visits[i] += 1 }
        }
      }
    }
    #expect(visits.allSatisfy { $0 == 20 })
  }
}

@Test func memoryBeyondTheMachineIsRefusedInWordsAndNoneIsKept() throws {
  for bytes in [1e15, 1e300, .infinity, .nan] {
    #expect { try Memory.require(bytes, for: "a table", help: "take less") } throws: { error in
      "\(error)".hasPrefix("a table would need ") && "\(error)".hasSuffix("\n  help: take less")
    }
  }
  // Each could be had, all of them could not.
  for _ in 0..<1000 { try Memory.require(0.05 * Memory.physical, for: "a table", help: "take less") }
}

@Test(arguments: [1, 2, 5]) func everyPieceOfAQueueIsDoneOnceWhoeverDoesIt(threads: Int) {
  let queue = WorkQueue(threads: threads)
  for count in [0, 1, 3, 1000] {
    var visits = [Int](repeating: 0, count: count)
    visits.withUnsafeMutableBufferPointer { visits in
      nonisolated(unsafe) let visits = visits
      for _ in 0..<20 {
        parallel(queue, count: count) { _, piece in
          // One part of the work is slow: the others' threads must take from it.
          if piece * threads < count { usleep(1) }
          visits[piece] += 1
        }
      }
    }
    #expect(visits.allSatisfy { $0 == 20 })
  }
}
