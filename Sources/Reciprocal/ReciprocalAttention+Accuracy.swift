// How accurate a mesh is before it is made, and the cheapest that is accurate enough.
//
// A window carries from wavevector k to its aliases k + l K_a (K_a = M_a times the a-th reciprocal vector), where
// rho_l = U(k + l K_a) / U(k) of it arrive, at the sources and again at the atoms. For sources and atoms at
// random places the mean square error of the gradient of a unit source's field is, for a product of kernels j and j',
//
//   eps_jj'^2 = 2 sum_k (w_jk / 2) (w_j'k / 2) sum_a,l rho_l^2 (|k + l K_a|^2 + |k|^2)
//
// over half of the wavevectors (Hockney and Eastwood 1988, chapter 8; for Ewald meshes doi:10.1063/1.477414), and
// that of a component of the forces, dE/dr = sum_c dY_c grad(G X)_c + X_c grad(G dY)_c, with N atoms
//
//   (2 / 3N) sum_jj' eps_jj'^2 sum_c filter_jc filter_j'c |X_c|^2 |dY_c|^2.
//
// The energy errs by what an atom's sources have as energy with themselves, dE = sum_m dY_m dG(0) X_m: of the mean over the places of
// an atom on the mesh the sum over wavevectors has 1 / (1 + sum_l rho_l^2), and nothing of those that the mesh does not hold.
// Other atoms are at random places as seen by wavevectors that long.
//
// Along open axes nothing takes off the mean of the sources, and fields are not those of random places alone: they are large
// and smooth. Of a smooth field Y the gradient at an atom gets 2 K_a rho sin(2 pi u_a) Y, with rho of small wavevectors,
// and the mean square of a component of the forces
//
//   (2 / 3N) sum_a K_a^2 rho_a^2 sum_mc [(dY_mc Y_mc)^2 + (X_mc dX_mc)^2]    more, Y and dX less what an `EvenField` carries.

import Foundation
import Kernels
import Lattice

/// How much a mesh may err.
public struct MeshAccuracy: Sendable {
  /// Root of the mean square of a component, eV/Angstrom.
  public var forces: Double
  /// eV per atom.
  public var energy: Double

  public init(forces: Double, energy: Double) {
    (self.forces, self.energy) = (forces, energy)
  }
}

extension ReciprocalAttention {
  /// The cheapest resolution with which forces and energy are expected to err by less than `accuracy`, from the sources and
  /// gradients that the last step met where `prepare` was told to measure them; the finest there is where none reaches it. Nil
  /// without wavevectors.
  public func sufficientResolution(_ accuracy: MeshAccuracy) -> MeshResolution? {
    guard let waves, let plan else { return nil }
    let cell = chooser(of: plan).cell
    let atoms = Double(max(totalAtoms, 1))
    var strengths = [Double](repeating: 0, count: kernel.sigmas.count * kernel.sigmas.count)
    var overlaps = [Double](repeating: 0, count: kernel.sigmas.count)
    var smooth = 0.0
    for layer in layers {
      for (pair, strength) in layer.strengths.enumerated() { strengths[pair] += 2 / (3 * atoms) * strength }
      for (j, overlap) in layer.overlaps.enumerated() { overlaps[j] += abs(overlap) / atoms }
      smooth += 2 / (3 * atoms) * layer.smoothStrength
    }
    // In double precision far less is allowed.
    let spacings = (T.self == Double.self ? 12...24 : 20...36).map { Double($0) / 40 }
    let orders = MeshResolution.orders.filter { $0 <= T.Window.scalarCount }
    let candidates = orders.flatMap { order in
      var sizes: Set<SIMD3<Int>> = []
      return spacings.map { MeshResolution(order: order, spacing: $0) }
        .filter { sizes.insert(ParticleMesh<T>.size(cell: cell, kernel: kernel, resolution: $0)).inserted }
    }
    let finest = MeshResolution(order: orders[orders.count - 1], spacing: spacings[0])
    return candidates.sorted { cost($0, cell) < cost($1, cell) }.first { resolution in
      let errors = fieldErrors(resolution, waves, cell)
      let square = zip(strengths, errors.squares).reduce(smooth * errors.smooth) { $0 + $1.0 * $1.1 }
      let energy = zip(overlaps, errors.selfTerms).reduce(0) { $0 + $1.0 * $1.1 }
      return square < accuracy.forces * accuracy.forces && energy < accuracy.energy
    } ?? finest
  }

  /// Of the columns of one layer.
  private func cost(_ resolution: MeshResolution, _ cell: Cell) -> Double {
    let size = ParticleMesh<T>.size(cell: cell, kernel: kernel, resolution: resolution)
    return meshCost(atoms: Double(totalAtoms), planes: size.x, size: size, order: resolution.order)
  }

  /// eps_jj'^2 of every pair of kernels, what G_j(0) lacks of every kernel, and the sum of K_a^2 rho_a^2.
  func fieldErrors(
    _ resolution: MeshResolution, _ waves: Wavevectors, _ cell: Cell
  ) -> (squares: [Double], selfTerms: [Double], smooth: Double) {
    let size = ParticleMesh<T>.size(cell: cell, kernel: kernel, resolution: resolution)
    let windows = ParticleMesh<T>.windows(cell: cell, kernel: kernel, order: resolution.order, size: size)
    // Of |n|, the two nearest aliases: l = -1, then l = +1.
    let ratios = (0..<3).map { axis in
      (0...size[axis] / 2).map { n in
        let transform = windows[axis].transform(wavenumber: n, size: size[axis])
        return SIMD2(
          windows[axis].transform(wavenumber: n - size[axis], size: size[axis]),
          windows[axis].transform(wavenumber: n + size[axis], size: size[axis])) / transform
      }
    }
    let reciprocal = cell.reciprocal
    let kernels = kernel.sigmas.count
    var sums = [Double](repeating: 0, count: kernels * kernels)
    var selfTerms = [Double](repeating: 0, count: kernels)
    for (i, n) in waves.grid.integers.enumerated() {
      let k = waves.vectors[i]
      let square = dot(k, k)
      var loss = 0.0
      var response = 1.0
      for axis in 0..<3 {
        let magnitude = abs(n[axis])
        guard 2 * magnitude < size[axis] else {
          // The mesh does not hold this wavevector.
          (loss, response) = (square, 0)
          break
        }
        let alias = reciprocal[axis] * Double(n[axis] < 0 ? -size[axis] : size[axis])
        let squares = ratios[axis][magnitude] * ratios[axis][magnitude]
        let (below, above) = (k - alias, k + alias)
        loss += squares.x * (dot(below, below) + square) + squares.y * (dot(above, above) + square)
        response /= 1 + squares.sum()
      }
      for j in 0..<kernels {
        selfTerms[j] += abs(waves.weights.pointer[j * waves.count + i]) * (1 - response)
      }
      for pair in sums.indices {
        let (a, b) = (pair / kernels * waves.count + i, pair % kernels * waves.count + i)
        sums[pair] +=
          waves.weights.pointer[a] * waves.weights.pointer[b] * (n == .zero ? 1 : 0.5) * loss
      }
    }
    var smooth = 0.0
    for axis in 0..<3 {
      // Up to k = 1 / sigma.
      let last = length(cell.vectors[axis]) / (2 * .pi * (kernel.sigmas.min() ?? 1))
      let ratio = ratios[axis].prefix(Int(last) + 1).map { max(abs($0.x), abs($0.y)) }.max() ?? 0
      let alias = reciprocal[axis] * Double(size[axis])
      smooth += ratio * ratio * dot(alias, alias)
    }
    return (sums, selfTerms, smooth)
  }

  /// Keeps sum_c filter_jc filter_j'c |X_c|^2 |dY_c|^2 of a layer and sum_c filter_jc dY_c . X_c, and with open axes
  /// sum_mc (dY_mc Y_mc)^2 + (X_mc dX_mc)^2.
  ///
  /// - Parameter overSlabs: adds numbers up over the ranks that share the atoms of these columns.
  func measureStrengths(
    _ layer: FieldLayer<T>, dY: UnsafePointer<T>, dX: UnsafePointer<T>, atoms n: Int,
    overSlabs: ([Double]) -> [Double] = { $0 }
  ) {
    let (columns, x) = (layer.columns, layer.x.pointer)
    let even = mesh?.even
    // Sum and sum of squares of every column.
    func moments(_ values: UnsafePointer<T>) -> [Double] {
      var moments = Array(repeating: 0.0, count: 2 * columns)
      for m in 0..<n {
        for c in 0..<columns {
          let value = Double(values[m * columns + c])
          moments[2 * c] += value
          moments[2 * c + 1] += value * value
        }
      }
      return overSlabs(moments)
    }
    func centred(_ moments: [Double], _ c: Int) -> Double {
      let (sum, square) = (moments[2 * c], moments[2 * c + 1])
      return even == nil ? square : square - sum * sum / Double(n)
    }
    let (ofX, ofGradient) = (moments(x), moments(dY))
    let products = (0..<columns).map { c in
      (centred(ofX, c) * ofGradient[2 * c + 1] + ofX[2 * c + 1] * centred(ofGradient, c)) / 2
    }
    var overlaps = Array(repeating: 0.0, count: columns)
    for m in 0..<n {
      for c in 0..<columns { overlaps[c] += Double(x[m * columns + c] * dY[m * columns + c]) }
    }
    overlaps = overSlabs(overlaps)
    layer.overlaps = kernel.sigmas.indices.map { j in
      (0..<columns).reduce(0) { $0 + Double(layer.filter(j)[$1]) * overlaps[$1] }
    }
    layer.strengths.removeAll()
    for a in kernel.sigmas.indices {
      for b in kernel.sigmas.indices {
        var strength = 0.0
        for c in 0..<columns { strength += Double(layer.filter(a)[c] * layer.filter(b)[c]) * products[c] }
        layer.strengths.append(strength)
      }
    }
    layer.smoothStrength = 0
    guard plan?.room != nil else { return }
    func smooth(_ field: UnsafePointer<T>, of source: UnsafePointer<T>, hasMean: Bool = true) -> [T] {
      if hasMean, let even { return even.remainder(layer, field: field, source: source) }
      return Array(UnsafeBufferPointer(start: field, count: n * columns))
    }
    let fields = smooth(layer.y.pointer, of: x, hasMean: !layer.leavesMean)
    let back = smooth(dX, of: dY)
    for i in 0..<n * columns {
      let (forth, through) = (Double(dY[i] * fields[i]), Double(x[i] * back[i]))
      layer.smoothStrength += forth * forth + through * through
    }
  }
}
