// The ranks of a job (Domains). Rank 0 runs the program: it reads, moves atoms, writes. The others follow: they make the same
// potentials and evaluate the same systems, each rank the atoms of its bricks, until rank 0 lets them go.
//
//   rank 0     request     broadcast: what to do, and the arrays of an evaluation
//   all        LRMACEPotential.evaluate, in which they speak to each other
//
// Motions, thermostats, observers and files know nothing of it.

import Diagnostics
import Domains
import Foundation
import LRMACE
import Lattice
import Reciprocal

/// What rank 0 asks of the others.
private enum Request: Codable {
  case make(ModelRequest)
  case evaluate(EvaluationRequest)
  /// The extrapolation grades of a potential's last evaluation.
  case grade(potential: Int)
  /// What every rank says of itself.
  case report
  case end
}

private struct ModelRequest: Codable {
  let path: String
  let hash: String
  let precision: String
  let threads: Int
  let method: String?
  let meshOrder: Int?
  let meshSpacing: Double?
  let dropsDeadPaths: Bool
  let grid: [Int]?
}

/// Positions follow; atomic numbers where they are not those of the evaluation before; positions of a plan that is given.
private struct EvaluationRequest: Codable {
  let potential: Int
  let atoms: Int
  let cell: StoredCell
  let hasAtomicNumbers: Bool
  let plan: Plan

  enum Plan: Codable {
    /// The one that the evaluation before has left.
    case asBefore
    case none
    case given(StoredPlan)
  }
}

private struct StoredCell: Codable {
  let vectors: [[Double]]
  let isPeriodic: [Bool]

  init(_ cell: Cell) {
    vectors = (0..<3).map { row in (0..<3).map { cell.given[row][$0] } }
    isPeriodic = cell.isPeriodic
  }

  var cell: Cell {
    func row(_ n: Int) -> Vector3 { Vector3(vectors[n][0], vectors[n][1], vectors[n][2]) }
    return Cell(vectors: Matrix3(row(0), row(1), row(2)), isPeriodic: isPeriodic)
  }
}

/// A plan but for its positions.
private struct StoredPlan: Codable {
  let cell: StoredCell
  let atoms: Int
  let choices: [String: String]

  init(_ plan: EvaluationPlan) {
    (cell, atoms, choices) = (StoredCell(plan.cell), plan.positions.count, plan.choices)
  }
}

/// What a rank says of itself.
struct RankReport: BitwiseCopyable {
  /// Since it was started.
  let traffic: Traffic
  let peakMemoryBytes: Int
  /// Atoms of its brick and copies of others', of the first potential.
  let ownAtoms: Int
  let copies: Int
  /// In evaluations since it was started, without and with others.
  let workingSeconds: Double
  let waitingSeconds: Double
}

/// All ranks of a job, on each of them.
public final class RankTeam: @unchecked Sendable {
  private struct Member {
    let potential: LRMACEPotential
    /// Of the last evaluation.
    var atomicNumbers: [Int] = []
    var result = Evaluation()
  }

  private let communicator: any Communicator
  /// In the order in which rank 0 has made them.
  private var members: [Member] = []
  /// Spent in evaluations, and of that in messages.
  private var (evaluationSeconds, waitingSeconds) = (0.0, 0.0)
  /// One request at a time, whichever thread it comes from.
  private let lock = NSLock()

  public init(_ communicator: any Communicator) { self.communicator = communicator }

  public var size: Int { communicator.size }

  // MARK: - Rank 0

  /// A potential of all ranks, and its number.
  /// - Throws: what `LRMACEPotential.init` throws; `RankError` where another rank has not the same model.
  fileprivate func make(
    path: String, precision: LRMACEPotential.Precision, threads: Int, attention: AttentionEvaluation,
    dropsDeadPaths: Bool, grid: SIMD3<Int>?
  ) throws -> (potential: LRMACEPotential, index: Int) {
    let potential = try LRMACEPotential(
      modelPath: path, precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths, communicator: communicator, grid: grid)
    return try lock.withLock {
      send(
        .make(
          ModelRequest(
            path: URL(fileURLWithPath: path).path, hash: potential.model.hash, precision: precision.rawValue,
            threads: threads, method: attention.method?.rawValue, meshOrder: attention.mesh?.order,
            meshSpacing: attention.mesh?.spacing, dropsDeadPaths: dropsDeadPaths,
            grid: grid.map { [$0.x, $0.y, $0.z] })))
      try communicator.together {}
      members.append(Member(potential: potential))
      return (potential, members.count - 1)
    }
  }

  fileprivate func evaluate(_ index: Int, _ system: AtomicSystem, into result: inout Evaluation) throws {
    try lock.withLock {
      let last = members[index]
      let plan: EvaluationRequest.Plan =
        if let plan = result.plan {
          plan == last.result.plan ? .asBefore : .given(StoredPlan(plan))
        } else { .none }
      let hasAtomicNumbers = system.atomicNumbers != last.atomicNumbers
      send(
        .evaluate(
          EvaluationRequest(
            potential: index, atoms: system.count, cell: StoredCell(system.cell),
            hasAtomicNumbers: hasAtomicNumbers, plan: plan)))
      send(system.positions)
      if hasAtomicNumbers { send(system.atomicNumbers) }
      if case .given = plan, let plan = result.plan { send(plan.positions) }
      members[index].atomicNumbers = system.atomicNumbers
      // Where it fails the next request says all.
      members[index].result.plan = nil
      try timed { try last.potential.evaluate(system, into: &result) }
      members[index].result.plan = result.plan
    }
  }

  fileprivate func grades(_ index: Int) -> [Double] {
    lock.withLock {
      send(.grade(potential: index))
      return members[index].potential.extrapolationGrades() ?? []
    }
  }

  /// What every rank says of itself, in their order.
  func reports() -> [RankReport] {
    lock.withLock {
      send(.report)
      return report()
    }
  }

  /// Lets the others go.
  public func end() { lock.withLock { send(.end) } }

  private func send(_ request: Request) {
    let encoder = PropertyListEncoder()
    encoder.outputFormat = .binary
    guard let data = try? encoder.encode(request) else {
      preconditionFailure("a request is numbers and words, which a property list holds")
    }
    let bytes = [UInt8](data)
    var count = bytes.count
    withUnsafeMutableBytes(of: &count) { communicator.broadcast(.system, $0) }
    send(bytes)
  }

  private func send<Element: BitwiseCopyable>(_ elements: [Element]) {
    var elements = elements
    elements.withUnsafeMutableBytes { communicator.broadcast(.system, $0) }
  }

  // MARK: - All

  private func report() -> [RankReport] {
    let share = members.first?.potential.share
    return communicator.allGather(
      .system,
      RankReport(
        traffic: communicator.traffic, peakMemoryBytes: peakMemory(), ownAtoms: share?.own ?? 0,
        copies: share?.copies ?? 0, workingSeconds: evaluationSeconds - waitingSeconds,
        waitingSeconds: waitingSeconds))
  }

  private func timed(_ evaluate: () throws -> Void) rethrows {
    let (start, waited) = (ContinuousClock.now, communicator.traffic.seconds)
    defer {
      evaluationSeconds += seconds(ContinuousClock.now - start)
      waitingSeconds += communicator.traffic.seconds - waited
    }
    try evaluate()
  }

  // MARK: - The others

  /// Does what rank 0 asks for until it lets go. What fails is told by rank 0, which fails with it.
  /// - Throws: what cannot be understood.
  public func follow() throws {
    while true {
      switch try receive() {
      case .make(let request):
        try? communicator.together { members.append(try member(request)) }
      case .evaluate(let request): evaluate(request)
      case .grade(let index): _ = members[index].potential.extrapolationGrades()
      case .report: _ = report()
      case .end: return
      }
    }
  }

  private func receive() throws -> Request {
    var count = 0
    withUnsafeMutableBytes(of: &count) { communicator.broadcast(.system, $0) }
    let bytes = receive(count, filler: UInt8(0))
    return try PropertyListDecoder().decode(Request.self, from: Data(bytes))
  }

  private func receive<Element: BitwiseCopyable>(_ count: Int, filler: Element) -> [Element] {
    var elements = Array(repeating: filler, count: count)
    elements.withUnsafeMutableBytes { communicator.broadcast(.system, $0) }
    return elements
  }

  private func member(_ request: ModelRequest) throws -> Member {
    guard let precision = LRMACEPotential.Precision(rawValue: request.precision) else {
      throw PlanError("there is no precision \(request.precision)")
    }
    var attention = AttentionEvaluation(method: request.method.flatMap(AttentionMethod.init))
    if let order = request.meshOrder, let spacing = request.meshSpacing {
      attention.mesh = MeshResolution(order: order, spacing: spacing)
    }
    let potential = try LRMACEPotential(
      modelPath: request.path, precision: precision, threads: request.threads, attention: attention,
      dropsDeadPaths: request.dropsDeadPaths, communicator: communicator,
      grid: request.grid.map { SIMD3($0[0], $0[1], $0[2]) })
    guard potential.model.hash == request.hash else {
      throw FileError(
        file: request.path, "is another model on this machine", help: "all ranks need to see the same files")
    }
    return Member(potential: potential)
  }

  private func evaluate(_ request: EvaluationRequest) {
    let positions = receive(request.atoms, filler: Vector3.zero)
    if request.hasAtomicNumbers {
      members[request.potential].atomicNumbers = receive(request.atoms, filler: 0)
    }
    switch request.plan {
    case .asBefore: break
    case .none: members[request.potential].result.plan = nil
    case .given(let stored):
      members[request.potential].result.plan = EvaluationPlan(
        cell: stored.cell.cell, positions: receive(stored.atoms, filler: .zero), choices: stored.choices)
    }
    let member = members[request.potential]
    let system = AtomicSystem(
      cell: request.cell.cell, atomicNumbers: member.atomicNumbers,
      masses: Array(repeating: 1, count: request.atoms), positions: positions)
    try? timed { try member.potential.evaluate(system, into: &members[request.potential].result) }
  }
}

/// On rank 0: a potential that all ranks evaluate.
final class LedPotential: Potential {
  let potential: LRMACEPotential
  private let index: Int
  private let team: RankTeam

  /// - Throws: what `LRMACEPotential.init` throws; `RankError` where another rank has not the same model.
  init(
    leading team: RankTeam, path: String, precision: LRMACEPotential.Precision, threads: Int,
    attention: AttentionEvaluation, dropsDeadPaths: Bool, grid: SIMD3<Int>?
  ) throws {
    self.team = team
    (potential, index) = try team.make(
      path: path, precision: precision, threads: threads, attention: attention,
      dropsDeadPaths: dropsDeadPaths, grid: grid)
  }

  func evaluate(_ system: AtomicSystem, into result: inout Evaluation) throws {
    try team.evaluate(index, system, into: &result)
  }

  func reasonToRenew(_ plan: EvaluationPlan, for system: AtomicSystem) -> String? {
    potential.reasonToRenew(plan, for: system)
  }

  func extrapolationGrades() -> [Double] { team.grades(index) }
}
