// A mesh between atoms and wavevectors: sources are spread with B-splines, transformed by FFT, multiplied by
// the kernel's influence function, transformed back and gathered with the same splines (smooth particle-mesh
// Ewald, doi:10.1063/1.470117, with the influence function of P3M).
//
// Fields travel in blocks of one SIMD vector, T.Lanes, with the fields of a mesh point contiguous:
// real mesh [M1][M2][M3][lanes], spectrum [M1][M2][M3/2 + 1][lanes][re, im]. Fractional mesh coordinates
// u_a = M_a f_a do not change under strain, and neither do the splines.

import Kernels
import Lattice

/// Resolution of the mesh evaluation.
public struct MeshResolution: Sendable, Hashable {
  /// Points that a source reaches along each axis, 4 to 8.
  public var order: Int
  /// Longest mesh spacing along a lattice vector, in units of the smallest sigma.
  public var spacing: Double

  public init(order: Int = 7, spacing: Double = 0.6) {
    precondition((4...8).contains(order) && spacing > 0)
    self.order = order
    self.spacing = spacing
  }
}

final class ParticleMesh<T: KernelScalar> {
  typealias Lanes = T.Lanes
  static var lanes: Int { Lanes.scalarCount }

  private(set) var size = SIMD3<Int>.zero
  private(set) var order = 0
  /// Of each wavevector of the grid: the mesh's answer to a unit weight, 0 where the mesh cannot hold it.
  private(set) var responses: [Double] = []
  /// Spectrum elements of each wavevector and, on the plane n3 = 0, of its negative (else the same again).
  private(set) var elements: [SIMD2<Int>] = []
  /// One plan for each thread's share of the lanes.
  private var transforms: [FourierTransform<T>] = []
  /// Influence function of each kernel, [J][M1][M2][M3/2 + 1].
  private let influence = Workspace<T>()
  /// Of each atom wx, wy, wz, dwx, dwy, dwz at its p points, and the first point of each axis.
  private let splines = Workspace<T>()
  private let corners = Workspace<SIMD3<Int32>>()

  var pointCount: Int { size.x * size.y * size.z }
  var elementCount: Int { size.x * size.y * (size.z / 2 + 1) }

  /// Chooses the mesh for a cell and what it makes of the cell's wavevectors.
  func configure(
    cell: Cell, kernel: ReciprocalKernel, resolution: MeshResolution, grid: KGrid, threads: Int
  ) {
    let size = Self.size(cell: cell, kernel: kernel, resolution: resolution)
    if size != self.size {
      let shares = min(threads, Self.lanes)
      transforms = (0..<shares).map { share in
        FourierTransform(
          size: size, fields: partition(of: Self.lanes, thread: share, threads: shares).count,
          stride: Self.lanes)
      }
    }
    order = resolution.order
    self.size = size
    let factors = (0..<3).map { axis in
      (0...size[axis] / 2).map { BSpline.influence(order: order, wavenumber: $0, size: size[axis]) }
    }
    responses.removeAll(keepingCapacity: true)
    elements.removeAll(keepingCapacity: true)
    for n in grid.integers {
      let magnitude = SIMD3(abs(n.x), abs(n.y), abs(n.z))
      let isHeld = (0..<3).allSatisfy { 2 * magnitude[$0] < size[$0] }
      responses.append(
        isHeld ? factors[0][magnitude.x] * factors[1][magnitude.y] * factors[2][magnitude.z] : 0)
      let stored = n.z < 0 ? SIMD3<Int>.zero &- n : n
      let first = isHeld ? element(stored) : 0
      elements.append(SIMD2(first, isHeld && n.z == 0 ? element(SIMD3<Int>.zero &- n) : first))
    }
  }

  /// |n_a| = |k . a_a| / 2 pi, so what counts is the length of a_a, not the distance between lattice planes.
  private static func size(cell: Cell, kernel: ReciprocalKernel, resolution: MeshResolution) -> SIMD3<Int> {
    let spacing = resolution.spacing * (kernel.sigmas.min() ?? 1)
    var size = SIMD3<Int>.zero
    for axis in 0..<3 {
      let length = dot(cell.vectors[axis], cell.vectors[axis]).squareRoot()
      let count = Int((length / spacing).rounded(.up))
      size[axis] = FourierTransform<T>.efficientSize(atLeast: max(count, resolution.order))
    }
    return size
  }

  /// Where the spectrum keeps n, for n3 >= 0.
  private func element(_ n: SIMD3<Int>) -> Int {
    let x = n.x < 0 ? n.x + size.x : n.x
    let y = n.y < 0 ? n.y + size.y : n.y
    return (x * size.y + y) * (size.z / 2 + 1) + n.z
  }

  /// Influence functions from the weights w_jk of wavevector pairs, [J][Nk].
  func setInfluence(weights: UnsafePointer<Double>, kernels: Int) {
    let table = influence.reserve(kernels * elementCount)
    table.update(repeating: 0, count: kernels * elementCount)
    for j in 0..<kernels {
      for (k, response) in responses.enumerated() where response != 0 {
        // Half of a pair's weight for each of k and -k.
        let value = T(0.5 * weights[j * responses.count + k] * response)
        table[j * elementCount + elements[k].x] = value
        table[j * elementCount + elements[k].y] = value
      }
    }
  }

  /// Splines of every atom.
  func place(positions: [Vector3], cell: Cell, threads: Int) {
    let (order, size) = (order, size)
    let splines = splines.reserve(positions.count * 6 * order)
    let corners = corners.reserve(positions.count)
    let extent = Vector3(size)
    parallel(threads: threads, count: positions.count) { _, atoms in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * order) { buffer in
        guard let weights = buffer.baseAddress else { return }
        let derivatives = weights + order
        for m in atoms {
          let f = positions[m] * cell.inverse
          let u = (f - f.rounded(.down)) * extent
          for axis in 0..<3 {
            // f just below 1 may round up to u = M, which is the point 0; so is, harmlessly, a NaN.
            let coordinate = u[axis] < extent[axis] ? u[axis] : 0
            let floor = Int(coordinate)
            BSpline.fill(
              order: order, fraction: coordinate - Double(floor), weights: weights, derivatives: derivatives)
            for i in 0..<order {
              splines[(m * 6 + axis) * order + i] = T(weights[i])
              splines[(m * 6 + 3 + axis) * order + i] = T(derivatives[i])
            }
            let corner = floor - order + 1
            corners[m][axis] = Int32(corner < 0 ? corner + size[axis] : corner)
          }
        }
      }
    }
  }
}

// MARK: - Between atoms and mesh

extension ParticleMesh {
  /// mesh(g) = sum_n M(u_n - g) source_n for the columns of `block`, one vector at most, of [N][columns].
  /// Threads own planes of the first axis; each adds the atoms in their order.
  func spread(
    _ source: UnsafePointer<T>, columns: Int, block: Range<Int>, atomCount: Int,
    into mesh: UnsafeMutablePointer<T>,
    threads: Int
  ) {
    let (order, size) = (order, size)
    let (splines, corners) = (splines.pointer, corners.pointer)
    let mesh = lanePointer(mesh)
    let plane = size.y * size.z
    parallel(threads: threads, count: size.x) { _, planes in
      (mesh + planes.lowerBound * plane).update(repeating: .zero, count: planes.count * plane)
      for n in 0..<atomCount {
        let corner = corners[n]
        let wx = splines + n * 6 * order
        let (wy, wz) = (wx + order, wx + 2 * order)
        let value = loadLanes(source + n * columns + block.lowerBound, count: block.count)
        for i in 0..<order {
          let x = wrapped(Int(corner.x) + i, size.x)
          guard planes.contains(x) else { continue }
          for j in 0..<order {
            let row = mesh + (x * size.y + wrapped(Int(corner.y) + j, size.y)) * size.z
            let scaled = value * (wx[i] * wy[j])
            var z = Int(corner.z)
            for l in 0..<order {
              row[z].addProduct(scaled, Lanes(repeating: wz[l]))
              z = z + 1 == size.z ? 0 : z + 1
            }
          }
        }
      }
    }
  }

  /// result_m = sum_g M(u_m - g) mesh(g) for the columns of `block`.
  func gather(
    _ mesh: UnsafeMutablePointer<T>, atomCount: Int, into result: UnsafeMutablePointer<T>, columns: Int,
    block: Range<Int>, threads: Int
  ) {
    let (order, size) = (order, size)
    let (splines, corners) = (splines.pointer, corners.pointer)
    let mesh = lanePointer(mesh)
    parallel(threads: threads, count: atomCount) { _, atoms in
      for m in atoms {
        let corner = corners[m]
        let wx = splines + m * 6 * order
        let (wy, wz) = (wx + order, wx + 2 * order)
        var sum = Lanes.zero
        for i in 0..<order {
          let x = wrapped(Int(corner.x) + i, size.x)
          for j in 0..<order {
            let row = mesh + (x * size.y + wrapped(Int(corner.y) + j, size.y)) * size.z
            var rowSum = Lanes.zero
            var z = Int(corner.z)
            for l in 0..<order {
              rowSum.addProduct(row[z], Lanes(repeating: wz[l]))
              z = z + 1 == size.z ? 0 : z + 1
            }
            sum.addProduct(rowSum, Lanes(repeating: wx[i] * wy[j]))
          }
        }
        storeLanes(sum, into: result + m * columns + block.lowerBound, count: block.count)
      }
    }
  }

  /// Adjoint of spread and gather in one pass. With potentials psi of the sources X and psi^ of dY,
  ///   dX_m = sum_g M(u_m - g) psi^(g)
  ///   dE/du_m = sum_g grad M(u_m - g) [dY_m . psi(g) + X_m . psi^(g)]     added to `gradient`, mesh units
  func gatherAdjoint(
    potential: UnsafeMutablePointer<T>, adjointPotential: UnsafeMutablePointer<T>, x: UnsafePointer<T>,
    dY: UnsafePointer<T>, atomCount: Int, into dX: UnsafeMutablePointer<T>,
    gradient: UnsafeMutablePointer<Vector3>,
    columns: Int, block: Range<Int>, threads: Int
  ) {
    let (order, size) = (order, size)
    let (splines, corners) = (splines.pointer, corners.pointer)
    let (potential, adjointPotential) = (lanePointer(potential), lanePointer(adjointPotential))
    parallel(threads: threads, count: atomCount) { _, atoms in
      for m in atoms {
        let corner = corners[m]
        let wx = splines + m * 6 * order
        let (wy, wz) = (wx + order, wx + 2 * order)
        let (dx, dy, dz) = (wx + 3 * order, wx + 4 * order, wx + 5 * order)
        let source = loadLanes(x + m * columns + block.lowerBound, count: block.count)
        let adjointSource = loadLanes(dY + m * columns + block.lowerBound, count: block.count)
        var (sum, gx, gy, gz) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        for i in 0..<order {
          let x = wrapped(Int(corner.x) + i, size.x)
          for j in 0..<order {
            let offset = (x * size.y + wrapped(Int(corner.y) + j, size.y)) * size.z
            var (rowSum, value, slope) = (Lanes.zero, Lanes.zero, Lanes.zero)
            var z = Int(corner.z)
            for l in 0..<order {
              let backward = adjointPotential[offset + z]
              var energy = potential[offset + z] * adjointSource
              energy.addProduct(backward, source)
              let weight = Lanes(repeating: wz[l])
              rowSum.addProduct(backward, weight)
              value.addProduct(energy, weight)
              slope.addProduct(energy, Lanes(repeating: dz[l]))
              z = z + 1 == size.z ? 0 : z + 1
            }
            let weight = Lanes(repeating: wx[i] * wy[j])
            sum.addProduct(rowSum, weight)
            gx.addProduct(value, Lanes(repeating: dx[i] * wy[j]))
            gy.addProduct(value, Lanes(repeating: wx[i] * dy[j]))
            gz.addProduct(slope, weight)
          }
        }
        storeLanes(sum, into: dX + m * columns + block.lowerBound, count: block.count)
        gradient[m] += Vector3(Double(gx.sum()), Double(gy.sum()), Double(gz.sum()))
      }
    }
  }
}

// MARK: - Between mesh and wavevectors

extension ParticleMesh {
  func transform(
    _ mesh: UnsafeMutablePointer<T>, into spectrum: UnsafeMutablePointer<T>, threads: Int
  ) {
    let (transforms, shares) = (transforms, transforms.count)
    parallel(threads: min(threads, shares), count: shares) { _, range in
      for share in range {
        let first = partition(of: Self.lanes, thread: share, threads: shares).lowerBound
        transforms[share].forward(real: mesh + first, spectrum: spectrum + 2 * first)
      }
    }
  }

  func transformBack(
    _ spectrum: UnsafeMutablePointer<T>, into mesh: UnsafeMutablePointer<T>, threads: Int
  ) {
    let (transforms, shares) = (transforms, transforms.count)
    parallel(threads: min(threads, shares), count: shares) { _, range in
      for share in range {
        let first = partition(of: Self.lanes, thread: share, threads: shares).lowerBound
        transforms[share].inverse(spectrum: spectrum + 2 * first, real: mesh + first)
      }
    }
  }

  /// result = spectrum times sum_j filter_jc D_j(n). `filters` is [J][lanes][2]: the coefficient of kernel j
  /// in each lane, twice.
  func applyInfluence(
    _ spectrum: UnsafeMutablePointer<T>, filters: UnsafeMutablePointer<T>, kernels: Int,
    into result: UnsafeMutablePointer<T>, threads: Int
  ) {
    let (count, influence) = (elementCount, influence.pointer)
    let (source, target, filters) = (lanePointer(spectrum), lanePointer(result), lanePointer(filters))
    parallel(threads: threads, count: count) { _, elements in
      for element in elements {
        var (low, high) = (Lanes.zero, Lanes.zero)
        for j in 0..<kernels {
          low += filters[2 * j] * influence[j * count + element]
          high += filters[2 * j + 1] * influence[j * count + element]
        }
        target[2 * element] = source[2 * element] * low
        target[2 * element + 1] = source[2 * element + 1] * high
      }
    }
  }

  /// Adds dE/dw_jk = response_k sum_c filter_jc Re(conj(P_c) Q_c) with P, Q the spectra of dY and X at k.
  func addWeightGradients(
    _ p: UnsafeMutablePointer<T>, _ q: UnsafeMutablePointer<T>, filters: UnsafeMutablePointer<T>,
    kernels: Int,
    to gradients: UnsafeMutablePointer<Double>, threads: Int
  ) {
    let (p, q, filters) = (lanePointer(p), lanePointer(q), lanePointer(filters))
    let (responses, elements) = (responses, elements)
    parallel(threads: threads, count: responses.count) { _, range in
      for k in range where responses[k] != 0 {
        let element = 2 * elements[k].x
        let (low, high) = (p[element] * q[element], p[element + 1] * q[element + 1])
        for j in 0..<kernels {
          let sum = (low * filters[2 * j] + high * filters[2 * j + 1]).sum()
          gradients[j * responses.count + k] += responses[k] * Double(sum)
        }
      }
    }
  }
}

// MARK: - SIMD vectors in memory

extension ParticleMesh {
  @inline(__always)
  private func lanePointer(_ pointer: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<Lanes> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Lanes.self)
  }

  @inline(__always)
  private func wrapped(_ index: Int, _ size: Int) -> Int { index < size ? index : index - size }

  /// `count` numbers, the rest zero.
  @inline(__always)
  private func loadLanes(_ pointer: UnsafePointer<T>, count: Int) -> Lanes {
    if count == Self.lanes { return UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self) }
    var value = Lanes.zero
    for c in 0..<count { value[c] = pointer[c] }
    return value
  }

  @inline(__always)
  private func storeLanes(_ value: Lanes, into pointer: UnsafeMutablePointer<T>, count: Int) {
    for c in 0..<count { pointer[c] = value[c] }
  }
}
