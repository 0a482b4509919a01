// Decks, structures and models that are wrong, each with the message that it must give. `BLOCH_RECORD=1 swift
// test` writes the messages anew.

import Foundation
import Testing

@testable import Deck
@testable import Simulation

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("Malformed").path

private let cases: [String] =
  (try? FileManager.default.contentsOfDirectory(atPath: folder))?
  .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted() ?? []

@Test func thereAreFiftyMalformedInputs() { #expect(cases.count >= 50) }

@Test(arguments: cases) func malformedInputIsExplained(_ name: String) throws {
  let expected = "\(folder)/\(name).txt"
  var message = "no error\n"
  do {
    var simulation = try Simulation(deck: Deck(path: "\(folder)/\(name).yaml"))
    _ = try simulation.check()
  } catch {
    let failure = try #require(RunFailure(error), "\(error) is not one of Bloch's errors")
    let root = URL(fileURLWithPath: "\(folder)/../../..").standardizedFileURL.path
    let text = failure.message.replacingOccurrences(of: "\(folder)/", with: "")
      .replacingOccurrences(of: "\(root)/", with: "")
    message = "\(text)\nexit code \(failure.exitCode)\n"
  }
  if ProcessInfo.processInfo.environment["BLOCH_RECORD"] != nil {
    try message.write(toFile: expected, atomically: true, encoding: .utf8)
  }
  #expect(message == (try String(contentsOfFile: expected, encoding: .utf8)))
  #expect(message != "no error\n")
}
