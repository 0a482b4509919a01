// `bloch serve` against a server in this process: what it gets is what the potential gives, whatever was asked before.

import Foundation
import IPI
import LRMACE
import Lattice
import ScriptedServer
import Synchronization
import Testing
import Trajectory

@testable import Deck
@testable import Simulation

private let water = root.appending(path: "Tests/EndToEndTests/water-8.xyz").path

private func deck(
  _ structure: String = water, _ server: ScriptedServer? = nil, precision: String = "mixed",
  keys: String = "wait: 10 s"
) throws -> Deck {
  try Deck(
    text: """
      structure: \(structure)
      model: \(root.appending(path: "Models/water.h5").path)
      precision: \(precision)
      threads: 1
      serve: {\(keys)\(server.map { ", ipi: \"\($0.address)\"" } ?? "")}

      """, file: "serve.yaml", folder: "/", as: .serve)
}

/// Numbers of the wire: h, lattice vectors as columns, and positions.
private struct Sent: Sendable {
  var h: [Double]
  var positions: [Double]

  init(_ system: AtomicSystem) {
    h = (0..<9).map { system.cell.given[$0 % 3][$0 / 3] / AtomicUnits.bohr }
    positions = system.positions.flatMap { r in (0..<3).map { r[$0] / AtomicUnits.bohr } }
  }

  /// What arrives, in the shape of `system`.
  func arrived(in system: AtomicSystem) -> AtomicSystem {
    var system = system
    let rows = (0..<3).map { i in Vector3(h[i], h[3 + i], h[6 + i]) * AtomicUnits.bohr }
    system.cell = Cell(vectors: Matrix3(rows[0], rows[1], rows[2]), isPeriodic: system.cell.isPeriodic)
    system.positions = (0..<system.count).map { i in
      Vector3(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]) * AtomicUnits.bohr
    }
    return system
  }
}

/// Answers to `requests`, in their order.
private func answers(
  _ structure: String = water, precision: String = "mixed", to requests: [Sent],
  events: @escaping EventHandler = { _ in }
) throws -> [Peer.Forces] {
  let server = try ScriptedServer()
  let found = Mutex<[Peer.Forces]>([])
  server.start { peer in
    for (n, request) in requests.enumerated() {
      let answer = try peer.evaluate(h: request.h, request.positions, inOnePacket: n % 2 == 0)
      found.withLock { $0.append(answer) }
    }
    try peer.send(Peer.header("EXIT"))
  }
  var service = try ForceService(deck: deck(structure, server, precision: precision), events: events)
  try service.run()
  try server.finish()
  return found.withLock { $0 }
}

private func failure(_ structure: String = water, _ request: Sent) throws -> RunFailure? {
  let server = try ScriptedServer()
  server.start { try $0.send(Peer.positions(h: request.h, request.positions) + Peer.header("GETFORCE")) }
  do {
    var service = try ForceService(deck: deck(structure, server))
    try service.run()
    return nil
  } catch { return RunFailure(error) }
}

/// Evaluated by the plan of the deck's structure, by a potential that has evaluated nothing else.
private func direct(
  _ system: AtomicSystem, _ structure: AtomicSystem, _ precision: LRMACEPotential.Precision
) throws -> Peer.Forces {
  let path = root.appending(path: "Models/water.h5").path
  var result = Evaluation()
  try LRMACEPotential(modelPath: path, precision: precision).evaluate(structure, into: &result)
  try LRMACEPotential(modelPath: path, precision: precision).evaluate(system, into: &result)
  let virial = system.cell.isFullyPeriodic ? result.stress * -system.cell.volume : .zero
  return Peer.Forces(
    energy: result.energy / AtomicUnits.hartree,
    forces: result.forces.flatMap { f in (0..<3).map { f[$0] * (AtomicUnits.bohr / AtomicUnits.hartree) } },
    virial: (0..<9).map { virial[$0 % 3][$0 / 3] / AtomicUnits.hartree }, extras: "")
}

private func isSame(_ a: Peer.Forces, _ b: Peer.Forces) -> Bool {
  a.energy == b.energy && a.forces == b.forces && a.virial == b.virial
}

private func isNear(_ a: Peer.Forces, _ b: Peer.Forces, _ tolerance: Double) -> Bool {
  zip([a.energy] + a.forces + a.virial, [b.energy] + b.forces + b.virial).allSatisfy {
    abs($0 - $1) <= tolerance * max(1, abs($1))
  }
}

private func displaced(_ system: AtomicSystem, by amplitude: Double, _ phase: Double) -> AtomicSystem {
  var moved = system
  for i in 0..<system.count {
    let x = Double(i) + phase
    moved.positions[i] += amplitude * Vector3(sin(1.1 * x), sin(2.3 * x), sin(3.7 * x))
  }
  return moved
}

@Suite struct ForceServiceTests {
  /// Replicas come in any order, in cells of their own, some far from the structure: bit for bit as if each were alone.
  @Test(arguments: [LRMACEPotential.Precision.mixed, .double])
  func replicasThatJumpGetWhatEachWouldGetAlone(_ precision: LRMACEPotential.Precision) throws {
    let structure = try ExtendedXYZ.read(water).system
    var replicas = (0..<4).map { displaced(structure, by: 0.12, Double(10 * $0)) }
    // A molecule that has diffused by more than the 5 A within which the plan's order of atoms serves, but less than half the
    // cell along each axis; a cell that has changed its shape.
    for i in 0..<3 { replicas[2].positions[i] += [2.95, -2.95, 2.95] }
    let strain = Matrix3([1.02, 0.01, 0], [0, 0.97, 0.03], [0.02, 0, 1.04])
    replicas[3].cell = Cell(vectors: structure.cell.vectors * strain)
    replicas[3].positions = replicas[3].positions.map { $0 * strain }
    let sent = replicas.map(Sent.init)
    let order = [0, 1, 2, 3, 1, 0, 3, 2, 0]
    let found = try answers(precision: precision.rawValue, to: order.map { sent[$0] })
    #expect(found.count == order.count)
    let alone = try sent.map { try direct($0.arrived(in: structure), structure, precision) }
    for (answer, replica) in zip(found, order) {
      #expect(isSame(answer, alone[replica]), "replica \(replica)")
    }
  }

  @Test func atomsMayBeWrappedOrManyCellsAway() throws {
    let structure = try ExtendedXYZ.read(water).system
    let moved = displaced(structure, by: 0.1, 3)
    var far = moved
    for i in 0..<far.count {
      let n = Vector3(Double(i % 5 - 2), Double(37 * (i % 3) - 40), Double(-1000 * (i % 2)))
      far.positions[i] += n * far.cell.vectors
    }
    let found = try answers(precision: "double", to: [Sent(moved), Sent(far)])
    #expect(isNear(found[0], found[1], 1e-10))
  }

  /// Any handedness and shape: the virial of a rotated cell is the rotated virial.
  @Test func cellsMayBeTriclinicAndLeftHanded() throws {
    let structure = try ExtendedXYZ.read(water).system
    let strain = Matrix3([1, 0.05, 0.1], [0.02, 1.03, 0], [0, 0.08, 0.97])
    var triclinic = displaced(structure, by: 0.1, 1)
    triclinic.cell = Cell(vectors: structure.cell.vectors * strain)
    triclinic.positions = triclinic.positions.map { $0 * strain }
    var mirrored = triclinic
    let mirror = Matrix3([1, 0, 0], [0, 1, 0], [0, 0, -1])
    mirrored.cell = Cell(vectors: triclinic.cell.vectors * mirror)
    mirrored.positions = triclinic.positions.map { $0 * mirror }
    let found = try answers(precision: "double", to: [Sent(triclinic), Sent(mirrored)])
    let expected = try direct(triclinic, structure, .double)
    #expect(isNear(found[0], expected, 1e-10))
    #expect(abs(found[1].energy - found[0].energy) < 1e-10)
    let signs: [Double] = [1, 1, -1]
    for i in 0..<9 {
      #expect(abs(found[1].virial[i] - found[0].virial[i] * signs[i / 3] * signs[i % 3]) < 1e-10)
    }
  }

  /// ASE sends a zero cell for a molecule, i-PI a box: neither means anything.
  @Test func aFreeStructureHasNoCellAndNoVirial() throws {
    let folder = try TemporaryFolder()
    let molecule = "\(folder.path)/molecule.xyz"
    try "3\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n".write(
      toFile: molecule, atomically: true, encoding: .utf8)
    let structure = try ExtendedXYZ.read(molecule).system
    var sent = Sent(structure)
    sent.h = [Double](repeating: 0, count: 9)
    var boxed = sent
    boxed.h = [40, 3, 0, 0, 40, 0, 0, 0, 40]
    let found = try answers(molecule, precision: "double", to: [sent, boxed])
    let expected = try direct(Sent(structure).arrived(in: structure), structure, .double)
    #expect(found.allSatisfy { isSame($0, expected) })
    #expect(found[0].virial == [Double](repeating: 0, count: 9))
    struct Extras: Decodable {
      let charges: [Double]
      let dipole: [Double]
      let extrapolation_grade: Double
    }
    let extras = try JSONDecoder().decode(Extras.self, from: Data(found[0].extras.utf8))
    #expect(extras.charges.count == 3 && abs(extras.charges.reduce(0, +)) < 1e-10 && extras.dipole.count == 3)
    let moment = structure.dipole(of: extras.charges).map { $0 / AtomicUnits.bohr }
    for axis in 0..<3 { #expect(abs(extras.dipole[axis] - (moment?[axis] ?? 0)) < 1e-8) }
  }

  @Test func whatIsNoConfigurationIsRefused() throws {
    let structure = try ExtendedXYZ.read(water).system
    let sent = Sent(structure)
    func changed(_ change: (inout Sent) -> Void) -> Sent {
      var other = sent
      change(&other)
      return other
    }
    let cases: [(Sent, Int32, String)] = [
      (
        changed { $0.positions.removeLast(3) }, 2,
        "has 23 atoms, the structure has 24\n  1 | structure: "
      ),
      (changed { $0.positions[7] = .nan }, 4, "configuration 1 of the server: atom 3 is at ("),
      (changed { $0.positions[7] = 1e300 }, 4, "configuration 1 of the server: atom 3 is at ("),
      (
        changed { $0.h = [Double](repeating: 0, count: 9) }, 4,
        "the cell has no volume: it is 0.0 Angstrom thick along vector 1, but the structure of the deck is periodic"
      ),
      (changed { $0.h[4] = .nan }, 4, "the cell has a number that is no length"),
      // Angstrom for bohr.
      (
        changed { for i in 0..<9 { $0.h[i] /= AtomicUnits.bohr } }, 2,
        "the cell of the server is 89.0 % larger"
      ),
      // Two atoms on one spot.
      (
        changed { for i in 0..<3 { $0.positions[i] = $0.positions[3 + i] + 1e-3 } }, 4,
        "configuration 1 of the server:"
      ),
    ]
    for (request, code, words) in cases {
      let failure = try #require(try failure(water, request), "\(words)")
      #expect(failure.exitCode == code && failure.message.contains(words), "\(failure.message)")
    }
  }

  @Test func anotherServerIsAwaitedWhereTheDeckSaysSo() throws {
    let structure = Sent(try ExtendedXYZ.read(water).system)
    let name = "bloch-\(UUID().uuidString)"
    @Sendable func server() throws -> ScriptedServer {
      let server = try ScriptedServer(name: name)
      server.start { _ = try $0.evaluate(h: structure.h, structure.positions) }
      return server
    }
    let first = try server()
    let deck = try deck(keys: "wait: 1 s, reconnect: true, ipi: \"unix:\(name)\"")
    let words = Mutex<[String]>([])
    Thread {
      try? first.finish()
      if let second = try? server() { try? second.finish() }
    }.start()
    var service = try ForceService(deck: deck) { event in
      switch event {
      case .note, .result: words.withLock { $0.append(event.description) }
      default: break
      }
    }
    try service.run()
    let said = words.withLock { $0 }
    #expect(said.count { $0 == "unix:\(name): the server closed the connection" } == 2, "\(said)")
    #expect(said.dropLast().last == "no other server came to unix:\(name)", "\(said)")
    #expect(said.last?.hasPrefix("2 evaluations in ") == true, "\(said)")
  }

  @Test func aServiceNeedsAServer() throws {
    var service = try ForceService(deck: deck())
    #expect(service.check().contains("24 (O8 H16)"))
    let error = #expect(throws: DeckError.self) { try service.run() }
    #expect(error?.description.contains("serve.yaml:5:8: error: no server is named") == true)
  }
}
