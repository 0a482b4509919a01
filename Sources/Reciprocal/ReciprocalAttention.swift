// Reciprocal-space attention (arXiv:2510.13055, made size-consistent, triclinic and multi-head):
//
//   u_mh = sum_n (q_mh . k_nh) G_h(r_m - r_n) v_nh        all images included; G_h = sum_j filter_hj G_j
//
// It is linear in the products X_n = k_n (x) v_n, head by head: Y = G X, u_m = q_m . Y_m. Since G is
// symmetric the adjoint runs through the same sum: dY_m = q_m (x) du_m, dX = G dY, and the positions see the
// bilinear form dY^T G X. Four evaluations of that sum, with equal results:
//
//   pairwise   G as a matrix                   `ReciprocalAttention+Pairwise.swift`
//   ewald      the same, for large cells       `ReciprocalAttention+Ewald.swift`  (without the cut at k_max)
//   kSum       Y = Phi^T W (Phi X)             `ReciprocalAttention+KSum.swift`
//   mesh       the k-sum by windows and FFT    `ReciprocalAttention+Mesh.swift`   (to the mesh's accuracy)
//
// `ReciprocalAttention+Choice.swift` takes the cheapest, and refuses what no memory holds.
//
// Arrays are row-major: q, k, v, u are [N][D] with head h in columns h d ..< (h + 1) d; X, Y are [N][H d d],
// column (h d + a) d + b for component a of k and b of v. Any factor 1/sqrt(d) belongs to the caller's q.
// A layer whose sources do not depend on positions may pass X itself and take Y: `fields`, `fieldsAdjoint`.
// Use per step: `prepare`, a forward pass of every layer, an adjoint of every layer, `addGradients`.

import Foundation
import Kernels
import Lattice

/// How G is applied.
public enum AttentionMethod: String, Sendable, CaseIterable {
  case pairwise
  case ewald
  case kSum = "k-sum"
  case mesh
}

/// The attention sums of all layers of a model on one configuration, and their exact adjoint.
///
/// Keeps phases, kernels and scratch between steps: a step allocates nothing once sizes have settled. Equal
/// input and equal `threads` give equal bits.
public final class ReciprocalAttention<T: KernelScalar> {
  public let kernel: ReciprocalKernel
  /// H.
  public let heads: Int
  /// D, a multiple of H.
  public let width: Int
  public let threads: Int
  /// Always use this evaluation (where boundary and kernel allow it) instead of the cheapest.
  public var preferredMethod: AttentionMethod? {
    didSet { isSettled = false }
  }
  /// Whether steps on the mesh measure what `sufficientResolution` needs.
  public var measuresSources = false
  /// Order and spacing of the mesh.
  public var meshResolution = MeshResolution() {
    didSet { if meshResolution != oldValue { isSettled = false } }
  }
  /// The cell that chooses the wavevectors; nil lets each cell choose its own. Set it for a run in a changing
  /// cell: energy then stays a smooth function of the strain.
  public var referenceCell: Cell?

  /// The evaluation that the last `prepare` chose.
  public internal(set) var method = AttentionMethod.pairwise
  /// The wavevectors in use; nil without periodic axes.
  public internal(set) var grid: KGrid?

  let phases = PhaseTable<T>()
  let mesh = ParticleMesh<T>()
  let layers: [LayerState<T>]
  var atomCount = 0
  var positions: [Vector3] = []
  var cell = Cell.free
  var wavevectors: [Vector3] = []
  /// The kernel whose wavevectors these are: with Ewald's split a wider one.
  private(set) var waveKernel: ReciprocalKernel
  /// The cell that chose `grid`, the one whose k(n) and w_jk are at hand, and the one that chose the mesh.
  private var gridCell: Cell?
  var weightCell: Cell?
  private var meshCell: Cell?
  private var meshCellResolution: MeshResolution?
  /// For which sizes evaluation and wavevectors have been chosen, and the memory that was there for them.
  var isSettled = false
  var settledAtoms = 0
  var settledCell = Cell.free
  var grantedBytes = 0.0

  /// w_jk in rows of length Nk, and dE/dw_jk summed over layers.
  let weights = Workspace<Double>()
  let weightGradients = Workspace<Double>()
  /// dE/dPhi summed over layers (k-sum), like the phases.
  let phaseGradients = Workspace<T>()
  /// G_j and dE/dG_j summed over layers (pairwise), [J][N][N].
  let pairKernels = Workspace<T>()
  let pairGradients = Workspace<T>()
  /// G_j'(r)/r without periodic axes, [J][N][N].
  let pairSlopes = Workspace<T>()
  /// dE/du in mesh coordinates, summed over layers (mesh).
  let meshGradients = Workspace<Vector3>()
  /// One block of fields, and the fields of one kernel at the atoms with their gradients (mesh).
  let meshScratch = Workspace<T>()
  let meshJets = Workspace<T>()
  /// dE/dr as [3][N].
  let positionGradients = Workspace<Double>()
  /// Each thread's part of dE/dw.
  let weightPartials = Workspace<Double>()
  /// dE/d(strain) of the images of Ewald's split, each thread's part and their sum.
  let imageStrains = Workspace<Matrix3>()
  var imageStrain = Matrix3.zero
  /// Scratch of one call.
  let scratch = Workspace<T>()
  let secondScratch = Workspace<T>()
  /// Scratch of each thread.
  let threadScratch: [Workspace<T>]

  /// - Parameter layers: number of layers that attend in one step.
  public init(kernel: ReciprocalKernel, heads: Int, width: Int, layers: Int, threads: Int = 1) {
    precondition(heads > 0 && width % heads == 0 && layers > 0 && threads > 0)
    self.kernel = kernel
    waveKernel = kernel
    self.heads = heads
    self.width = width
    self.threads = threads
    self.layers = (0..<layers).map { _ in LayerState() }
    threadScratch = (0..<threads).map { _ in Workspace() }
  }

  /// Whether G is a matrix.
  var isPairwise: Bool { method == .pairwise || method == .ewald }
  /// d = D / H.
  var headWidth: Int { width / heads }
  /// Columns of X and Y, H d d.
  var columns: Int { width * headWidth }

  /// Phases or kernels of one configuration, for all layers; forgets gradients gathered before.
  ///
  /// - Throws: `MemoryError`, before anything is allocated, for sizes that no evaluation fits.
  ///
  /// A cell with some but not all axes periodic counts as periodic in three: its third vector must be real.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func prepare(positions: [Vector3], cell: Cell) throws(MemoryError) {
    // Elements in turn: with the same array in two hands, the caller's next write would copy it.
    if self.positions.count != positions.count {
      self.positions = Array(repeating: .zero, count: positions.count)
    }
    for m in positions.indices { self.positions[m] = positions[m] }
    self.cell = cell
    atomCount = positions.count
    try settle()
    for layer in layers { layer.hasForward = false }
    let weightCount = kernel.sigmas.count * wavevectorCount
    weightGradients.reserve(weightCount).update(repeating: 0, count: weightCount)
    if let grid, method != .mesh {
      phases.update(positions: positions, cell: cell, grid: grid, threads: threads)
    }
    switch method {
    case .pairwise, .ewald: preparePairKernels()
    case .kSum: prepareKSum()
    case .mesh: prepareMesh()
    }
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
    if isPairwise && headWidth > 1 {
      forwardHeads(state, q: q, k: k, v: v, u: u)
      return
    }
    formSources(state.x.reserve(atomCount * columns), k: k, v: v)
    convolve(state)
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
    if isPairwise && headWidth > 1 {
      adjointHeads(state, q: q, k: k, v: v, du: du, dq: dq, dk: dk, dv: dv)
      return
    }
    let dY = scratch.reserve(2 * atomCount * columns)
    let dX = dY + atomCount * columns
    gatherAdjoint(state.y.pointer, q: q, du: du, dY: dY, dq: dq)
    convolveAdjoint(state, dY: dY, dX: dX)
    formSourcesAdjoint(dX, k: k, v: v, dk: dk, dv: dv)
  }

  /// Before `prepare`: the layer will pass sources of so many columns to `fields`, not q, k and v to
  /// `forward`.
  public func expectFields(layer: Int, columns: Int) {
    if layers[layer].fieldColumns != columns { isSettled = false }
    layers[layer].fieldColumns = columns
  }

  /// Y = G X of one layer for sources [N][columns] that do not depend on positions. Row i of `filter`,
  /// [rows][J], mixes the kernels for the i-th of equal parts of the columns. The result is valid until the
  /// layer's next pass.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func fields(layer: Int, filter: [Double], sources: UnsafePointer<T>) -> UnsafePointer<T> {
    let state = layers[layer]
    guard let columns = state.fieldColumns else { preconditionFailure("expectFields comes before prepare") }
    state.configure(filter: filter, columns: columns, kernel: kernel)
    state.hasForward = true
    state.x.reserve(atomCount * columns).update(from: sources, count: atomCount * columns)
    convolve(state)
    return UnsafePointer(state.y.pointer)
  }

  /// Keeps the part of positions and strain of one layer for `addGradients`, from dE/dY after its `fields`.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func fieldsAdjoint(layer: Int, gradient dY: UnsafePointer<T>) {
    let state = layers[layer]
    precondition(state.hasForward, "adjoint needs the forward pass of its layer")
    convolveAdjoint(state, dY: dY, dX: nil)
  }

  /// Adds dE/dr (eV/Angstrom) and dE/d(strain) (eV) of all layers whose `adjoint` ran since `prepare`.
  ///
  /// For fixed integers k.r does not change under strain: only w_k(k, V) contributes there.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func addGradients(positions gradient: UnsafeMutablePointer<Vector3>, strain: inout Matrix3) {
    positionGradients.reserve(3 * atomCount).update(repeating: 0, count: 3 * atomCount)
    switch method {
    case .pairwise, .ewald: addPairGradients()
    case .kSum: addKSumGradients()
    case .mesh: addMeshGradients()
    }
    let sums = positionGradients.pointer
    for m in 0..<atomCount {
      gradient[m] += Vector3(sums[m], sums[atomCount + m], sums[2 * atomCount + m])
    }
    addWeightGradients(strain: &strain)
    if method == .ewald { strain += imageStrain }
  }

  /// Y from the X of a layer.
  private func convolve(_ state: LayerState<T>) {
    state.y.reserve(atomCount * state.columns)
    switch method {
    case .pairwise, .ewald: convolvePairwise(state, source: state.x.pointer, result: state.y.pointer)
    case .kSum:
      convolveKSum(state, source: state.x.pointer, result: state.y.pointer, spectrum: state.spectrum)
    case .mesh: convolveMesh(state)
    }
  }

  /// Keeps the gradients by positions and weights, and computes dX where it is asked for.
  private func convolveAdjoint(_ state: LayerState<T>, dY: UnsafePointer<T>, dX: UnsafeMutablePointer<T>?) {
    switch method {
    case .pairwise, .ewald: adjointPairwise(state, dY: dY, dX: dX)
    case .kSum: adjointKSum(state, dY: dY, dX: dX)
    case .mesh: adjointMesh(state, dY: dY, dX: dX)
    }
  }
}

// MARK: - Wavevectors and their weights

extension ReciprocalAttention {
  /// Nk.
  var wavevectorCount: Int { wavevectors.count }

  func removeWavevectors() {
    (grid, gridCell, meshCell) = (nil, nil, nil)
    wavevectors.removeAll()
  }

  /// The integers of a kernel in the cell that chooses them.
  func makeWavevectors(of kernel: ReciprocalKernel, in chooser: Cell) {
    guard chooser != gridCell || kernel != waveKernel else { return }
    grid = KGrid(cell: chooser, kernel: kernel)
    (gridCell, waveKernel, weightCell, meshCell) = (chooser, kernel, nil, nil)
  }

  func configureMesh(in chooser: Cell) {
    guard let grid, chooser != meshCell || meshResolution != meshCellResolution else { return }
    mesh.configure(cell: chooser, kernel: kernel, resolution: meshResolution, grid: grid, threads: threads)
    (meshCell, meshCellResolution, weightCell) = (chooser, meshResolution, nil)
  }

  /// k(n) and w_jk of the present cell.
  func updateWeights() {
    guard let grid, weightCell != cell else { return }
    weightCell = cell
    wavevectors.removeAll(keepingCapacity: true)
    let reciprocal = cell.reciprocal
    for n in grid.integers { wavevectors.append(Vector3(n) * reciprocal) }
    let weights = weights.reserve(kernel.sigmas.count * wavevectorCount)
    let volume = cell.volume
    for (j, sigma) in waveKernel.sigmas.enumerated() {
      for (i, k) in wavevectors.enumerated() {
        let isKept = i < grid.counts[j]
        weights[j * wavevectorCount + i] =
          isKept ? waveKernel.pairWeight(kSquared: dot(k, k), sigma: sigma, volume: volume) : 0
      }
    }
    if method == .mesh { mesh.setInfluence(weights: weights, kernels: kernel.sigmas.count) }
  }

  /// dE/d(strain) = sum_jk dE/dw_jk w_jk d(ln w_jk)/d(strain).
  private func addWeightGradients(strain: inout Matrix3) {
    guard let grid else { return }
    for (j, sigma) in waveKernel.sigmas.enumerated() {
      for i in 0..<grid.counts[j] {
        let slope = waveKernel.logWeightStrainGradient(k: wavevectors[i], sigma: sigma)
        let index = j * wavevectorCount + i
        strain += slope * (weights.pointer[index] * weightGradients.pointer[index])
      }
    }
  }
}
