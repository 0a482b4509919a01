// The field of sources that are all alike, phi_j = G_j 1, in double precision: what single precision needs along open
// axes, where no background takes off the mean of the sources. The fields of 10,000 atoms with sources of one sign are
// a hundred times what is left where those of hydrogen and oxygen meet; in single precision forces would err by
// 4e-4 eV/Angstrom. With x and y the means of the columns of X and dY,
//
//   Y = G (X - x 1) + x phi,    dX = G (dY - y 1) + y phi
//   dE/dr_m = dY_m grad(G (X - x 1)) + X_m grad(G (dY - y 1)) + (x dY_m + y X_m) grad phi
//
// so that meshes of columns carry only what the mean leaves. One column for each kernel serves all layers.

import Kernels
import Lattice

final class EvenField {
  private let mesh: ParticleMesh<Double>
  /// One column for each kernel.
  private let layer = FieldLayer<Double>()
  private var atomCount = 0
  private let filter: [Double]
  /// What grad phi_j of each atom is multiplied with, summed over layers, [N][J].
  private let weights = Workspace<Double>()

  /// To 1e-8 of phi for wavevectors up to 1.5 / sigma, of which a field of like sources consists.
  private static let resolution = MeshResolution(order: 10, spacing: 0.6)

  init(kernel: ReciprocalKernel, waves: Wavevectors, threads: Int) {
    var kernel = kernel
    kernel.subtractsSelf = false
    mesh = ParticleMesh(kernel: kernel, waves: waves, threads: threads)
    let count = kernel.sigmas.count
    filter = (0..<count * count).map { $0 / count == $0 % count ? 1 : 0 }
  }

  /// phi_j(r_m), [N][J].
  var field: UnsafePointer<Double> { UnsafePointer(layer.y.pointer) }
  /// J.
  private var kernels: Int { mesh.kernel.sigmas.count }
  var wisdom: String { mesh.wisdom }

  func configure(cell: Cell, wisdom: String?) {
    mesh.configure(
      cell: cell, resolution: Self.resolution, columns: [FieldColumns(count: kernels)], wisdom: wisdom)
  }

  /// phi and its gradient at the atoms.
  func place(positions: [Vector3], cell: Cell) {
    atomCount = positions.count
    mesh.place(positions: positions, cell: cell)
    layer.configure(filter: filter, columns: kernels, kernel: mesh.kernel)
    let count = atomCount * kernels
    layer.x.reserve(count)
    layer.x.fill(1, count: count)
    layer.y.reserve(count)
    mesh.apply(layer)
    weights.reserve(count)
    weights.fill(0, count: count)
  }

  /// Room for what `place` keeps of `atoms`, bytes.
  static func bytes(atoms: Double, cell: Cell, kernel: ReciprocalKernel) -> Double {
    let size = ParticleMesh<Double>.size(cell: cell, kernel: kernel, resolution: resolution)
    let (points, kernels) = (Vector3(size), Double(kernel.sigmas.count))
    return 8 * (points.x * points.y * (points.z + 8) * (2 + kernels) + atoms * (9 * kernels + 80))
  }

  // MARK: - Columns of single precision

  /// The mean of every column of [N][columns].
  private func setMeans<T: KernelScalar>(
    _ means: UnsafeMutablePointer<Double>, of source: UnsafePointer<T>, columns: Int
  ) {
    means.update(repeating: 0, count: columns)
    for m in 0..<atomCount {
      for c in 0..<columns { means[c] += Double(source[m * columns + c]) }
    }
    for c in 0..<columns { means[c] /= Double(atomCount) }
  }

  /// The mean of every column of [N][columns], and the columns without it.
  func centre<T: KernelScalar>(
    _ source: UnsafePointer<T>, columns: Int, into centred: UnsafeMutablePointer<T>,
    means: UnsafeMutablePointer<Double>
  ) {
    setMeans(means, of: source, columns: columns)
    for m in 0..<atomCount {
      for c in 0..<columns { centred[m * columns + c] = T(Double(source[m * columns + c]) - means[c]) }
    }
  }

  /// Adds factors o means phi_j to [N][columns].
  func add<T: KernelScalar>(
    kernel j: Int, means: UnsafePointer<Double>, factors: UnsafePointer<T>?, columns: Int,
    to result: UnsafeMutablePointer<T>
  ) {
    for m in 0..<atomCount {
      let phi = layer.y.pointer[m * kernels + j]
      let row = result + m * columns
      if let factors {
        for c in 0..<columns { row[c] += factors[c] * T(means[c] * phi) }
      } else {
        for c in 0..<columns { row[c] += T(means[c] * phi) }
      }
    }
  }

  /// A field of columns without the part of its source's mean.
  func remainder<T: KernelScalar>(
    _ state: FieldLayer<T>, field: UnsafePointer<T>, source: UnsafePointer<T>
  ) -> [T] {
    let columns = state.columns
    var rest = Array(UnsafeBufferPointer(start: field, count: atomCount * columns))
    var means = [Double](repeating: 0, count: columns)
    setMeans(&means, of: source, columns: columns)
    for c in 0..<columns { means[c] = -means[c] }
    for j in 0..<kernels {
      add(kernel: j, means: means, factors: state.filter(j), columns: columns, to: &rest)
    }
    return rest
  }

  /// Adds the part of grad phi_j to the gradients: sum over columns of x filter_j dY + y X, with y the mean of filter_j dY.
  func addGradient<T: KernelScalar>(
    kernel j: Int, x: UnsafePointer<T>, meansOfX: UnsafePointer<Double>, filter: UnsafePointer<T>,
    dY: UnsafePointer<T>, meansOfFiltered: UnsafePointer<Double>, columns: Int
  ) {
    for m in 0..<atomCount {
      var sum = 0.0
      for c in 0..<columns {
        sum += meansOfX[c] * Double(filter[c] * dY[m * columns + c])
        sum += meansOfFiltered[c] * Double(x[m * columns + c])
      }
      weights.pointer[m * kernels + j] += sum
    }
  }

  /// Adds dE/dr, [3][N], of all layers since `place`.
  func addGradients(positions sums: UnsafeMutablePointer<Double>) {
    for m in 0..<atomCount {
      var gradient = Vector3.zero
      for j in 0..<kernels {
        let slopes = layer.slopes.pointer + 3 * m * kernels + j
        gradient +=
          Vector3(slopes[0], slopes[kernels], slopes[2 * kernels]) * weights.pointer[m * kernels + j]
      }
      mesh.add(gradient, ofAtom: m, to: sums)
    }
  }
}
