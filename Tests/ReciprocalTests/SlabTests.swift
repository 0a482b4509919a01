// Ranks that share the planes of meshes have the fields and gradients of one process; the ranks are threads.

import Domains
import Kernels
import Lattice
import Testing
import ThreadRanks

@testable import Reciprocal

/// Which atoms a rank has, wherever they are.
private enum Ownership: CaseIterable {
  /// One after the other; the last of all.
  case inTurns, last

  func atoms(of rank: Int, ranks: Int, count: Int) -> [Int] {
    switch self {
    case .inTurns: (0..<count).filter { $0 * 7 % ranks == rank }
    case .last: rank == ranks - 1 ? Array(0..<count) : []
    }
  }
}

private struct Answer<T: KernelScalar>: Sendable {
  var numbers: [T] = []
  var gradient: [Double] = []
  var strain = Matrix3.zero
}

/// Long along its first axis, so that there is room for slabs.
private let longCell = Cell(vectors: Matrix3([23, 1.5, -1], [-2, 9, 0.7], [1.1, -1.4, 8]))

private func problem(
  _ columns: Int, _ sigmas: [Double] = [1.1, 1.6], tails: [KernelTail]? = nil
) -> AttentionProblem {
  AttentionProblem(
    cell: longCell, kernel: ReciprocalKernel(sigmas: sigmas, tails: tails), atoms: 80, heads: columns,
    width: columns)
}

extension AttentionProblem {
  /// u, dq, dk and dv of the atoms of a rank, or, of sources given as such, their fields; and its part of the gradients.
  fileprivate func answer<T: KernelScalar>(
    _: T.Type, atoms: [Int], threads: Int, mesh: MeshResolution, ofFields: Bool,
    communicator: any Communicator
  ) throws -> Answer<T> {
    let sum = ReciprocalAttention<T>(
      kernel: kernel, heads: heads, width: width, layers: 1, threads: threads, communicator: communicator)
    if ofFields { sum.expectFields(layer: 0, columns: width, leavesMean: false) }
    sum.expectAtoms(positions.count)
    let plan = try sum.plan(positions: positions, cell: cell, preferring: .mesh, mesh: mesh)
    func rows(_ values: [Double]) -> [T] {
      // Pointers to something, also without atoms.
      atoms.flatMap { values[$0 * width..<($0 + 1) * width].map { T($0) } } + [0]
    }
    let (q, k, v, du) = (rows(q), rows(k), rows(v), rows(coefficients))
    var answer = Answer<T>()
    // Once more than needed: a step leaves nothing behind.
    for _ in 0..<2 {
      try sum.prepare(positions: atoms.map { positions[$0] }, cell: cell, plan: plan)
      if ofFields {
        let fields = sum.fields(layer: 0, filter: filter, sources: v)
        answer.numbers = Array(UnsafeBufferPointer(start: fields.columns, count: atoms.count * width))
        sum.formAdjoint(layer: 0, weights: (0..<width).map { T(1 + $0) / 8 })
      } else {
        var (u, dq, dk, dv) = (q, q, q, q)
        sum.forward(layer: 0, filter: filter, q: q, k: k, v: v, u: &u)
        sum.adjoint(layer: 0, q: q, k: k, v: v, du: du, dq: &dq, dk: &dk, dv: &dv)
        answer.numbers = atoms.indices.flatMap { m in
          [u, dq, dk, dv].flatMap { $0[m * width..<(m + 1) * width] }
        }
      }
      var gradient = Array(repeating: Vector3.zero, count: atoms.count + 1)
      answer.strain = .zero
      sum.addGradients(positions: &gradient, strain: &answer.strain)
      answer.gradient = flat(Array(gradient.dropLast()))
    }
    return answer
  }

  /// That of all atoms, from all ranks.
  fileprivate func answer<T: KernelScalar>(
    _ type: T.Type, ranks: Int, _ ownership: Ownership = .inTurns, threads: Int = 1, mesh: MeshResolution,
    ofFields: Bool = false
  ) throws -> Answer<T> {
    let parts = try onRanks(ranks) {
      try answer(
        type, atoms: ownership.atoms(of: $0.rank, ranks: ranks, count: positions.count), threads: threads,
        mesh: mesh, ofFields: ofFields, communicator: $0)
    }
    let perAtom = parts.reduce(0) { $0 + $1.numbers.count } / positions.count
    var all = Answer<T>(
      numbers: Array(repeating: 0, count: positions.count * perAtom),
      gradient: Array(repeating: 0, count: positions.count * 3))
    for (rank, part) in parts.enumerated() {
      for (m, atom) in ownership.atoms(of: rank, ranks: ranks, count: positions.count).enumerated() {
        for n in 0..<perAtom { all.numbers[atom * perAtom + n] = part.numbers[m * perAtom + n] }
        for n in 0..<3 { all.gradient[atom * 3 + n] = part.gradient[m * 3 + n] }
      }
      all.strain = all.strain + part.strain
    }
    return all
  }
}

private func expectEqual<T: KernelScalar>(_ a: Answer<T>, _ b: Answer<T>, to deviation: Double) {
  #expect(relativeDeviation(a.numbers.map { Double($0) }, b.numbers.map { Double($0) }) < deviation)
  #expect(relativeDeviation(a.gradient, b.gradient) < deviation)
  #expect(relativeDeviation(flat(a.strain), flat(b.strain)) < deviation)
}

private let fine = MeshResolution(order: 5, spacing: 0.45)

@Suite struct SlabTests {
  /// One, two and several blocks of columns, whose fields are single, half a vector or whole ones; more ranks than slabs, too.
  @Test(arguments: [2, 5, 16, 34], [2, 3, 4, 12])
  func ranksThatSharePlanesHaveTheAnswerOfOneProcess(columns: Int, ranks: Int) throws {
    let problem = problem(columns)
    for ofFields in [false, true] {
      let alone = try problem.answer(Double.self, ranks: 1, mesh: fine, ofFields: ofFields)
      for ownership in Ownership.allCases {
        let shared = try problem.answer(
          Double.self, ranks: ranks, ownership, threads: 2, mesh: fine, ofFields: ofFields)
        expectEqual(shared, alone, to: 1e-11)
      }
      let single = try problem.answer(Float.self, ranks: 1, mesh: fine, ofFields: ofFields)
      expectEqual(
        try problem.answer(Float.self, ranks: ranks, mesh: fine, ofFields: ofFields), single, to: 3e-5)
    }
  }

  /// Its k = 0 has a weight, and belongs to one rank.
  @Test(arguments: [2, 3, 12]) func ranksThatSharePlanesHaveTheDispersionOfOneProcess(ranks: Int) throws {
    let problem = problem(17, [1.1, 1.1], tails: [.coulomb, .dispersion])
    for ofFields in [false, true] {
      let alone = try problem.answer(Double.self, ranks: 1, mesh: fine, ofFields: ofFields)
      let shared = try problem.answer(Double.self, ranks: ranks, threads: 2, mesh: fine, ofFields: ofFields)
      expectEqual(shared, alone, to: 1e-11)
    }
  }

  /// All atoms in a corner: slabs without atoms, and planes without.
  @Test func slabsWithoutAtomsTakePart() throws {
    var problem = problem(16)
    let inverse = longCell.inverse
    problem.positions = problem.positions.map { r in
      let f = r * inverse
      return (f - f.rounded(.down)) * Vector3(0.2, 0.9, 0.9) * longCell.vectors
    }
    let alone = try problem.answer(Double.self, ranks: 1, mesh: fine)
    expectEqual(try problem.answer(Double.self, ranks: 6, mesh: fine), alone, to: 1e-11)
  }

  @Test(arguments: [1, 2]) func sameRanksGiveTheSameBits(threads: Int) throws {
    let problem = problem(16)
    let answers = try (0..<2).map { _ in
      try problem.answer(Float.self, ranks: 4, threads: threads, mesh: fine)
    }
    #expect(answers[0].numbers == answers[1].numbers && answers[0].gradient == answers[1].gradient)
    #expect(answers[0].strain == answers[1].strain)
  }

  /// Columns that no vector would do without are not divided; fields that are single ones are, before slabs grow thin; few planes are
  /// nobody's slab.
  @Test func theCheapestDivisionHasASlabOrAGroupForEveryRank() {
    let vectors = { (groups: Int) in 0.5 }
    let single = { (groups: Int) in 0.2 * Double((8 + groups - 1) / groups) }
    for (ranks, edge, blocks, slabs) in [
      (4, 48, vectors, 4), (8, 48, vectors, 8), (16, 48, vectors, 16), (8, 48, single, 1),
      (64, 80, single, 8),
      (7, 8, vectors, 1), (1, 64, vectors, 1),
    ] {
      let division = MeshDivision(
        ranks: ranks, atoms: edge * edge * edge / 8, size: SIMD3(edge, edge, edge), order: 8, blocks: blocks)
      #expect(division.slabs == slabs && division.slabs * division.groups == ranks, "\(ranks), \(edge)")
      for columns in [1, 2, 16, 34] {
        let parts = (0..<division.groups).map { division.columns(columns, of: $0) }
        #expect(parts.flatMap(\.self) == Array(0..<columns))
        #expect(parts.allSatisfy { $0.count <= division.width(columns: columns) })
      }
      let all = (0..<division.groups).flatMap { division.members(of: $0) }
      #expect(all.sorted() == Array(0..<ranks))
      for rank in all {
        #expect(division.members(of: division.group(of: rank))[division.slab(of: rank)] == rank)
      }
    }
  }

  /// Every pencil that holds wavevectors goes to one rank, n and -n to the same, and what is sent is what others have of it.
  @Test func pencilsGoToOneRankEachAndBytesFollowFromThem() throws {
    let (size, ranks) = (SIMD3(24, 20, 18), 4)
    let held = (0..<20).flatMap { y in (0..<9).filter { min(y, 20 - y) + $0 < 11 }.map { SIMD2(y, $0) } }
    let layout = MeshLayout(size: size, half: 8, lanes: 16, halo: 16)
    let parts = try onRanks(ranks) { communicator in
      let exchange = PencilExchange<Float>(RankGroup(communicator, members: Array(0..<ranks)))
      exchange.divide(rows: size.y, held: [8: held])
      let reached = (0..<9).map { ($0 + 6 * communicator.rank) % size.x }.sorted()
      exchange.place(planes: reached, of: size.x)
      let mesh = Workspace<Float>(repeating: 1, count: reached.count * layout.plane)
      let before = communicator.traffic
      exchange.transform(
        mesh.pointer, layout, half: 8, length: size.x, threads: 1,
        scratch: [Workspace(capacity: size.x * MeshTransforms<Float>.pencil)]
      ) { _, _, _ in }
      let pencils = exchange.pencils(half: 8)
      // Planes that two ranks reach have the sum of both.
      let sums = reached.indices.map { mesh.pointer[$0 * layout.plane] }
      return (
        bytes: (communicator.traffic - before)[.pencils], pencils.counts, own: pencils.own.count,
        rows: exchange.rowPlaces.map { $0 != nil }, reached: reached, sums: sums
      )
    }
    for y in 0..<size.y {
      #expect(parts.filter { $0.rows[y] }.count == 1)
      for part in parts { #expect(part.rows[y] == part.rows[(size.y - y) % size.y]) }
    }
    #expect(parts.reduce(0) { $0 + $1.own } == held.count)
    for part in parts {
      #expect(part.1 == parts.map(\.own))
      // There the others' planes of its pencils, back its planes of theirs.
      let others = parts.reduce(-part.reached.count) { $0 + $1.reached.count }
      let numbers = part.own * others + (held.count - part.own) * part.reached.count
      #expect(part.bytes == numbers * MeshTransforms<Float>.pencil * MemoryLayout<Float>.stride)
      #expect(part.sums == part.reached.map { x in Float(parts.filter { $0.reached.contains(x) }.count) })
    }
    // As even as rows in pairs allow.
    #expect((parts.map(\.own).max() ?? 0) - (parts.map(\.own).min() ?? 0) <= 2 * 9)
  }
}
