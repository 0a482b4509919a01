// Averages over pairs of frames that pass by once, as in a run. Every s-th frame is a time origin, kept until it is as old as the
// longest lag:
//
//   C(m) = 1/n(m) sum_k 1/N sum_i f(x_i(k s), x_i(k s + m)),    0 <= m <= longest,    n(m) = |{k : k s + m < T}|
//
// Memory is that of longest/s + 1 origins, whatever T; with s = 1 every pair counts, as in `TimeSeries`, which needs all frames.
// A frame costs one pass over the origins.

import Kernels
import Lattice

struct TimeOrigins: Sendable {
  enum Pair: Sendable { case squaredDistance, product }

  private let pair: Pair
  /// Of each element.
  private let atoms: [[Int]]
  /// In frames.
  private(set) var longest: Int
  /// s, frames from one origin to the next.
  private(set) var spacing: Int
  /// T.
  private(set) var frames = 0
  /// [slots][N], element by element; the origin k is in slot k mod slots.
  private var origins: [Vector3]
  /// n(m) C(m) of each element, [longest + 1].
  private var sums: [[Double]]

  /// Origins times atoms: 16 MB, 2 ms of a core for a frame.
  private static let defaultTerms = 500_000
  /// Lags in frames beyond which no run is followed.
  static let mostLags = 10_000_000

  private var atomCount: Int { atoms.reduce(0) { $0 + $1.count } }
  /// Origins that are followed at once.
  var slots: Int { longest / spacing + 1 }
  /// n(m).
  func pairs(at lag: Int) -> Int { frames > lag ? (frames - 1 - lag) / spacing + 1 : 0 }
  /// That the origins take.
  var bytes: Double { Double(origins.count * MemoryLayout<Vector3>.stride) }

  /// - Parameters:
  ///   - longest: lag in frames, from 1.
  ///   - most: origins that may be followed at once; more than lags are not needed. Nil takes as many as keep the sum over origins
  ///     and atoms, by which an average gets better, and the time that a frame takes, within bounds.
  /// - Throws: `MemoryError` where they do not fit.
  init(_ composition: Composition, _ pair: Pair, longest: Int, most: Int?) throws {
    self.pair = pair
    self.longest = longest
    atoms = composition.atoms
    let count = composition.atomCount
    spacing = longest / (most ?? max(10, Self.defaultTerms / count)) + 1
    let slots = longest / spacing + 1
    try Memory.require(
      Double(slots) * Double(count * MemoryLayout<Vector3>.stride) + Double(longest)
        * Double(8 * atoms.count),
      for: "following \(slots) time origins of \(count) atoms through \(longest) frames",
      help: "follow fewer (`analysis.origins`), or for a shorter time (`analysis.fit`, `analysis.max_lag`)")
    origins = Array(repeating: .zero, count: slots * count)
    sums = atoms.map { _ in Array(repeating: 0, count: longest + 1) }
  }

  /// Takes in the next frame.
  /// - Parameter observe: told of every origin's slot, its age in frames, and the mean over the atoms of each element.
  mutating func append(
    _ vectors: [Vector3],
    observe: (_ slot: Int, _ lag: Int, _ element: Int, _ mean: Double) -> Void = {
      _, _, _, _ in
    }
  ) {
    let (slots, count, newest) = (slots, atomCount, frames / spacing)
    if frames.isMultiple(of: spacing) {
      var place = newest % slots * count
      for element in atoms {
        for atom in element {
          origins[place] = vectors[atom]
          place += 1
        }
      }
    }
    for origin in Swift.stride(from: newest, through: max(0, newest - slots + 1), by: -1) {
      let lag = frames - origin * spacing
      guard lag <= longest else { break }
      var place = origin % slots * count
      for element in atoms.indices {
        let mean = sum(vectors, atoms[element], from: place) / Double(atoms[element].count)
        sums[element][lag] += mean
        observe(origin % slots, lag, element, mean)
        place += atoms[element].count
      }
    }
    frames += 1
  }

  private func sum(_ vectors: [Vector3], _ atoms: [Int], from place: Int) -> Double {
    var sum = Vector3.zero
    switch pair {
    case .squaredDistance:
      for (n, atom) in atoms.enumerated() {
        let d = vectors[atom] - origins[place + n]
        sum += d * d
      }
    case .product: for (n, atom) in atoms.enumerated() { sum += vectors[atom] * origins[place + n] }
    }
    return sum.sum()
  }

  /// C at every lag that there is, [min(longest + 1, T)].
  func curve(of element: Int) -> [Double] {
    sums[element].prefix(frames).enumerated().map { m, sum in sum / Double(pairs(at: m)) }
  }

  /// - Throws: `AnalysisError` of fewer frames.
  func requireFrames(atLeast least: Int, for purpose: String) throws {
    guard frames < least else { return }
    throw AnalysisError(
      "\(purpose) needs at least \(least) frames, and there are \(frames)",
      help: "run longer, or analyse frames more often (`analysis.every`)")
  }
}

// MARK: - In a checkpoint

extension TimeOrigins {
  var state: StateTree {
    [
      "lags": .integers([Int64(longest), Int64(spacing)]), "origins": .vectors(origins),
      "sums": .numbers(sums.flatMap { $0 }),
    ]
  }

  /// Lags are those of the state: a run that is prolonged keeps its own.
  /// - Throws: `StateError`.
  mutating func restore(_ state: StateTree, frames: Int) throws {
    try state.read { state in
      let lags = try state.integers("lags", count: 2)
      let sums = try state.numbers("sums")
      guard lags[0] > 0, sums.count.isMultiple(of: atoms.count), sums.count / atoms.count - 1 == lags[0],
        (1...lags[0] + 1).contains(lags[1])
      else { throw StateError("lags", "holds \(lags) of \(sums.count) sums") }
      (longest, spacing) = (Int(lags[0]), Int(lags[1]))
      origins = try state.vectors("origins", count: slots * atomCount)
      self.sums = atoms.indices.map { Array(sums[$0 * (longest + 1)..<($0 + 1) * (longest + 1)]) }
      self.frames = frames
    }
  }
}
