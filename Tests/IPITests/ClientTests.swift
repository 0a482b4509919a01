// The client against a server that says the unexpected.

import Foundation
import Lattice
import ScriptedServer
import Synchronization
import Testing

@testable import IPI

private let h: [Double] = [10, 1, 2, 0, 9, 3, 0, 0, 8]
private let positions: [Double] = [1, 2, 3, -4, 5, 6]

/// E is the sum of coordinates, F the positions, the virial the cell, all in the units of the wire: what comes back shows what
/// arrived, and where.
private func echo(_ request: Request) -> Answer {
  let ev = AtomicUnits.hartree
  return Answer(
    energy: request.positions.reduce(0) { $0 + $1.sum() } / AtomicUnits.bohr * ev,
    forces: request.positions.map { $0 * (ev / AtomicUnits.bohr / AtomicUnits.bohr) },
    virial: request.cell * (ev / AtomicUnits.bohr), extras: "{}")
}

private func agrees(_ a: [Double], _ b: [Double]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-14 * max(1, abs($1)) }
}

private func isRight(_ answer: Peer.Forces) -> Bool {
  agrees([answer.energy], [positions.reduce(0, +)]) && agrees(answer.forces, positions)
    && agrees(answer.virial, h) && answer.extras == "{}"
}

/// Serves what `server` asks; it follows `script`.
@discardableResult
private func serve(
  _ server: ScriptedServer, until isInterrupted: @escaping () -> Bool = { false },
  _ script: @escaping @Sendable (Peer) throws -> Void
) throws -> Client.Ending {
  server.start(script)
  var client = Client(try ServerAddress(server.address), atoms: 2, isInterrupted: isInterrupted)
  #expect(try client.connect(within: .seconds(10)) { _ in })
  let ending = try client.serve { echo($0) }
  try server.finish()
  return ending
}

@Suite struct ClientTests {
  @Test(arguments: [ScriptedServer.Place.unix, .ipv4, .ipv6]) func aServerIsServed(
    _ place: ScriptedServer.Place
  )
    throws
  {
    if place == .ipv6, !ScriptedServer.hasIPv6 { return }
    let ending = try serve(ScriptedServer(place)) { peer in
      #expect(try peer.status() == "NEEDINIT")
      try peer.send(Peer.initialization(replica: 3, Array("{\"a\": 1}".utf8)))
      #expect(try peer.status() == "READY")
      for inOnePacket in [false, true, false] {
        #expect(try isRight(peer.evaluate(h: h, positions, inOnePacket: inOnePacket)))
        #expect(try peer.status() == "READY")
      }
      try peer.send(Peer.header("EXIT"))
    }
    #expect(ending == .dismissed)
  }

  /// A name has several addresses, of which the server may listen to the last.
  @Test func namesAreResolved() throws {
    let server = try ScriptedServer(.ipv4)
    server.start { try $0.send(Peer.header("EXIT")) }
    let port = try #require(server.address.split(separator: ":").last)
    var client = Client(try ServerAddress("localhost:\(port)"), atoms: 2, isInterrupted: { false })
    #expect(try client.connect(within: .seconds(10)) { _ in })
    #expect(try client.serve { echo($0) } == .dismissed)
  }

  @Test(arguments: [[UInt8](), [0]]) func aServerMayHaveLittleToSayInINIT(_ text: [UInt8]) throws {
    try serve(ScriptedServer()) { peer in
      #expect(try peer.status() == "NEEDINIT")
      try peer.send(Peer.initialization(text))
      #expect(try isRight(peer.evaluate(h: h, positions)))
    }
  }

  @Test func aServerMayKnowNoINITAndNoSTATUS() throws {
    try serve(ScriptedServer()) { (peer: Peer) throws in
      #expect(try peer.status() == "NEEDINIT")
      #expect(try isRight(peer.evaluate(h: h, positions)))
    }
    try serve(ScriptedServer()) { (peer: Peer) throws in
      #expect(try isRight(peer.evaluate(h: h, positions, inOnePacket: true)))
    }
  }

  @Test(arguments: [1, 7, 100]) func bytesMayComeInPacketsOfAnySize(_ packet: Int) throws {
    try serve(ScriptedServer()) { peer in
      let message =
        Peer.header("STATUS") + Peer.initialization([0]) + Peer.positions(h: h, positions)
        + Peer.header("GETFORCE") + Peer.header("STATUS")
      try peer.send(message, packet: packet)
      #expect(try peer.word() == "NEEDINIT")
      #expect(try isRight(peer.forces()))
      #expect(try peer.word() == "READY")
    }
  }

  @Test func theEndOfTheServerIsToldFromItsDeath() throws {
    #expect(try serve(ScriptedServer()) { _ = try $0.status() } == .gone(isAmidst: false))
    for length in [5, 12, 60, 170, 200] {
      let ending = try serve(ScriptedServer()) {
        try $0.send(Array(Peer.positions(h: h, positions).prefix(length)))
      }
      #expect(ending == .gone(isAmidst: true))
    }
    // It dies while the forces are made: the answer has no reader.
    let server = try ScriptedServer()
    server.start {
      try $0.send(Peer.positions(h: h, positions) + Peer.header("GETFORCE") + Peer.header("STATUS"))
    }
    var client = Client(try ServerAddress(server.address), atoms: 2, isInterrupted: { false })
    #expect(try client.connect(within: .seconds(10)) { _ in })
    let ending = try client.serve {
      try server.finish()
      return echo($0)
    }
    if case .gone = ending {} else { Issue.record("\(ending)") }
  }

  @Test func aServerMayComeLate() throws {
    let name = "bloch-\(UUID().uuidString)"
    let late = Mutex<ScriptedServer?>(nil)
    Thread {
      usleep(200_000)
      late.withLock {
        $0 = try? ScriptedServer(name: name)
        $0?.start { try $0.send(Peer.header("EXIT")) }
      }
    }.start()
    var client = Client(.unix(name: name), atoms: 2, isInterrupted: { false })
    var words: [String] = []
    #expect(try client.connect(within: .seconds(20)) { words.append($0) })
    #expect(words == ["no such file or directory"])
    #expect(try client.serve { echo($0) } == .dismissed)
  }

  @Test func aServerThatNeverComesIsAnErrorAndTheWaitIsInterrupted() throws {
    var client = Client(.unix(name: "bloch-nobody"), atoms: 2, isInterrupted: { false })
    let error = #expect(throws: IPIError.self) { try client.connect(within: .milliseconds(60)) { _ in } }
    #expect(
      error?.description.contains("unix:bloch-nobody: error: there is no server at /tmp/ipi_bloch-nobody")
        == true)
    var nowhere = Client(
      .internet(host: "no-such-host.invalid", port: 1), atoms: 2, isInterrupted: { false })
    #expect(throws: IPIError.self) { try nowhere.connect(within: .milliseconds(60)) { _ in } }

    let start = ContinuousClock.now
    var waiting = Client(
      .unix(name: "bloch-nobody"), atoms: 2,
      isInterrupted: { ContinuousClock.now - start > .milliseconds(100) })
    #expect(try !waiting.connect(within: nil) { _ in })
  }

  @Test func aServerThatIsSilentIsLeftWhenInterrupted() throws {
    let start = ContinuousClock.now
    let ending = try serve(ScriptedServer(), until: { ContinuousClock.now - start > .milliseconds(300) }) {
      peer in
      _ = try peer.status()
      // Nothing more, until the client hangs up.
      #expect(throws: ServerFailure.self) { try peer.receive(1) }
    }
    #expect(ending == .interrupted)
  }

  @Test func whatTheProtocolDoesNotHaveIsRefused() throws {
    let cases: [([UInt8], String)] = [
      (Array("GET / HTTP/1.1\r\n".utf8), "`GET / HTTP/1`, which is no message of the i-PI protocol"),
      (Peer.header("GETFORCE"), "forces before it sent positions"),
      (Peer.header("READY"), "`READY`, which is a client's to say"),
      (Peer.header("INIT") + Peer.bytes([Int32(0), -1]), "an INIT with a text of -1 bytes"),
      (
        Peer.initialization(Array("a:1, batch_size:4".utf8)),
        "several structures in one message (a:1, batch_size:4)"
      ),
    ]
    for (bytes, words) in cases {
      let server = try ScriptedServer()
      server.start { try $0.send(bytes) }
      var client = Client(try ServerAddress(server.address), atoms: 2, isInterrupted: { false })
      #expect(try client.connect(within: .seconds(10)) { _ in })
      let error = #expect(throws: IPIError.self) { try client.serve { echo($0) } }
      #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
    for count in [1, 3, Int32.max, -1] {
      let server = try ScriptedServer()
      server.start {
        try $0.send(
          Peer.header("POSDATA") + Peer.bytes([Double](repeating: 0, count: 18)) + Peer.bytes([count]))
      }
      var client = Client(try ServerAddress(server.address), atoms: 2, isInterrupted: { false })
      #expect(try client.connect(within: .seconds(10)) { _ in })
      #expect(throws: AtomCountMismatch(sent: Int(count))) { try client.serve { echo($0) } }
    }
  }
}
