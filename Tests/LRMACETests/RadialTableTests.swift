import Foundation
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

@Suite struct RadialTableTests {
  @Test func splinesFollowTheNetworkAndItsSlope() throws {
    let model = try Golden.model("lr_b_16x0e_2layer_lmax3_corr3")
    let layer = model.layers[1]
    let exact = RadialNetwork(layer.radial, basis: model.radialBasis(of: nil))
    let spline = RadialSpline(of: exact, tolerance: RadialSpline.tolerance(Double.self))
    #expect(spline.relativeError < 1e-13)
    let table = RadialTable<Double>([spline], channels: model.channels, paddedChannels: model.channels)
    var value = [Double](repeating: 0, count: table.functions)
    var slope = value
    let distances = (0..<400).map { model.cutoff * (Double($0) + 0.37) / 400 } + [model.cutoff]
    let padded = distances + Array(repeating: 0, count: 8)
    var locations = Array(
      repeating: SIMD8<Double>(), count: RadialTable<Double>.locationCount(distances.count))
    table.locate(padded, count: distances.count, into: &locations)
    let jet = exact.jets(at: distances)
    for n in distances.indices {
      table.evaluate(n, of: locations, into: &value, slope: &slope)
      let deviation = (0..<table.functions).map {
        (abs(value[$0] - jet[n, 0, $0]), abs(slope[$0] - jet[n, 1, $0]))
      }
      #expect(deviation.allSatisfy { $0.0 < 1e-12 && $0.1 < 1e-9 })
      var alone = Array(value.prefix(model.channels))
      for p in layer.paths.indices {
        table.evaluate(n, of: locations, path: p, into: &alone)
        #expect(alone == Array(value.dropFirst(p * model.channels).prefix(model.channels)))
      }
    }
  }

  @Test func splinesOfDegreeFiveAreReproduced() {
    // f = 1 + r - r^3 + 2 r^5 and g = r^4 on ten intervals of 0.3.
    let jets = { (r: Double) in
      [
        1 + r - pow(r, 3) + 2 * pow(r, 5), pow(r, 4), 1 - 3 * r * r + 10 * pow(r, 4), 4 * pow(r, 3),
        -6 * r + 40 * pow(r, 3), 12 * r * r,
      ]
    }
    func scaled(_ jets: [Double]) -> [Double] { zip(jets, [1, 1, 0.3, 0.3, 0.09, 0.09]).map { $0 * $1 } }
    let spline = QuinticSpline(
      knots: (0...10).flatMap { jets(0.3 * Double($0)).prefix(2) },
      ends: RadialNetwork.Jets(functions: 2, values: scaled(jets(0)) + scaled(jets(3))))
    #expect(
      spline.relativeError(middles: (0..<10).flatMap { jets(0.3 * (Double($0) + 0.5)).prefix(2) }) < 1e-14)
  }

  @Test func derivativesOfTheNetworkAreExact() throws {
    let model = try Golden.model("lr_b_16x0e_2layer_lmax3_corr3")
    let exact = RadialNetwork(model.layers[0].radial, basis: model.radialBasis(of: nil))
    expectExactDerivatives(exact, at: [0.01, 0.04, 0.9, 2.3, 4.4])
  }

  /// First and second derivatives against differences of values and of first ones.
  private func expectExactDerivatives(_ exact: RadialNetwork, at distances: [Double]) {
    for r in distances {
      let h = 1e-4
      let jet = exact.jets(at: [r - h, r, r + h])
      let deviation = (0..<jet.functions).map { f in
        (0..<2).map { abs((jet[2, $0, f] - jet[0, $0, f]) / (2 * h) - jet[1, $0 + 1, f]) }
      }
      let scale = (0..<jet.functions).map { abs(jet[1, 2, $0]) }.max() ?? 1
      #expect(deviation.allSatisfy { $0[0] < 1e-5 * max(1, scale) && $0[1] < 1e-5 * max(1, scale) })
    }
  }

  /// Of a transform with its shortest and longest pair of elements.
  @Test(arguments: ["f_b_agnesi", "f_e_soft_density_residual"])
  func derivativesUnderATransformAreExact(name: String) throws {
    let model = try Golden.model(name)
    let last = model.species.count - 1
    for pair in [ElementPair(0, 0), ElementPair(last, last)] {
      let exact = RadialNetwork(model.layers[0].radial, basis: model.radialBasis(of: pair))
      expectExactDerivatives(exact, at: [0.5, 0.8, 1.1, 2.3, 4.4])
    }
  }

  /// Where atoms may be: from half a bond on.
  @Test(arguments: ["f_b_agnesi", "f_f_all"])
  func tablesOfPairsFollowTheNetworkOfEach(name: String) throws {
    let model = try Golden.model(name)
    let layer = model.layers[1]
    let functions = RadialFunctions(
      layer.radial, of: model, tolerance: RadialSpline.tolerance(Double.self))
    for (s, z) in [(0, 0), (0, 2), (2, 2)] {
      let pair = ElementPair(s, z)
      let exact = RadialNetwork(layer.radial, basis: model.radialBasis(of: pair))
      let distances = (0..<300).map {
        let first = exact.basis.shortestDistance
        return first + (model.cutoff - first) * (Double($0) + 0.37) / 300
      }
      let jets = exact.jets(at: distances)
      let spline = functions.spline(of: pair)
      #expect(spline.relativeError < 1e-12)
      let table = RadialTable<Double>([spline], channels: model.channels, paddedChannels: 8)
      var value = [Double](repeating: 0, count: table.functions)
      var slope = value
      var locations = Array(
        repeating: SIMD8<Double>(), count: RadialTable<Double>.locationCount(distances.count))
      table.locate(
        distances + Array(repeating: 0, count: 8), count: distances.count, into: &locations)
      let scale = (0..<jets.functions).map { abs(jets[0, 0, $0]) }.max() ?? 1
      for n in distances.indices {
        table.evaluate(n, of: locations, into: &value, slope: &slope)
        for f in 0..<jets.functions {
          let place = f / model.channels * 8 + f % model.channels
          #expect(abs(value[place] - jets[n, 0, f]) < 1e-11 * max(1, scale))
          #expect(abs(slope[place] - jets[n, 1, f]) < 1e-8 * max(1, scale))
        }
      }
    }
  }

  @Test func functionsVanishAtTheCutoff() throws {
    let model = try Golden.model("lr_b_16x0e_2layer_lmax3_corr3")
    let exact = RadialNetwork(model.layers[0].radial, basis: model.radialBasis(of: nil))
    let jet = exact.jets(at: [model.cutoff, model.cutoff - 1e-5])
    #expect((0..<jet.functions).allSatisfy { jet[0, 0, $0] == 0 && abs(jet[1, 1, $0]) < 1e-6 })
  }

  @Test func prunedNetworkHasFewerHiddenFunctionsAndTheSameValues() throws {
    let model = try Golden.model("rc_trained")
    let layer = model.layers[0]
    let basis = model.radialBasis(of: nil)
    let pruned = RadialNetwork.pruned(layer.radial, bases: [basis], tolerance: 1e-5, multiple: 8)
    #expect(pruned[pruned.count - 1].rows < layer.radial[layer.radial.count - 1].rows)
    let distances = (0..<300).map { model.cutoff * (Double($0) + 0.21) / 300 }
    let exact = RadialNetwork(layer.radial, basis: basis).jets(at: distances)
    let other = RadialNetwork(pruned, basis: basis).jets(at: distances)
    func largest(_ order: Int, _ value: (Int, Int) -> Double) -> Double {
      distances.indices.map { d in (0..<exact.functions).map { abs(value(d, $0)) }.max() ?? 0 }.max() ?? 0
    }
    for order in 0...1 {
      let scale = largest(order) { exact[$0, order, $1] }
      let error = largest(order) { exact[$0, order, $1] - other[$0, order, $1] }
      #expect(error < 1e-5 * scale, "derivative \(order)")
    }
  }

  /// Regularisation leaves hidden units without weights; no function is spanned by what vanishes.
  @Test(arguments: [0, 3, 13]) func hiddenUnitsWithoutWeightsAreLeftOut(alive: Int) throws {
    var model = try Golden.model("rc_trained")
    var hidden = model.layers[0].radial[model.layers[0].radial.count - 2]
    for row in 0..<hidden.rows { for c in alive..<hidden.columns { hidden[row, c] = 0 } }
    model.layers[0].radial[model.layers[0].radial.count - 2] = hidden
    let frame = try Golden.frames("rc_trained")[0]
    var (exact, mixed) = (Evaluation(), Evaluation())
    try LRMACEPotential(model: model, precision: .double).evaluate(frame.system, into: &exact)
    try LRMACEPotential(model: model, precision: .mixed).evaluate(frame.system, into: &mixed)
    #expect(exact.energy.isFinite && abs(exact.energy - mixed.energy) < 2e-6 * Double(frame.system.count))
  }
}
