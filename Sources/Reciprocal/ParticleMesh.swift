// A mesh between atoms and wavevectors: sources are spread with a window (`MeshWindow`), transformed by FFT,
// multiplied by the kernel's influence function, transformed back and gathered with the same window (particle-mesh
// Ewald, doi:10.1063/1.470117, with the influence function of P3M).
//
// Columns travel in blocks (`MeshBlock`). Of two neighbouring columns one is the real, the other the imaginary part of a
// complex field: the influence function is real and even, so it keeps them apart.
// Fields lie as [M1][M2][M3 + halo][half][re, im] (`MeshLayout`); the halo repeats the first points of
// a row, so that those which an atom reaches along the third axis lie in one piece. Fractional mesh
// coordinates u_a = M_a f_a do not change under strain, and neither do the windows.

import Domains
import Foundation
import Kernels
import Lattice

/// Resolution of the mesh evaluation.
public struct MeshResolution: Sendable, Hashable {
  /// Points that a source reaches along each axis: 4 to 8, in double precision up to 16 if even.
  public var order: Int
  /// Longest mesh spacing along a lattice vector, in units of the smallest sigma.
  public var spacing: Double

  /// Those among which a force field chooses (`ReciprocalAttention.sufficientResolution`).
  public static let orders = [4, 5, 6, 7, 8, 10, 12, 14, 16]
  public static let spacings = 0.3...0.9

  public init(order: Int = 7, spacing: Double = 0.6) {
    precondition(Self.orders.contains(order) && spacing > 0)
    self.order = order
    self.spacing = spacing
  }
}

/// Columns that share a mesh, as the parts of `half` complex fields.
struct MeshBlock {
  let columns: Range<Int>
  /// As many as a vector has lanes, half as many where one vector holds the columns that are left, or one where these are few.
  let half: Int
}

/// All columns, block by block; those apart are single fields at the end, so that a kernel leaves out the blocks on which it does not
/// act: one column of dispersion beside sixteen of charges takes 1 us per atom and step of water, among them it would take 5.
struct MeshBlocks: RandomAccessCollection {
  /// Of those that are not apart.
  private let columns: Int
  private let apart: Int
  private let lanes: Int
  /// Blocks of two vectors a point; behind them one of `last` complex fields, if any, and the others are of single fields.
  private let full: Int
  private let last: Int

  /// The largest block of two vectors a point, bytes. Beyond it fields come one by one, in a fraction of the memory: a free cluster
  /// of 10,000 atoms of water with 16 columns took 0.55 GB instead of 1.26, in double precision 0.86 instead of 1.73, and not longer.
  private static let mostBytes = Double(256 << 20)

  /// On a mesh of so many points along each axis.
  init<T: KernelScalar>(columns all: FieldColumns, size: SIMD3<Int>, for _: T.Type) {
    let columns = all.count - all.apart
    apart = all.apart
    let points = Double(size.x) * Double(size.y) * Double(size.z)
    let bytes = 2 * points * Double(T.Lanes.scalarCount * MemoryLayout<T>.stride)
    let lanes = T.Lanes.scalarCount
    (self.columns, self.lanes) = (columns, lanes)
    guard bytes <= Self.mostBytes else {
      (full, last) = (0, 0)
      return
    }
    full = columns / (2 * lanes)
    let rest = columns % (2 * lanes)
    // A vector of which more than a quarter is used costs less than fields one by one.
    last = rest > lanes ? lanes : rest <= lanes / 4 ? 0 : lanes > 2 ? lanes / 2 : lanes
  }

  private var wide: Int { full + (last > 0 ? 1 : 0) }
  /// Columns that the blocks of vectors take.
  private var width: Int { 2 * (full * lanes + last) }

  var startIndex: Int { 0 }
  private var together: Int { wide + (Swift.max(0, columns - width) + 1) / 2 }
  var endIndex: Int { together + (apart + 1) / 2 }

  /// Where a column's field begins among those of all blocks, which are whole complex fields.
  func place(of column: Int) -> Int {
    guard column >= columns else { return column }
    return column - columns + Swift.max(width, (columns + 1) / 2 * 2)
  }

  subscript(n: Int) -> MeshBlock {
    guard n < together else {
      let first = columns + 2 * (n - together)
      return MeshBlock(columns: first..<Swift.min(first + 2, columns + apart), half: 1)
    }
    let half = n < full ? lanes : n < wide ? last : 1
    let first = n < wide ? n * 2 * lanes : width + 2 * (n - wide)
    return MeshBlock(columns: first..<Swift.min(first + 2 * half, columns), half: half)
  }
}

/// Distances in memory between the numbers of a block's fields.
struct MeshLayout {
  /// From a point to the next along the third axis, from rows and planes to the next.
  let point: Int
  let row: Int
  let plane: Int
  /// Vectors of a point; one for single fields, too.
  let parts: Int

  /// Points that a row repeats: those of a vector of a window that begins at its last one.
  let halo: Int

  /// Of an axis.
  static let leastPoints = 8

  /// - Parameter lanes: those of a vector; rows are walked in pencils of as many complex numbers.
  init(size: SIMD3<Int>, half: Int, lanes: Int, halo: Int) {
    self.halo = halo
    point = 2 * half
    parts = max(1, point / lanes)
    let pencil = 2 * lanes
    // Odd numbers of pencils apart, what lies above each other shares no set of the cache.
    row = (((size.z + halo) * point + pencil - 1) / pencil | 1) * pencil
    plane = size.y * row + (size.y % 2 == 0 ? pencil : 0)
  }
}

final class ParticleMesh<T: KernelScalar>: FieldSolver {
  typealias Lanes = T.Lanes
  typealias WindowValues = MeshWindow<T>.Values

  let kernel: ReciprocalKernel
  let waves: Wavevectors
  let threads: Int
  private(set) var size = SIMD3<Int>.zero
  private(set) var order = 0
  /// Of each wavevector of the grid: the mesh's answer to a unit weight, 0 where the mesh cannot hold it.
  private(set) var responses: [Double] = []
  /// Elements of each wavevector and of its negative in [rows][M1][depth].
  private(set) var elements: [SIMD2<Int>] = []
  /// Whether a pencil along the first axis holds any wavevector, [M2][depth]; then, whether any at the same
  /// place of the third axis does, [depth].
  let isHeld = Workspace<Bool>()
  /// M3 in whole vectors.
  private(set) var depth = 0
  /// Planes, and rows of any plane, that atoms reach: all of them in a liquid, a fraction in the box of open axes. The
  /// others hold no sources, and nobody asks for their fields.
  private(set) var reachedPlanes: [Int] = []
  /// Where each plane lies in memory, as a number of planes: of a slab of planes there are those that atoms reach, one after
  /// the other.
  let planePlaces = Workspace<Int>()
  /// Nil where this process has all planes.
  private(set) var exchange: PencilExchange<T>?
  let reachedRows = Workspace<Bool>()
  /// Where windows begin, then all that they reach.
  private let reach = Workspace<Bool>()
  /// One for each axis.
  private var windows: [MeshWindow<T>] = []
  /// Of each kind of block that there is, by its `half`.
  private var transforms: [Int: MeshTransforms<T>] = [:]
  /// FFTW's, of these transforms alone.
  private var ownWisdom = ""
  /// What carries the mean of the sources; in single precision along open axes.
  private(set) var even: EvenField?
  /// Influence function of each kernel and the energy's gradient by it, [J][rows][M1][depth].
  let influence = Workspace<T>()
  let influenceGradient = Workspace<Double>()
  /// Atoms in the order in which they lie on the mesh, so that those in turn reach the same memory.
  let sequence = Workspace<Int32>()
  /// Number of atoms before each place of that order.
  private let counts = Workspace<Int32>()
  /// First place of each slab of two planes, and the number of places.
  let slabs = Workspace<Int32>()
  /// In that order wx, wy, wz, dwx, dwy, dwz of each atom, and the first point of each axis.
  let windowValues = Workspace<WindowValues>()
  let corners = Workspace<SIMD3<Int32>>()
  private(set) var threadScratch: [Workspace<T>] = []
  private(set) var atomCount = 0
  private(set) var cell = Cell.free
  /// Of which weights the influence functions are.
  private var influenceVersion: Int?

  /// dE/du in mesh coordinates, summed over layers.
  let gradients = Workspace<Vector3>()
  /// One block of fields, the fields of one kernel at the atoms with their gradients, and filtered sources.
  let fields = Workspace<T>()
  let jets = Workspace<T>()
  let scratch = Workspace<T>()
  /// Of the columns of a filtered gradient.
  let means = Workspace<Double>()

  /// - Parameter waves: those that the mesh is to hold.
  init(kernel: ReciprocalKernel, waves: Wavevectors, threads: Int) {
    (self.kernel, self.waves, self.threads) = (kernel, waves, threads)
  }

  func layout(half: Int) -> MeshLayout {
    MeshLayout(size: size, half: half, lanes: Lanes.scalarCount, halo: WindowValues.scalarCount)
  }

  /// FFTW's, of these transforms and then of the even field's.
  var wisdom: String { even.map { ownWisdom + Self.wisdomSeparator + $0.wisdom } ?? ownWisdom }
  private static var wisdomSeparator: String { "\n+\n" }

  func transforms(half: Int) -> MeshTransforms<T> {
    guard let transforms = transforms[half] else {
      preconditionFailure("no block of this kind was announced to `configure`")
    }
    return transforms
  }

  /// Rows of pencils along the first axis: M2, or of ranks that share the planes those of this one.
  var rows: Int { exchange?.rows ?? size.y }
  /// Elements of an influence function.
  var elementCount: Int { size.x * rows * depth }
  /// Planes in memory.
  var planeCount: Int { exchange == nil ? size.x : reachedPlanes.count }

  /// Chooses the mesh for the cell that chose the wavevectors, and what it makes of them.
  ///
  /// - Parameters:
  ///   - columns: of every layer.
  ///   - wisdom: by which to plan the transforms; nil takes what the machine has kept.
  ///   - group: ranks that share the planes; nil for this process alone.
  func configure(
    cell: Cell, resolution: MeshResolution, columns: [FieldColumns], wisdom: String?, group: RankGroup? = nil
  ) {
    influenceVersion = nil
    var wisdom = wisdom
    if T.self == Float.self && !waves.areStrained {
      let parts = wisdom?.components(separatedBy: Self.wisdomSeparator)
      wisdom = parts?[0]
      let even = even ?? EvenField(kernel: kernel, waves: waves, threads: threads)
      even.configure(cell: cell, wisdom: parts.flatMap { $0.count > 1 ? $0[1] : nil })
      self.even = even
    } else {
      even = nil
    }
    let size = Self.size(cell: cell, kernel: kernel, resolution: resolution)
    let blocks = columns.flatMap { MeshBlocks(columns: $0, size: size, for: T.self).map(\.half) }
    let halves = Set(blocks)
    let isShared = group != nil
    if size != self.size || halves != Set(transforms.keys) || wisdom.map({ $0 != ownWisdom }) ?? false
      || isShared != (exchange != nil)
    {
      self.size = size
      let scratch = max(size.x * MeshTransforms<T>.pencil, spreadScratch)
      threadScratch = (0..<threads).map { _ in Workspace(capacity: scratch) }
      plan(halves.sorted(), isShared: isShared, wisdom)
    }
    order = resolution.order
    depth = (size.z + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    windows = Self.windows(cell: cell, kernel: kernel, order: order, size: size)
    let factors = (0..<3).map { axis in
      (0...size[axis] / 2).map { windows[axis].influence(wavenumber: $0, size: size[axis]) }
    }
    let magnitudes = waves.grid.integers.map { SIMD3(abs($0.x), abs($0.y), abs($0.z)) }
    let isInside = magnitudes.map { n in (0..<3).allSatisfy { 2 * n[$0] < size[$0] } }
    markHeld(isInside)
    exchange = group.map { PencilExchange($0) }
    exchange?.divide(
      rows: size.y, held: Dictionary(uniqueKeysWithValues: halves.map { ($0, heldPencils(half: $0)) }))
    responses.removeAll(keepingCapacity: true)
    elements.removeAll(keepingCapacity: true)
    for (k, n) in waves.grid.integers.enumerated() {
      guard isInside[k], let element = element(n), let opposite = self.element(SIMD3<Int>.zero &- n) else {
        responses.append(0)
        elements.append(.zero)
        continue
      }
      let n = magnitudes[k]
      responses.append(factors[0][n.x] * factors[1][n.y] * factors[2][n.z])
      elements.append(SIMD2(element, opposite))
    }
  }

  /// Which places of [M2 + 1][depth] hold a wavevector; the last row is all rows'.
  private func markHeld(_ isInside: [Bool]) {
    isHeld.reserve((size.y + 1) * depth)
    isHeld.fill(false, count: (size.y + 1) * depth)
    for (k, n) in waves.grid.integers.enumerated() where isInside[k] {
      for n in [n, SIMD3<Int>.zero &- n] {
        let (y, z) = ((n.y + size.y) % size.y, (n.z + size.z) % size.z)
        isHeld.pointer[y * depth + z] = true
        isHeld.pointer[size.y * depth + z] = true
      }
    }
  }

  private func plan(_ halves: [Int], isShared: Bool, _ wisdom: String?) {
    let layouts = halves.map { layout(half: $0) }
    let memory = fields.reserve((isShared ? 1 : size.x) * (layouts.map(\.plane).max() ?? 0))
    let (transforms, wisdom) = MeshTransforms.make(
      size: size, layouts: layouts, isShared: isShared, wisdom: wisdom, mesh: memory,
      scratch: threadScratch[0].pointer)
    ownWisdom = wisdom
    self.transforms = Dictionary(uniqueKeysWithValues: zip(halves, transforms))
  }

  /// One for each axis.
  static func windows(cell: Cell, kernel: ReciprocalKernel, order: Int, size: SIMD3<Int>) -> [MeshWindow<T>] {
    (0..<3).map { axis in
      let spacing = length(cell, axis) / Double(size[axis]) / (kernel.sigmas.min() ?? 1)
      return MeshWindow(order: order, shape: MeshWindow<T>.shape(order: order, spacing: spacing))
    }
  }

  /// |n_a| = |k . a_a| / 2 pi, so what counts is the length of a_a, not the distance between lattice planes.
  static func size(cell: Cell, kernel: ReciprocalKernel, resolution: MeshResolution) -> SIMD3<Int> {
    let spacing = resolution.spacing * (kernel.sigmas.min() ?? 1)
    var size = SIMD3<Int>.zero
    for axis in 0..<3 {
      // What is longer than 2^31 points no memory holds.
      let count = Int(min((length(cell, axis) / spacing).rounded(.up), 0x1p31))
      let least = max(count, resolution.order, MeshLayout.leastPoints)
      // The finer meshes of double precision are for systems whose memory is scarce.
      size[axis] = T.self == Float.self ? quickLength(atLeast: least) : efficientLength(atLeast: least)
    }
    return size
  }

  private static func length(_ cell: Cell, _ axis: Int) -> Double {
    dot(cell.vectors[axis], cell.vectors[axis]).squareRoot()
  }

  /// Nil where another rank has it.
  private func element(_ n: SIMD3<Int>) -> Int? {
    let (x, y, z) = ((n.x + size.x) % size.x, (n.y + size.y) % size.y, (n.z + size.z) % size.z)
    guard let exchange else { return (y * size.x + x) * depth + z }
    return exchange.rowPlaces[y].map { ($0 * size.x + x) * depth + z }
  }

  /// Influence functions from the weights of wavevector pairs.
  private func setInfluence() {
    guard influenceVersion != waves.version else { return }
    influenceVersion = waves.version
    let (kernels, weights) = (kernel.sigmas.count, waves.weights.pointer)
    let count = kernels * elementCount
    let table = influence.reserve(count)
    influence.fill(0, count: count)
    if waves.areStrained { influenceGradient.reserve(count) }
    for j in 0..<kernels {
      for (k, response) in responses.enumerated() where response != 0 {
        // Half of a pair's weight for each of k and -k, all of it for k = 0.
        let share = elements[k][0] == elements[k][1] ? 1.0 : 0.5
        let value = T(share * weights[j * responses.count + k] * response)
        for side in 0..<2 { table[j * elementCount + elements[k][side]] = value }
      }
    }
  }

  /// Adds dE/dw_jk, from dE/d(influence).
  func addWeightGradients() {
    guard waves.areStrained else { return }
    let gradients = waves.gradients.pointer
    for j in kernel.sigmas.indices {
      let gradient = influenceGradient.pointer + j * elementCount
      for (k, response) in responses.enumerated() where response != 0 {
        gradients[j * responses.count + k] +=
          0.5 * response * (gradient[elements[k][0]] + gradient[elements[k][1]])
      }
    }
  }

  @_specialize(where T == Float)
  @_specialize(where T == Double)
  func place(positions: [Vector3], cell: Cell) {
    (atomCount, self.cell) = (positions.count, cell)
    setInfluence()
    placeAtoms(at: positions)
    gradients.reserve(atomCount)
    gradients.fill(.zero, count: atomCount)
    if waves.areStrained { influenceGradient.fill(0, count: kernel.sigmas.count * elementCount) }
    even?.place(positions: positions, cell: cell)
  }

  /// Order and windows of the atoms.
  private func placeAtoms(at positions: [Vector3]) {
    let (order, size, inverse) = (order, size, cell.inverse)
    let (values, corners) = (windowValues.reserve(6 * positions.count), corners.reserve(positions.count))
    let (x, y, z) = (windows[0], windows[1], windows[2])
    positions.withUnsafeBufferPointer { positions in
      sort(positions, inverse: inverse)
      let sequence = sequence.pointer
      parallel(threads: threads, count: positions.count) { _, places in
        for place in places {
          let u = coordinate(positions[Int(sequence[place])], inverse)
          let floor = u.rounded(.down)
          let fraction = u - floor
          let window = values + 6 * place
          (window[0], window[3]) = x.evaluate(T(fraction.x))
          (window[1], window[4]) = y.evaluate(T(fraction.y))
          (window[2], window[5]) = z.evaluate(T(fraction.z))
          for axis in 0..<3 {
            let corner = Int32(floor[axis]) - Int32(order) + 1
            corners[place][axis] = corner < 0 ? corner + Int32(size[axis]) : corner
          }
        }
      }
    }
    markReach(of: positions.count)
    planePlaces.reserve(size.x)
    if let exchange {
      exchange.place(planes: reachedPlanes, of: size.x)
      for (place, x) in reachedPlanes.enumerated() { planePlaces.pointer[x] = place }
    } else {
      for x in 0..<size.x { planePlaces.pointer[x] = x }
    }
  }

  private func markReach(of count: Int) {
    for axis in 0..<2 {
      let size = size[axis]
      let starts = reach.reserve(2 * size)
      let reached = starts + size
      reach.fill(false, count: 2 * size)
      for place in 0..<count { starts[Int(corners.pointer[place][axis])] = true }
      for first in 0..<size where starts[first] {
        for i in 0..<min(order, size) { reached[(first + i) % size] = true }
      }
      if axis == 0 {
        reachedPlanes.removeAll(keepingCapacity: true)
        for x in 0..<size where reached[x] { reachedPlanes.append(x) }
      } else {
        reachedRows.reserve(size).update(from: reached, count: size)
      }
    }
  }

  /// u in 0 ..< M.
  @inline(__always)
  private func coordinate(_ position: Vector3, _ inverse: Matrix3) -> Vector3 {
    let f = position * inverse
    let (u, extent) = ((f - f.rounded(.down)) * Vector3(size), Vector3(size))
    // f just below 1 may round up to u = M, which is the point 0; so is, harmlessly, a NaN.
    return u.replacing(with: 0, where: .!(u .< extent))
  }

  /// The plane at or before a position.
  func plane(of position: Vector3, _ inverse: Matrix3) -> Int { Int(coordinate(position, inverse).x) }

  /// Counting sort by bins of two planes, two rows and one point.
  private func sort(_ positions: UnsafeBufferPointer<Vector3>, inverse: Matrix3) {
    let rows = (size.y + 1) / 2
    func bin(_ position: Vector3) -> Int {
      let u = coordinate(position, inverse)
      return (Int(u.x) / 2 * rows + Int(u.y) / 2) * size.z + Int(u.z)
    }
    let binCount = (size.x + 1) / 2 * rows * size.z
    let (sequence, counts) = (sequence.reserve(positions.count), counts.reserve(binCount))
    self.counts.fill(0, count: binCount)
    for position in positions { counts[bin(position)] += 1 }
    var before: Int32 = 0
    for b in 0..<binCount { (counts[b], before) = (before, before + counts[b]) }
    let slabCount = (size.x + 1) / 2
    let slabs = slabs.reserve(slabCount + 1)
    for slab in 0..<slabCount { slabs[slab] = counts[slab * rows * size.z] }
    slabs[slabCount] = before
    for (m, position) in positions.enumerated() {
      let b = bin(position)
      sequence[Int(counts[b])] = Int32(m)
      counts[b] += 1
    }
  }
}
