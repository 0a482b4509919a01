// What a new model begins with.

import Testing

@testable import LRMACEModel

@Suite struct NewModelTests {
  private func model(seed: UInt64, atomicCharges: [Int: Double] = [:]) throws -> Model {
    try Model(
      Architecture(
        species: [1, 2, 8, 11, 17], cutoff: 4, layers: 2, channels: 4, hiddenDegree: 0, lmax: 1,
        correlation: 1,
        besselCount: 4, radialWidths: [4], readoutWidth: 4,
        longRange: .conserved(
          .init(
            layers: [0, 1], columns: 3, sigma: 1.5,
            charges: [
              .init(formula: "H2O", composition: [1: 2, 8: 1], charge: 0),
              .init(formula: "Na", composition: [11: 1], charge: 1),
              .init(formula: "Cl", composition: [17: 1], charge: -1),
            ], atomicCharges: atomicCharges))),
      scaling: DataScaling(isolatedEnergies: [0, 0, 0, 0, 0], scale: 1, shift: 0, averageNeighbors: 10),
      name: "new",
      seed: seed)
  }

  /// q = (2.55 - chi) / 2 is 0.175 for hydrogen and -0.445 for oxygen; the nearest with 2 q_H + q_O = 0 are 0.213 and -0.426.
  @Test func chargesBeginFromElectronegativitiesAndKeepTheTotalsThatAreKnown() throws {
    for seed in [1, 2] as [UInt64] {
      let constants = try #require(try model(seed: seed).layers[1].conserved?.constants)
      for (s, charge) in [0.213, 0, -0.426, 1, -1].enumerated() {
        #expect(abs(constants[s, 0] - charge) < 1e-12, "\(s)")
      }
    }
  }

  /// Known totals stand above guesses: with 0.4 for hydrogen and -0.7 for oxygen the nearest are 0.36 and -0.72.
  @Test func chargesBeginFromTheGivenOnesAndKeepTheTotalsThatAreKnown() throws {
    for (given, found) in [
      ([1: 0.38, 8: -0.76], [0.38, -0.76]), ([1: 0.4, 8: -0.7, 11: 3], [0.36, -0.72]),
    ] {
      let constants = try #require(
        try model(seed: 1, atomicCharges: given).layers[1].conserved?.constants)
      for (s, charge) in zip([0, 2, 3, 4], found + [1, -1]) {
        #expect(abs(constants[s, 0] - charge) < 1e-12, "\(s)")
      }
    }
  }

  /// Sources of the layer before, and columns that are no charges, are random.
  @Test func otherSourcesBeginAtRandom() throws {
    let models = try [1, 2].map { try model(seed: $0) }
    for (layer, columns) in [(0, 0..<3), (1, 1..<3)] {
      let constants = models.compactMap { $0.layers[layer].conserved?.constants }
      for d in columns { #expect(abs(constants[0][2, d] - constants[1][2, d]) > 1e-3) }
    }
  }
}
