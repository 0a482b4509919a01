// A long run needs no more memory than a short one.

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
    let (early, late) = (pages[pages.count / 3], pages[pages.count - 2])
    #expect(
      (late - early) * Int(getpagesize()) < 1 << 20, "\(pages.count) samples: \(early) to \(late) pages")
  }
#endif
