// LR-MACE energies and forces: the layers forward, then backward (equations in Model.swift).
//
// Atoms are in an inner order, sorted by element and then in space, so that matrices that depend on the element act
// on contiguous rows and neighbours are near in memory. Atoms are walked in blocks of one element. Where a block writes
// rows of its own alone, threads share the blocks out as they go; where it adds to its neighbours', each thread owns a
// fixed range of blocks and a sum of its own, and these are added in the order of the threads: same threads, same bits.
// Features and messages are in kernel precision, energies, forces and stress in double precision.
//
// One of several ranks has the atoms of its brick; behind them stand copies of others' (`Halo`), which are neighbours and no
// centres. What neighbours read, x = h linearUp, goes from owners to copies before each layer but the first, while blocks that
// see no copies are walked; dE/dx and forces come back.

import Domains
import Foundation
import Kernels
import LRMACEModel
import Lattice
import Reciprocal

final class Network<T: KernelScalar> {
  private(set) var model: Model
  let threads: Int
  private let ranks: Int
  /// Channels, padded to whole lanes.
  let channels: Int

  private(set) var layers: [NetworkLayer<T>]
  let geometry: EdgeGeometry<T>
  private var embedding: PackedMatrix<T>
  private(set) var readouts: [PackedReadout<T>?]
  let attention: AttentionStack<T>?
  /// Nil for a model without.
  private let repulsion: PairRepulsionTerm<T>?

  /// Atoms of this rank.
  private(set) var atoms = 0
  /// Those, and copies of others'.
  private(set) var rows = 0
  /// Nil where one process has all atoms.
  private var halo: Halo?
  /// Element of every row, as an index into `model.species`; of the own atoms ascending.
  private(set) var species: [Int] = []
  /// Those of the whole system, ascending.
  private(set) var elements: [Int] = []
  /// Blocks of atoms of one element.
  private(set) var blocks: [AtomBlock] = []
  /// Numbers of the blocks: all; those that see no copies of other ranks' atoms, in parts for the stages of the halo; the others.
  private var (all, inner, outer): ([Int], [[Int]], [Int]) = ([], [], [])
  /// Blocks of each thread where it adds to what neighbours have, by their pairs.
  private(set) var shares: [Range<Int>] = []
  private let queue: WorkQueue

  /// h entering every layer, and leaving the last; then their gradients.
  let features: [Workspace<T>]
  let featureGradients: [Workspace<T>]
  /// x = h linearUp of every layer, of the first where gradients by parameters are wanted, and A of every layer.
  let inputs: [Workspace<T>]
  let messages: [Workspace<T>]
  /// What gradients by parameters need of the way back; nil where they are not wanted.
  let kept: KeptGradients<T>?
  private(set) var scratch: [ThreadScratch<T>] = []
  /// Forces on all atoms as neighbours of the centres of each thread.
  private var neighborForces: [Workspace<Vector3>] = []
  /// What its edges do to each centre; dE/d(strain) of the edges of each block.
  private let centreForces = Workspace<Vector3>()
  private let strainGradients = Workspace<Matrix3>()
  /// Sum of the readouts of every atom.
  private let nodeEnergies = Workspace<Double>()
  private(set) var timings = Timings()
  /// The memory that was there for sizes met before.
  private var grantedBytes = 0.0

  /// Most atoms of a block: enough for full matrix products, few enough for threads to end at about the same time.
  static var blockSize: Int { 12 }

  /// Matrices and polynomials of an atom take as long as so many pairs in the list.
  private static var pairsOfAnAtom: Int { 60 }

  init(_ compiled: CompiledModel, threads: Int, communicator: any Communicator) {
    let model = compiled.model
    let padded = T.wholeLanes(model.channels)
    self.model = model
    self.threads = threads
    ranks = communicator.size
    queue = WorkQueue(threads: threads)
    channels = padded
    geometry = EdgeGeometry(lmax: model.lmax, cutoff: model.cutoff)
    layers = Self.layers(of: compiled, channels: padded)
    embedding = Self.packed(embedding: model, channels: padded)
    readouts = model.layers.map { $0.readout.map { PackedReadout($0, channels: padded) } }
    attention = AttentionStack(compiled, channels: padded, threads: threads, communicator: communicator)
    repulsion = PairRepulsionTerm(model)
    features = (0...model.layers.count).map { _ in Workspace<T>() }
    featureGradients = (0...model.layers.count).map { _ in Workspace<T>() }
    inputs = model.layers.map { _ in Workspace<T>() }
    messages = model.layers.map { _ in Workspace<T>() }
    kept = compiled.isDifferentiable ? KeptGradients(model, channels: padded, threads: threads) : nil
  }

  /// Other weights of the same model, for atoms that are prepared afterwards.
  func load(_ compiled: CompiledModel) {
    let model = compiled.model
    self.model = model
    layers = Self.layers(of: compiled, channels: channels)
    embedding = Self.packed(embedding: model, channels: channels)
    readouts = model.layers.map { $0.readout.map { PackedReadout($0, channels: channels) } }
    attention?.load(compiled)
  }

  private static func layers(of compiled: CompiledModel, channels: Int) -> [NetworkLayer<T>] {
    let model = compiled.model
    return compiled.layers.map {
      NetworkLayer(
        $0, species: model.species.count, modelChannels: model.channels, channels: channels)
    }
  }

  private static func packed(embedding model: Model, channels: Int) -> PackedMatrix<T> {
    PackedMatrix(
      model.embedding, rowBlock: model.species.count, paddedRowBlock: model.species.count,
      paddedColumns: channels)
  }

  /// Of the last step.
  var operations: Operations {
    Operations(layers, atoms: atoms, edges: geometry.edgeCount(atoms: atoms))
  }

  /// Highest degree of the features entering layer `t`, or leaving the last one.
  func lmax(_ t: Int) -> Int { t < layers.count ? layers[t].inputLmax : layers[t - 1].outputLmax }

  func view(_ buffer: Workspace<T>) -> Features<T> {
    Features(base: buffer.pointer, atoms: atoms, channels: channels)
  }

  /// Of copies, too: x and its gradient.
  private func viewOfRows(_ buffer: Workspace<T>) -> Features<T> {
    Features(base: buffer.pointer, atoms: rows, channels: channels)
  }

  func sources(_ t: Int) -> MessageSources<T> {
    MessageSources(geometry: geometry, species: species, elements: elements, features: viewOfRows(inputs[t]))
  }

  /// What the long-range block of layer `t` sees.
  func longRangeStep(_ t: Int) -> LongRangeStep<T> {
    LongRangeStep(
      edges: sources(t), blocks: blocks, shares: shares, queue: queue, scratch: scratch, halo: halo)
  }

  /// Whether long-range blocks read edges before the first layer's messages do, and add to gradients of edges before the last
  /// layer's: passes of their own make these ready. Elsewhere messages find them in the cache.
  private var edgesComeFirst: Bool { attention?.readsEdges ?? false }

  // MARK: - Preparation

  /// Makes room for atoms in the inner order and their neighbour list.
  ///
  /// - Throws: `MemoryError` or, for more pairs than can be numbered, `LatticeError`; before anything is allocated.
  func prepare(_ all: AtomRows, list: NeighborList, halo: Halo?) throws {
    precondition(kept == nil || halo == nil, "gradients by weights are those of one process")
    (atoms, rows, self.halo) = (all.own, all.count, halo)
    (species, elements) = (all.species, all.elements)
    blocks.removeAll(keepingCapacity: true)
    var first = 0
    while first < atoms {
      var end = first
      while end < atoms, end - first < Self.blockSize, species[end] == species[first] { end += 1 }
      blocks.append(AtomBlock(atoms: first..<end, species: species[first]))
      first = end
    }
    shares = Kernels.shares(
      of: blocks.map { block in
        block.atoms.reduce(0) { $0 + list.pairs(of: $1).count + Self.pairsOfAnAtom }
      }, threads: workers)
    divideBlocks(list)
    let (slots, edges, edgeBytes) = geometry.room(for: list)
    guard slots <= Int32.max else {
      throw LatticeError.tooManyPairs(atoms: atoms, pairs: slots)
    }
    try requireMemory(list: list, edges: edges, edgeBytes: edgeBytes)
    nodeEnergies.reserve(atoms)
    centreForces.reserve(rows)
    strainGradients.reserve(blocks.count)
    geometry.reserve(for: list)
    for t in 0...layers.count {
      let count = Features<T>.count(atoms: atoms, channels: channels, lmax: lmax(t))
      features[t].reserve(count)
      featureGradients[t].reserve(count)
    }
    for t in layers.indices {
      if t > 0 || kept != nil {
        inputs[t].reserve(Features<T>.count(atoms: rows, channels: channels, lmax: layers[t].inputLmax))
      }
      messages[t].reserve(Features<T>.count(atoms: atoms, channels: channels, lmax: layers[t].messageLmax))
      kept?.reserve(layer: t, layers[t], atoms: atoms)
    }
    if scratch.count != workers || !hasRoom(edges: edges) {
      scratch = (0..<workers).map { _ in makeScratch(edges: edges) }
    }
    for s in scratch {
      s.inputGradients.reserve(inputCount)
      s.inputGradients.fill(0, count: inputCount)
    }
    if neighborForces.count != min(threads, atoms) {
      neighborForces = (0..<min(threads, atoms)).map { _ in Workspace() }
    }
    for forces in neighborForces { forces.reserve(rows) }
    attention?.prepare(all, lmax: layers.map(\.outputLmax))
    // The first layer's features depend on the element alone.
    for i in 0..<atoms {
      (features[0].pointer + i * channels).update(
        from: embedding.pointer + species[i] * embedding.rowStride, count: channels)
    }
    if kept != nil { layers[0].linearUp[0].apply(features[0].pointer, rows: atoms, into: inputs[0].pointer) }
  }

  /// Which blocks a layer may walk while features of copies are on their way: half of the waiting of two ranks with 768 atoms each.
  private func divideBlocks(_ list: NeighborList) {
    all = Array(blocks.indices)
    (inner, outer) = ([], [])
    guard let stages = halo?.stages else { return }
    let seesCopies = blocks.map { block in
      block.atoms.contains { i in list.pairs(of: i).contains { list.neighbors[$0] >= atoms } }
    }
    let free = all.filter { stages > 0 && !seesCopies[$0] }
    inner = (0..<stages).map { Array(free[partition(of: free.count, thread: $0, threads: stages)]) }
    outer = all.filter { stages == 0 || seesCopies[$0] }
  }

  /// The plan for the atoms that were prepared, in `cell`.
  ///
  /// - Throws: `MemoryError` for a system that no evaluation of the attention fits.
  /// - Parameters:
  ///   - pairs: in the lists of all ranks.
  ///   - positions: of all atoms, in any order.
  func plan(
    list: NeighborList, pairs: Int, positions: [Vector3], cell: Cell, wanted: AttentionEvaluation
  ) throws -> NetworkPlan {
    // Pairs within the cut-off, as they are in a liquid, of those in the list.
    let share = pow(list.cutoff / (list.cutoff + list.skin), 3)
    return NetworkPlan(
      attention: try attention?.plan(positions: positions, cell: cell, wanted: wanted),
      takesPairs: layers[0].favoursPairs(
        elements: elements.count, edges: share * Double(pairs) / Double(max(positions.count, 1))),
      ranks: ranks)
  }

  /// What an evaluation plan says to this network.
  ///
  /// - Throws: `PlanError` for what it cannot have settled on.
  func plan(_ plan: EvaluationPlan) throws -> NetworkPlan {
    let found = try NetworkPlan(plan, attends: attention != nil, ranks: ranks)
    guard let attention, let way = found.attention, !attention.admits(way) else { return found }
    throw PlanError("this attention cannot be evaluated by \(way.method.rawValue) here")
  }

  /// The plan with all its choices made, those that need time included.
  func settled(_ plan: NetworkPlan) throws -> NetworkPlan {
    guard let attention, let way = plan.attention else { return plan }
    var settled = plan
    settled.attention = try attention.settled(way, atoms: atoms)
    return settled
  }

  /// The cheapest mesh that the attention may use, from a step that measured its sources.
  func sufficientMeshResolution(_ accuracy: MeshAccuracy) -> MeshResolution? {
    attention?.sufficientMeshResolution(accuracy)
  }

  /// Threads that find a block to work on.
  var workers: Int { max(1, min(threads, blocks.count)) }

  /// Values of dE/dx.
  private var inputCount: Int {
    Features<T>.count(atoms: rows, channels: channels, lmax: layers.map(\.inputLmax).max() ?? 0)
  }

  private func makeScratch(edges: Int) -> ThreadScratch<T> {
    ThreadScratch(
      layers, longRange: attention?.room ?? MessageRoom(),
      readoutWidth: readouts.compactMap { $0?.width }.max() ?? 0, edges: edges, elements: elements.count,
      block: Self.blockSize, channels: channels)
  }

  /// Whether the threads' memory is enough for the system's elements and so many edges of a centre.
  private func hasRoom(edges: Int) -> Bool {
    scratch.first.map { $0.edges >= edges && $0.elements >= elements.count } ?? false
  }

  /// Checks that there is room for what follows from the number of atoms, pairs and threads.
  private func requireMemory(list: NeighborList, edges: Int, edgeBytes: Double) throws {
    let number = Double(MemoryLayout<T>.stride)
    var values = 0
    for t in 0...layers.count { values += 2 * Features<T>.count(atoms: 1, channels: channels, lmax: lmax(t)) }
    for layer in layers {
      values += Features<T>.count(atoms: 1, channels: channels, lmax: layer.inputLmax)
      let messages = Features<T>.count(atoms: 1, channels: channels, lmax: layer.messageLmax)
      values += layer.keepsMessages ? 2 * messages : messages
    }
    let atomBytes = Double(atoms) * number * Double(values)
    let sample = scratch.first.flatMap { hasRoom(edges: edges) ? $0 : nil } ?? makeScratch(edges: edges)
    let threadBytes =
      Double(workers) * (sample.bytes + number * Double(inputCount))
      + Double(min(threads, atoms)) * Double(rows * MemoryLayout<Vector3>.stride)
    let tableBytes = layers.reduce(0) { $0 + $1.tableBytes(elements: elements.count) }
    let bytes = atomBytes + edgeBytes + threadBytes + tableBytes
    guard bytes > grantedBytes else { return }
    try Memory.require(
      bytes, for: "\(atoms) atoms with \(list.pairCount) pairs on \(threads) threads",
      help: threadBytes > bytes / 2 ? "take fewer threads" : "take a smaller system")
    grantedBytes = bytes
  }

  // MARK: - Energy and forces

  /// Charges of the atoms in the last step, e, in the inner order; empty for a model that has none.
  func charges(into charges: inout [Double]) { attention?.charges(into: &charges) }

  /// Scalar features that leave the last layer, of an atom in the inner order.
  func copyFeatures(of atom: Int, into row: inout [Double]) {
    let h = view(features[layers.count]).row(0, atom)
    for c in row.indices { row[c] = Double(h[c]) }
  }

  /// Energies of the atoms, forces and dE/d(strain), all in the inner order; one of several ranks has its atoms' and its part
  /// of dE/d(strain).
  ///
  /// - Parameter positions: of all rows.
  func evaluate(
    positions: [Vector3], cell: Cell, list: NeighborList, plan: NetworkPlan,
    atomicEnergies: inout [Double], forces: inout [Vector3], measuringSources: Bool
  ) throws -> Matrix3 {
    timings.begin()
    for layer in layers {
      layer.prepare(elements: elements, takesPairs: plan.takesPairs)
      layer.density?.reserve(atoms: atoms, channels: channels)
    }
    if let attention, let plan = plan.attention {
      try attention.prepare(
        positions: halo == nil ? positions : Array(positions[..<atoms]), cell: cell, plan: plan,
        measuringSources: measuringSources)
    }
    timings.end(.attention)

    nodeEnergies.fill(0, count: atoms)
    if kept != nil { featureGradients[0].fill(0, count: atoms * channels) }
    positions.withUnsafeBufferPointer { r in
      if edgesComeFirst, let r = r.baseAddress {
        parallel(queue, count: blocks.count) { _, n in
          geometry.forward(centres: blocks[n].atoms, positions: r, list: list, cell: cell.vectors)
          for i in blocks[n].atoms { geometry.clearGradients(of: i) }
        }
        timings.end(.edges)
      }
      for t in layers.indices {
        attention?.forward(layer: t, longRangeStep(t), features: features[t].pointer)
        timings.end(.attention)
        func walk(_ blocks: [Int]) {
          guard let r = r.baseAddress else { return }
          forward(layer: t, blocks, positions: r, list: list, cell: cell.vectors)
        }
        guard let halo, t > 0 else {
          walk(all)
          continue
        }
        let x = viewOfRows(inputs[t])
        let features = (0...layers[t].inputLmax).map { l in (x.degree(l), (2 * l + 1) * channels) }
        halo.fill(.features, features) { stage in walk(inner[stage]) }
        timings.end(.waiting)
        walk(outer)
      }
    }
    for t in layers.indices.reversed() {
      adjoint(layer: t)
    }

    let (atoms, rows) = (atoms, rows)
    parallel(threads: threads, count: atoms) { thread, range in
      let forces = neighborForces[thread]
      forces.fill(.zero, count: rows)
      geometry.addNeighborForces(centres: range, to: forces.pointer)
    }
    var strainGradient = Matrix3.zero
    for n in blocks.indices { strainGradient += strainGradients.pointer[n] }
    let sum = centreForces.pointer
    for i in atoms..<rows { sum[i] = .zero }
    for forces in neighborForces {
      let addend = forces.pointer
      for i in 0..<rows { sum[i] += addend[i] }
    }
    halo?.collect(forces: sum)
    for i in 0..<atoms {
      forces[i] = sum[i]
      atomicEnergies[i] =
        model.scale * nodeEnergies.pointer[i] + model.shift + model.isolatedEnergies[species[i]]
    }
    timings.end(.edges)
    attention?.addEnergies(to: &atomicEnergies)
    attention?.addForces(to: &forces, strainGradient: &strainGradient)
    timings.end(.attention)
    return strainGradient
  }

  private func forward(
    layer t: Int, _ order: [Int], positions: UnsafePointer<Vector3>, list: NeighborList, cell: Matrix3
  ) {
    let layer = layers[t]
    guard let operation = layer.messages else { return }
    let (a, h, next) = (view(messages[t]), view(features[t]), view(features[t + 1]))
    let gradient = view(featureGradients[t + 1])
    // What blocks read, in locals: each look at a property counts a reference, which threads would pass to and fro.
    let (blocks, scratch, sources, density) = (blocks, scratch, sources(t), layer.density)
    let repulsion = t == 0 ? repulsion : nil
    let (geometry, attention, readout, kept, atoms) = (geometry, attention, readouts[t], kept, atoms)
    let measuresEdges = t == 0 && !edgesComeFirst
    let following = t + 1 < layers.count ? (layer: layers[t + 1], inputs: viewOfRows(inputs[t + 1])) : nil
    parallel(queue, count: order.count) { thread, n in
      let s = scratch[thread]
      let block = blocks[order[n]]
      let first = block.atoms.lowerBound
      let count = block.atoms.count
      s.clock.begin()
      if measuresEdges {
        geometry.forward(centres: block.atoms, positions: positions, list: list, cell: cell)
        s.clock.end(.edges)
      }
      if let repulsion {
        repulsion.forward(block, of: sources, energies: nodeEnergies.pointer)
        s.clock.end(.edges)
      }
      operation.forward(block, of: sources, scratch: s.messages, clock: &s.clock, into: a)
      if let density {
        density.forward(block, of: sources, scratch: s.messages, a)
        s.clock.end(.convolution)
      }
      let b = Features<T>(base: s.products.pointer, atoms: count, channels: channels)
      let contraction = s.contraction[t]
      layer.contraction.forward(species: block.species, a: a, block.atoms, b: b, scratch: contraction)
      kept?.products(layer: t, atoms).copy(b, at: first, lmax: layer.outputLmax)
      s.clock.end(.contraction)
      for l in 0...layer.outputLmax {
        let rows = count * (2 * l + 1)
        layer.product[l].apply(b.degree(l), rows: rows, into: next.row(l, first))
        if l < layer.skip.count {
          layer.skip[l][block.species].apply(
            h.row(l, first), rows: rows, into: next.row(l, first), adding: true)
        }
      }
      s.clock.end(.linear)
      attention?.mix(layer: t, into: next, range: block.atoms)
      s.clock.end(.attention)
      for l in 0...layer.outputLmax {
        gradient.row(l, first).update(repeating: 0, count: count * (2 * l + 1) * channels)
      }
      readout?.addEnergies(
        of: block.atoms, features: next, scale: model.scale, energies: nodeEnergies.pointer,
        gradient: gradient, scratch: s.readout)
      s.clock.end(.readout)
      if let following {
        for l in 0...following.layer.inputLmax {
          following.layer.linearUp[l].apply(
            next.row(l, first), rows: count * (2 * l + 1), into: following.inputs.row(l, first))
        }
        s.clock.end(.linear)
      }
    }
    timings.gather(scratch)
  }

  private func adjoint(layer t: Int) {
    let layer = layers[t]
    guard let operation = layer.messages else { return }
    // The first layer's features do not depend on positions.
    let needsInputs = t > 0 || kept != nil
    let clearsEdges = t == layers.count - 1 && !edgesComeFirst
    let (a, dnext, dh) = (view(messages[t]), view(featureGradients[t + 1]), view(featureGradients[t]))
    // Attention first: its mixing rescales dnext where a gate acts.
    attention?.adjoint(
      layer: t, longRangeStep(t), gradient: dnext, features: features[t].pointer,
      inputGradient: needsInputs ? dh : nil)
    timings.end(.attention)
    let (blocks, scratch, geometry, kept, atoms) = (blocks, scratch, geometry, kept, atoms)
    let (rows, channels) = (rows, channels)
    func inputGradients(_ s: ThreadScratch<T>) -> Features<T> {
      Features(base: s.inputGradients.pointer, atoms: rows, channels: channels)
    }
    let (sources, density, repulsion) = (sources(t), layer.density, t == 0 ? repulsion : nil)
    func adjoint(_ n: Int, _ s: ThreadScratch<T>) {
      let block = blocks[n]
      let first = block.atoms.lowerBound
      let count = block.atoms.count
      s.clock.begin()
      let db = Features<T>(base: s.products.pointer, atoms: count, channels: channels)
      for l in 0...layer.outputLmax {
        let rows = count * (2 * l + 1)
        layer.product[l].applyAdjoint(dnext.row(l, first), rows: rows, into: db.degree(l))
        if needsInputs, l < layer.skip.count {
          layer.skip[l][block.species].applyAdjoint(
            dnext.row(l, first), rows: rows, into: dh.row(l, first), adding: true)
        }
      }
      s.clock.end(.linear)
      let da = Features<T>(base: s.messageGradients.pointer, atoms: count, channels: channels)
      let contraction = s.contraction[t]
      layer.contraction.adjoint(
        species: block.species, a: a, block.atoms, bGradient: db, aGradient: da, scratch: contraction)
      s.clock.end(.contraction)
      if clearsEdges {
        for i in block.atoms { geometry.clearGradients(of: i) }
        s.clock.end(.edges)
      }
      if let density {
        density.adjoint(block, of: sources, scratch: s.messages, a, aGradient: da)
        s.clock.end(.convolution)
      }
      kept?.messageGradients(layer: t, atoms).copy(da, at: first, lmax: layer.messageLmax)
      operation.adjoint(
        block, of: sources, scratch: s.messages, clock: &s.clock, aGradient: da,
        featureGradient: inputGradients(s))
      if t == 0 {
        repulsion?.adjoint(block, of: sources)
        strainGradients.pointer[n] = geometry.adjoint(centres: block.atoms, forces: centreForces.pointer)
        s.clock.end(.edges)
      }
    }
    guard needsInputs else {
      parallel(queue, count: blocks.count) { thread, n in adjoint(n, scratch[thread]) }
      timings.gather(scratch)
      return
    }
    parallel(shares) { thread, range in
      for n in range { adjoint(n, scratch[thread]) }
    }
    timings.gather(scratch)
    let (sum, hasHalo) = (inputGradients(scratch[0]), halo != nil)
    // dE/dx of all threads, then what linearUp makes of it.
    func addGradients(_ l: Int, _ range: Range<Int>) {
      let count = range.count * (2 * l + 1) * channels
      let start = sum.row(l, range.lowerBound)
      for other in scratch.dropFirst() {
        let addend = other.inputGradients.pointer + (start - sum.base)
        for n in 0..<count { start[n] += addend[n] }
        addend.update(repeating: 0, count: count)
      }
    }
    func applyAdjoint(_ l: Int, _ range: Range<Int>) {
      let count = range.count * (2 * l + 1) * channels
      let start = sum.row(l, range.lowerBound)
      kept?.inputGradients(layer: t, atoms).row(l, range.lowerBound).update(from: start, count: count)
      layer.linearUp[l].applyAdjoint(
        start, rows: range.count * (2 * l + 1), into: dh.row(l, range.lowerBound), adding: true)
      start.update(repeating: 0, count: count)
    }
    parallel(threads: threads, count: rows) { _, range in
      for l in 0...layer.inputLmax {
        addGradients(l, range)
        if !hasHalo { applyAdjoint(l, range) }
      }
    }
    timings.end(.linear)
    guard let halo else { return }
    for l in 0...layer.inputLmax {
      halo.collect(.gradients, sum.degree(l), width: (2 * l + 1) * channels)
      sum.row(l, atoms).update(repeating: 0, count: (rows - atoms) * (2 * l + 1) * channels)
    }
    timings.end(.waiting)
    parallel(threads: threads, count: atoms) { _, range in
      for l in 0...layer.inputLmax { applyAdjoint(l, range) }
    }
    timings.end(.linear)
  }
}
