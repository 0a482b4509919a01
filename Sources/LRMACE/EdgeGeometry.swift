// Edges of the current configuration and the way back from their gradients to forces.
//
// Edge i <- j with image S: d = r_i - r_j - S A, r = |d| < cutoff (DESIGN section 1). Lengths and directions are
// taken in double precision and handed to the kernels in theirs. Each centre's edges fill the front of the slots
// that its neighbour-list candidates own, so a step allocates nothing.
// Adjoint: with g = dE/dd, F_i -= g, F_j += g, and dE/d(strain) += d (x) g. What a centre's edges do to it and to the
// strain is known where its gradients still lie in the cache; F_j waits for a pass over all edges.

import Equivariant
import Kernels
import Lattice

final class EdgeGeometry<T: KernelScalar> {
  let harmonics: SphericalHarmonics
  private let cutoff: Double

  /// Slot where the edges of each centre begin; its length in `counts`.
  private var starts: [Int32] = []
  private let counts = Workspace<Int32>()
  private let neighbors = Workspace<Int32>()
  private let lengths = Workspace<T>()
  private let directions = Workspace<T>()  // [slot][3], then g
  private let values = Workspace<T>()  // Y [slot][harmonic]
  private let valueGradients = Workspace<T>()
  private let lengthGradients = Workspace<T>()

  init(lmax: Int, cutoff: Double) {
    harmonics = SphericalHarmonics(lmax: lmax)
    self.cutoff = cutoff
  }

  /// Makes room for a new neighbour list.
  func reserve(for list: NeighborList) {
    starts = list.offsets
    // A lane may be read and written past the last edge of a centre.
    let slots = list.pairCount + T.Lanes.scalarCount
    counts.reserve(starts.count)
    neighbors.reserve(slots)
    lengths.reserve(slots)
    directions.reserve(3 * slots)
    values.reserve(harmonics.count * slots)
    valueGradients.reserve(harmonics.count * slots)
    lengthGradients.reserve(slots)
  }

  /// Most edges that one centre can have under the current list.
  var largestCount: Int {
    var largest = 0
    for i in 1..<max(1, starts.count) { largest = max(largest, Int(starts[i] - starts[i - 1])) }
    return largest
  }

  func edges(of i: Int) -> Edges<T> {
    let start = Int(starts[i])
    return Edges<T>(
      count: Int(counts.pointer[i]), neighbors: UnsafePointer(neighbors.pointer + start),
      lengths: UnsafePointer(lengths.pointer + start),
      harmonics: UnsafePointer(values.pointer + start &* harmonics.count), harmonicCount: harmonics.count)
  }

  /// dE/dY [edge][harmonic] of one centre.
  func harmonicsGradient(of i: Int) -> UnsafeMutablePointer<T> {
    valueGradients.pointer + Int(starts[i]) &* harmonics.count
  }

  /// dE/dr [edge] of one centre.
  func lengthGradient(of i: Int) -> UnsafeMutablePointer<T> { lengthGradients.pointer + Int(starts[i]) }

  // MARK: - Forward

  /// Lengths, directions and harmonics of the edges of `centres`.
  func forward(centres: Range<Int>, positions: UnsafePointer<Vector3>, list: NeighborList, cell: Matrix3) {
    let square = cutoff * cutoff
    let width = T.Lanes.scalarCount
    list.neighbors.withUnsafeBufferPointer { candidates in
      list.shifts.withUnsafeBufferPointer { shifts in
        SphericalHarmonics.withComponents(of: T.Lanes.self) { y in
          for i in centres {
            let (start, end) = (Int(starts[i]), Int(starts[i &+ 1]))
            var slot = start
            let ri = positions[i]
            for pair in start..<end {
              let j = Int(candidates[pair])
              var d = ri - positions[j]
              let s = shifts[pair]
              if s != .zero { d -= Vector3(Double(s.x), Double(s.y), Double(s.z)) * cell }
              let r2 = dot(d, d)
              if r2 < square {
                let r = r2.squareRoot()
                neighbors.pointer[slot] = Int32(j)
                lengths.pointer[slot] = T(r)
                let u = d / r
                directions.pointer[3 &* slot] = T(u.x)
                directions.pointer[3 &* slot &+ 1] = T(u.y)
                directions.pointer[3 &* slot &+ 2] = T(u.z)
                slot &+= 1
              }
            }
            counts.pointer[i] = Int32(slot &- start)
            var first = start
            while first < slot {
              harmonics.evaluate(direction(first), into: y)
              for e in 0..<min(width, slot &- first) {
                let row = values.pointer + (first &+ e) &* harmonics.count
                for n in 0..<harmonics.count { row[n] = y[n][e] }
              }
              first &+= width
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func direction(_ slot: Int) -> (x: T.Lanes, y: T.Lanes, z: T.Lanes) {
    var u = (x: T.Lanes(repeating: 0), y: T.Lanes(repeating: 0), z: T.Lanes(repeating: 0))
    for e in 0..<T.Lanes.scalarCount {
      u.x[e] = directions.pointer[3 &* (slot &+ e)]
      u.y[e] = directions.pointer[3 &* (slot &+ e) &+ 1]
      u.z[e] = directions.pointer[3 &* (slot &+ e) &+ 2]
    }
    return u
  }

  // MARK: - Adjoint

  /// Clears dE/dY and dE/dr of one centre.
  func clearGradients(of i: Int) {
    let count = Int(counts.pointer[i])
    harmonicsGradient(of: i).update(repeating: 0, count: count &* harmonics.count)
    lengthGradient(of: i).update(repeating: 0, count: count)
  }

  /// g of the edges of `centres`, the sum of -g over those of each centre, and their strain gradient.
  func adjoint(centres: Range<Int>, forces: UnsafeMutablePointer<Vector3>) -> Matrix3 {
    let width = T.Lanes.scalarCount
    var strain = Matrix3.zero
    SphericalHarmonics.withComponents(of: T.Lanes.self) { g in
      for i in centres {
        let start = Int(starts[i])
        let end = start &+ Int(counts.pointer[i])
        var onCentre = Vector3.zero
        var first = start
        while first < end {
          let count = min(width, end &- first)
          var inverse = T.Lanes(repeating: 0)
          for e in 0..<count {
            let row = valueGradients.pointer + (first &+ e) &* harmonics.count
            for n in 0..<harmonics.count { g[n][e] = row[n] }
            inverse[e] = 1 / lengths.pointer[first &+ e]
          }
          let u = direction(first)
          let t = harmonics.adjoint(u, inverseLength: inverse, gradient: g)
          for e in 0..<count {
            let slope = lengthGradients.pointer[first &+ e]
            let length = Double(lengths.pointer[first &+ e])
            let target = directions.pointer + 3 &* (first &+ e)
            target[0] = t.x[e] + slope * u.x[e]
            target[1] = t.y[e] + slope * u.y[e]
            target[2] = t.z[e] + slope * u.z[e]
            let gradient = Vector3(Double(target[0]), Double(target[1]), Double(target[2]))
            onCentre -= gradient
            strain.x += length * Double(u.x[e]) * gradient
            strain.y += length * Double(u.y[e]) * gradient
            strain.z += length * Double(u.z[e]) * gradient
          }
          first &+= width
        }
        forces[i] = onCentre
      }
    }
    return strain
  }

  /// Adds g to the forces on the neighbours of `centres`.
  func addNeighborForces(centres: Range<Int>, to forces: UnsafeMutablePointer<Vector3>) {
    for i in centres {
      let start = Int(starts[i])
      for slot in start..<(start &+ Int(counts.pointer[i])) {
        let g = directions.pointer + 3 &* slot
        forces[Int(neighbors.pointer[slot])] += Vector3(Double(g[0]), Double(g[1]), Double(g[2]))
      }
    }
  }
}
