// Barriers at distances where the training data hold no pairs: a learned energy means nothing there and may fall, and
// a run that once gets in does not come out.
//   U(r) = height (4 x (1 - x))^3,  x = (r - inner) / (outer - inner),  inner < r < outer
// to each pair of two elements, half of it to each atom; twice continuously differentiable, zero everywhere else, that
// is over all the data.

import Kernels

/// Barriers by pair of elements.
struct Barriers<T: KernelScalar> {
  private struct Barrier {
    let inner: T
    let inverseWidth: T
    let height: T
  }

  private let species: Int
  /// Barriers of a pair are `starts[pair] ..< starts[pair + 1]`; none reaches beyond `reach[pair]`.
  private let barriers: [Barrier]
  private let starts: [Int]
  private let reach: [T]

  init?(_ list: [Model.Barrier], species: Int) {
    guard !list.isEmpty else { return nil }
    var (barriers, starts, reach): ([Barrier], [Int], [T]) = ([], [0], [])
    for pair in 0..<(species * species) {
      let (a, b) = (pair / species, pair % species)
      let own = list.filter { ($0.first, $0.second) == (a, b) || ($0.first, $0.second) == (b, a) }
      barriers += own.map {
        Barrier(inner: T($0.inner), inverseWidth: T(1 / ($0.outer - $0.inner)), height: T($0.height))
      }
      starts.append(barriers.count)
      reach.append(T(own.map(\.outer).max() ?? 0))
    }
    self.species = species
    self.barriers = barriers
    self.starts = starts
    self.reach = reach
  }

  /// The energy of one centre; adds dE/dr of its edges. Every pair is met from both its ends.
  func addEnergy(
    of edges: Edges<T>, centre: Int, species of: [Int], lengthGradient: UnsafeMutablePointer<T>
  ) -> Double {
    var energy = 0.0
    for e in 0..<edges.count {
      let pair = centre &* species &+ of[Int(edges.neighbors[e])]
      guard edges.lengths[e] < reach[pair] else { continue }
      for b in starts[pair]..<starts[pair &+ 1] {
        let barrier = barriers[b]
        let x = (edges.lengths[e] - barrier.inner) * barrier.inverseWidth
        guard x > 0, x < 1 else { continue }
        let bump = 4 * x * (1 - x)
        energy += Double(barrier.height * bump * bump * bump) / 2
        lengthGradient[e] += barrier.height * 6 * bump * bump * (1 - 2 * x) * barrier.inverseWidth
      }
    }
    return energy
  }
}
