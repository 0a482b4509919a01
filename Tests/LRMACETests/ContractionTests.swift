// The symmetric contraction's programs against the sums that define it (Model.Contraction), component by component, and their
// adjoint against its derivative.

import Equivariant
import Kernels
import Testing

@testable import LRMACE
@testable import LRMACEModel

@Suite struct ContractionTests {
  private struct Problem {
    let model: Model
    let layer: Model.Layer
    let species: Int

    /// - Parameter rounds: with terms of every order that rounding can leave.
    init(_ name: String, species: Int, rounds: Bool) throws {
      var model = try Golden.model(name)
      self.species = species
      guard rounds else {
        for n in model.layers[0].contraction.indices {
          model.layers[0].contraction[n].rounding = []
          model.layers[0].contraction[n].roundingWeights = []
        }
        (self.model, layer) = (model, model.layers[0])
        return
      }
      let monomials: [Model.Contraction.Monomial] = [
        .init(component: 0, factors: [2]), .init(component: 0, factors: [1, 1]),
        .init(component: 0, factors: [0, 3, 2]), .init(component: 0, factors: [3, 3, 3]),
      ]
      model.layers[0].contraction[0].rounding = monomials
      model.layers[0].contraction[0].roundingWeights = model.species.indices.map { s in
        Matrix(
          rows: monomials.count, columns: model.channels,
          values: (0..<monomials.count * model.channels).map { 0.1 * Double(($0 * 37 + s) % 11 - 5) })
      }
      try model.validate()
      (self.model, layer) = (model, model.layers[0])
    }

    /// B [l m][channel] from A [l m][channel].
    func defined(_ a: [[Double]]) -> [[Double]] {
      let none = Array(repeating: 0.0, count: model.channels)
      func pair(_ l1: Int, _ l2: Int, _ l12: Int) -> [[Double]] {
        var q = Array(repeating: none, count: 2 * l12 + 1)
        for e in Wigner3j(l1, l2, l12).entries {
          for c in none.indices { q[e.m3][c] += e.value * a[l1 * l1 + e.m1][c] * a[l2 * l2 + e.m2][c] }
        }
        return q
      }
      return layer.contraction.enumerated().flatMap { L, contraction in
        var b = Array(repeating: none, count: 2 * L + 1)
        func add(_ m: Int, _ weights: Matrix, _ row: Int, _ value: (Int) -> Double) {
          for c in none.indices { b[m][c] += weights[row, c] * value(c) }
        }
        if L <= layer.messageLmax {
          for m in 0...2 * L { add(m, contraction.weights1, species) { a[L * L + m][$0] } }
        }
        for (n, p) in contraction.pairs.enumerated() {
          let q = pair(p.l1, p.l2, L)
          for m in 0...2 * L { add(m, contraction.weights2[species], n) { q[m][$0] } }
        }
        for (n, t) in contraction.triples.enumerated() {
          let q = pair(t.l1, t.l2, t.l12)
          for e in Wigner3j(t.l12, t.l3, L).entries {
            add(e.m3, contraction.weights3[species], n) {
              e.value * q[e.m1][$0] * a[t.l3 * t.l3 + e.m2][$0]
            }
          }
        }
        for (n, m) in contraction.rounding.enumerated() {
          add(m.component, contraction.roundingWeights[species], n) { c in
            m.factors.reduce(1) { $0 * a[$1][c] }
          }
        }
        return b
      }
    }
  }

  /// Features of several atoms, [atom][l m][channel].
  private struct Atoms {
    let storage: Workspace<Double>
    let features: Features<Double>

    init(_ count: Int, lmax: Int, channels: Int) {
      storage = Workspace(
        repeating: 0, count: Features<Double>.count(atoms: count, channels: channels, lmax: lmax))
      features = Features(base: storage.pointer, atoms: count, channels: channels)
    }

    init(_ values: [[[Double]]], lmax: Int, channels: Int) {
      self.init(values.count, lmax: lmax, channels: channels)
      for (atom, rows) in values.enumerated() {
        for (row, list) in rows.enumerated() {
          for (c, value) in list.enumerated() { place(atom, row)[c] = value }
        }
      }
    }

    private func place(_ atom: Int, _ row: Int) -> UnsafeMutablePointer<Double> {
      let l = Int(Double(row).squareRoot())
      return features.row(l, atom) + (row - l * l) * features.channels
    }

    subscript(atom: Int, row: Int, c: Int) -> Double { place(atom, row)[c] }
  }

  /// Nine atoms: as many as pass together, two of the rest, and one.
  @Test(
    arguments: ["x_a_l2_lmax4_corr3", "lr_c_16x0e16x1o_lmax2_corr2", "lr_b_16x0e_2layer_lmax3_corr3"],
    [true, false])
  func programsAreTheSumsAndTheirAdjointTheDerivative(name: String, rounds: Bool) throws {
    let p = try Problem(name, species: 1, rounds: rounds)
    let (lmax, outputLmax) = (p.layer.messageLmax, p.layer.outputLmax)
    let programs = ContractionPrograms(
      p.layer.contraction, lmax: lmax, species: p.model.species.count, channels: p.model.channels,
      keepsRounding: rounds, keepsMessages: false)
    #expect((programs.scalars != nil) == (outputLmax == 0 && !rounds))
    let channels = Double.wholeLanes(p.model.channels)
    let contraction = SymmetricContraction<Double>(programs, channels: channels)
    let scratch = SymmetricContraction<Double>.Scratch(contraction)
    let count = 9
    func numbers(_ lmax: Int, _ seed: Int) -> [[[Double]]] {
      (0..<count).map { atom in
        (0..<(lmax + 1) * (lmax + 1)).map { row in
          (0..<p.model.channels).map { Double((atom * 17 + row * 131 + $0 * 29 + seed) % 53) / 26 - 1 }
        }
      }
    }
    let (a, db) = (numbers(lmax, 3), numbers(outputLmax, 7))
    let atoms = Atoms(a, lmax: lmax, channels: channels)
    let b = Atoms(count, lmax: outputLmax, channels: channels)
    contraction.forward(
      species: p.species, a: atoms.features, 0..<count, b: b.features, scratch: scratch)
    for atom in 0..<count {
      let defined = p.defined(a[atom])
      #expect(defined.joined().contains { abs($0) > 0.1 })
      for (row, list) in defined.enumerated() {
        #expect(list.indices.allSatisfy { abs(b[atom, row, $0] - list[$0]) < 1e-12 * (1 + abs(list[$0])) })
      }
    }

    let (gradient, da) = (
      Atoms(db, lmax: outputLmax, channels: channels), Atoms(count, lmax: lmax, channels: channels)
    )
    contraction.adjoint(
      species: p.species, a: atoms.features, 0..<count, bGradient: gradient.features, aGradient: da.features,
      scratch: scratch)
    // Channels do not mix: one difference for a component of all channels, exact for polynomials up to degree four.
    for atom in [0, 5, 7, 8] {
      for row in a[atom].indices {
        func energies(_ step: Double) -> [Double] {
          var moved = a[atom]
          for c in 0..<p.model.channels { moved[row][c] += step }
          let b = p.defined(moved)
          return (0..<p.model.channels).map { c in b.indices.reduce(0) { $0 + b[$1][c] * db[atom][$1][c] } }
        }
        let values = [-1, -0.5, 0.5, 1].map(energies)
        for c in 0..<p.model.channels {
          let slope = (8 * (values[2][c] - values[1][c]) - (values[3][c] - values[0][c])) / 6
          #expect(abs(da[atom, row, c] - slope) < 1e-11 * (1 + abs(slope)))
        }
      }
    }
  }
}
