// Reciprocal-space attention (arXiv:2510.13055, made size-consistent, triclinic and multi-head):
//
//   u_mh = sum_n (q_mh . k_nh) G_h(r_m - r_n) v_nh        all images included; G_h = sum_j filter_hj G_j
//
// It is linear in the products X_n = k_n (x) v_n, head by head: Y = G X, u_m = q_m . Y_m. Since G is symmetric
// the adjoint runs through the same sum: dY_m = q_m (x) du_m, dX = G dY, and the positions see the bilinear form
// dY^T G X. Three evaluations of that sum, with equal results:
//
//   pairwise   G as a matrix                   `ReciprocalAttention+Pairwise.swift`
//   kSum       Y = Phi^T W (Phi X)             `ReciprocalAttention+KSum.swift`
//
// Arrays are row-major: q, k, v, u are [N][D] with head h in columns h d ..< (h + 1) d; X, Y are [N][H d d],
// column (h d + a) d + b for component a of k and b of v. Any factor 1/sqrt(d) belongs to the caller's q.
// Use per step: `prepare`, `forward` for every layer, `adjoint` for every layer, `addGradients`.

import Kernels
import Lattice

/// How G is applied.
public enum AttentionMethod: String, Sendable, CaseIterable {
  case pairwise
  case kSum = "k-sum"
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
  /// Always use this evaluation (where the boundary allows it) instead of the cheapest.
  public var preferredMethod: AttentionMethod?
  /// The cell that chooses the wavevectors; nil lets each cell choose its own. Set it for a run in a changing
  /// cell: energy then stays a smooth function of the strain.
  public var referenceCell: Cell? {
    didSet { if referenceCell != oldValue { gridCell = nil } }
  }

  /// The evaluation that the last `prepare` chose.
  public internal(set) var method = AttentionMethod.pairwise
  /// The wavevectors in use; nil without periodic axes.
  public internal(set) var grid: KGrid?

  let phases = PhaseTable<T>()
  let layers: [LayerState<T>]
  var atomCount = 0
  var positions: [Vector3] = []
  var cell = Cell.free
  private var gridCell: Cell?

  /// w_jk in rows of length Nk, and dE/dw_jk summed over layers.
  let weights = Workspace<Double>()
  let weightGradients = Workspace<Double>()
  /// dE/dPhi summed over layers (k-sum), like the phases.
  let phaseGradients = Workspace<T>()
  /// G_j and dE/dG_j summed over layers (pairwise), [J][N][N].
  let pairKernels = Workspace<T>()
  let pairGradients = Workspace<T>()
  /// dE/dr as [3][N].
  let positionGradients = Workspace<Double>()
  /// Each thread's part of dE/dw.
  let weightPartials = Workspace<Double>()
  /// Scratch of one call.
  let scratch = Workspace<T>()
  let secondScratch = Workspace<T>()
  /// Scratch of each thread.
  let threadScratch: [Workspace<T>]

  /// - Parameter layers: number of layers that attend in one step.
  public init(kernel: ReciprocalKernel, heads: Int, width: Int, layers: Int, threads: Int = 1) {
    precondition(heads > 0 && width % heads == 0 && layers > 0 && threads > 0)
    self.kernel = kernel
    self.heads = heads
    self.width = width
    self.threads = threads
    self.layers = (0..<layers).map { _ in LayerState() }
    threadScratch = (0..<threads).map { _ in Workspace() }
  }

  /// d = D / H.
  var headWidth: Int { width / heads }
  /// Columns of X and Y, H d d.
  var columns: Int { width * headWidth }

  /// Phases or kernels of one configuration, for all layers; forgets gradients gathered before.
  ///
  /// A cell with some but not all axes periodic counts as periodic in three: its third vector must be real.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func prepare(positions: [Vector3], cell: Cell) {
    self.positions = positions
    self.cell = cell
    atomCount = positions.count
    updateGrid()
    method = chooseMethod()
    for layer in layers { layer.hasForward = false }
    let wavevectorCount = grid?.integers.count ?? 0
    weightGradients.reserve(kernel.sigmas.count * wavevectorCount)
      .update(repeating: 0, count: kernel.sigmas.count * wavevectorCount)
    if let grid { preparePhases(grid) }
    switch method {
    case .pairwise: preparePairKernels()
    case .kSum: prepareKSum()
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
    if state.filter != filter { state.setFilter(filter, kernel: kernel) }
    state.hasForward = true
    if method == .pairwise && headWidth > 1 {
      forwardHeads(state, q: q, k: k, v: v, u: u)
      return
    }
    formSources(state.x.reserve(atomCount * columns), k: k, v: v)
    state.y.reserve(atomCount * columns)
    switch method {
    case .pairwise: convolvePairwise(state, source: state.x.pointer, result: state.y.pointer)
    case .kSum:
      convolveKSum(state, source: state.x.pointer, result: state.y.pointer, spectrum: state.spectrum)
    }
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
    if method == .pairwise && headWidth > 1 {
      adjointHeads(state, q: q, k: k, v: v, du: du, dq: dq, dk: dk, dv: dv)
      return
    }
    let dY = scratch.reserve(2 * atomCount * columns)
    let dX = dY + atomCount * columns
    gatherAdjoint(state.y.pointer, q: q, du: du, dY: dY, dq: dq)
    switch method {
    case .pairwise: adjointPairwise(state, dY: dY, dX: dX)
    case .kSum: adjointKSum(state, dY: dY, dX: dX)
    }
    formSourcesAdjoint(dX, k: k, v: v, dk: dk, dv: dv)
  }

  /// Adds dE/dr (eV/Angstrom) and dE/d(strain) (eV) of all layers whose `adjoint` ran since `prepare`.
  ///
  /// For fixed integers k.r does not change under strain: only w_k(k, V) contributes there.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func addGradients(positions gradient: UnsafeMutablePointer<Vector3>, strain: inout Matrix3) {
    positionGradients.reserve(3 * atomCount).update(repeating: 0, count: 3 * atomCount)
    switch method {
    case .pairwise: addPairGradients()
    case .kSum: addKSumGradients()
    }
    let sums = positionGradients.pointer
    for m in 0..<atomCount {
      gradient[m] += Vector3(sums[m], sums[atomCount + m], sums[2 * atomCount + m])
    }
    addWeightGradients(strain: &strain)
  }
}

/// What a layer's adjoint needs of its forward pass.
final class LayerState<T: KernelScalar> {
  /// Row-major [H][J].
  private(set) var filter: [Double] = []
  /// s_h = sum_j filter_hj sqrt(2/pi)/sigma_j, or 0 where the self-term stays.
  private(set) var selfTerms: [T] = []
  var hasForward = false
  /// X and Y, [N][H d d].
  let x = Workspace<T>()
  let y = Workspace<T>()
  /// T = Phi X, [2 Nk][H d d] (k-sum).
  let spectrum = Workspace<T>()

  func setFilter(_ filter: [Double], kernel: ReciprocalKernel) {
    self.filter = filter
    let count = kernel.sigmas.count
    selfTerms = (0..<filter.count / count).map { h in
      T(
        kernel.sigmas.indices.reduce(0.0) {
          $0 + filter[h * count + $1] * kernel.selfTerm(sigma: kernel.sigmas[$1])
        })
    }
  }
}

// MARK: - Wavevectors and their weights

extension ReciprocalAttention {
  /// Chooses the integers when the cell that chooses them has changed, and the weights of the present cell.
  private func updateGrid() {
    guard cell.hasPeriodicAxis else {
      grid = nil
      gridCell = nil
      return
    }
    let chooser = referenceCell ?? cell
    if chooser != gridCell {
      grid = KGrid(cell: chooser, kernel: kernel)
      gridCell = chooser
    }
  }

  private func preparePhases(_ grid: KGrid) {
    phases.update(positions: positions, cell: cell, grid: grid, threads: threads)
    let count = grid.integers.count
    let weights = weights.reserve(kernel.sigmas.count * count)
    let volume = cell.volume
    for (j, sigma) in kernel.sigmas.enumerated() {
      for (i, k) in phases.wavevectors.enumerated() {
        let isKept = i < grid.counts[j]
        weights[j * count + i] =
          isKept ? kernel.pairWeight(kSquared: dot(k, k), sigma: sigma, volume: volume) : 0
      }
    }
  }

  /// dE/d(strain) = sum_jk dE/dw_jk w_jk d(ln w_jk)/d(strain).
  private func addWeightGradients(strain: inout Matrix3) {
    let count = phases.wavevectorCount
    guard let grid else { return }
    for (j, sigma) in kernel.sigmas.enumerated() {
      for i in 0..<grid.counts[j] {
        let slope = kernel.logWeightStrainGradient(k: phases.wavevectors[i], sigma: sigma)
        strain += slope * (weights.pointer[j * count + i] * weightGradients.pointer[j * count + i])
      }
    }
  }

  /// The cheaper evaluation by its count of multiplications in matrix products. The formula sees sizes only,
  /// so the choice is the same on every machine and after every restart.
  private func chooseMethod() -> AttentionMethod {
    guard let grid else { return .pairwise }
    if let preferredMethod { return preferredMethod }
    let (n, k, j) = (atomCount, 2 * grid.integers.count, kernel.sigmas.count)
    // G and the adjoint of its phases once; each head forms, weights and applies an N x N matrix. Products
    // with few columns run at about a third of the speed of large ones.
    let perLayer = headWidth == 1 ? 3 * j * width : 3 * 6 * width
    let pairwise = n * n * (2 * j * k + layers.count * perLayer)
    let kSum = layers.count * 6 * n * k * columns
    return pairwise < kSum ? .pairwise : .kSum
  }
}
