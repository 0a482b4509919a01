// Sources and fields of one layer, and what its adjoint needs of its forward pass.

import Kernels

/// How many columns a layer has, and how many of these, the last, have kernels of their own: meshes carry them apart.
struct FieldColumns: Hashable {
  var count: Int
  var apart = 0
}

final class FieldLayer<T: KernelScalar> {
  /// Columns of X and Y.
  private(set) var columns = 0
  /// The layer passes X itself, of so many columns, instead of q, k and v.
  var fieldColumns: FieldColumns?
  /// `columns`, as a mesh carries them.
  var meshColumns: FieldColumns { FieldColumns(count: columns, apart: fieldColumns?.apart ?? 0) }
  /// Fields of the means of the sources are the caller's to add.
  var leavesMean = false
  /// Energies are made of the fields themselves.
  var hasPotentials: Bool { fieldColumns != nil && !leavesMean }
  /// Row-major [rows][J]; each row mixes the kernels for as many columns as any other.
  private(set) var filter: [Double] = []
  var hasForward = false
  /// X and Y, [N][columns].
  let x = Workspace<T>()
  let y = Workspace<T>()
  /// Means of the columns of X (mesh, where an `EvenField` carries them).
  let means = Workspace<Double>()
  /// T = Phi X, [2 Nk][columns] (k-sum).
  let spectrum = Workspace<T>()
  /// Gradients of Y in mesh coordinates, [N][3][columns], and the spectra of X, block after block (mesh).
  let slopes = Workspace<T>()
  let meshSpectra = Workspace<T>()
  /// What `ReciprocalAttention.measureStrengths` has found, of all pairs of kernels, of each, and of smooth fields (mesh).
  var strengths: [Double] = []
  var overlaps: [Double] = []
  var smoothStrength = 0.0
  /// Columns that each kernel acts on, from the first to the last of them.
  private var actions: [Range<Int>] = []
  /// Of every column its filter_j, then s = sum_j filter_j G_j(0) (0 where the self-term stays),
  /// [J + 1][columns].
  private let coefficients = Workspace<T>()
  private var kernelCount = 0

  /// Columns that share a row of the filter.
  var columnsPerRow: Int { columns * kernelCount / filter.count }
  var selfTerms: UnsafePointer<T> { filter(kernelCount) }

  /// Outside of these columns its filter is zero.
  func columns(of kernel: Int) -> Range<Int> { actions[kernel] }

  func filter(_ kernel: Int) -> UnsafePointer<T> { UnsafePointer(coefficients.pointer + kernel * columns) }

  func configure(filter: [Double], columns: Int, kernel: ReciprocalKernel) {
    guard self.filter != filter || self.columns != columns else { return }
    (self.filter, self.columns, kernelCount) = (filter, columns, kernel.sigmas.count)
    let values = coefficients.reserve((kernelCount + 1) * columns)
    for c in 0..<columns {
      let row = c / columnsPerRow * kernelCount
      var selfTerm = 0.0
      for j in kernel.sigmas.indices {
        values[j * columns + c] = T(filter[row + j])
        selfTerm += filter[row + j] * kernel.selfTerm(j)
      }
      values[kernelCount * columns + c] = T(selfTerm)
    }
    actions = (0..<kernelCount).map { j in
      let acting = (0..<columns).filter { values[j * columns + $0] != 0 }
      return acting.isEmpty ? 0..<0 : acting[0]..<acting[acting.count - 1] + 1
    }
  }

  /// Y -= s X, column by column, where a sum over wavevectors includes n = m.
  func subtractSelf(
    source: UnsafePointer<T>, result: UnsafeMutablePointer<T>, atoms: Int, threads: Int
  ) {
    let (columns, selfTerms) = (columns, selfTerms)
    parallel(threads: threads, count: atoms) { _, atoms in
      for m in atoms {
        for c in 0..<columns { result[m * columns + c] -= selfTerms[c] * source[m * columns + c] }
      }
    }
  }

  /// filter_j o source, in `scratch`.
  func filtered(
    _ source: UnsafePointer<T>, kernel j: Int, atoms: Int, threads: Int, in scratch: Workspace<T>
  ) -> UnsafePointer<T> {
    let (columns, filter) = (columns, filter(j))
    let result = scratch.reserve(atoms * columns)
    parallel(threads: threads, count: atoms) { _, atoms in
      for m in atoms {
        for c in 0..<columns { result[m * columns + c] = filter[c] * source[m * columns + c] }
      }
    }
    return UnsafePointer(result)
  }
}
