import Testing

@testable import Lattice

@Suite struct ElementsTests {
  @Test func symbolsAndNumbersAreInverse() {
    for z in 1...118 { #expect(Elements.symbol(z).flatMap(Elements.atomicNumber) == z) }
    #expect(Elements.symbol(0) == nil && Elements.symbol(119) == nil && Elements.mass(-1) == nil)
    #expect(Elements.symbol(.min) == nil && Elements.mass(.min) == nil && Elements.symbol(.max) == nil)
    #expect(Elements.atomicNumber("cl") == nil && Elements.atomicNumber("X") == nil)
  }

  @Test func wellKnownElementsAreInTheirPlaces() {
    let known = [
      ("H", 1, 1.008), ("O", 8, 15.999), ("Cl", 17, 35.45), ("I", 53, 126.90447), ("Au", 79, 196.966569),
    ]
    for (symbol, z, mass) in known {
      #expect(Elements.atomicNumber(symbol) == z)
      #expect(Elements.mass(z) == mass)
    }
    // Masses grow with Z but for the well-known pairs Ar-K, Co-Ni and Te-I and among short-lived elements.
    let inversions = (1..<92).filter { (Elements.mass($0) ?? 0) >= (Elements.mass($0 + 1) ?? 0) }
    #expect(inversions == [18, 27, 52, 90])
  }
}
