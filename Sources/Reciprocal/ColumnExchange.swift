// A solver for the atoms of all ranks. The columns of X are independent of each other: each group of ranks takes a part of them, and
// of the ranks of a group each takes the atoms in its slab of a mesh, or all of them where there is one slab (`MeshDivision`). One
// all-to-all leads there and one back. A solver of whole meshes or pairs knows nothing of ranks; those that share a mesh's planes
// speak to each other in between (`PencilExchange`). Nothing is computed twice but what belongs to atoms alone: their order on
// a mesh, their phases.
//
//   place           positions of the slab's atoms, in the order of ranks
//   apply, adjoint  [own atoms][columns] -> [slab's atoms][share] -> solver -> [own atoms][columns]
//   addGradients    dE/dr of the slab's atoms from the columns of each group, added at the owner in the order of ranks
//
// Groups beyond the columns have none and receive nothing.
//
// dE/d(weights) and dE/d(strain) stay those of the own columns and pencils: their sum over ranks is whoever's who sums the stress. All
// shares are of the same number of columns, an even one, of which the last are empty: every group makes the same mesh, with the
// same transforms.

import Domains
import Kernels
import Lattice

final class ColumnExchange<T: KernelScalar>: FieldSolver {
  let solver: any FieldSolver<T>
  private let division: MeshDivision
  private let communicator: any Communicator
  /// Own atoms, slab by slab, and where those of each rank's slab begin and end among them.
  private var sequence: [Int] = []
  private var segments: [Range<Int>] = []
  /// Own atoms that each rank takes, the numbers added up, and atoms that come from each.
  private var away: [Int] = []
  private var sent: Int { away.reduce(0, +) }
  private var counts: [Int] = []
  /// Of the slab.
  private(set) var atoms = 0
  /// What a layer has of them.
  private var shares: [ObjectIdentifier: FieldLayer<T>] = [:]
  private let kernel: ReciprocalKernel
  /// [rank][own atoms of its slab][share], sent or received.
  private let packed = Workspace<T>()
  /// [slab's atoms][share].
  private let dY = Workspace<T>()
  private let dX = Workspace<T>()
  private let gradients = Workspace<Double>()
  private let packedGradients = Workspace<Double>()

  init(
    _ solver: any FieldSolver<T>, _ division: MeshDivision, kernel: ReciprocalKernel,
    communicator: any Communicator
  ) {
    (self.solver, self.division, self.kernel, self.communicator) = (solver, division, kernel, communicator)
  }

  private func width(_ layer: FieldLayer<T>) -> Int { division.width(columns: layer.columns) }

  /// The columns of a layer that a rank takes.
  private func columns(_ layer: FieldLayer<T>, of rank: Int) -> Range<Int> {
    division.columns(layer.columns, of: division.group(of: rank))
  }

  private func hasColumns(_ layer: FieldLayer<T>) -> Bool { !columns(layer, of: communicator.rank).isEmpty }

  /// Values of `width` columns that the own atoms have on every rank, and the slab's atoms on this one, rank by rank.
  private func shareCounts(_ layer: FieldLayer<T>) -> (away: [Int], here: [Int]) {
    let (width, isHere) = (width(layer), hasColumns(layer))
    return (
      away.indices.map { columns(layer, of: $0).isEmpty ? 0 : away[$0] * width },
      counts.map { isHere ? $0 * width : 0 }
    )
  }

  /// Where the own atoms begin among all; of one slab.
  var firstOwn: Int { counts[..<communicator.rank].reduce(0, +) }

  func place(positions own: [Vector3], cell: Cell) {
    let slabs =
      (solver as? ParticleMesh<T>).flatMap { mesh in
        division.slabs == 1
          ? nil : mesh.slabs(of: own, cell: cell, count: division.slabs, communicator: communicator)
      } ?? Array(repeating: 0, count: own.count)
    var starts = Array(repeating: 0, count: division.slabs + 1)
    for slab in slabs { starts[slab + 1] += 1 }
    for slab in 0..<division.slabs { starts[slab + 1] += starts[slab] }
    var next = starts
    sequence = Array(repeating: 0, count: own.count)
    for (n, slab) in slabs.enumerated() {
      sequence[next[slab]] = n
      next[slab] += 1
    }
    segments = (0..<communicator.size).map { rank in
      let slab = division.slab(of: rank)
      return starts[slab]..<starts[slab + 1]
    }
    away = segments.map(\.count)
    let all = RankGroup(communicator)
    counts = all.allToAll(
      .places, away, counts: away.map { _ in 1 }, receiving: away.map { _ in 1 }, filler: 0)
    atoms = counts.reduce(0, +)
    let packed = segments.flatMap { $0.map { own[sequence[$0]] } }
    solver.place(
      positions: all.allToAll(.places, packed, counts: away, receiving: counts, filler: .zero), cell: cell)
  }

  // MARK: - Columns

  /// What this rank has of a layer, of its slab's atoms; configured like it.
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
    share.fieldColumns = layer.fieldColumns.map { division.share(of: $0) }
    share.leavesMean = layer.leavesMean
    share.configure(filter: filter, columns: width, kernel: kernel)
    return share
  }

  /// [own atoms][columns] -> [slab's atoms][share].
  private func deal(_ rows: UnsafePointer<T>, _ layer: FieldLayer<T>, into shared: UnsafeMutablePointer<T>) {
    let width = width(layer)
    var row = packed.reserve(sent * width)
    let (away, here) = shareCounts(layer)
    for rank in segments.indices {
      let columns = columns(layer, of: rank)
      if columns.isEmpty { continue }
      for place in segments[rank] {
        row.update(from: rows + sequence[place] * layer.columns + columns.lowerBound, count: columns.count)
        (row + columns.count).update(repeating: 0, count: width - columns.count)
        row += width
      }
    }
    communicator.allToAll(.columns, packed.pointer, counts: away, into: shared, counts: here)
    if !hasColumns(layer) { shared.update(repeating: 0, count: atoms * width) }
  }

  /// [slab's atoms][share] -> [own atoms][columns].
  private func dealBack(
    _ shared: UnsafePointer<T>, _ layer: FieldLayer<T>, into rows: UnsafeMutablePointer<T>
  ) {
    let width = width(layer)
    var row = packed.reserve(sent * width)
    let (away, here) = shareCounts(layer)
    communicator.allToAll(.columns, shared, counts: here, into: row, counts: away)
    for rank in segments.indices {
      let columns = columns(layer, of: rank)
      if columns.isEmpty { continue }
      for place in segments[rank] {
        (rows + sequence[place] * layer.columns + columns.lowerBound).update(from: row, count: columns.count)
        row += width
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

  /// dY and dX of the last adjoint, of the slab's atoms, [slab's atoms][share].
  var gradientsOfAll: (dY: UnsafePointer<T>, dX: UnsafePointer<T>) {
    (UnsafePointer(dY.pointer), UnsafePointer(dX.pointer))
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func addGradients(positions sums: UnsafeMutablePointer<Double>, strain: inout Matrix3) {
    let all = gradients.reserve(3 * atoms)
    gradients.fill(0, count: 3 * atoms)
    solver.addGradients(positions: all, strain: &strain)
    let packed = packedGradients.reserve(3 * (atoms + sent))
    let received = packed + 3 * atoms
    var (place, first) = (packed, 0)
    for count in counts {
      for axis in 0..<3 {
        place.update(from: all + axis * atoms + first, count: count)
        place += count
      }
      first += count
    }
    communicator.allToAll(
      .places, packed, counts: counts.map { 3 * $0 }, into: received, counts: away.map { 3 * $0 })
    var next = received
    for segment in segments {
      for axis in 0..<3 {
        for place in segment {
          sums[axis * sequence.count + sequence[place]] += next.pointee
          next += 1
        }
      }
    }
  }
}
