// Between planes and pencils of a mesh whose planes are shared by ranks. Each rank has the planes that its atoms reach, transformed
// along the second and the third axis; pencils along the first axis need all planes. So every rank takes some rows of
// pencils for all planes:
//
//   there   [held pencils of each rank][own planes] -> [own pencils][planes of each rank]
//           a pencil is the sum of what all ranks have of it, in their order: planes that several reach are added up
//   back    the same way, to every rank the planes that it reaches
//
// Rows y and M2 - y go to the same rank, which then has wavevectors n and -n. Only pencils that hold wavevectors travel.

import Domains
import Kernels

final class PencilExchange<T: KernelScalar> {
  /// Ranks that share these meshes.
  let group: RankGroup
  /// Of each row whether it is this rank's, and its place among those.
  private(set) var rowPlaces: [Int?] = []
  private(set) var rows = 0

  /// Pencils of a block's fields, as row y and pencil p of it.
  struct Pencils {
    /// Those that hold wavevectors, of one member of the group after the other.
    fileprivate(set) var held: [SIMD2<Int>] = []
    /// How many of each member.
    fileprivate(set) var counts: [Int] = []
    /// The others, of columns of which some row holds any.
    fileprivate(set) var empty: [SIMD2<Int>] = []
    /// Those of this rank.
    fileprivate(set) var own = 0..<0
  }

  private var pencils: [Int: Pencils] = [:]
  /// Planes that the atoms of each member reach.
  private(set) var planes: [[Int]] = []
  /// [held pencils][own planes], [member][own pencils][its planes].
  private let mine = Workspace<T>()
  private let all = Workspace<T>()

  init(_ group: RankGroup) { self.group = group }

  func pencils(half: Int) -> Pencils {
    guard let pencils = pencils[half] else { preconditionFailure("`divide` knows all blocks") }
    return pencils
  }

  /// Divides the rows of a mesh, so that each rank has about as many pencils as any other.
  ///
  /// - Parameters:
  ///   - rows: M2.
  ///   - held: pencils that hold wavevectors, as (y, p), of every kind of block.
  func divide(rows count: Int, held: [Int: [SIMD2<Int>]]) {
    var weights = Array(repeating: 0, count: count)
    for kind in held.values { for pencil in kind { weights[pencil.x] += 1 } }
    var loads = Array(repeating: 0, count: group.count)
    var owners = Array(repeating: 0, count: count)
    for y in 0...count / 2 {
      let mirror = (count - y) % count
      let owner = loads.indices.min { loads[$0] < loads[$1] } ?? 0
      (owners[y], owners[mirror]) = (owner, owner)
      loads[owner] += y == mirror ? weights[y] : weights[y] + weights[mirror]
    }
    rows = 0
    rowPlaces = owners.map { owner in
      guard owner == group.place else { return nil }
      rows += 1
      return rows - 1
    }
    pencils = held.mapValues { kind in
      var result = Pencils()
      for member in 0..<group.count {
        let theirs = kind.filter { owners[$0.x] == member }
        if member == group.place { result.own = result.held.count..<result.held.count + theirs.count }
        result.held += theirs
        result.counts.append(theirs.count)
      }
      let (known, columns) = (Set(kind), Set(kind.map(\.y)))
      for p in columns.sorted() {
        for y in 0..<count where !known.contains(SIMD2(y, p)) { result.empty.append(SIMD2(y, p)) }
      }
      return result
    }
  }

  /// Tells the others which planes of `count` this rank's atoms reach.
  func place(planes reached: [Int], of count: Int) {
    var own = Array(repeating: UInt8(0), count: count)
    for x in reached { own[x] = 1 }
    let marks = group.allGather(.pencils, own, counts: group.members.map { _ in count }, filler: 0)
    planes = (0..<group.count).map { member in (0..<count).filter { marks[member * count + $0] == 1 } }
  }

  /// Brings the pencils of this rank together, calls `body` with each, [M1][pencil], and hands the planes of every rank back what
  /// it leaves there.
  ///
  /// - Parameters:
  ///   - mesh: the planes of this rank, one after the other.
  ///   - length: M1.
  ///   - scratch: of every thread, M1 pencils.
  ///   - body: takes the pencil's number among those of this rank, row and place in it.
  func transform(
    _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, half: Int, length: Int, threads: Int,
    scratch: [Workspace<T>],
    _ body: (_ pencil: UnsafeMutablePointer<T>, _ row: Int, _ p: Int) -> Void
  ) {
    let (pencils, width) = (pencils(half: half), MeshTransforms<T>.pencil)
    let (own, held) = (pencils.own, pencils.held)
    let planeCount = planes[group.place].count
    let away = pencils.counts.map { $0 * planeCount * width }
    let here = planes.map { own.count * $0.count * width }
    let mine = mine.reserve(held.count * planeCount * width)
    let all = all.reserve(here.reduce(0, +))
    func point(_ n: Int, _ plane: Int) -> UnsafeMutablePointer<T> {
      mesh + plane &* layout.plane + (held[n].x &* layout.row + held[n].y &* width)
    }
    parallel(threads: threads, count: held.count) { _, range in
      for n in range {
        for i in 0..<planeCount {
          (mine + (n &* planeCount &+ i) &* width).update(from: point(n, i), count: width)
        }
      }
    }
    group.allToAll(.pencils, mine, counts: away, into: all, counts: here)
    parallel(threads: threads, count: own.count) { thread, range in
      let pencil = scratch[thread].pointer
      for n in range {
        pencil.update(repeating: 0, count: length * width)
        forEachPlane(of: n, in: all, own.count) { part, x in
          let point = pencil + x &* width
          for c in 0..<width { point[c] += part[c] }
        }
        body(pencil, held[own.lowerBound + n].x, held[own.lowerBound + n].y)
        forEachPlane(of: n, in: all, own.count) { part, x in
          part.update(from: pencil + x &* width, count: width)
        }
      }
    }
    group.allToAll(.pencils, all, counts: here, into: mine, counts: away)
    parallel(threads: threads, count: planeCount) { _, range in
      for i in range {
        for n in held.indices {
          point(n, i).update(from: mine + (n &* planeCount &+ i) &* width, count: width)
        }
        for empty in pencils.empty {
          (mesh + i &* layout.plane + (empty.x &* layout.row + empty.y &* width))
            .update(repeating: 0, count: width)
        }
      }
    }
  }

  /// What each member has of the pencil `n` of this rank, plane by plane.
  @inline(__always)
  private func forEachPlane(
    of n: Int, in all: UnsafeMutablePointer<T>, _ count: Int,
    _ body: (UnsafeMutablePointer<T>, _ x: Int) -> Void
  ) {
    let width = MeshTransforms<T>.pencil
    var first = all
    for planes in planes {
      let part = first + n &* planes.count &* width
      for (i, x) in planes.enumerated() { body(part + i &* width, x) }
      first += count &* planes.count &* width
    }
  }
}
