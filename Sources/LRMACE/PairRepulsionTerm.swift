// The repulsion of a model's pairs of nuclei and its adjoint (Model.PairRepulsion):
//   E_i += scale/2 sum_j V(r_ij),   dE/dr_ij += scale/2 V'(r_ij),
//   V(r) = q / r sum_k amplitudes_k exp(-decays_k r / a) f(r / reach),   q = coulomb Z_i Z_j,   reach = radii_i + radii_j.
// In double precision throughout, for the few edges that are shorter than the covalent radii reach.

import Foundation
import Kernels
import LRMACEModel

final class PairRepulsionTerm<T: KernelScalar> {
  /// Of a pair of elements, [element of the centre][element of the neighbour].
  private struct Pair: BitwiseCopyable {
    let reach: Double
    let charge: Double
    let inverseLength: Double
  }

  private let pairs: Workspace<Pair>
  private let species: Int
  private let amplitudes: [Double]
  private let decays: [Double]
  private let cutoffExponent: Double
  private let scale: Double

  init?(_ model: Model) {
    guard let repulsion = model.repulsion else { return nil }
    let powers = model.species.map { pow(Double($0), repulsion.exponent) }
    species = model.species.count
    pairs = Workspace(
      model.species.indices.flatMap { s in
        model.species.indices.map { z in
          Pair(
            reach: repulsion.radii[s] + repulsion.radii[z],
            charge: repulsion.coulomb * Double(model.species[s] * model.species[z]),
            inverseLength: (powers[s] + powers[z]) / repulsion.length)
        }
      })
    (amplitudes, decays) = (repulsion.amplitudes, repulsion.decays)
    cutoffExponent = Double(repulsion.cutoffExponent)
    scale = model.scale
  }

  /// Adds the energies of the atoms of a block without the scale, which all energies get.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(_ block: AtomBlock, of sources: MessageSources<T>, energies: UnsafeMutablePointer<Double>) {
    for i in block.atoms {
      forEachPair(i, of: block, sources) { _, r, pair in energies[i] += potential(r, pair).value / 2 }
    }
  }

  /// Adds dE/dr of the edges of a block.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(_ block: AtomBlock, of sources: MessageSources<T>) {
    for i in block.atoms {
      let gradient = sources.geometry.lengthGradient(of: i)
      forEachPair(i, of: block, sources) { e, r, pair in
        gradient[e] += T(scale / 2 * potential(r, pair).slope)
      }
    }
  }

  /// The edges of a centre within reach.
  @inline(__always)
  private func forEachPair(
    _ i: Int, of block: AtomBlock, _ sources: MessageSources<T>,
    _ body: (_ e: Int, _ r: Double, _ pair: Pair) -> Void
  ) {
    let edges = sources.geometry.edges(of: i)
    let row = pairs.pointer + block.species &* species
    for e in 0..<edges.count {
      let pair = row[sources.species[Int(edges.neighbors[e])]]
      let r = Double(edges.lengths[e])
      if r < pair.reach { body(e, r, pair) }
    }
  }

  private func potential(_ r: Double, _ pair: Pair) -> (value: Double, slope: Double) {
    var (screening, bend) = (0.0, 0.0)
    for (amplitude, decay) in zip(amplitudes, decays) {
      let term = amplitude * exp(-decay * r * pair.inverseLength)
      screening += term
      bend -= decay * pair.inverseLength * term
    }
    let bare = pair.charge / r
    let (v, v1) = (bare * screening, bare * (bend - screening / r))
    let p = cutoffExponent
    let x = r / pair.reach
    let power = pow(x, p - 1)
    let f = 1 - power * x * ((p + 1) * (p + 2) / 2 - x * (p * (p + 2) - x * p * (p + 1) / 2))
    let f1 = -p * (p + 1) * (p + 2) / 2 * power * (1 - x) * (1 - x) / pair.reach
    return (v * f, v1 * f + v * f1)
  }
}
