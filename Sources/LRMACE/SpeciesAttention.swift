// Attention of the first layer, whose features depend on the element alone. With the fields of the elements,
//   psi_(z,j)(m) = sum over atoms n of element z of G_j(r_m - r_n),
// queries, keys and values leave the sum over atoms:
//   u_m = psi_m . folded[element of m],    folded[s][(z, j), (h, b)] = sum_a q_s,ha k_z,ha v_z,hb filter_hj
// so that one column for each element and kernel takes the place of H d d columns.
//
// Shapes: psi [atom][z, j] over the elements z that are present; q, k, v [element][D].

import Kernels
import LRMACEModel
import Reciprocal

final class SpeciesAttention<T: KernelScalar> {
  private let block: AttentionBlock<T>
  private let threads: Int
  private let kernels: Int

  private var atoms = 0
  /// Atoms of one element, and what their fields become.
  private var runs: [(atoms: Range<Int>, folded: PackedMatrix<T>)] = []
  private var columns = 0
  /// Column (z, j) is of kernel j alone.
  private var filter: [Double] = []
  /// 1 where an atom is of element z.
  private let sources = Workspace<T>()
  private let gradient = Workspace<T>()

  /// `block` gives queries, keys and values of the rows of `embedding`, the features of the elements.
  init(_ block: AttentionBlock<T>, embedding: PackedMatrix<T>, threads: Int) {
    self.block = block
    self.threads = threads
    kernels = block.filter.count / block.heads
    block.reserveProjections(embedding.rows)
    block.project(embedding.pointer, 0..<embedding.rows)
  }

  /// Elements of the atoms, ascending; tells `sum` what will come.
  func prepare(species: [Int], for sum: ReciprocalAttention<T>) {
    atoms = species.count
    var elements: [(index: Int, atoms: Range<Int>)] = []
    for (i, z) in species.enumerated() {
      if elements.last?.index != z { elements.append((z, i..<i)) }
      elements[elements.count - 1].atoms = elements[elements.count - 1].atoms.lowerBound..<(i + 1)
    }
    columns = elements.count * kernels
    sum.expectFields(layer: block.index, columns: columns)
    filter = (0..<columns).flatMap { c in (0..<kernels).map { $0 == c % kernels ? 1 : 0 } }
    runs = elements.map { ($0.atoms, fold(centre: $0.index, elements: elements.map(\.index))) }
    gradient.reserve(atoms * columns)
    sources.reserve(atoms * columns)
    sources.fill(0, count: atoms * columns)
    for (z, element) in elements.enumerated() {
      for i in element.atoms {
        for j in 0..<kernels { sources.pointer[i * columns + z * kernels + j] = 1 }
      }
    }
  }

  private func fold(centre: Int, elements: [Int]) -> PackedMatrix<T> {
    let (width, d) = (block.width, block.width / block.heads)
    var folded = Matrix(rows: columns, columns: width)
    let query = block.q.pointer + centre * width
    for (z, element) in elements.enumerated() {
      let (key, value) = (block.k.pointer + element * width, block.v.pointer + element * width)
      for h in 0..<block.heads {
        let similarity = (h * d..<(h + 1) * d).reduce(0.0) { $0 + Double(query[$1]) * Double(key[$1]) }
        for j in 0..<kernels {
          for c in h * d..<(h + 1) * d {
            folded[z * kernels + j, c] = similarity * Double(value[c]) * block.filter[h * kernels + j]
          }
        }
      }
    }
    return PackedMatrix(folded, rowBlock: columns, paddedRowBlock: columns, paddedColumns: width)
  }

  /// u of all atoms.
  func forward(_ sum: ReciprocalAttention<T>, into u: UnsafeMutablePointer<T>) {
    let fields = sum.fields(layer: block.index, filter: filter, sources: sources.pointer)
    forEachRun { atoms, folded in
      folded.apply(
        fields + atoms.lowerBound * columns, rows: atoms.count, into: u + atoms.lowerBound * block.width)
    }
  }

  /// Keeps the part of positions and strain in `sum`.
  func adjoint(_ sum: ReciprocalAttention<T>, gradient du: UnsafePointer<T>) {
    let gradient = gradient.pointer
    forEachRun { atoms, folded in
      folded.applyAdjoint(
        du + atoms.lowerBound * block.width, rows: atoms.count, into: gradient + atoms.lowerBound * columns)
    }
    sum.fieldsAdjoint(layer: block.index, gradient: gradient)
  }

  private func forEachRun(_ body: (_ atoms: Range<Int>, _ folded: PackedMatrix<T>) -> Void) {
    parallel(threads: threads, count: atoms) { _, range in
      for run in runs where run.atoms.overlaps(range) { body(run.atoms.clamped(to: range), run.folded) }
    }
  }
}
