import Testing

@testable import Lattice

@Suite struct WrappingTests {
  static let periodicities = NeighborListTests.periodicities

  @Test(arguments: NeighborListTests.shapes.indices, periodicities)
  func imageFlagsLeadBackToThePosition(shape: Int, isPeriodic: [Bool]) {
    var random = TestRandom(seed: UInt64(shape))
    let cell = Cell(vectors: NeighborListTests.shapes[shape] * 5, isPeriodic: isPeriodic)
    for scale in [1.0, 30, 1e6] {
      for position in random.vectors(50).map({ scale * $0 }) {
        let (wrapped, image) = cell.wrap(position)
        #expect(length(wrapped + Vector3(image) * cell.vectors - position) <= 1e-14 * scale)
        let f = cell.fractional(wrapped)
        for axis in 0..<3 {
          if isPeriodic[axis] {
            #expect(f[axis] > -1e-14 * scale && f[axis] < 1 + 1e-14 * scale)
          } else {
            #expect(image[axis] == 0)
          }
        }
      }
    }
  }

  @Test func aPositionThatNoFlagCanHoldIsLeftAlone() {
    let cell = Cell(vectors: .identity * 5)
    #expect(cell.wrap([.nan, 6, -1]).image == .zero)
    #expect(cell.wrap([-.infinity, 0, 0]).image == .zero)
    #expect(cell.wrap([1e300, 0, 0]) == ([1e300, 0, 0], .zero))
  }

  @Test func heightsAreDistancesBetweenOppositeFaces() {
    #expect(Cell(vectors: Matrix3([2, 0, 0], [0, 3, 0], [0, 0, 4])).heights == [2, 3, 4])
    // Shearing b along a lowers the height along a only.
    let sheared = Cell(vectors: Matrix3([2, 0, 0], [3, 3, 0], [0, 0, 4])).heights
    #expect(length(sheared - Vector3(2.squareRoot(), 3, 4)) < 1e-14)
  }
}
