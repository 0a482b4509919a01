// Conserved sources of one layer and what it does with their potential (Model.ConservedSources):
//   X   = xbar[element] + transfers between neighbours            SourceTransfers
//   phi = G X                                                     the sum in Reciprocal
//   attention    h'_0 += (q * phi) W_o
//   difference   h'_0 += (q * w) W_o,   w = differences of phi    PotentialDifferences
//   energy       E_m  += k_e/2 sum_d s_d X_md phi_md              in double precision
//                E_m  -= 1/2 Y_m psi_m,   psi = G6 Y              DispersionSources, one more column of the sum
// Backward, with u = q * phi or q * w and G symmetric:
//   du = dh'_0 W_o^T,   dphi from du,   dX = G dphi;   of the energy dX = k_e s phi.
// Shapes: X, phi, q, u [atom][D], padded to whole lanes; what the sum takes is not padded.

import Kernels
import LRMACEModel
import Reciprocal

final class ConservedBlock<T: KernelScalar>: LongRangeBlock {
  enum Use {
    /// Of potentials, or of their differences.
    case features(output: PackedMatrix<T>, differences: PotentialDifferences<T>?)
    /// k_e/2 s of the columns: for energies, and padded for gradients; of all columns of the sum.
    case energy(weights: [Double], form: Workspace<T>, summed: Workspace<T>)
  }

  let place: LongRangePlace<T>
  let use: Use
  let transfers: any SourceTransfers<T>
  /// a, b and q of later layers; the first layer's q are constants.
  let projection: SourceProjection<T>?
  private let elementQuery: Workspace<T>?
  /// Nil without.
  private let dispersion: DispersionSources<T>?
  /// Of the sum's kernels: that of the charges alone, or, for every column, this and that of dispersion.
  private let filter: [Double]
  /// xbar, [element][D].
  private let constants: Workspace<T>
  /// D, and in whole lanes.
  let columns: Int
  let width: Int
  /// D, and one where there is dispersion.
  private let summedColumns: Int

  private(set) var atoms = 0
  // Of all atoms, and as they are after the adjoint: what each product took, and the gradient of what it gave, is what
  // gradients by weights are made of.
  let x = Workspace<T>()
  let dx = Workspace<T>()
  let phi = Workspace<T>()
  /// Of potentials that are mixed into features.
  let dphi = Workspace<T>()
  /// Differences w, and dE/dw.
  let w = Workspace<T>()
  let dw = Workspace<T>()
  /// What W_o takes, and its gradient.
  let u = Workspace<T>()
  let du = Workspace<T>()
  /// q of the first layer.
  private let constantQuery = Workspace<T>()
  /// What the sum takes, without padding: X and Y, dE/dphi and dE/dX.
  private let dense = Workspace<T>()
  private let energies = Workspace<Double>()

  init(_ compiled: CompiledSources, at place: LongRangePlace<T>) {
    let sources = compiled.sources
    columns = sources.constants.columns
    let width = T.wholeLanes(columns)
    self.width = width
    self.place = place
    constants = Workspace(sources.constants.padded(columns: width).values.map { T($0) })
    if let elements = compiled.elements {
      projection = nil
      elementQuery = elements.query.map { Workspace($0.padded(columns: width).values.map { T($0) }) }
      transfers = ElementTransfers(compiled.transfer, elements, width: width)
    } else {
      let projection = SourceProjection<T>(
        sources, width: width, channels: place.channels, paddedChannels: place.paddedChannels)
      self.projection = projection
      elementQuery = nil
      transfers = FeatureTransfers(compiled.transfer, projection: projection)
    }
    dispersion = sources.dispersion.map {
      DispersionSources($0, ofElements: compiled.elements?.dispersion, at: place)
    }
    summedColumns = columns + (dispersion == nil ? 0 : 1)
    let kernels = place.sum.kernel.sigmas.count
    let ofCharges = (0..<kernels).map { $0 == 0 ? 1.0 : 0 }
    filter =
      dispersion == nil ? ofCharges : (0..<columns).flatMap { _ in ofCharges } + ofCharges.reversed()
    switch sources.use {
    case .attention(_, let output), .difference(_, let output, _):
      use = .features(
        output: PackedMatrix(
          output, rowBlock: output.rows, paddedRowBlock: width, paddedColumns: place.paddedChannels),
        differences: compiled.difference.map { PotentialDifferences($0, width: width) })
    case .energy(let weights):
      let form = weights.map { Model.ConservedSources.coulombConstant / 2 * $0 }
      use = .energy(
        weights: form, form: Workspace(form.map { T($0) } + Array(repeating: 0, count: width - columns)),
        summed: Workspace(form.map { T($0) } + [-0.5]))
    }
  }

  var readsEdges: Bool { true }
  var room: MessageRoom { MessageRoom(functions: width) }

  func prepare(_ rows: AtomRows, lmax _: Int) {
    atoms = rows.own
    place.sum.expectFields(
      layer: place.index, columns: summedColumns, apart: summedColumns - columns,
      leavesMean: false)
    projection?.reserve(rows.count)
    dispersion?.prepare(rows)
    // What neighbours read has rows of their copies, too.
    for buffer in [x, dx, phi] { buffer.reserve(rows.count * width) }
    dense.reserve(2 * atoms * summedColumns)
    switch use {
    case .features(_, let differences):
      for buffer in [dphi, u, du] { buffer.reserve(atoms * width) }
      if differences != nil { for buffer in [w, dw] { buffer.reserve(rows.count * width) } }
    case .energy: energies.reserve(atoms)
    }
    guard let elementQuery else { return }
    constantQuery.reserve(atoms * width)
    for (i, z) in rows.species[..<atoms].enumerated() {
      (constantQuery.pointer + i * width).update(from: elementQuery.pointer + z * width, count: width)
    }
  }

  private var query: UnsafePointer<T> { UnsafePointer((projection?.q ?? constantQuery).pointer) }

  // MARK: - Forward

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func forward(_ step: LongRangeStep<T>, features h0: UnsafePointer<T>) {
    if let projection {
      place.forEachBatch(atoms: atoms) { projection.forward(h0, $0) }
      for rows in [projection.a, projection.b] { step.halo?.fill(.features, rows.pointer, width: width) }
    }
    step.forEachBlock { block, scratch in
      for i in block.atoms {
        (x.pointer + i * width).update(from: constants.pointer + block.species * width, count: width)
      }
      transfers.forward(block, step.edges, scratch: scratch, into: x.pointer)
    }
    if let dispersion { place.forEachBatch(atoms: atoms) { dispersion.forward(h0, $0) } }
    setPotentials()
    switch use {
    case .features(_, let differences?):
      step.halo?.fill(.features, phi.pointer, width: width)
      step.forEachBlock { block, scratch in
        differences.forward(block, step.edges, scratch: scratch, potential: phi.pointer, into: w.pointer)
        setProducts(w.pointer, block.atoms)
      }
    case .features(_, nil):
      step.forEachBlock { block, _ in setProducts(phi.pointer, block.atoms) }
    case .energy(let weights, _, _):
      parallel(threads: place.threads, count: atoms) { _, range in
        for i in range { energies.pointer[i] = energy(of: i, weights) }
      }
    }
  }

  /// phi = G X, and psi.
  private func setPotentials() {
    let sources = dispersion.map { withDispersion($0) } ?? withoutPadding(x.pointer)
    let result = place.sum.fields(layer: place.index, filter: filter, sources: sources)
    for i in 0..<atoms {
      let (row, summed) = (phi.pointer + i * width, result.columns + i * summedColumns)
      row.update(from: summed, count: columns)
      (row + columns).update(repeating: 0, count: width - columns)
      if let dispersion { dispersion.psi.pointer[i] = summed[columns] }
    }
  }

  /// Rows of X and Y, in `dense`.
  private func withDispersion(_ dispersion: DispersionSources<T>) -> UnsafePointer<T> {
    for i in 0..<atoms {
      let row = dense.pointer + i * summedColumns
      row.update(from: x.pointer + i * width, count: columns)
      row[columns] = dispersion.y.pointer[i]
    }
    return UnsafePointer(dense.pointer)
  }

  /// Rows of D columns, in `dense` where they are padded.
  private func withoutPadding(_ rows: UnsafePointer<T>) -> UnsafePointer<T> {
    guard width > columns else { return rows }
    for i in 0..<atoms {
      (dense.pointer + i * columns).update(from: rows + i * width, count: columns)
    }
    return UnsafePointer(dense.pointer)
  }

  /// u = q * what is seen of the potential.
  private func setProducts(_ seen: UnsafePointer<T>, _ range: Range<Int>) {
    let (first, count) = (range.lowerBound * width, range.count * width)
    (u.pointer + first).setProduct(query + first, seen + first, count: count)
  }

  private func energy(of i: Int, _ weights: [Double]) -> Double {
    var sum = dispersion?.energy(of: i) ?? 0
    for d in 0..<columns {
      sum += weights[d] * Double(x.pointer[i * width + d]) * Double(phi.pointer[i * width + d])
    }
    return sum
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func mix(into h: Features<T>, range: Range<Int>) {
    guard case .features(let output, _) = use else { return }
    let first = range.lowerBound
    output.apply(u.pointer + first * width, rows: range.count, into: h.row(0, first), adding: true)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addEnergies(to sums: inout [Double]) {
    guard case .energy = use else { return }
    for i in sums.indices { sums[i] += energies.pointer[i] }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func charges(into charges: inout [Double]) -> Bool {
    guard case .energy = use else { return false }
    if charges.count != atoms { charges = Array(repeating: 0, count: atoms) }
    for i in 0..<atoms { charges[i] = Double(x.pointer[i * width]) }
    return true
  }

  // MARK: - Adjoint

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(
    _ step: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>,
    inputGradient: Features<T>?
  ) {
    switch use {
    case .features(let output, let differences?):
      step.forEachBlock { block, _ in
        outputAdjoint(output, gradient, block.atoms, seen: w.pointer, seenGradient: dw.pointer)
      }
      step.halo?.fill(.features, dw.pointer, width: width)
      step.forEachBlock { block, scratch in
        differences.adjoint(
          block, step.edges, scratch: scratch, potential: phi.pointer, gradient: dw.pointer,
          into: dphi.pointer)
      }
      potentialAdjoint()
    case .features(let output, nil):
      step.forEachBlock { block, _ in
        outputAdjoint(output, gradient, block.atoms, seen: phi.pointer, seenGradient: dphi.pointer)
      }
      potentialAdjoint()
    case .energy(_, let form, let summed): energyAdjoint(form.pointer, summed: summed.pointer)
    }
    step.halo?.fill(.features, dx.pointer, width: width)
    step.forEachBlock { block, scratch in
      transfers.adjoint(block, step.edges, scratch: scratch, gradient: dx.pointer)
    }
    guard let projection, let inputGradient else { return }
    place.forEachBatch(atoms: atoms) {
      projection.adjoint(h0, gradient: inputGradient.degree(0), $0)
      dispersion?.adjoint(h0, gradient: inputGradient.degree(0), $0)
    }
  }

  /// du from dE/dh', then dq and what is seen of the potential from it.
  private func outputAdjoint(
    _ output: PackedMatrix<T>, _ gradient: Features<T>, _ range: Range<Int>, seen: UnsafePointer<T>,
    seenGradient: UnsafeMutablePointer<T>
  ) {
    let (first, count) = (range.lowerBound * width, range.count * width)
    output.applyAdjoint(gradient.row(0, range.lowerBound), rows: range.count, into: du.pointer + first)
    (seenGradient + first).setProduct(query + first, du.pointer + first, count: count)
    if let projection {
      (projection.dq.pointer + first).setProduct(seen + first, du.pointer + first, count: count)
    }
  }

  /// dX = G dphi.
  private func potentialAdjoint() {
    let gradient = dense.pointer + (width > columns ? atoms * columns : 0)
    place.sum.fieldsAdjoint(
      layer: place.index, gradient: withoutPadding(dphi.pointer),
      sourceGradient: width > columns ? gradient : dx.pointer)
    guard width > columns else { return }
    for i in 0..<atoms {
      let row = dx.pointer + i * width
      row.update(from: gradient + i * columns, count: columns)
      (row + columns).update(repeating: 0, count: width - columns)
    }
  }

  /// dX = k_e s phi; the positions see the form itself.
  private func energyAdjoint(_ form: UnsafePointer<T>, summed: UnsafePointer<T>) {
    parallel(threads: place.threads, count: atoms) { _, range in
      for i in range {
        let row = dx.pointer + i * width
        row.setProduct(phi.pointer + i * width, form, count: width)
        row.setProduct(row, 2, count: width)
      }
    }
    place.sum.formAdjoint(layer: place.index, weights: summed)
  }

  // MARK: - Gradients by the weights

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addWeightGradients(
    _ step: LongRangeStep<T>, gradient: Features<T>, features h0: UnsafePointer<T>, to sums: WeightSums<T>
  ) {
    projection?.addWeightGradients(h0, atoms: atoms, to: sums)
    dispersion?.addWeightGradients(h0, atoms: atoms, to: sums)
    sums.add("conserved/xbar", constantsGradient(step.edges.species))
    if let transfers = transfers as? FeatureTransfers<T> {
      sums.addSpline("conserved/W_r", transfers.radial, functions: columns, step.blocks, step.shares) {
        block, thread, sum in
        transfers.addRadialGradient(
          block, step.edges, scratch: step.scratch[thread].messages, gradient: dx.pointer, to: sum)
      }
    }
    switch use {
    case .features(let output, let differences):
      sums.addProduct("conserved/W_o", u.pointer, gradient.degree(0), like: output, rows: atoms)
      guard let differences else { return }
      sums.addSpline("conserved/W_p", differences.radial, functions: columns, step.blocks, step.shares) {
        block, thread, sum in
        differences.addRadialGradient(
          block, step.edges, scratch: step.scratch[thread].messages, potential: phi.pointer,
          gradient: dw.pointer, to: sum)
      }
    case .energy:
      var products = [Double](repeating: 0, count: columns)
      for i in 0..<atoms {
        for d in 0..<columns {
          products[d] += Double(x.pointer[i * width + d]) * Double(phi.pointer[i * width + d])
        }
      }
      sums.add("conserved/s", products.map { $0 * Model.ConservedSources.coulombConstant / 2 })
    }
  }

  /// dE/dX summed over the atoms of each element.
  private func constantsGradient(_ species: [Int]) -> [Double] {
    var gradient = [Double](repeating: 0, count: constants.capacity / width * columns)
    for i in 0..<atoms {
      for d in 0..<columns { gradient[species[i] * columns + d] += Double(dx.pointer[i * width + d]) }
    }
    return gradient
  }
}
