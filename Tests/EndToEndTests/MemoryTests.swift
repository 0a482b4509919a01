// A long run needs no more memory than a short one, and what does not fit into memory is said before it is tried.

#if os(Linux)
  import Foundation
  import Testing

  @Test func residentMemoryStaysLevelOverTenThousandSteps() throws {
    let folder = try TemporaryFolder()
    let deck = try folder.writeDeck(
      "long", steps: 10000, "ensemble: nvt\nthermostat: {tau: 50 fs}", trajectory: "{every: 20 steps}",
      log: "{every: 20 steps}", checkpoint: "{every: 500 steps}")
    let process = try BlochProcess.start(["run", deck], in: folder.path)
    // Pages in use, the second number of /proc/PID/statm (proc(5)).
    var pages: [Int] = []
    while process.isRunning {
      if let line = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/statm", encoding: .utf8),
        let resident = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), resident > 0
      {
        pages.append(resident)
      }
      usleep(20_000)
    }
    let outcome = try BlochProcess.outcome(of: process, in: folder.path)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    try #require(pages.count > 20, "the run was too short to watch")
    // The heap breathes by a megabyte; what leaks adds up.
    let half = pages.count / 2
    let (early, late) = (pages[..<half].max() ?? 0, pages[half...].max() ?? 0)
    #expect(
      (late - early) * Int(getpagesize()) < 1 << 20, "\(pages.count) samples: \(early) to \(late) pages")
  }

  /// `count` molecules on a cubic grid of 3.1 Angstrom; in a cube of `edge` Angstrom, if one is given.
  private func writeWater(_ count: Int, edge: Double?, in folder: TemporaryFolder) throws {
    let side = Int(cbrt(Double(count)).rounded(.up))
    var text = "\(3 * count)\n"
    if let edge { text += "Lattice=\"\(edge) 0 0 0 \(edge) 0 0 0 \(edge)\" " }
    let axes = edge == nil ? "F F F" : "T T T"
    text += "Properties=species:S:1:pos:R:3 pbc=\"\(axes)\"\n"
    for n in 0..<count {
      let (x, y, z) = (3.1 * Double(n % side), 3.1 * Double(n / side % side), 3.1 * Double(n / side / side))
      for (symbol, dy, dz) in [("O", 0.0, 0.119), ("H", 0.763, -0.477), ("H", -0.763, -0.477)] {
        text += "\(symbol) \(x) \(y + dy) \(z + dz)\n"
      }
    }
    try text.write(toFile: "\(folder.path)/water.xyz", atomically: true, encoding: .utf8)
  }

  /// Those in the last line.
  private func lastNumbers(_ outcome: Outcome) -> [Double] {
    outcome.output.split(separator: "\n").last?.split(separator: " ").compactMap { Double($0) } ?? []
  }

  /// Evaluates water.xyz within so many kB of address space.
  private func evaluate(
    within limit: Int, _ options: String, in folder: TemporaryFolder
  ) throws -> Outcome {
    try BlochProcess.shell(
      "ulimit -v \(limit); exec \"$BLOCH\" evaluate --model \"$MODEL\" \(options) water.xyz",
      environment: ["MODEL": BlochProcess.model], in: folder.path)
  }

  @Test(arguments: [200.0, 400, 1000]) func aMoleculeInAVastCellNeedsMegabytes(edge: Double) throws {
    let folder = try TemporaryFolder()
    try writeWater(1, edge: edge, in: folder)
    let outcome = try evaluate(within: 500_000, "--threads 2", in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let numbers = lastNumbers(outcome)
    #expect(numbers.count > 2 && abs(numbers[2] + 467.5426526) < 1e-6, "\(outcome.output)")
  }

  @Test func aThousandThreadsForFewAtomsNeedNoMoreMemoryThanThereIsWork() throws {
    let folder = try TemporaryFolder()
    try writeWater(64, edge: 31, in: folder)
    let (few, many) = try (
      evaluate(within: 500_000, "--threads 2", in: folder),
      evaluate(within: 500_000, "--threads 1024", in: folder)
    )
    #expect(few.exitCode == 0 && many.exitCode == 0, "\(many.errors)")
    #expect(few.output == many.output)
  }

  /// The k-sum would take 6 GB.
  @Test func tenThousandAtomsInDoublePrecisionNeedLessThanOneAndAHalfGigabytes() throws {
    let folder = try TemporaryFolder()
    try writeWater(3375, edge: 46.5, in: folder)
    let outcome = try evaluate(within: 1_500_000, "--precision double --threads 2", in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
  }

  /// Matrices of pairs would take 1.2 and 2.5 GB, meshes of all columns at a time 1.1 and 1.5. The energy is that of these.
  @Test(arguments: [("mixed", 1_200_000), ("double", 1_600_000)])
  func tenThousandAtomsWithoutPeriodicAxesNeedLessThanMatricesOfPairs(precision: String, limit: Int) throws {
    let folder = try TemporaryFolder()
    try writeWater(3375, edge: nil, in: folder)
    let outcome = try evaluate(within: limit, "--precision \(precision) --threads 2", in: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let numbers = lastNumbers(outcome)
    #expect(numbers.count > 3 && abs(numbers[3] + 155.7521444) < 1e-6, "\(outcome.output)")
  }

  @Test(arguments: [
    (
      "--precision mixed --attention pairwise", 2400, nil, "7200 atoms without periodic axes would need ",
      "take fewer atoms"
    ),
    (
      "--precision double --attention k-sum", 3375, 46.5, "wavevectors (k-sum) would need ",
      "mixed precision needs far less"
    ),
    (
      "--precision mixed --threads 1024", 1500, nil, "pairs on 1024 threads would need ", "take fewer threads"
    ),
  ])
  func whatDoesNotFitIsRefusedWithSizesAndACure(
    options: String, molecules: Int, edge: Double?, words: String, cure: String
  ) throws {
    let folder = try TemporaryFolder()
    try writeWater(molecules, edge: edge, in: folder)
    let outcome = try evaluate(within: edge == nil ? 400_000 : 1_500_000, options, in: folder)
    #expect(outcome.exitCode == 3)
    #expect(outcome.errors.contains(words) && outcome.errors.contains("\n  help: "), "\(outcome.errors)")
    #expect(outcome.errors.contains(cure), "\(outcome.errors)")
  }
#endif
