// How far atoms are from what was learned: distances by mean and covariance, the farthest learned as unit, and kept in the
// model's file.

import Foundation
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

private let base = "lr_f_4heads_filter_self_gate_l1_corr3"

/// Three correlated features of an element.
private func samples(_ count: Int, seed: UInt64, centre: Double) -> [[Double]] {
  let random = CounterRNG(seed: seed)
  return (0..<count).map { n in
    let g = random.normals(step: 0, atom: n, stream: 1)
    return [centre + 0.5 * g.x, 0.3 * g.x + 0.02 * g.y, -centre + g.z - 0.4 * g.y]
  }
}

/// The solution of m x = b by Gauss's elimination without pivots, m symmetric and positive definite.
private func solved(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
  var (m, b) = (matrix, right)
  for i in b.indices {
    for j in b.indices.dropFirst(i + 1) {
      let factor = m[j][i] / m[i][i]
      for k in b.indices { m[j][k] -= factor * m[i][k] }
      b[j] -= factor * b[i]
    }
  }
  for i in b.indices.reversed() {
    for j in b.indices.dropFirst(i + 1) { b[i] -= m[i][j] * b[j] }
    b[i] /= m[i][i]
  }
  return b
}

@Suite struct TrainingDomainTests {
  /// The largest ridge is 1e-3 of the mean variance, known here.
  @Test func gradesAreMahalanobisDistancesInUnitsOfTheFarthest() throws {
    let data = [samples(200, seed: 1, centre: 0.7), samples(50, seed: 2, centre: -2)]
    let domain = try #require(
      Model.TrainingDomain(species: 3, channels: 3) { body in
        for (s, rows) in data.enumerated() { for row in rows { body(row, s) } }
        return true
      })
    for (s, rows) in data.enumerated() {
      let n = Double(rows.count)
      let mean = (0..<3).map { c in rows.reduce(0) { $0 + $1[c] } / n }
      var covariance = (0..<3).map { a in
        (0..<3).map { b in rows.reduce(0) { $0 + ($1[a] - mean[a]) * ($1[b] - mean[b]) } / n }
      }
      let ridge = 1e-3 * (0..<3).reduce(0) { $0 + covariance[$1][$1] } / 3 + 1e-8
      for c in 0..<3 { covariance[c][c] += ridge }
      func distance(_ h: [Double]) -> Double {
        let d = zip(h, mean).map { $0 - $1 }
        return zip(d, solved(covariance, d)).reduce(0) { $0 + $1.0 * $1.1 }.squareRoot()
      }
      let farthest = rows.map(distance).max() ?? 0
      for h in rows.prefix(20) + [[0, 0, 0], [9, 9, 9]] {
        #expect(abs(domain.grade(h, species: s) - distance(h) / farthest) < 1e-9)
      }
      #expect(abs((rows.map { domain.grade($0, species: s) }.max() ?? 0) - 1) < 1e-12)
    }
    #expect(domain.grade([0, 0, 0], species: 2) == .infinity)
  }

  /// A single atom, as an isolated ion is: itself is at zero, anything else far away.
  @Test func oneAtomAloneHasADomain() throws {
    let domain = try #require(
      Model.TrainingDomain(species: 1, channels: 2) { body in
        body([0.3, -0.2], 0)
        return true
      })
    #expect(domain.grade([0.3, -0.2], species: 0) == 0)
    #expect(domain.grade([0.31, -0.2], species: 0) > 10)
  }

  private func learned() throws -> (model: Model, system: AtomicSystem) {
    var model = try Golden.model(base)
    let system = try Golden.frames(base)[0].system
    let potential = try LRMACEPotential(model: model, precision: .double)
    var result = Evaluation()
    try potential.evaluate(system, into: &result)
    model.domain = Model.TrainingDomain(species: model.species.count, channels: model.channels) { body in
      potential.forEachFeature(body)
      return true
    }
    return (model, system)
  }

  @Test func gradesFollowTheOrderOfTheAtomsInAnyPrecision() throws {
    let (model, system) = try learned()
    let reversed = AtomicSystem(
      cell: system.cell, atomicNumbers: system.atomicNumbers.reversed(), masses: system.masses.reversed(),
      positions: system.positions.reversed())
    func grades(_ system: AtomicSystem, _ precision: LRMACEPotential.Precision) throws -> [Double] {
      let potential = try LRMACEPotential(model: model, precision: precision, threads: 2)
      var result = Evaluation()
      try potential.evaluate(system, into: &result)
      return try #require(potential.extrapolationGrades())
    }
    let exact = try grades(system, .double)
    #expect(abs((exact.max() ?? 0) - 1) < 1e-9)
    for (a, b) in zip(exact, try grades(reversed, .double).reversed()) { #expect(abs(a - b) < 1e-9) }
    for (a, b) in zip(exact, try grades(system, .mixed)) { #expect(abs(a - b) < 1e-3) }
  }

  @Test func fileKeepsTheDomainAndItsHashCountsIt() throws {
    let (model, _) = try learned()
    let folder = try ModelFolder()
    let path = folder.url.appendingPathComponent("model.h5").path
    try model.write(to: path)
    let read = try Model(contentsOf: path)
    #expect(read.fileVersion == 4 && read.contents == model.contents && read.hash != model.hash)
    #expect(read.domain?.atoms == model.domain?.atoms)
    var without = read
    without.domain = nil
    #expect(without.fileVersion == 2 && Model.hash(of: without.contents) == model.hash)
  }

  @Test(.enabled(if: ThirdParty.run(["-c", "import h5py"]), "python3 has no h5py (set BLOCH_PYTHON)"))
  func toolsReadAndWriteTheDomain() throws {
    let folder = try ModelFolder()
    let (path, copy) = (
      folder.url.appendingPathComponent("a.h5").path, folder.url.appendingPathComponent("b.h5").path
    )
    try learned().model.write(to: path)
    let script = """
      import sys
      sys.path.insert(0, sys.argv[1])
      import bloch_model
      bloch_model.write_model(sys.argv[3], *bloch_model.read_model(sys.argv[2]))
      """
    let tools = Golden.folder.appendingPathComponent("../../Tools").path
    #expect(ThirdParty.run(["-c", script, tools, path, copy]))
    #expect(try Model(contentsOf: copy).hash == Model(contentsOf: path).hash)
  }

  @Test func domainsThatFitNoModelAreRefused() throws {
    let (model, _) = try learned()
    let spoils: [(String, (inout Model.TrainingDomain) -> Void)] = [
      ("domain/atoms has 1 numbers for 2 species", { $0.atoms.removeLast() }),
      ("domain/atoms: number of atoms is -1", { $0.atoms[0] = -1 }),
      ("domain/mean has shape [1, 1], expected [2, ", { $0.mean = Matrix(rows: 1, columns: 1) }),
      ("domain/whitening has 1 matrices, expected 2", { $0.whitening.removeLast() }),
      ("domain/whitening holds nan", { $0.whitening[1].values[3] = .nan }),
    ]
    for (words, spoil) in spoils {
      var bad = model
      if var domain = bad.domain {
        spoil(&domain)
        bad.domain = domain
      }
      let error = try #require(throws: ModelError.self) { try bad.validate() }
      #expect(error.reason.contains(words), "\(error.reason)")
    }
  }
}
