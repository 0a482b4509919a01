// A wall between atoms closer than any pair in the training data, where a learned energy means nothing and may fall:
//   U(r) = strength (onset - r)^3 for r < onset, half of it to each atom (twice continuously differentiable).
// Beyond the onset, that is over all the data that trained the model, it is exactly zero.

import Kernels

/// Onsets and strengths by pair of elements.
struct CoreRepulsion<T: KernelScalar> {
  private let species: Int
  /// [species, species]; zero onset where there is no wall.
  private let onsets: [T]
  private let strengths: [T]

  init?(_ walls: [Model.Wall], species: Int) {
    guard !walls.isEmpty else { return nil }
    var (onsets, strengths) = ([T](repeating: 0, count: species * species), [T](repeating: 0, count: species * species))
    for wall in walls {
      for index in [wall.first * species + wall.second, wall.second * species + wall.first] {
        onsets[index] = T(wall.onset)
        strengths[index] = T(wall.strength)
      }
    }
    self.species = species
    self.onsets = onsets
    self.strengths = strengths
  }

  /// The energy of one centre; adds dE/dr of its edges. Every pair is met from both its ends.
  func addEnergy(
    of edges: Convolution<T>.Edges, centre: Int, species of: [Int], lengthGradient: UnsafeMutablePointer<T>
  ) -> Double {
    var energy = 0.0
    for e in 0..<edges.count {
      let pair = centre &* species &+ of[Int(edges.neighbors[e])]
      let depth = onsets[pair] - edges.lengths[e]
      if depth > 0 {
        energy += Double(strengths[pair] * depth * depth * depth) / 2
        lengthGradient[e] -= strengths[pair] * depth * depth * 3 / 2
      }
    }
    return energy
  }
}
