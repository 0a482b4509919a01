// Minima, barriers and frequencies by the program itself, held against ASE with Bloch's forces where ASE is installed.

import Foundation
import Lattice
import Testing
import Trajectory

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path
private let python = ProcessInfo.processInfo.environment["BLOCH_PYTHON"] ?? "python3"
private let hasASE: Bool = {
  guard let folder = try? TemporaryFolder() else { return false }
  return (try? BlochProcess.shell("\(python) -c 'import ase.mep, scipy'", in: folder.path))?.exitCode == 0
}()

/// Two water molecules, one a donor to the other.
private let dimer = """
  6
  Properties=species:S:1:pos:R:3 pbc="F F F"
  O 0.00 0.00 0.00
  H 0.96 0.05 0.00
  H -0.25 0.93 0.10
  O 2.90 0.00 0.00
  H 3.30 0.50 0.75
  H 3.30 0.50 -0.75

  """

extension TemporaryFolder {
  fileprivate func write(_ text: String, to name: String) throws {
    try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
  }

  /// Runs a deck of the dimer's model in this folder.
  fileprivate func run(_ command: String, _ name: String, _ deck: String) throws -> Outcome {
    try write(
      "model: \(BlochProcess.model)\nthreads: 1\noutput: {folder: \(path)}\n\(deck)\n", to: "\(name).yaml")
    return try BlochProcess.run([command, "\(name).yaml"], in: path)
  }
}

@Test func aDimerIsMinimisedVibratesAndTurns() throws {
  let folder = try TemporaryFolder()
  try folder.write(dimer, to: "dimer.xyz")
  let minimum = try folder.run(
    "minimize", "rest", "structure: dimer.xyz\nminimize: {force: 0.001 eV/A}\ntrajectory: {precision: double}"
  )
  #expect(minimum.exitCode == 0 && minimum.output.contains("Converged at step"), "\(minimum.errors)")
  _ = try BlochProcess.run(["export", "rest.trajectory.h5", "way.xyz"], in: folder.path)
  let rest = try #require(ExtendedXYZ.readAll("\(folder.path)/way.xyz").last)
  let line = try #require(try folder.text("rest.log.tsv").split(separator: "\n").last).split(separator: "\t")
  #expect(Double(line[1]) == rest.energy && (Double(line[2]) ?? 1) <= 0.001)

  func save(_ system: AtomicSystem, to name: String) throws {
    let writer = try ExtendedXYZWriter(creating: "\(folder.path)/\(name)")
    try writer.append(Configuration(system: system))
    try writer.close()
  }
  try save(rest.system, to: "first.xyz")
  let modes = try folder.run("modes", "modes", "structure: first.xyz\nmodes: {animated: 2}")
  #expect(modes.exitCode == 0 && modes.output.contains("Zero-point energy: "), "\(modes.errors)")
  // 18 less 6; two modes of 20 frames.
  #expect(try folder.text("modes.modes.tsv").split(separator: "\n").count == 13)
  #expect(try ExtendedXYZ.readAll("\(folder.path)/modes.modes.xyz").count == 40)

  // The donor's hydrogens change places: a minimum of the same energy.
  var turned = rest.system
  turned.positions.swapAt(1, 2)
  try save(turned, to: "last.xyz")
  let band = try folder.run(
    "neb", "band", "structure: first.xyz\nneb: {final: last.xyz, images: 3, force: 0.1 eV/A}\nsteps: 500")
  #expect(band.exitCode == 0 && band.output.contains("Converged at step"), "\(band.errors)")
  let images = try ExtendedXYZ.readAll("\(folder.path)/band.band.xyz")
  #expect(images.count == 5 && images[0].system.positions == rest.system.positions)
  let energies = images.compactMap(\.energy)
  #expect(abs(energies[0] - energies[4]) < 1e-6 && (energies.max() ?? 0) - energies[0] > 0.02)

  // Pages of both: energies and forces step by step, the path with its images.
  for (run, words) in [
    ("rest", ["Converged", "Largest force", "Energy, from the last step", "a minimisation", "L-BFGS"]),
    (
      "band",
      ["Converged", "Energy along the path", "a band of 3 images between two ends", "image 4", "FIRE 2.0"]
    ),
  ] {
    let page = try BlochProcess.run(["report", "\(run).log.tsv"], in: folder.path)
    #expect(page.exitCode == 0, "\(page.errors)")
    let html = try folder.text("\(run).run.html")
    for word in words { #expect(html.contains(word), "\(run): \(word)") }
    #expect(!html.contains("nan") && !html.contains("nothing to draw") && !html.contains("Errors by blocks"))
  }

  // Twelve steps are six, a checkpoint and six, bit for bit; none is enough.
  let short = "structure: first.xyz\nneb: {final: last.xyz, images: 3, force: 0.001 eV/A}\nsteps: "
  #expect(try folder.run("neb", "whole", short + "12").exitCode == 5)
  let half = try folder.run("neb", "half", short + "6")
  #expect(half.exitCode == 5 && half.errors.contains("a band of images that has not converged in 6 steps"))
  let resumed = try BlochProcess.run(["resume", "half.checkpoint.h5", "--steps", "6"], in: folder.path)
  #expect(resumed.exitCode == 5, "\(resumed.errors)")
  for ending in ["band.xyz", "log.tsv"] {
    #expect(try folder.text("whole.\(ending)") == folder.text("half.\(ending)"))
  }

  // An end that is no minimum: refused, or minimised, which ends where the minimisation did.
  let refused = try folder.run(
    "neb", "shaken", "structure: dimer.xyz\nneb: {final: last.xyz, minimize_ends: false}")
  #expect(refused.exitCode == 2 && refused.errors.contains("shaken.yaml:4:12: error: no minimum"))
  let open = "structure: dimer.xyz\nneb: {final: last.xyz, images: 1, force: 0.1 eV/A}\nsteps: 2"
  try folder.write("model: \(BlochProcess.model)\n\(open)\n", to: "open.yaml")
  let foreseen = try BlochProcess.run(["check", "open.yaml"], in: folder.path)
  #expect(foreseen.exitCode == 0 && foreseen.output.contains("eV/Angstrom: minimised first"), "\(foreseen)")
  let minimised = try folder.run("neb", "open", open)
  #expect(minimised.exitCode == 5, "\(minimised.errors)")
  #expect(minimised.errors.contains("The first end was no minimum. Minimised in"), "\(minimised.errors)")
  #expect(!minimised.errors.contains("The last end"))
  let path = try ExtendedXYZ.readAll("\(folder.path)/open.band.xyz")
  #expect(path[0].forces?.allSatisfy { length($0) <= 0.1 } == true)
  #expect(path[2].system.positions == images[4].system.positions)
}

@Test func restraintsHoldABandAndItsEnds() throws {
  let folder = try TemporaryFolder()
  try folder.write(dimer, to: "first.xyz")
  var last = try ExtendedXYZ.read("\(folder.path)/first.xyz")
  last.system.positions.swapAt(1, 2)
  let writer = try ExtendedXYZWriter(creating: "\(folder.path)/last.xyz")
  try writer.append(Configuration(system: last.system))
  try writer.close()
  let deck = """
    structure: first.xyz
    neb: {final: last.xyz, images: 2, force: 0.05 eV/A}
    restraints: [{name: apart, type: distance, atoms: [1, 4], center: 3.6 A, k: 50 eV/A^2}]
    checkpoint: {every: 4 steps}
    """
  #expect(try folder.run("neb", "whole", deck + "\nsteps: 9").exitCode == 5)
  let images = try ExtendedXYZ.readAll("\(folder.path)/whole.band.xyz")
  // Without it 2.9, where the path began.
  for end in [images[0], images[3]] {
    #expect(abs(length(end.system.positions[3] - end.system.positions[0]) - 3.6) < 0.05)
  }
  #expect(try folder.text("whole.log.tsv").prefix(while: { $0 != "\n" }).contains("apart [Angstrom]"))
  // What is held is held after a restart.
  #expect(try folder.run("neb", "half", deck + "\nsteps: 5").exitCode == 5)
  let rest = try BlochProcess.run(["resume", "half.checkpoint.h5", "--steps", "4"], in: folder.path)
  #expect(rest.exitCode == 5, "\(rest.errors)")
  for ending in ["band.xyz", "log.tsv"] {
    #expect(try folder.text("whole.\(ending)") == folder.text("half.\(ending)"))
  }
}

/// Whenever the signal comes: the table is that of modes which were left alone.
@Test func modesGoOnAfterASignal() throws {
  let folder = try TemporaryFolder()
  let deck = "structure: \(BlochProcess.structure)\nmodes: {animated: 0}\ncheckpoint: {every: 5 steps}"
  #expect(try folder.run("modes", "whole", deck).exitCode == 0)
  for (name, signal, code) in [("int", SIGINT, Int32(0)), ("kill", SIGKILL, -SIGKILL)] {
    try folder.write(
      "model: \(BlochProcess.model)\nthreads: 1\noutput: {folder: \(folder.path)}\n\(deck)\n",
      to: "\(name).yaml")
    let process = try BlochProcess.start(["modes", "\(name).yaml"], in: folder.path)
    while process.isRunning, !folder.exists("\(name).checkpoint.previous.h5") { usleep(1000) }
    kill(process.processIdentifier, signal)
    let broken = try BlochProcess.outcome(of: process, in: folder.path)
    #expect(broken.exitCode == code || broken.output.contains("Zero-point"), "\(broken)")
    if code == 0 {
      #expect(broken.output.contains("Interrupted by Ctrl-C after") || broken.output.contains("Zero-point"))
    }
    let rest = try BlochProcess.run(["resume", "\(name).checkpoint.h5"], in: folder.path)
    #expect(rest.exitCode == 0 && rest.output.contains("Zero-point"), "\(rest.errors)")
    #expect(try folder.text("\(name).modes.tsv") == folder.text("whole.modes.tsv"))
  }
}

@Test(.enabled(if: hasASE, "needs a Python (BLOCH_PYTHON) with ASE and scipy"))
func minimumFrequenciesAndBandAreThoseOfASE() throws {
  let folder = try TemporaryFolder()
  let outcome = try BlochProcess.shell(
    "cd '\(root)' && \(python) Examples/statics/compare.py --monomer minimum modes"
      + " && \(python) Examples/statics/compare.py --resting barrier",
    environment: ["TMPDIR": folder.path],
    in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  for (pattern, limit) in [
    (/minimum  differs by (-?[0-9.]+) meV/, 0.05), (/modes    differ by ([0-9.]+) 1/, 0.5),
    (/largest force on its band ([0-9.]+) eV/, 0.0101),
  ] {
    let match = try #require(outcome.output.firstMatch(of: pattern), "\(outcome.output)")
    #expect(abs(try #require(Double(match.output.1))) < limit, "\(outcome.output)")
  }
}
