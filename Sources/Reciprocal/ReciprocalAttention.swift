// Reciprocal-space attention (arXiv:2510.13055, made size-consistent, triclinic and multi-head):
//
//   u_mh = sum_n (q_mh . k_nh) G_h(r_m - r_n) v_nh        all images included; G_h = sum_j filter_hj G_j
//
// It is linear in the products X_n = k_n (x) v_n, head by head: Y = G X, u_m = q_m . Y_m. Since G is
// symmetric the adjoint runs through the same sum: dY_m = q_m (x) du_m, dX = G dY, and the positions see the
// bilinear form dY^T G X. What stands here is q, k and v; G belongs to a `FieldSolver`:
//
//   pairwise   G as a matrix                   `PairMatrix`
//   ewald      the same, for large cells       `PairMatrix+Images`   (without the cut at k_max)
//   kSum       Y = Phi^T W (Phi X)             `WavevectorSum`
//   mesh       the k-sum by windows and FFT    `ParticleMesh`        (to the mesh's accuracy)
//
// An `AttentionPlan` says which; `ReciprocalAttention+Plan.swift` makes the cheapest, and refuses what no memory holds.
//
// Arrays are row-major: q, k, v, u are [N][D] with head h in columns h d ..< (h + 1) d; X, Y are [N][H d d],
// column (h d + a) d + b for component a of k and b of v. Any factor 1/sqrt(d) belongs to the caller's q.
// Ranks have the atoms of their bricks. The k-sum adds up T over ranks; of the other sums they share out columns and the planes of
// meshes (`ColumnExchange`).
//
// A layer may pass X itself and take Y: `fields`, `fieldsAdjoint`; or `formAdjoint`, where the energy is a form of X and Y.
// Use per step: `prepare`, a forward pass of every layer, an adjoint of every layer, `addGradients`.

import Domains
import Kernels
import Lattice

/// The attention sums of all layers of a model on one configuration, and their exact adjoint.
///
/// Keeps phases, kernels and scratch between steps: a step allocates nothing once sizes have settled. Equal
/// input, plan and `threads` give equal bits, whatever was computed before.
public final class ReciprocalAttention<T: KernelScalar> {
  public let kernel: ReciprocalKernel
  /// H.
  public let heads: Int
  /// D, a multiple of H.
  public let width: Int
  public let threads: Int
  public let communicator: any Communicator

  let layers: [FieldLayer<T>]
  /// Nil where the sum goes over pairs of a cluster.
  var waves: Wavevectors?
  var solver: (any FieldSolver<T>)?
  /// What solver and wavevectors are made for; nil where something has changed since.
  var plan: AttentionPlan?
  var atomCount = 0
  /// Atoms of all ranks.
  private(set) var totalAtoms = 0
  /// The memory that was there for sizes met before.
  var grantedBytes = 0.0
  private var measuresSources = false

  /// dE/dr as [3][N].
  private let positionGradients = Workspace<Double>()
  /// dY and dX of one call.
  private let scratch = Workspace<T>()

  /// - Parameter layers: number of layers that attend in one step.
  public init(
    kernel: ReciprocalKernel, heads: Int, width: Int, layers: Int, threads: Int = 1,
    communicator: any Communicator = SingleProcess()
  ) {
    precondition(heads > 0 && width % heads == 0 && layers > 0 && threads > 0)
    self.kernel = kernel
    self.heads = heads
    self.width = width
    self.threads = threads
    self.communicator = communicator
    self.layers = (0..<layers).map { _ in FieldLayer() }
  }

  /// What deals columns to the ranks, where there are several.
  private var exchange: ColumnExchange<T>? { solver as? ColumnExchange<T> }
  /// The solver, where it is one of these.
  var pairs: PairMatrix<T>? { (exchange?.solver ?? solver) as? PairMatrix<T> }
  var mesh: ParticleMesh<T>? { (exchange?.solver ?? solver) as? ParticleMesh<T> }
  /// Wide heads never form X where one process has all atoms.
  private var headPairs: PairMatrix<T>? { headWidth > 1 && exchange == nil ? pairs : nil }

  /// A solver of columns, as the ranks use it.
  func shared(_ solver: any FieldSolver<T>, _ division: MeshDivision) -> any FieldSolver<T> {
    communicator.size == 1
      ? solver : ColumnExchange(solver, division, kernel: kernel, communicator: communicator)
  }

  /// Columns of a layer that a mesh of this rank carries.
  func meshColumns(_ layer: FieldLayer<T>, _ division: MeshDivision) -> FieldColumns {
    let columns = layer.fieldColumns ?? FieldColumns(count: columns)
    return communicator.size == 1 ? columns : division.share(of: columns)
  }

  /// Before `plan` and `prepare`: how many atoms all ranks have.
  public func expectAtoms(_ total: Int) { totalAtoms = total }

  /// d = D / H.
  var headWidth: Int { width / heads }
  /// Columns of X and Y, H d d.
  var columns: Int { width * headWidth }

  /// Phases or kernels of one configuration, for all layers; forgets gradients gathered before.
  ///
  /// - Parameters:
  ///   - plan: of this number of atoms, for a cell with the same periodic axes, and with room for them along the others.
  ///   - measuringSources: whether the step measures what `sufficientResolution` needs.
  /// - Throws: `MemoryError`, before anything is allocated, for sizes that no memory holds.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func prepare(
    positions: [Vector3], cell: Cell, plan: AttentionPlan, measuringSources: Bool = false
  ) throws(MemoryError) {
    precondition(admits(plan) && plan.cell.isPeriodic == cell.isPeriodic)
    try follow(plan, atoms: positions.count)
    measuresSources = measuringSources
    for layer in layers { layer.hasForward = false }
    let cell = box(of: plan, in: cell)?.cell ?? cell
    waves?.follow(cell)
    solver?.place(positions: positions, cell: cell)
  }

  /// u of one layer. `filter` is row-major [H][J].
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func forward(
    layer: Int, filter: [Double], q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>,
    u: UnsafeMutablePointer<T>
  ) {
    precondition(filter.count == heads * kernel.sigmas.count)
    let state = layers[layer]
    state.configure(filter: filter, columns: columns, kernel: kernel)
    state.hasForward = true
    if let headPairs {
      headPairs.forwardHeads(state, q: q, k: k, v: v, u: u)
      return
    }
    formSources(state.x.reserve(atomCount * columns), k: k, v: v)
    applyKernel(state)
    gather(state.y.pointer, q: q, u: u)
  }

  /// dq, dk, dv of one layer from du, after its `forward` with the same q, k, v. The part of positions and
  /// strain is kept for `addGradients`.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func adjoint(
    layer: Int, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>, du: UnsafePointer<T>,
    dq: UnsafeMutablePointer<T>, dk: UnsafeMutablePointer<T>, dv: UnsafeMutablePointer<T>
  ) {
    let state = layers[layer]
    precondition(state.hasForward, "adjoint needs the forward pass of its layer")
    if let headPairs {
      headPairs.adjointHeads(state, q: q, k: k, v: v, du: du, dq: dq, dk: dk, dv: dv)
      return
    }
    let dY = scratch.reserve(2 * atomCount * columns)
    let dX = dY + atomCount * columns
    gatherAdjoint(state.y.pointer, q: q, du: du, dY: dY, dq: dq)
    applyKernelAdjoint(state, dY: dY, dX: dX)
    formSourcesAdjoint(dX, k: k, v: v, dk: dk, dv: dv)
  }

  /// dE/dfilter of one layer, [H][J], after its `adjoint` with the same q, k, v and du:
  ///   dE/dfilter_hj = sum over atoms and the columns of h of dY (G_j X).
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func filterGradient(
    layer: Int, q: UnsafePointer<T>, k: UnsafePointer<T>, v: UnsafePointer<T>, du: UnsafePointer<T>
  ) -> [Double] {
    let (kernels, count) = (kernel.sigmas.count, atomCount * columns)
    let (state, perHead) = (FieldLayer<T>(), columns / heads)
    var gradient = [Double](repeating: 0, count: heads * kernels)
    formSources(state.x.reserve(count), k: k, v: v)
    state.y.reserve(count)
    let dY = scratch.reserve(2 * count + atomCount * width)
    for j in 0..<kernels {
      state.configure(
        filter: (0..<heads * kernels).map { $0 % kernels == j ? 1 : 0 }, columns: columns, kernel: kernel)
      solver?.apply(state)
      gatherAdjoint(state.y.pointer, q: q, du: du, dY: dY, dq: dY + 2 * count)
      for n in 0..<count {
        gradient[n % columns / perHead * kernels + j] += Double(dY[n]) * Double(state.y.pointer[n])
      }
    }
    return gradient
  }

  /// Before `plan` and `prepare`: the layer will pass sources of so many columns to `fields`, not q, k and v to
  /// `forward`.
  ///
  /// - Parameters:
  ///   - apart: the last of the columns, which do without the kernels of the others.
  ///   - leavesMean: the caller will add the field of the means of the sources where `fields` says so.
  public func expectFields(layer: Int, columns: Int, apart: Int = 0, leavesMean: Bool) {
    let columns = FieldColumns(count: columns, apart: apart)
    if layers[layer].fieldColumns != columns { plan = nil }
    layers[layer].fieldColumns = columns
    layers[layer].leavesMean = leavesMean
  }

  /// Y = G X of one layer for sources [N][columns]. Row i of `filter`, [rows][J], mixes the kernels for the i-th of
  /// equal parts of the columns. The result is valid until the layer's next pass; where it has a mean, Y is `columns`
  /// and that of the mean.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func fields(layer: Int, filter: [Double], sources: UnsafePointer<T>) -> SourceFields<T> {
    let state = layers[layer]
    guard let columns = state.fieldColumns?.count else {
      preconditionFailure("expectFields comes before prepare")
    }
    state.configure(filter: filter, columns: columns, kernel: kernel)
    state.hasForward = true
    state.x.reserve(atomCount * columns).update(from: sources, count: atomCount * columns)
    applyKernel(state)
    return SourceFields(
      columns: UnsafePointer(state.y.pointer),
      mean: state.leavesMean
        ? mesh?.even.map { $0.field + (exchange?.firstOwn ?? 0) * kernel.sigmas.count } : nil)
  }

  /// Keeps the part of positions and strain of one layer for `addGradients`, from dE/dY after its `fields`.
  ///
  /// - Parameter dX: takes what Y makes of dE/dX, where the sources depend on positions.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func fieldsAdjoint(
    layer: Int, gradient dY: UnsafePointer<T>, sourceGradient dX: UnsafeMutablePointer<T>? = nil
  ) {
    let state = layers[layer]
    precondition(state.hasForward, "adjoint needs the forward pass of its layer")
    applyKernelAdjoint(
      state, dY: dY, dX: dX ?? (measuresSources ? scratch.reserve(atomCount * state.columns) : nil))
  }

  /// Keeps the part of positions and strain of E = sum_c weights_c X_c^T Y_c of one layer for `addGradients`, after its
  /// `fields`. dE/dX is 2 weights o Y.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func formAdjoint(layer: Int, weights: UnsafePointer<T>) {
    let state = layers[layer]
    precondition(state.hasForward, "adjoint needs the forward pass of its layer")
    if let mesh, !measuresSources {
      if let exchange {
        exchange.formAdjoint(state, weights: weights, on: mesh)
      } else {
        mesh.formAdjoint(state, weights: weights)
      }
      return
    }
    let (count, columns) = (atomCount * state.columns, state.columns)
    let dY = scratch.reserve(2 * count)
    for m in 0..<atomCount {
      (dY + m * columns).setProduct(state.x.pointer + m * columns, weights, count: columns)
    }
    applyKernelAdjoint(state, dY: dY, dX: measuresSources ? dY + count : nil)
  }

  /// Adds dE/dr (eV/Angstrom) and dE/d(strain) (eV) of all layers whose `adjoint` ran since `prepare`.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func addGradients(positions gradient: UnsafeMutablePointer<Vector3>, strain: inout Matrix3) {
    let sums = positionGradients.reserve(3 * atomCount)
    sums.update(repeating: 0, count: 3 * atomCount)
    solver?.addGradients(positions: sums, strain: &strain)
    for m in 0..<atomCount {
      gradient[m] += Vector3(sums[m], sums[atomCount + m], sums[2 * atomCount + m])
    }
    waves?.addStrainGradient(to: &strain)
  }

  /// Y from the X of a layer.
  private func applyKernel(_ layer: FieldLayer<T>) {
    layer.y.reserve(atomCount * layer.columns)
    solver?.apply(layer)
  }

  private func applyKernelAdjoint(
    _ layer: FieldLayer<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?
  ) {
    solver?.adjoint(layer, dY: dY, dX: dX)
    guard measuresSources, let dX else { return }
    if let exchange {
      let (share, gradients) = (exchange.share(of: layer), exchange.gradientsOfAll)
      let slabs = mesh?.exchange?.group
      measureStrengths(share, dY: gradients.dY, dX: gradients.dX, atoms: exchange.atoms) {
        slabs?.sum(.sums, $0) ?? $0
      }
      // All slabs of a group have its sums.
      let isFirstSlab = slabs.map { $0.place == 0 } ?? true
      layer.strengths = share.strengths.map { communicator.sum(isFirstSlab ? $0 : 0) }
      layer.overlaps = share.overlaps.map { communicator.sum(isFirstSlab ? $0 : 0) }
      layer.smoothStrength = communicator.sum(share.smoothStrength)
    } else {
      measureStrengths(layer, dY: dY, dX: dX, atoms: atomCount)
    }
  }
}

/// Fields of given sources at the atoms.
public struct SourceFields<T: KernelScalar> {
  /// [N][columns].
  public let columns: UnsafePointer<T>
  /// G_j 1, [N][J], where `columns` are of what the means of their sources leave: the rest is the mean times this. Apart,
  /// it may be added up over columns before single precision rounds it.
  public let mean: UnsafePointer<Double>?
}
