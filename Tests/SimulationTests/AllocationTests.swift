// A step allocates nothing once sizes have settled: no heap memory means no growth over a long run and no waiting for
// the allocator's locks.

#if canImport(Glibc)
  import AllocationCounter
  import Dynamics
  import Foundation
  import LRMACE
  import LRMACEModel
  import Lattice
  import Reciprocal
  import Testing
  import Trajectory

  /// False where a sanitizer stands in for malloc.
  private let countsAllocations: Bool = {
    let before = allocationCount()
    let block = UnsafeMutablePointer<Int>.allocate(capacity: Int.random(in: 1...9))
    block.pointee = 1
    defer { block.deallocate() }
    return allocationCount() == before + block.pointee
  }()

  private let isSanitized = ProcessInfo.processInfo.environment["BLOCH_SANITIZED"] != nil

  @Suite(.enabled(if: !isSanitized, "a sanitizer counts allocations itself")) struct AllocationTests {
    @Test func allocationsAreCounted() { #expect(countsAllocations) }

    /// Between two rebuilds of the neighbour list: the atoms move by less than half the skin. On one thread: lending
    /// a closure to others costs Swift a block of 32 bytes for each parallel region.
    @Test(
      arguments: AttentionMethod.allCases,
      [[true, true, true], [true, true, false], [false, false, false]])
    func stepAllocatesNothing(method: AttentionMethod, isPeriodic: [Bool]) throws {
      for model in ["Models/water.h5", "Tests/Golden/c_a_difference_energy.model.h5"] {
        try requireNoAllocation(model, method, isPeriodic)
      }
    }

    @Test(arguments: AttentionMethod.allCases, [true, false])
    func stepInACellThatChangesAllocatesNothing(method: AttentionMethod, isRescaled: Bool) throws {
      try requireNoAllocation("Models/water.h5", method, [true, true, true]) { system in
        guard isRescaled else {
          return try MartynaTobiasKlein(
            timestep: 0.1, temperature: .constant(300), thermostat: .init(relaxationTime: 50),
            pressure: .constant(0), relaxationTime: 500, coupling: .triclinic, system: system)
        }
        return try LangevinBAOAB(
          timestep: 0.1, temperature: .constant(300), friction: 0.01, seed: 1,
          barostat: StochasticCellRescaling(
            timestep: 0.1, pressure: .constant(0), relaxationTime: 500, compressibility: 70, seed: 1,
            system: system))
      }
    }

    private func requireNoAllocation(
      _ model: String, _ method: AttentionMethod, _ isPeriodic: [Bool],
      integrator: (AtomicSystem) throws -> any Integrator = { _ in try VelocityVerlet(timestep: 0.1) }
    ) throws {
      let potential = try LRMACEPotential(
        model: try Model(contentsOf: root.appending(path: model).path),
        attention: AttentionEvaluation(method: method))
      var system = try ExtendedXYZ.read(root.appending(path: "Inputs/water-64.xyz").path).system
      system.cell = Cell(vectors: system.cell.vectors, isPeriodic: isPeriodic)
      var integrator = try integrator(system)
      var evaluation = Evaluation()
      try integrator.prepare(system, potential, &evaluation)
      try integrator.step(&system, potential, &evaluation)

      let before = allocationCount()
      for _ in 0..<10 { try integrator.step(&system, potential, &evaluation) }
      #expect(allocationCount() == before, "\(model)")
    }
  }
#endif
