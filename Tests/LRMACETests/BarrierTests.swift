import Lattice
import Testing

@testable import LRMACE

@Suite struct BarrierTests {
  private func evaluate(_ model: Model, distance: Double) throws -> Evaluation {
    let system = AtomicSystem(
      cell: .free, atomicNumbers: [8, 1, 8], masses: [16, 1, 16],
      positions: [[0, 0, 0], [0.9, 0.3, 0.1], [distance * 0.6, distance * 0.8, 0]])
    var result = Evaluation()
    try LRMACEPotential(model: model, precision: .double).evaluate(system, into: &result)
    return result
  }

  @Test func barrierAddsItsBumpInsideAndNothingOutside() throws {
    let bare = try Golden.model("lr_l_default_d1")
    var barred = bare
    let oxygen = try #require(bare.species.firstIndex(of: 8))
    barred.barriers = [
      Model.Barrier(first: oxygen, second: oxygen, inner: 0, outer: 2, height: 13),
      Model.Barrier(first: oxygen, second: oxygen, inner: 2.1, outer: 2.5, height: 2),
    ]
    for (distance, inner, outer, height) in [
      (1.9, 0, 2, 13.0), (2.05, 0, 1, 0), (2.2, 2.1, 2.5, 2), (2.6, 0, 1, 0),
    ] {
      let (without, with) = (try evaluate(bare, distance: distance), try evaluate(barred, distance: distance))
      let x = (distance - inner) / (outer - inner)
      let bump = 4 * x * (1 - x)
      #expect(abs(with.energy - without.energy - height * bump * bump * bump) < 1e-9)
      let slope = height * 3 * bump * bump * 4 * (1 - 2 * x) / (outer - inner)
      let push = Vector3(0.6, 0.8, 0) * -slope
      #expect(largest(with.forces[2] - without.forces[2] - push) < 1e-9)
      #expect(largest(with.forces[0] - without.forces[0] + push) < 1e-9)
      #expect(with.forces[1] == without.forces[1])
    }
  }
}
