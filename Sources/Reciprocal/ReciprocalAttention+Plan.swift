// Which evaluation a system gets, and whether the machine has room for it: from estimates of the sizes, before any
// table is made.
//
// The choice is a function of sizes alone (atoms, cell, kernels, columns), the same on every machine; what memory there
// is decides only between going on and refusing.

import Domains
import Foundation
import Kernels
import Lattice

/// Wavevectors that may be looked at before the choice, to count them as they are: those of 90,000 atoms of water for a
/// sigma of 2 Angstrom. Beyond, their number is estimated, and Ewald's split is one of the ways.
private let mostCounted = 0x1p18

// MARK: - Choice

extension ReciprocalAttention {
  /// Fine enough for most sources; `sufficientResolution` knows better.
  public static var usualMesh: MeshResolution {
    T.self == Double.self ? MeshResolution(order: 14, spacing: 0.45) : MeshResolution()
  }

  /// The plan of a system: the cheapest evaluation, or the one that is preferred where boundary and kernel allow it.
  /// `expectFields` comes before.
  ///
  /// - Parameter mesh: the resolution, should the method be the mesh.
  /// - Throws: `MemoryError`, before anything is allocated, for sizes that no evaluation fits.
  public func plan(
    positions: [Vector3], cell: Cell, preferring preferred: AttentionMethod? = nil,
    mesh: MeshResolution = ReciprocalAttention.usualMesh
  ) throws(MemoryError) -> AttentionPlan {
    func plan(_ method: AttentionMethod) -> AttentionPlan {
      AttentionPlan(method: method, mesh: mesh, cell: cell, positions: positions)
    }
    if let preferred { return plan(allowsEwald(in: cell) || preferred != .ewald ? preferred : .pairwise) }
    let (chooser, waveKernel, radius) = chooser(of: plan(.kSum))
    let estimate = KGrid.estimate(cell: chooser, kernel: waveKernel)
    let isSparse = estimate.tried > mostCounted
    // Known or estimated, the number must be one that could be made. A cluster's sum over pairs needs none.
    let wavevectors =
      isSparse || !cell.hasPeriodicAxis
      ? estimate.kept : Double(wavevectors(of: waveKernel, in: chooser, radius: radius).count)
    return plan(
      cheapest(
        atoms: positions.count, in: chooser, mesh: mesh, wavevectors: wavevectors,
        allowsEwald: isSparse && allowsEwald(in: cell)))
  }

  /// Ewald's split is for three periodic axes.
  private func allowsEwald(in cell: Cell) -> Bool { cell.isFullyPeriodic && kernel.weight != .top6 }

  /// How far beyond k_max wavevectors matter where a kernel has no k_max of its own.
  private static var openTolerance: Double { T.self == Double.self ? 1e-13 : 1e-8 }

  /// The box of a plan with open axes, in the present cell.
  func box(of plan: AttentionPlan, in cell: Cell) -> TruncationBox? {
    plan.room.map {
      TruncationBox(of: $0, in: cell, kernel: kernel.truncated(tolerance: Self.openTolerance))
    }
  }

  /// The cell that chooses the wavevectors of a plan, and their kernels.
  func chooser(of plan: AttentionPlan) -> (cell: Cell, kernel: ReciprocalKernel, radius: Double?) {
    if let box = box(of: plan, in: plan.cell) {
      return (box.cell, kernel.truncated(tolerance: Self.openTolerance), box.radius)
    }
    return (plan.cell, plan.method == .ewald ? kernel.widened(in: plan.cell) : kernel, nil)
  }

  /// Whether a plan can be followed with these kernels.
  public func admits(_ plan: AttentionPlan) -> Bool {
    guard (plan.mesh?.order ?? 0) <= T.Window.scalarCount else { return false }
    return plan.method != .ewald || allowsEwald(in: plan.cell)
  }

  /// A plan with all its choices made, those that need time included.
  ///
  /// - Parameter atoms: of this rank.
  public func settled(_ plan: AttentionPlan, atoms: Int) throws(MemoryError) -> AttentionPlan {
    try follow(plan, atoms: atoms)
    var settled = plan
    settled.wisdom = plan.method == .mesh ? mesh?.wisdom : nil
    self.plan = settled
    return settled
  }

  /// Takes up a plan: wavevectors, mesh and solver; tables are made when atoms are placed.
  func follow(_ plan: AttentionPlan, atoms: Int) throws(MemoryError) {
    if communicator.size == 1 { expectAtoms(atoms) }
    guard plan != self.plan || atoms != atomCount else { return }
    guard plan.room != nil || plan.cell.hasPeriodicAxis else {
      try requireMemory(plan, wavevectors: 0)
      waves = nil
      solver = shared(pairMatrix(waves: nil, addsImages: false), wholeMeshes)
      (self.plan, atomCount) = (plan, atoms)
      return
    }
    let (chooser, waveKernel, radius) = chooser(of: plan)
    let (kept, tried) = KGrid.estimate(cell: chooser, kernel: waveKernel)
    if tried > mostCounted {
      // What is looked at takes time where it takes no memory.
      try requireMemory(plan, wavevectors: max(kept, tried / 16))
    }
    let waves = wavevectors(of: waveKernel, in: chooser, radius: radius)
    try requireMemory(plan, wavevectors: Double(waves.count))
    switch plan.method {
    case .pairwise, .ewald:
      solver = shared(pairMatrix(waves: waves, addsImages: plan.method == .ewald), wholeMeshes)
    case .kSum:
      if !(solver is WavevectorSum<T>) {
        solver = WavevectorSum(kernel: kernel, waves: waves, threads: threads, communicator: communicator)
      }
    case .mesh:
      let mesh = mesh ?? ParticleMesh(kernel: kernel, waves: waves, threads: threads)
      let division = division(of: plan)
      mesh.configure(
        cell: chooser, resolution: plan.mesh ?? MeshResolution(),
        columns: layers.map { meshColumns($0, division) }, wisdom: plan.wisdom,
        group: division.slabs == 1
          ? nil
          : RankGroup(communicator, members: division.members(of: division.group(of: communicator.rank))))
      solver = shared(mesh, division)
    }
    (self.plan, atomCount) = (plan, atoms)
  }

  /// Columns alone are shared out.
  private var wholeMeshes: MeshDivision { MeshDivision(groups: communicator.size) }

  /// How ranks share the mesh of a plan. Along open axes each has whole meshes: its atoms are in a third of the planes, and
  /// the mean of the sources is that of all atoms (`EvenField`).
  func division(of plan: AttentionPlan) -> MeshDivision {
    guard let resolution = plan.mesh, plan.room == nil else { return wholeMeshes }
    let size = ParticleMesh<T>.size(cell: chooser(of: plan).cell, kernel: kernel, resolution: resolution)
    return MeshDivision(
      ranks: communicator.size, atoms: totalAtoms, size: size, order: resolution.order
    ) { groups in
      layers.reduce(0) {
        $0 + blockCost(columns: meshColumns($1, MeshDivision(groups: groups)), size: size)
      }
    }
  }

  /// Of so many columns, where 1 is a block of two vectors a point.
  private func blockCost(columns: FieldColumns, size: SIMD3<Int>) -> Double {
    MeshBlocks(columns: columns, size: size, for: T.self).reduce(0) {
      $0 + ($1.half == 1 ? 0.2 : Double($1.half) / Double(T.Lanes.scalarCount))
    }
  }

  /// The present one with its memory, if it will do.
  private func pairMatrix(waves: Wavevectors?, addsImages: Bool) -> PairMatrix<T> {
    if let pairs, pairs.waves === waves, pairs.addsImages == addsImages { return pairs }
    return PairMatrix(
      kernel: kernel, heads: (heads, width), waves: waves, addsImages: addsImages, threads: threads)
  }

  /// The integers of a kernel in the cell that chooses them; what is settled on others must settle anew.
  private func wavevectors(of kernel: ReciprocalKernel, in chooser: Cell, radius: Double?) -> Wavevectors {
    plan = nil
    if let waves {
      waves.choose(for: kernel, in: chooser, radius: radius)
      return waves
    }
    let waves = Wavevectors(of: kernel, in: chooser, radius: radius)
    self.waves = waves
    return waves
  }

  /// Half a GB: 3,500 atoms of water for a sigma of 2 Angstrom.
  private static var mostExactBytes: Double { 0x1p29 }

  /// The cheapest evaluation by its count of multiplications, in units of those of a large matrix product.
  ///
  /// Double takes the mesh, which errs by some 1e-10, only where tables of the exact sums would fill the memory. The
  /// constants are timings of one core (AVX-512, 24 to 12,288 atoms).
  private func cheapest(
    atoms: Int, in chooser: Cell, mesh resolution: MeshResolution, wavevectors: Double, allowsEwald: Bool
  ) -> AttentionMethod {
    let (n, k, j) = (Double(atoms), 2 * wavevectors, Double(kernel.sigmas.count))
    // G and the adjoint of its phases, or its error functions, once for all layers.
    let isCluster = !chooser.hasPeriodicAxis
    var (pairwise, kSum, mesh, matrices) = (j * n * n * (isCluster ? 2_500 : 2 * k), 0.0, 0.0, 0.0)
    let size = ParticleMesh<T>.size(cell: chooser, kernel: kernel, resolution: resolution)
    let meshCost = meshCost(atoms: n, planes: size.x, size: size, order: resolution.order)
    for layer in layers {
      let all = layer.fieldColumns ?? FieldColumns(count: self.columns)
      let columns = all.count
      // Wide heads form, weight and apply N x N matrices, one each.
      let isWide = layer.fieldColumns == nil && headWidth > 1
      matrices += n * n * (isWide ? 24 * Double(width) : 5 * j * Double(columns))
      // Two products forward, four backward, each a half of a large one by its time; narrow ones are slower.
      kSum += 3.2 * n * k * (Double(columns) + 44)
      // Each kernel acts on all columns, or on its own.
      mesh += (all.apart > 0 ? 1 : j) * meshCost * blockCost(columns: all, size: size)
    }
    pairwise += matrices
    // G, its gradient and the phases, or the phases and their gradient.
    let exactBytes = 8 * min(n * (isCluster ? 3 * j * n : 2 * j * n + k), 2 * n * k)
    let allowsMesh = T.self == Float.self || exactBytes > Self.mostExactBytes
    if allowsEwald {
      let ewald = j * n * n * kernel.splitCost(in: chooser) + matrices
      if ewald < min(pairwise, kSum, allowsMesh ? mesh : .infinity) { return .ewald }
    }
    // The weights of open axes are large and of either sign: what they leave is lost to single precision.
    if T.self == Float.self && !chooser.isFullyPeriodic { kSum = .infinity }
    if allowsMesh && mesh < min(pairwise, kSum) { return .mesh }
    return pairwise < kSum ? .pairwise : .kSum
  }

}

/// Of one block of columns on so many planes of a mesh, in the units of `cheapest`.
func meshCost(atoms: Double, planes: Int, size: SIMD3<Int>, order: Int) -> Double {
  let points = Double(planes) * Double(size.y) * Double(size.z)
  let transforms = (0..<3).reduce(0) { $0 + transformCost(length: size[$1]) }
  return windowCost(order: order) * atoms + transforms * points
}

/// Of an atom.
func windowCost(order: Int) -> Double { 360 * Double(order * order * order) }

// MARK: - Memory

extension ReciprocalAttention {
  /// Checks that the tables of an evaluation can be had, before they are made.
  private func requireMemory(_ plan: AttentionPlan, wavevectors: Double) throws(MemoryError) {
    let atoms = totalAtoms
    let bytes = bytes(plan, atoms: atoms, wavevectors: wavevectors)
    guard !(bytes <= grantedBytes) else { return }
    try Memory.require(
      bytes, for: purpose(plan, atoms: atoms, wavevectors: wavevectors), help: remedy(plan.cell))
    grantedBytes = bytes
  }

  private func purpose(_ plan: AttentionPlan, atoms: Int, wavevectors: Double) -> String {
    let subject = "the attention of \(atoms) atoms"
    guard wavevectors > 0 else { return "\(subject) without periodic axes" }
    let cell = chooser(of: plan).cell
    let lengths = (0..<3).map { axis in String(format: "%.4g", length(cell.vectors[axis])) }
    let place = plan.room == nil ? "cell" : "box"
    return "\(subject) in a \(place) of \(lengths.joined(separator: " x ")) Angstrom with "
      + String(format: "%.1e", wavevectors) + " wavevectors (\(plan.method.rawValue))"
  }

  private func remedy(_ cell: Cell) -> String {
    guard cell.isFullyPeriodic else {
      return "take fewer atoms; none far away from the others along an open axis"
    }
    let smaller = "take fewer atoms or a smaller cell; a molecule needs none (free boundaries)"
    return T.self == Double.self ? "\(smaller); mixed precision needs far less" : smaller
  }

  /// What an evaluation keeps, to a few per cent.
  private func bytes(_ plan: AttentionPlan, atoms: Int, wavevectors k: Double) -> Double {
    let (n, j, number) = (Double(atoms), Double(kernel.sigmas.count), Double(MemoryLayout<T>.stride))
    let columns = layers.map { Double($0.fieldColumns?.count ?? self.columns) }
    let (all, most) = (columns.reduce(0, +), columns.max() ?? 0)
    let threads = Double(min(threads, max(atoms, 1)))
    // Integers while they are sorted, vectors, weights and their gradients; X and Y of layers and of one call.
    let common = k * (160 + 16 * j) + number * n * (2 * all + 4 * most)
    let phases = number * 2 * k * (n + 8)
    switch plan.method {
    case .pairwise, .ewald:
      let matrices = number * j * n * n * (k > 0 ? 2 : 3)
      let heads = headWidth > 1 ? number * threads * n * (256 + 2 * Double(width)) : 0
      return common + phases + matrices + heads + number * 512 * n + 8 * threads * k
    case .kSum:
      return common + 2 * phases + number * 4 * k * (all + most)
    case .mesh:
      let size = ParticleMesh<T>.size(
        cell: chooser(of: plan).cell, kernel: kernel, resolution: plan.mesh ?? MeshResolution())
      let division = division(of: plan)
      let slabs = Double(division.slabs)
      let reached = slabs == 1 ? 1 : min(1, 1 / slabs + Double(plan.mesh?.order ?? 0) / Double(size.x))
      let points = Double(size.x) * Double(size.y) * Double(size.z) * reached
      let n = n / slabs
      let lanes = T.Lanes.scalarCount
      let blocks = layers.flatMap { layer in
        MeshBlocks(columns: meshColumns(layer, division), size: size, for: T.self).map { Double($0.half) }
      }
      let (fields, widest) = (2 * blocks.reduce(0, +), 2 * (blocks.max() ?? 1))
      // Rows with their halo.
      let longer = 1 + Double(T.Window.scalarCount) / Double(size.z)
      let scratch = Double(self.threads) * 2 * Double(size.max() + 80) * Double(lanes)
      // Spectra of every layer and gradients by the influence function are for the strain.
      let strained = plan.room == nil ? points * (number * fields + 8 * j) : 0
      let even =
        plan.room == nil || T.self == Double.self
        ? 0 : EvenField.bytes(atoms: n, cell: chooser(of: plan).cell, kernel: kernel)
      // Pencils that are sent and that come.
      let exchanged = slabs > 1 ? 2.0 : 0
      return common + even + 24 * k + number * points * (widest * (longer + exchanged) + j) + strained
        + number * (n * (3 * all + 4 * (most + 16) + 48) + scratch)
    }
  }
}
