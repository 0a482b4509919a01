// The PyTorch reference's numbers (Tests/Golden/README.md), frame by frame.

import Foundation
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

enum Golden {
  static let folder = root.appendingPathComponent("Tests/Golden")

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".model.h5") }.map { String($0.dropLast(".model.h5".count)) }.sorted()
  }()

  static func model(_ name: String) throws -> Model {
    try Model(contentsOf: folder.appendingPathComponent("\(name).model.h5").path)
  }

  static func frames(_ name: String) throws -> [GoldenFrame] {
    try GoldenFrame.all(in: folder.appendingPathComponent("\(name).frames.h5").path)
  }
}

/// Third-party models and their numbers, which are not ours to ship: beside a checkout, if at all.
enum ThirdParty {
  static let folder = root.deletingLastPathComponent().appendingPathComponent("shared/golden")
  static let names = ["sr_water_pretrained", "sr_dipep_pretrained"]
  static let python = ProcessInfo.processInfo.environment["BLOCH_PYTHON"] ?? "python3"

  static func run(_ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// Why the test cannot run here, or nil.
  static let obstacle: String? = {
    guard FileManager.default.fileExists(atPath: folder.path) else { return "../shared/golden is not there" }
    return run(["-c", "import h5py"]) ? nil : "\(python) has no h5py (set BLOCH_PYTHON to one that has)"
  }()
}

@Suite struct GoldenTests {
  @Test func goldenFilesAreThere() { #expect(Golden.names.count >= 14) }

  @Test(arguments: Golden.names) func doublePrecisionReproducesTheReference(name: String) throws {
    let potential = try LRMACEPotential(model: Golden.model(name), precision: .double)
    for frame in try Golden.frames(name) {
      var result = Evaluation()
      try potential.evaluate(frame.system, into: &result)
      let d = frame.deviation(of: result)
      #expect(d.energy < 1e-11 && d.atomic < 1e-10, "\(frame.name): \(d)")
      #expect(d.force < 1e-10, "\(frame.name): \(d)")
      #expect(d.stress < 1e-12, "\(frame.name): \(d)")
    }
  }

  @Test(arguments: Golden.names) func mixedPrecisionStaysWithinItsTolerance(name: String) throws {
    let potential = try LRMACEPotential(model: Golden.model(name), precision: .mixed, threads: 2)
    for frame in try Golden.frames(name) {
      var result = Evaluation()
      try potential.evaluate(frame.system, into: &result)
      let d = frame.deviation(of: result)
      #expect(d.energy < 2e-6, "\(frame.name): \(d)")
      #expect(d.force < 2e-4, "\(frame.name): \(d)")
    }
  }

  @Test(
    .enabled(if: ThirdParty.obstacle == nil, Comment(rawValue: ThirdParty.obstacle ?? "")),
    arguments: ThirdParty.names)
  func importedThirdPartyModelAgreesWithItsReference(name: String) throws {
    let imported = FileManager.default.temporaryDirectory.appendingPathComponent("bloch-\(UUID()).h5")
    defer { try? FileManager.default.removeItem(at: imported) }
    let source = ThirdParty.folder.appendingPathComponent("\(name).h5").path
    let tool = root.appendingPathComponent("Tools/import_mace.py").path
    try #require(ThirdParty.run([tool, source, imported.path]))
    let model = try Model(contentsOf: imported.path)
    let frames = try GoldenFrame.all(in: source)
    let double = try LRMACEPotential(model: model, precision: .double)
    let mixed = try LRMACEPotential(model: model, precision: .mixed)
    for frame in frames {
      var (exact, rounded) = (Evaluation(), Evaluation())
      try double.evaluate(frame.system, into: &exact)
      let d = frame.deviation(of: exact)
      #expect(d.energy < 1e-10 && d.force < 1e-9 && d.stress < 1e-11, "\(frame.name): \(d)")
      try mixed.evaluate(frame.system, into: &rounded)
      let m = frame.deviation(of: rounded)
      #expect(m.energy < 2e-6 && m.force < 2e-4, "\(frame.name): \(m)")
    }
  }
}
