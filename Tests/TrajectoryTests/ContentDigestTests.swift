import Testing

@testable import Trajectory

private func digest(_ values: [Double], isDouble: Bool = true) -> String {
  var digest = ContentDigest()
  digest.add(values, isDouble: isDouble)
  return digest.hexadecimal
}

@Test func everyChangeOfABitOrOfTwoSignsChangesTheDigest() {
  let values = (0..<16).map { Double($0) / 3 }
  var seen: Set<String> = [digest(values)]
  for i in values.indices {
    for bit in 0..<64 {
      var changed = values
      changed[i] = Double(bitPattern: changed[i].bitPattern ^ 1 << UInt64(bit))
      #expect(seen.insert(digest(changed)).inserted)
    }
    for j in 0..<i {
      var changed = values
      for k in [i, j] { changed[k] = -changed[k] }
      #expect(seen.insert(digest(changed)).inserted)
      changed = values
      changed.swapAt(i, j)
      #expect(seen.insert(digest(changed)).inserted)
    }
  }
}

@Test func zerosInThePlaceOfNumbersAndShorterContentsAreSeen() {
  let zeros = (0..<100).map { digest([Double](repeating: 0, count: $0)) }
  #expect(Set(zeros).count == 100)
}

@Test func theDigestDoesNotDependOnHowBytesAreHandedOver() {
  let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 37) }
  var whole = ContentDigest()
  whole.add(bytes)
  var parts = ContentDigest()
  for start in stride(from: 0, to: 1000, by: 7) { parts.add(bytes[start..<min(start + 7, 1000)]) }
  #expect(whole.hexadecimal == parts.hexadecimal)
  #expect(whole.hexadecimal.count == 16)
}

@Test func singlePrecisionSeesNumbersAsTheFileHoldsThem() {
  #expect(digest([0.1], isDouble: false) == digest([Double(Float(0.1))], isDouble: false))
  #expect(digest([0.1], isDouble: false) != digest([0.10001], isDouble: false))
}
