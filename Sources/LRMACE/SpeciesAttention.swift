// Attention of the first layer by the fields of the elements (`AttentionCoupling`):
//   u_m W_o = psi_m . output[element of m],    u_m W_g = psi_m . gate[element of m]
//
// Where the sum leaves the mean of the sources to its caller (`SourceFields.mean`), psi lacks sum_z (N_z / N) G_j 1, whose
// factors are added up over elements before they are rounded: of large numbers little is left.
//
// Shapes: psi [atom][z, j] over the elements z that are present; output, gate [z, j][channels].

import Kernels
import LRMACEModel
import Reciprocal

final class SpeciesAttention<T: KernelScalar> {
  /// What atoms of one element make of their fields.
  private struct Run {
    let atoms: Range<Int>
    let output: Mixer
    let gate: Mixer?
  }

  private struct Mixer {
    let matrix: PackedMatrix<T>
    /// Of a field G_j 1, [kernel][channels].
    let means: [[T]]
  }

  private let coupling: AttentionCoupling
  private var kernels: Int { coupling.kernels }
  /// Position among the attending layers.
  private let index: Int
  /// Of the rows that are mixed into, padded.
  private let channels: Int

  private var atoms = 0
  private var runs: [Run] = []
  private var columns = 0
  /// Column (z, j) is of kernel j alone.
  private var filter: [Double] = []
  /// 1 where an atom is of element z.
  private let sources = Workspace<T>()
  private let gradient = Workspace<T>()
  /// psi of the present step.
  private var fields: SourceFields<T>?

  init(_ coupling: AttentionCoupling, index: Int, channels: Int) {
    (self.coupling, self.index, self.channels) = (coupling, index, channels)
  }

  /// Tells `sum` what will come.
  func prepare(_ rows: AtomRows, for sum: ReciprocalAttention<T>) {
    atoms = rows.own
    let (present, elements) = (rows.elements, rows.elements.map(rows.ownAtoms))
    columns = present.count * kernels
    sum.expectFields(layer: index, columns: columns, leavesMean: true)
    filter = (0..<columns).flatMap { c in (0..<kernels).map { $0 == c % kernels ? 1 : 0 } }
    let shares = present.map { Double(rows.composition[$0]) / Double(rows.total) }
    runs = zip(present, elements).map { element, atoms in
      Run(
        atoms: atoms, output: mixer(coupling.output[element], present, shares),
        gate: coupling.gate.map { mixer($0[element], present, shares) })
    }
    gradient.reserve(atoms * columns)
    sources.reserve(atoms * columns)
    sources.fill(0, count: atoms * columns)
    for (z, element) in elements.enumerated() {
      for i in element {
        for j in 0..<kernels { sources.pointer[i * columns + z * kernels + j] = 1 }
      }
    }
  }

  /// - Parameters:
  ///   - matrices: of all elements; `present` are those of the atoms, and `shares` how many atoms are of each.
  private func mixer(_ matrices: [Matrix], _ present: [Int], _ shares: [Double]) -> Mixer {
    var matrix = Matrix(rows: columns, columns: matrices[0].columns)
    for (z, element) in present.enumerated() {
      for j in 0..<kernels {
        for c in 0..<matrix.columns { matrix[z * kernels + j, c] = matrices[element][j, c] }
      }
    }
    let means = (0..<kernels).map { j in
      (0..<matrix.columns).map { c in
        T(shares.indices.reduce(0.0) { $0 + shares[$1] * matrix[$1 * kernels + j, c] })
      }
    }
    let packed = PackedMatrix<T>(
      matrix, rowBlock: columns, paddedRowBlock: columns, paddedColumns: channels)
    return Mixer(matrix: packed, means: means)
  }

  // MARK: - A step

  /// psi of all atoms.
  func forward(_ sum: ReciprocalAttention<T>) {
    fields = sum.fields(layer: index, filter: filter, sources: sources.pointer)
  }

  /// u W_g into rows of paddedChannels that begin with those of `range`.
  func setGates(_ gates: UnsafeMutablePointer<T>, range: Range<Int>) {
    mix({ $0.gate }, into: gates, range: range, adding: false)
  }

  /// Adds u W_o.
  func addOutputs(to h0: UnsafeMutablePointer<T>, range: Range<Int>) {
    mix({ $0.output }, into: h0, range: range, adding: true)
  }

  /// dpsi from the gradient of outputs; then adds that from the gradient of gates.
  func outputsAdjoint(_ dh0: UnsafePointer<T>, range: Range<Int>) {
    mixAdjoint({ $0.output }, from: dh0, range: range, adding: false)
  }

  func gatesAdjoint(_ gradient: UnsafePointer<T>, range: Range<Int>) {
    mixAdjoint({ $0.gate }, from: gradient, range: range, adding: true)
  }

  /// Keeps the part of positions and strain in `sum`.
  func adjoint(_ sum: ReciprocalAttention<T>) {
    sum.fieldsAdjoint(layer: index, gradient: gradient.pointer)
  }

  private func mix(
    _ part: (Run) -> Mixer?, into rows: UnsafeMutablePointer<T>, range: Range<Int>, adding: Bool
  ) {
    guard let fields else { return }
    let width = channels
    for run in runs where run.atoms.overlaps(range) {
      guard let mixer = part(run) else { return }
      let atoms = run.atoms.clamped(to: range)
      let rows = rows + (atoms.lowerBound - range.lowerBound) * width
      mixer.matrix.apply(
        fields.columns + atoms.lowerBound * columns, rows: atoms.count, into: rows, adding: adding)
      guard let mean = fields.mean else { continue }
      for (n, m) in atoms.enumerated() {
        for j in 0..<kernels {
          let field = T(mean[m * kernels + j])
          for (c, factor) in mixer.means[j].enumerated() { rows[n * width + c] += factor * field }
        }
      }
    }
  }

  private func mixAdjoint(
    _ part: (Run) -> Mixer?, from rows: UnsafePointer<T>, range: Range<Int>, adding: Bool
  ) {
    for run in runs where run.atoms.overlaps(range) {
      guard let mixer = part(run) else { return }
      let atoms = run.atoms.clamped(to: range)
      mixer.matrix.applyAdjoint(
        rows + (atoms.lowerBound - range.lowerBound) * channels, rows: atoms.count,
        into: gradient.pointer + atoms.lowerBound * columns, adding: adding)
    }
  }
}
