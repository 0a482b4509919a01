// The engine as other packages use it: the example, which imports the rooms of the product `Bloch` and nothing else.

import Foundation
import Testing

@Test func theExampleRunsTenSteps() throws {
  let folder = try TemporaryFolder()
  let process = try BlochProcess.start(
    [BlochProcess.model, BlochProcess.structure], in: folder.path,
    program: BlochProcess.executable("TenSteps"))
  let outcome = try BlochProcess.outcome(of: process, in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  // The energy of the structure, less what has become motion.
  let words = outcome.output.split(separator: " ")
  let evaluation = try BlochProcess.run(
    ["evaluate", "--model", BlochProcess.model, "--threads", "1", BlochProcess.structure], in: folder.path)
  let energy = try #require(
    evaluation.output.split(separator: "\n").dropFirst().first?.split(separator: " ").dropFirst(2).first
      .flatMap { Double($0) })
  let last = try #require(words.first.flatMap { Double($0) })
  #expect(last < energy && last > energy - 5, "\(last), \(energy)")
  #expect(outcome.output.hasSuffix(" eV after 10 steps\n"))
}
