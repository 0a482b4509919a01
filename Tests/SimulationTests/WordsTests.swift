import Testing

@testable import Simulation

@Test func durationsReadAsOnAClock() {
  #expect(clock(7.4) == "0:07")
  #expect(clock(3723) == "1:02:03")
  #expect(clock(.infinity) == "277777:46:40")
}

@Test func sizesKeepOneDecimal() {
  #expect(bytes(999) == "999 bytes")
  #expect(bytes(1_500_000) == "1.5 MB")
  #expect(bytes(9.2e18) == "9.2 EB")
}
