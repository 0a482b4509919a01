// The atoms that a rank sees: its own, then copies of others' that are nearer than R to its brick, its halo.
//
// Copies come in three stages, one for each axis that is cut (S. Plimpton, doi:10.1006/jcph.1995.1039): along an axis each
// rank hands to both neighbours what is nearer than R to the face between them, of its own atoms and of the copies that came
// along the axes before. So corners arrive by way of edges and faces, and a rank speaks to six others at most. Periodic images are
// copies, too, moved by lattice vectors; an atom may come twice.
//
//   fill       rows of the owners -> rows of the copies            stage by stage
//   collect    what was added to copies -> added to the owners'    the stages backwards
//
// Rows of an array are the own atoms', then the copies' in the order in which they come: what is received needs no sorting.

import Kernels
import Lattice

/// Halo of one rank, for one division of the atoms.
public final class Halo {
  /// What is handed to a neighbour, and what comes from the one on the other side.
  private struct Message {
    let to: Int?
    let from: Int?
    /// Rows that are sent, ascending.
    let sent: Workspace<Int32>
    let sentCount: Int
    /// Rows where copies arrive.
    let received: Range<Int>
    /// Lattice vectors by which these are moved.
    let image: Vector3
  }

  private let communicator: any Communicator
  /// In the order of the stages, two for each axis.
  private var messages: [Message] = []
  /// Own atoms.
  public let owned: Int
  /// Own atoms and copies.
  public private(set) var count: Int
  private let outgoing = Workspace<UInt8>()
  private let incoming = Workspace<UInt8>()

  /// - Parameters:
  ///   - positions: of the rank's own atoms, Angstrom, wrapped along periodic axes that are cut.
  ///   - cell: that of the whole system.
  ///   - reach: R, Angstrom.
  public init(
    of positions: [Vector3], grid: BrickGrid, cell: Cell, reach: Double, communicator: any Communicator
  ) {
    precondition(grid.ranks == communicator.size)
    self.communicator = communicator
    (owned, count) = (positions.count, positions.count)
    // No atom is lost to rounding.
    let margin = Vector3(repeating: reach * (1 + 1e-9)) / cell.heights
    let brick = grid.brick(of: communicator.rank)
    var positions = positions
    for axis in 0..<3 where grid.counts[axis] > 1 {
      let faces = grid.faces(of: brick, axis: axis)
      let coordinates = positions.map { cell.fractional($0)[axis] }
      for step in [-1, 1] {
        let (target, source) = (
          grid.neighbor(of: brick, axis: axis, step: step), grid.neighbor(of: brick, axis: axis, step: -step)
        )
        let near = coordinates.indices.filter {
          target != nil
            && (step < 0
              ? coordinates[$0] - faces.lower < margin[axis] : faces.upper - coordinates[$0] < margin[axis])
        }
        var image = Vector3.zero
        image[axis] = Double(source?.image ?? 0)
        append(near.map { Int32($0) }, to: target?.rank, from: source?.rank, image: image)
        positions += Array(repeating: .zero, count: count - positions.count)
        positions.withUnsafeMutableBufferPointer { positions in
          guard let base = positions.baseAddress else { return }
          fill(.division, messages[messages.count - 1], base, cell)
        }
      }
    }
  }

  /// Another message; its length comes from whoever sends.
  private func append(_ rows: [Int32], to: Int?, from: Int?, image: Vector3) {
    var (length, incoming) = (rows.count, 0)
    withUnsafeBytes(of: &length) { sent in
      withUnsafeMutableBytes(of: &incoming) { communicator.exchange(.division, sent, to: to, $0, from: from) }
    }
    messages.append(
      Message(
        to: to, from: from, sent: Workspace(rows), sentCount: rows.count, received: count..<count + incoming,
        image: image))
    count += incoming
  }

  // MARK: - From owners to copies

  /// Axes that are cut.
  public var stages: Int { messages.count / 2 }

  /// Copies rows of `width` elements from the owners to all copies.
  public func fill<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ rows: UnsafeMutablePointer<Element>, width: Int
  ) {
    fill(cargo, [(rows, width)]) { _ in }
  }

  /// The same of several arrays. `work` is called for each stage while its messages are on their way, which come from both sides at
  /// once; it reads no copies.
  public func fill<Element: BitwiseCopyable>(
    _ cargo: Cargo, _ arrays: [(rows: UnsafeMutablePointer<Element>, width: Int)],
    while work: (_ stage: Int) -> Void
  ) {
    let bytes = arrays.map { $0.width * MemoryLayout<Element>.stride }
    for stage in 0..<stages {
      let sides = messages[2 * stage...2 * stage + 1]
      let length = sides.reduce(0) { $0 + $1.sentCount } * bytes.reduce(0, +)
      var packed = UnsafeMutableRawPointer(outgoing.reserve(length))
      for ((rows, _), bytes) in zip(arrays, bytes) {
        for message in sides {
          begin(cargo, message, rows, bytes: bytes, packed: packed)
          packed += message.sentCount * bytes
        }
      }
      work(stage)
      communicator.finish()
    }
  }

  /// Positions in `cell` of all copies from those of the owners.
  public func fill(positions: UnsafeMutablePointer<Vector3>, cell: Cell) {
    for message in messages { fill(.positions, message, positions, cell) }
  }

  private func fill(
    _ cargo: Cargo, _ message: Message, _ positions: UnsafeMutablePointer<Vector3>, _ cell: Cell
  ) {
    let bytes = MemoryLayout<Vector3>.stride
    begin(
      cargo, message, positions, bytes: bytes,
      packed: UnsafeMutableRawPointer(outgoing.reserve(message.sentCount * bytes)))
    communicator.finish()
    guard message.image != .zero else { return }
    let translation = message.image * cell.vectors
    for i in message.received { positions[i] += translation }
  }

  private func begin(
    _ cargo: Cargo, _ message: Message, _ rows: UnsafeMutableRawPointer, bytes: Int,
    packed: UnsafeMutableRawPointer
  ) {
    let sent = message.sent.pointer
    for n in 0..<message.sentCount {
      (packed + n * bytes).copyMemory(from: rows + Int(sent[n]) * bytes, byteCount: bytes)
    }
    communicator.begin(
      cargo, UnsafeRawBufferPointer(start: packed, count: message.sentCount * bytes), to: message.to,
      UnsafeMutableRawBufferPointer(
        start: rows + message.received.lowerBound * bytes, count: message.received.count * bytes),
      from: message.from)
  }

  // MARK: - From copies to owners

  /// Adds the rows of `width` values of all copies to those of their owners, in a fixed order; rows of copies are left with
  /// what has passed through them.
  @_specialize(where T == Float)
  @_specialize(where T == Double)
  public func collect<T: KernelScalar>(_ cargo: Cargo, _ rows: UnsafeMutablePointer<T>, width: Int) {
    let bytes = width * MemoryLayout<T>.stride
    for message in messages.reversed() {
      let packed = incoming.reserve(message.sentCount * bytes)
      communicator.exchange(
        cargo,
        UnsafeRawBufferPointer(
          start: rows + message.received.lowerBound * width, count: message.received.count * bytes),
        to: message.from,
        UnsafeMutableRawBufferPointer(start: packed, count: message.sentCount * bytes), from: message.to)
      packed.withMemoryRebound(to: T.self, capacity: message.sentCount * width) { addends in
        for n in 0..<message.sentCount {
          let row = rows + Int(message.sent.pointer[n]) * width
          for c in 0..<width { row[c] += addends[n * width + c] }
        }
      }
    }
  }

  /// Adds the forces on all copies to those on their owners.
  public func collect(forces vectors: UnsafeMutablePointer<Vector3>) {
    // A vector lies as four numbers, of which nobody reads the last.
    let width = MemoryLayout<Vector3>.stride / MemoryLayout<Double>.stride
    vectors.withMemoryRebound(to: Double.self, capacity: count * width) {
      collect(.forces, $0, width: width)
    }
  }
}
