import Lattice
import Testing

@testable import LRMACE

@Suite struct CoreRepulsionTests {
  private func evaluate(_ model: Model, distance: Double) throws -> Evaluation {
    let system = AtomicSystem(
      cell: .free, atomicNumbers: [8, 1, 8], masses: [16, 1, 16],
      positions: [[0, 0, 0], [0.9, 0.3, 0.1], [distance * 0.6, distance * 0.8, 0]])
    var result = Evaluation()
    try LRMACEPotential(model: model, precision: .double).evaluate(system, into: &result)
    return result
  }

  @Test func wallAddsItsCubeBelowTheOnsetAndNothingAbove() throws {
    let bare = try Golden.model("lr_l_default_d1")
    var walled = bare
    let oxygen = try #require(bare.species.firstIndex(of: 8))
    walled.walls = [Model.Wall(first: oxygen, second: oxygen, onset: 2.4, strength: 60)]
    for distance in [1.9, 2.3, 2.41] {
      let (without, with) = (try evaluate(bare, distance: distance), try evaluate(walled, distance: distance))
      let depth = max(0, 2.4 - distance)
      #expect(abs(with.energy - without.energy - 60 * depth * depth * depth) < 1e-9)
      let push = with.forces[2] - without.forces[2]
      let expected = Vector3(0.6, 0.8, 0) * (180 * depth * depth)
      #expect(largest(push - expected) < 1e-9)
      #expect(largest(with.forces[0] - without.forces[0] + expected) < 1e-9)
      #expect(with.forces[1] == without.forces[1])
    }
  }
}
