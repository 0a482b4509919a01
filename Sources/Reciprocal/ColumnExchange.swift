// A solver for the atoms of all ranks. The columns of X are independent of each other: each rank takes a share of the columns
// for all atoms, one all-to-all there and one back, and its solver, which knows nothing of ranks, does what it does in one
// process. Nothing is computed twice but what belongs to atoms alone: their order on a mesh, their phases.
//
//   place           positions of all atoms, in the order of ranks
//   apply, adjoint  [own atoms][columns] -> [all atoms][share] -> solver -> [own atoms][columns]
//   addGradients    dE/dr of all atoms from the columns of each rank, added at the owner in the order of ranks
//
// Ranks beyond the columns have none and receive nothing.
//
// dE/d(weights) and dE/d(strain) stay those of the own columns: their sum over ranks is whoever's who sums the stress. All
// shares are of the same number of columns, an even one, of which the last are empty: every rank makes the same mesh, with the
// same transforms.

import Domains
import Kernels
import Lattice

final class ColumnExchange<T: KernelScalar>: FieldSolver {
  let solver: any FieldSolver<T>
  private let communicator: any Communicator
  /// Own atoms of every rank.
  private var counts: [Int] = []
  private var own: Int { counts[communicator.rank] }
  private(set) var atoms = 0
  private var positions: [Vector3] = []
  /// What a layer has of all atoms.
  private var shares: [ObjectIdentifier: FieldLayer<T>] = [:]
  private let kernel: ReciprocalKernel
  /// [rank][own atoms][share], sent or received.
  private let packed = Workspace<T>()
  /// [all atoms][share].
  private let dY = Workspace<T>()
  private let dX = Workspace<T>()
  private let gradients = Workspace<Double>()
  private let packedGradients = Workspace<Double>()

  init(_ solver: any FieldSolver<T>, kernel: ReciprocalKernel, communicator: any Communicator) {
    (self.solver, self.kernel, self.communicator) = (solver, kernel, communicator)
  }

  /// Columns of a share.
  static func width(columns: Int, ranks: Int) -> Int { 2 * ((columns + 2 * ranks - 1) / (2 * ranks)) }

  private func width(_ layer: FieldLayer<T>) -> Int {
    Self.width(columns: layer.columns, ranks: communicator.size)
  }

  /// The columns of a layer that a rank takes.
  private func columns(_ layer: FieldLayer<T>, of rank: Int) -> Range<Int> {
    let width = width(layer)
    return min(rank * width, layer.columns)..<min((rank + 1) * width, layer.columns)
  }

  private func hasColumns(_ layer: FieldLayer<T>) -> Bool { !columns(layer, of: communicator.rank).isEmpty }

  /// Values of `width` columns that the own atoms have on every rank, and all atoms on this one, rank by rank.
  private func shareCounts(_ layer: FieldLayer<T>) -> (away: [Int], here: [Int]) {
    let (width, isHere) = (width(layer), hasColumns(layer))
    let away = counts.indices.map { columns(layer, of: $0).isEmpty ? 0 : own * width }
    return (away, counts.map { isHere ? $0 * width : 0 })
  }

  /// Where the own atoms begin among all.
  var firstOwn: Int { counts[..<communicator.rank].reduce(0, +) }

  func place(positions own: [Vector3], cell: Cell) {
    counts = communicator.allGather(.places, own.count)
    positions = communicator.allGather(.places, own, filler: .zero)
    atoms = positions.count
    solver.place(positions: positions, cell: cell)
  }

  // MARK: - Columns

  /// What this rank has of a layer, of all atoms; configured like it.
  func share(of layer: FieldLayer<T>) -> FieldLayer<T> {
    let share = shares[ObjectIdentifier(layer)] ?? FieldLayer<T>()
    shares[ObjectIdentifier(layer)] = share
    let (kernels, width) = (kernel.sigmas.count, width(layer))
    let own = columns(layer, of: communicator.rank)
    let filter = (0..<width).flatMap { c -> ArraySlice<Double> in
      // Of an empty column any filter will do.
      let row = min(own.lowerBound + c, layer.columns - 1) / layer.columnsPerRow
      return layer.filter[row * kernels..<(row + 1) * kernels]
    }
    share.fieldColumns = layer.fieldColumns.map { _ in width }
    share.leavesMean = layer.leavesMean
    share.configure(filter: filter, columns: width, kernel: kernel)
    return share
  }

  /// [own atoms][columns] -> [all atoms][share].
  private func deal(_ rows: UnsafePointer<T>, _ layer: FieldLayer<T>, into shared: UnsafeMutablePointer<T>) {
    let (own, width, ranks) = (own, width(layer), communicator.size)
    let packed = packed.reserve(ranks * own * width)
    for r in 0..<ranks {
      let columns = columns(layer, of: r)
      for m in 0..<own {
        let row = packed + (r * own + m) * width
        row.update(from: rows + m * layer.columns + columns.lowerBound, count: columns.count)
        (row + columns.count).update(repeating: 0, count: width - columns.count)
      }
    }
    let (away, here) = shareCounts(layer)
    communicator.allToAll(.columns, packed, counts: away, into: shared, counts: here)
    if !hasColumns(layer) { shared.update(repeating: 0, count: atoms * width) }
  }

  /// [all atoms][share] -> [own atoms][columns].
  private func dealBack(
    _ shared: UnsafePointer<T>, _ layer: FieldLayer<T>, into rows: UnsafeMutablePointer<T>
  ) {
    let (own, width, ranks) = (own, width(layer), communicator.size)
    let packed = packed.reserve(ranks * own * width)
    let (away, here) = shareCounts(layer)
    communicator.allToAll(.columns, shared, counts: here, into: packed, counts: away)
    for r in 0..<ranks {
      let columns = columns(layer, of: r)
      for m in 0..<own {
        (rows + m * layer.columns + columns.lowerBound).update(
          from: packed + (r * own + m) * width, count: columns.count)
      }
    }
  }

  // MARK: - A step

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func apply(_ layer: FieldLayer<T>) {
    let (share, count) = (share(of: layer), atoms * width(layer))
    deal(layer.x.pointer, layer, into: share.x.reserve(count))
    share.y.reserve(count)
    if hasColumns(layer) { solver.apply(share) } else { share.y.fill(0, count: count) }
    dealBack(share.y.pointer, layer, into: layer.y.pointer)
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func adjoint(_ layer: FieldLayer<T>, dY own: UnsafePointer<T>, dX ownResult: UnsafeMutablePointer<T>?) {
    let (share, count) = (share(of: layer), atoms * width(layer))
    let (dY, dX) = (dY.reserve(count), dX.reserve(count))
    deal(own, layer, into: dY)
    if hasColumns(layer) {
      solver.adjoint(share, dY: dY, dX: ownResult == nil ? nil : dX)
    } else {
      self.dX.fill(0, count: count)
    }
    if let ownResult { dealBack(dX, layer, into: ownResult) }
  }

  /// As `ParticleMesh.formAdjoint`: nothing has to be exchanged for it.
  func formAdjoint(_ layer: FieldLayer<T>, weights: UnsafePointer<T>, on mesh: ParticleMesh<T>) {
    guard hasColumns(layer) else { return }
    let columns = columns(layer, of: communicator.rank)
    let own = columns.map { weights[$0] } + Array(repeating: 0, count: width(layer) - columns.count)
    mesh.formAdjoint(share(of: layer), weights: own)
  }

  /// dY and dX of the last adjoint, of all atoms, [all atoms][share].
  var gradientsOfAll: (dY: UnsafePointer<T>, dX: UnsafePointer<T>) {
    (UnsafePointer(dY.pointer), UnsafePointer(dX.pointer))
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addGradients(positions sums: UnsafeMutablePointer<Double>, strain: inout Matrix3) {
    let (own, all, ranks) = (own, gradients.reserve(3 * atoms), communicator.size)
    gradients.fill(0, count: 3 * atoms)
    solver.addGradients(positions: all, strain: &strain)
    let sent = packedGradients.reserve(3 * atoms + 3 * own * ranks)
    let received = sent + 3 * atoms
    var (place, first) = (sent, 0)
    for count in counts {
      for axis in 0..<3 {
        place.update(from: all + axis * atoms + first, count: count)
        place += count
      }
      first += count
    }
    communicator.allToAll(
      .places, sent, counts: counts.map { 3 * $0 }, into: received,
      counts: Array(repeating: 3 * own, count: ranks))
    for r in 0..<ranks {
      for n in 0..<3 * own { sums[n] += received[r * 3 * own + n] }
    }
  }
}
