// A random attention problem and its slow, obvious solution in Double.

import Foundation
import Kernels
import Lattice
import Testing

@testable import Reciprocal

/// SplitMix64 (Steele, Lea, Flood 2014).
struct RandomNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func symmetric() -> Double { Double.random(in: -1...1, using: &self) }
}

extension Cell {
  static let triclinic = [
    Cell(vectors: Matrix3([7.1, 0, 0], [1.2, 6.3, 0], [-0.8, 1.7, 8.2])),
    Cell(vectors: Matrix3([5.2, 0.4, -0.3], [-2.9, 6.1, 0.2], [2.2, -2.4, 9.5])),
    // Left-handed.
    Cell(vectors: Matrix3([0.5, 6.6, 1.1], [7.4, -0.6, 0.9], [1.3, 0.7, 5.9])),
  ]

  func strained(by strain: Matrix3) -> Cell {
    Cell(vectors: vectors * (Matrix3.identity + strain), isPeriodic: isPeriodic)
  }
}

/// Everything that enters one layer's attention sum, and the coefficients c of an energy E = sum c o u.
struct AttentionProblem {
  var cell: Cell
  var kernel: ReciprocalKernel
  var heads: Int
  var width: Int
  var filter: [Double]
  var positions: [Vector3]
  var q: [Double]
  var k: [Double]
  var v: [Double]
  var coefficients: [Double]

  init(cell: Cell, kernel: ReciprocalKernel, atoms: Int, heads: Int, width: Int, seed: UInt64 = 1) {
    var random = RandomNumbers(state: seed)
    self.cell = cell
    self.kernel = kernel
    self.heads = heads
    self.width = width
    filter = (0..<heads * kernel.sigmas.count).map { _ in random.symmetric() }
    let box = cell.isFullyPeriodic ? cell.vectors : Matrix3.identity * 6
    positions = (0..<atoms).map { _ in
      // Some atoms lie outside the cell, as unwrapped positions do.
      1.5 * Vector3(random.symmetric(), random.symmetric(), random.symmetric()) * box
    }
    func numbers() -> [Double] { (0..<atoms * width).map { _ in random.symmetric() } }
    q = numbers()
    k = numbers()
    v = numbers()
    coefficients = numbers()
  }

  /// G_j(r) summed over both half spaces as it is written; with open axes their limit (`openKernel`).
  func pairKernel(_ r: Vector3, sigma: Double) -> Double {
    if !cell.isFullyPeriodic { return openKernel(r, in: cell, sigma: sigma) }
    let cutoff = kernel.cutoff(sigma: sigma)
    var sum = 0.0
    let limit = 12
    for x in -limit...limit {
      for y in -limit...limit {
        for z in -limit...limit where (x, y, z) != (0, 0, 0) {
          let wavevector = Vector3(Double(x), Double(y), Double(z)) * cell.reciprocal
          let kSquared = dot(wavevector, wavevector)
          guard kSquared <= cutoff * cutoff else { continue }
          let gaussian = exp(-sigma * sigma * kSquared / 2) / kSquared
          let weight = kernel.weight == .coulomb ? 4 * .pi / cell.volume * gaussian : gaussian
          sum += weight * cos(dot(wavevector, r))
        }
      }
    }
    return sum
  }

  /// G_j(r), less its own part at n = m where it is taken off.
  private func pairKernel(_ m: Int, _ n: Int, kernel j: Int) -> Double {
    let (r, sigma, isSelf) = (positions[m] - positions[n], kernel.sigmas[j], m == n && kernel.subtractsSelf)
    switch kernel.tails[j] {
    case .coulomb:
      return pairKernel(r, sigma: sigma) - (isSelf ? (2 / Double.pi).squareRoot() / sigma : 0)
    case .dispersion:
      return dispersionSum(r, in: cell, sigma: sigma) - (isSelf ? dampedDispersion(0, sigma: sigma) : 0)
    }
  }

  /// u by the definition, pair by pair.
  func directSum() -> [Double] {
    let (n, d) = (positions.count, width / heads)
    var u = [Double](repeating: 0, count: n * width)
    for m in 0..<n {
      for other in 0..<n {
        let kernels = kernel.sigmas.indices.map { pairKernel(m, other, kernel: $0) }
        for h in 0..<heads {
          let g = kernels.indices.reduce(0) { $0 + filter[h * kernels.count + $1] * kernels[$1] }
          let columns = h * d..<(h + 1) * d
          let similarity = columns.reduce(0) { $0 + q[m * width + $1] * k[other * width + $1] }
          for c in columns { u[m * width + c] += similarity * g * v[other * width + c] }
        }
      }
    }
    return u
  }
}

/// An attention that makes the plan of each configuration before it follows it.
final class PlannedAttention<T: KernelScalar> {
  let sum: ReciprocalAttention<T>
  var method: AttentionMethod?
  var mesh = MeshResolution()
  /// The cell that chooses the wavevectors; nil lets each cell choose its own.
  var referenceCell: Cell?
  var measuresSources = false
  /// FFTW's; nil takes the machine's.
  var wisdom: String?
  private(set) var plan: AttentionPlan?

  init(
    kernel: ReciprocalKernel, heads: Int, width: Int, layers: Int, threads: Int = 1,
    method: AttentionMethod? = nil
  ) {
    sum = ReciprocalAttention(kernel: kernel, heads: heads, width: width, layers: layers, threads: threads)
    self.method = method
  }

  func prepare(positions: [Vector3], cell: Cell) throws {
    var plan = try sum.plan(
      positions: positions, cell: referenceCell ?? cell, preferring: method, mesh: mesh)
    plan.wisdom = plan.method == .mesh ? wisdom : nil
    self.plan = plan
    try sum.prepare(positions: positions, cell: cell, plan: plan, measuringSources: measuresSources)
  }
}

/// What the engine makes of a problem.
struct AttentionResult<T: KernelScalar> {
  var u: [T] = []
  var dq: [T] = []
  var dk: [T] = []
  var dv: [T] = []
  var positionGradient: [Vector3] = []
  var strainGradient = Matrix3.zero
}

extension AttentionProblem {
  /// An engine for this problem and its variations.
  func makeAttention<T: KernelScalar>(
    as _: T.Type = Double.self, method: AttentionMethod?, layers: Int = 1, threads: Int = 1,
    mesh: MeshResolution = MeshResolution()
  ) -> PlannedAttention<T> {
    let attention = PlannedAttention<T>(
      kernel: kernel, heads: heads, width: width, layers: layers, threads: threads, method: method)
    attention.mesh = mesh
    return attention
  }

  /// The engine's answer with `layers` layers of equal input.
  func solve<T: KernelScalar>(
    as type: T.Type = Double.self, method: AttentionMethod?, layers: Int = 1, threads: Int = 1,
    mesh: MeshResolution = MeshResolution()
  ) -> AttentionResult<T> {
    run(
      makeAttention(as: type, method: method, layers: layers, threads: threads, mesh: mesh), layers: layers)
  }

  /// The answer of one engine.
  func run<T: KernelScalar>(_ attention: PlannedAttention<T>, layers: Int = 1) -> AttentionResult<T> {
    guard prepare(attention) else { return AttentionResult() }
    let (q, k, v, du) = (q.map { T($0) }, k.map { T($0) }, v.map { T($0) }, coefficients.map { T($0) })
    let zeros = [T](repeating: 0, count: q.count)
    var result = AttentionResult(u: zeros, dq: zeros, dk: zeros, dv: zeros)
    for layer in 0..<layers {
      attention.sum.forward(layer: layer, filter: filter, q: q, k: k, v: v, u: &result.u)
    }
    for layer in (0..<layers).reversed() {
      attention.sum.adjoint(
        layer: layer, q: q, k: k, v: v, du: du, dq: &result.dq, dk: &result.dk, dv: &result.dv)
    }
    result.positionGradient = Array(repeating: .zero, count: positions.count)
    attention.sum.addGradients(positions: &result.positionGradient, strain: &result.strainGradient)
    return result
  }

  /// Small problems always fit: what fails here is the test.
  private func prepare<T: KernelScalar>(_ attention: PlannedAttention<T>) -> Bool {
    do { try attention.prepare(positions: positions, cell: cell) } catch {
      Issue.record(error)
      return false
    }
    return true
  }

  /// E = sum c o u.
  func energy(with attention: PlannedAttention<Double>) -> Double {
    var u = q
    guard prepare(attention) else { return .nan }
    attention.sum.forward(layer: 0, filter: filter, q: q, k: k, v: v, u: &u)
    return zip(u, coefficients).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension AttentionProblem {
  /// dE/dr of three atoms is that of the four-point formula, to 1e-8 of the largest.
  func expectForcesToBeDerivatives(method: AttentionMethod, mesh: MeshResolution) {
    let result = solve(method: method, mesh: mesh)
    let attention: PlannedAttention<Double> = makeAttention(method: method, mesh: mesh)
    let scale = flat(result.positionGradient).map(abs).max() ?? 1
    for (atom, axis) in [(0, 0), (3, 1), (9, 2)] {
      func energy(_ amount: Double) -> Double {
        var copy = self
        copy.positions[atom][axis] += amount
        return copy.energy(with: attention)
      }
      let h = 1e-3
      let slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
      #expect(abs(slope - result.positionGradient[atom][axis]) < 1e-8 * scale)
    }
  }
}

/// Largest difference relative to the largest reference value.
func relativeDeviation(_ a: [Double], _ b: [Double]) -> Double {
  let scale = b.map(abs).max() ?? 0
  return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / max(scale, 1e-30)
}

/// Root mean square difference relative to the root mean square of the reference.
func rmsDeviation(_ a: [Double], _ b: [Double]) -> Double {
  let squares = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return (squares / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

func flat(_ vectors: [Vector3]) -> [Double] { vectors.flatMap { [$0.x, $0.y, $0.z] } }
func flat(_ matrix: Matrix3) -> [Double] { flat([matrix.x, matrix.y, matrix.z]) }
