// Vectors of every atom over time, and their autocorrelation averaged over origins and atoms:
//
//   C(m) = 1/(T - m) sum_k 1/N sum_i x_i(k) . x_i(k + m)

import Kernels
import Lattice
import Reciprocal

/// One vector for each atom and frame, as three components: [T][N][3].
struct TimeSeries: Sendable {
  let atomCount: Int
  private var values: [Double] = []

  /// Work is divided into so many parts, whatever the threads: sums have the same bits with any number of them.
  private static let parts = 16

  /// - Throws: `MemoryError` where `frames` frames do not fit.
  init(atomCount: Int, frames: Int?) throws {
    self.atomCount = atomCount
    guard let frames else { return }
    try Memory.require(
      Double(frames) * Double(atomCount) * 24, for: "correlating \(frames) frames of \(atomCount) atoms",
      help: "take fewer frames (--every, --skip)")
    values.reserveCapacity(frames * atomCount * 3)
  }

  var frames: Int { values.count / (3 * atomCount) }

  mutating func append(_ vectors: [Vector3]) {
    for v in vectors {
      values.append(v.x)
      values.append(v.y)
      values.append(v.z)
    }
  }

  /// Component `axis` of `atom` in the frames of `range`.
  func component(_ axis: Int, of atom: Int, in range: Range<Int>) -> [Double] {
    let stride = 3 * atomCount
    return range.map { values[$0 * stride + 3 * atom + axis] }
  }

  /// C(m) of `atoms` in the frames of `range`, [T]; and, of each atom's mean square over frames from either end, what a mean
  /// square displacement needs: 1/(T - m) sum_k 1/N sum_i (|x_i(k)|^2 + |x_i(k + m)|^2).
  ///
  /// - Parameter isCentered: whether the mean of each component is taken off first.
  func correlation(of atoms: [Int], in range: Range<Int>, isCentered: Bool, threads: Int) -> (
    products: [Double], squares: [Double]
  ) {
    let frames = range.count
    let transform = Autocorrelation(length: frames)
    let parts = min(Self.parts, atoms.count)
    let sums = parallelMap(threads: threads, count: parts) { part in
      var power = [Double](repeating: 0, count: transform.spectrumCount)
      var squares = [Double](repeating: 0, count: frames)
      for n in partition(of: atoms.count, thread: part, threads: parts) {
        for axis in 0..<3 {
          var series = component(axis, of: atoms[n], in: range)
          if isCentered {
            let mean = series.reduce(0, +) / Double(frames)
            for k in 0..<frames { series[k] -= mean }
          }
          transform.addPower(of: series, to: &power)
          for k in 0..<frames { squares[k] += series[k] * series[k] }
        }
      }
      return (power, squares)
    }
    var (power, squares) = sums[0]
    for (p, s) in sums.dropFirst() {
      for n in power.indices { power[n] += p[n] }
      for n in squares.indices { squares[n] += s[n] }
    }
    let products = transform.sums(ofPower: power)
    // Of the pairs (k, k + m) all k but the last m and all k + m but the first m.
    var both = [Double](repeating: 0, count: frames)
    var rest = 2 * squares.reduce(0, +)
    for m in 0..<frames {
      both[m] = rest
      rest -= squares[m] + squares[frames - 1 - m]
    }
    func mean(_ sum: Double, _ m: Int) -> Double { sum / (Double(frames - m) * Double(atoms.count)) }
    return (
      products.enumerated().map { mean($1, $0) }, both.enumerated().map { mean($1, $0) }
    )
  }
}
