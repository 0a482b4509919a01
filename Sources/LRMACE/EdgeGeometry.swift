// Edges of the current configuration and the way back from their gradients to forces.
//
// Edge i <- j with image S: d = r_i - r_j - S A, r = |d| < cutoff. Lengths and directions are
// taken in double precision and handed to the kernels in theirs. Each centre's edges fill the front of the slots
// that its neighbour-list candidates own, whole lanes of them, so a step allocates nothing.
// Adjoint: with g = dE/dd, F_i -= g, F_j += g, and dE/d(strain) += d (x) g. What a centre's edges do to it and to the
// strain is known where its gradients still lie in the cache; F_j waits for a pass over all edges.

import Equivariant
import Kernels
import Lattice

final class EdgeGeometry<T: KernelScalar> {
  let harmonics: SphericalHarmonics
  private let cutoff: Double

  /// Y and dE/dY of a slot, padded to whole lanes.
  private let rowLength: Int
  /// Slot where the edges of each centre begin; its length in `counts`.
  private var starts: [Int32] = []
  private let counts = Workspace<Int32>()
  private let neighbors = Workspace<Int32>()
  private let lengths = Workspace<T>()
  private var slots = 0
  private let directions = Workspace<T>()  // [3][slot], then g
  private let values = Workspace<T>()  // Y [slot][harmonic]
  private let valueGradients = Workspace<T>()
  private let lengthGradients = Workspace<T>()

  init(lmax: Int, cutoff: Double) {
    harmonics = SphericalHarmonics(lmax: lmax)
    self.cutoff = cutoff
    rowLength = T.wholeLanes(harmonics.count)
  }

  /// Slots of all centres of a list and of the one that has most, and the bytes that they take.
  func room(for list: NeighborList) -> (slots: Int, largest: Int, bytes: Double) {
    var (slots, largest) = (0, 0)
    for i in 0..<max(0, list.offsets.count - 1) {
      let count = T.wholeLanes(list.pairs(of: i).count)
      slots += count
      largest = max(largest, count)
    }
    let numbers = 5 + 2 * rowLength
    return (
      slots, largest,
      Double(slots) * Double(MemoryLayout<Int32>.stride + numbers * MemoryLayout<T>.stride)
    )
  }

  /// Makes room for a new neighbour list.
  func reserve(for list: NeighborList) {
    starts.removeAll(keepingCapacity: true)
    slots = 0
    for i in list.offsets.indices {
      starts.append(Int32(slots))
      if i + 1 < list.offsets.count { slots += T.wholeLanes(Int(list.offsets[i + 1] - list.offsets[i])) }
    }
    counts.reserve(starts.count)
    neighbors.reserve(slots)
    lengths.reserve(slots)
    directions.reserve(3 * slots)
    values.reserve(rowLength * slots)
    valueGradients.reserve(rowLength * slots)
    lengthGradients.reserve(slots)
  }

  func edges(of i: Int) -> Edges<T> {
    let start = Int(starts[i])
    return Edges<T>(
      count: Int(counts.pointer[i]), neighbors: UnsafePointer(neighbors.pointer + start),
      lengths: UnsafePointer(lengths.pointer + start),
      harmonics: UnsafePointer(values.pointer + start &* rowLength), harmonicStride: rowLength)
  }

  /// Ordered pairs within the cut-off of so many atoms.
  func edgeCount(atoms: Int) -> Int { (0..<atoms).reduce(0) { $0 + Int(counts.pointer[$1]) } }

  /// dE/dY [edge][harmonic] of one centre.
  func harmonicsGradient(of i: Int) -> UnsafeMutablePointer<T> {
    valueGradients.pointer + Int(starts[i]) &* rowLength
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
            let start = Int(starts[i])
            var slot = start
            let ri = positions[i]
            for pair in Int(list.offsets[i])..<Int(list.offsets[i &+ 1]) {
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
                directions.pointer[slot] = T(u.x)
                directions.pointer[slots &+ slot] = T(u.y)
                directions.pointer[2 &* slots &+ slot] = T(u.z)
                slot &+= 1
              }
            }
            counts.pointer[i] = Int32(slot &- start)
            for first in stride(from: start, to: slot, by: width) {
              harmonics.evaluate(direction(first), into: y)
              for n in harmonics.count..<rowLength { y[n] = T.Lanes(repeating: 0) }
              for n in stride(from: 0, to: rowLength, by: width) {
                T.transpose(y + n)
                for e in 0..<width { values.pointer.setLanes((first &+ e) &* rowLength &+ n, y[n &+ e]) }
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func direction(_ slot: Int) -> (x: T.Lanes, y: T.Lanes, z: T.Lanes) {
    let x = directions.pointer + slot
    return (x.lanes(0), x.lanes(slots), x.lanes(2 &* slots))
  }

  // MARK: - Adjoint

  /// Clears dE/dY and dE/dr of one centre.
  func clearGradients(of i: Int) {
    let count = Int(counts.pointer[i])
    harmonicsGradient(of: i).update(repeating: 0, count: count &* rowLength)
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
        for first in stride(from: start, to: end, by: width) {
          for n in stride(from: 0, to: rowLength, by: width) {
            for e in 0..<width { g[n &+ e] = valueGradients.pointer.lanes((first &+ e) &* rowLength &+ n) }
            T.transpose(g + n)
          }
          let length = lengths.pointer.lanes(first)
          let slope = lengthGradients.pointer.lanes(first)
          let u = direction(first)
          let t = harmonics.adjoint(u, inverseLength: 1 / length, gradient: g)
          let target = directions.pointer + first
          target.setLanes(0, t.x + slope * u.x)
          target.setLanes(slots, t.y + slope * u.y)
          target.setLanes(2 &* slots, t.z + slope * u.z)
          for e in 0..<min(width, end &- first) {
            let gradient = gradient(first &+ e)
            let length = Double(length[e])
            onCentre -= gradient
            strain.x += length * Double(u.x[e]) * gradient
            strain.y += length * Double(u.y[e]) * gradient
            strain.z += length * Double(u.z[e]) * gradient
          }
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
        forces[Int(neighbors.pointer[slot])] += gradient(slot)
      }
    }
  }

  /// g of one edge.
  @inline(__always)
  private func gradient(_ slot: Int) -> Vector3 {
    let g = directions.pointer + slot
    return Vector3(Double(g[0]), Double(g[slots]), Double(g[2 &* slots]))
  }
}
