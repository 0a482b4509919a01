// `bloch serve` by the program itself: signals, servers that do not come, and the real servers, i-PI and ASE, where they are
// installed.

import Foundation
import Lattice
import Testing
import Trajectory

private let python = ProcessInfo.processInfo.environment["BLOCH_PYTHON"] ?? "python3"
private func works(_ command: String) -> Bool {
  guard let folder = try? TemporaryFolder() else { return false }
  return (try? BlochProcess.shell(command, in: folder.path))?.exitCode == 0
}
private let hasASE = works("\(python) -c 'import ase.calculators.fd, ase.calculators.socketio, scipy'")
private let hasIPI = works("i-pi --help")

extension TemporaryFolder {
  /// A deck to serve by; returns its name.
  fileprivate func serveDeck(_ structure: String = BlochProcess.structure, keys: String = "wait: 20 s") throws
    -> String
  {
    try """
    structure: \(structure)
    model: \(BlochProcess.model)
    threads: 1
    serve: {\(keys)}

    """.write(toFile: "\(path)/serve.yaml", atomically: true, encoding: .utf8)
    return "serve.yaml"
  }
}

@Test func aServiceWithoutAServerIsAnErrorAndSaysWhere() throws {
  let folder = try TemporaryFolder()
  let deck = try folder.serveDeck(keys: "wait: 0.1 s, ipi: unix:bloch-nobody")
  let cases: [([String], Int32, String)] = [
    (
      ["serve", deck], 3,
      "unix:bloch-nobody: error: there is no server at /tmp/ipi_bloch-nobody: no such file"
    ),
    (
      ["serve", deck, "--ipi", "127.0.0.1:1"], 3, "127.0.0.1:1: error: there is no server: connection refused"
    ),
    (["serve", deck, "--ipi", "127.0.0.1"], 2, "The value '127.0.0.1' is invalid for '--ipi <address>'"),
    (["run", deck], 2, "this is the deck of forces for another program, not of a run"),
  ]
  for (arguments, code, words) in cases {
    let outcome = try BlochProcess.run(arguments, in: folder.path)
    #expect(outcome.exitCode == code && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
  }
  let checked = try BlochProcess.run(["check", deck], in: folder.path)
  #expect(checked.exitCode == 0 && checked.output.contains("All is well: "), "\(checked.errors)")
}

@Test(arguments: [SIGTERM, SIGINT, SIGUSR1]) func signalsEndAServiceThatWaits(_ signal: Int32) throws {
  let folder = try TemporaryFolder()
  let deck = try folder.serveDeck(keys: "wait: 0 s, ipi: unix:bloch-nobody")
  let process = try BlochProcess.start(["serve", deck], in: folder.path)
  while try !folder.text("stderr").contains("no server at"), process.isRunning { usleep(2000) }
  kill(process.processIdentifier, signal)
  let outcome = try BlochProcess.outcome(of: process, in: folder.path)
  #expect(outcome.exitCode == 0 && outcome.errors.contains("ended by "), "\(outcome.errors)")
  #expect(outcome.output == "No evaluations were asked for.\n")
}

/// Energy, forces and stress in a triclinic cell against ASE's numerical stress and `bloch evaluate`; a relaxation of the cell;
/// the end of the server.
@Test(.enabled(if: hasASE, "needs a Python (BLOCH_PYTHON) with ASE and scipy"))
func whatASEGetsIsWhatEvaluateGives() throws {
  let folder = try TemporaryFolder()
  let script = """
    import subprocess, sys
    import numpy as np
    from ase.calculators.fd import calculate_numerical_stress
    from ase.calculators.socketio import SocketIOCalculator
    from ase.filters import FrechetCellFilter
    from ase.io import read, write
    from ase.optimize import FIRE

    program, structure, model, name = sys.argv[1:]
    atoms = read(structure)
    strain = np.array([[1, 0.05, 0.1], [0.02, 1.03, 0], [0, 0.08, 0.97]])
    atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
    write("triclinic.xyz", atoms, columns=["symbols", "positions"])
    atoms = read("triclinic.xyz")
    subprocess.run([program, "evaluate", "--model", model, "--threads", "1", "triclinic.xyz", "--output", "evaluated.xyz"],
                   check=True, stdout=subprocess.DEVNULL)
    ours = read("evaluated.xyz")

    def launch(atoms, properties, port, unixsocket):
        return subprocess.Popen([program, "serve", "serve.yaml", "--ipi", f"unix:{unixsocket}"],
                                stdout=open("out", "w"), stderr=open("err", "w"))

    with SocketIOCalculator(unixsocket=name, launch_client=launch) as calculator:
        atoms.calc = calculator
        print("energy", abs(atoms.get_potential_energy() / ours.get_potential_energy() - 1))
        # evaluate prints eight decimals of forces.
        print("forces", np.abs(atoms.get_forces() - ours.get_forces()).max())
        print("stress", np.abs(atoms.get_stress() - ours.get_stress()).max())
        numerical = calculate_numerical_stress(atoms, eps=1e-4)
        print("numerical", np.abs(atoms.get_stress() - numerical).max(), np.abs(numerical).max())
        before = atoms.get_potential_energy(), np.abs(atoms.get_stress()).max()
        FIRE(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=20)
        print("relaxed", before[0] - atoms.get_potential_energy(), np.abs(atoms.get_stress()).max() / before[1])
        print("volume", atoms.get_volume())
    print("exit", calculator.server is None)
    """
  try script.write(toFile: "\(folder.path)/relax.py", atomically: true, encoding: .utf8)
  _ = try folder.serveDeck("triclinic.xyz")
  let outcome = try BlochProcess.shell(
    "\(python) relax.py $BLOCH \(BlochProcess.structure) \(BlochProcess.model) bloch-$$",
    environment: ["OMP_NUM_THREADS": "1"], in: folder.path)
  #expect(outcome.exitCode == 0, "\(outcome.errors)")
  var found: [Substring: [Double]] = [:]
  for line in outcome.output.split(separator: "\n") {
    let words = line.split(separator: " ")
    found[words[0]] = words.dropFirst().compactMap { Double($0) }
  }
  #expect((found["energy"]?[0] ?? 1) < 1e-13, "\(outcome.output)")
  #expect((found["forces"]?[0] ?? 1) < 1e-8, "\(outcome.output)")
  #expect((found["stress"]?[0] ?? 1) < 1e-10, "\(outcome.output)")
  #expect((found["numerical"]?[0] ?? 1) < 1e-6 && (found["numerical"]?[1] ?? 0) > 1e-3, "\(outcome.output)")
  #expect((found["relaxed"]?[0] ?? 0) > 0.01, "\(outcome.output)")
  #expect(try folder.text("err").contains("the server closed the connection"))
  #expect(try folder.text("out").contains(" evaluations in "))
}

/// Two beads of water, a few steps.
@Test(.enabled(if: hasIPI, "needs i-PI (pip install ipi) on the PATH")) func iPIsBeadsAreServed()
  throws
{
  let folder = try TemporaryFolder()
  let deck = try folder.serveDeck()
  let name = "bloch-\(UUID().uuidString)"
  try """
  <simulation verbosity='low'>
    <output prefix='beads'>
      <properties filename='out' stride='1'> [ step, potential, kinetic_cv(H), virial_cv ] </properties>
      <trajectory filename='charges' stride='1' extra_type='charges'> extras </trajectory>
    </output>
    <total_steps> 4 </total_steps>
    <prng> <seed> 1 </seed> </prng>
    <ffsocket name='bloch' mode='unix' pbc='true'> <address> \(name) </address> </ffsocket>
    <system>
      <initialize nbeads='2'>
        <file mode='ase'> \(BlochProcess.structure) </file>
        <velocities mode='thermal' units='kelvin'> 300 </velocities>
      </initialize>
      <forces> <force forcefield='bloch'/> </forces>
      <ensemble> <temperature units='kelvin'> 300 </temperature> </ensemble>
      <motion mode='dynamics'>
        <dynamics mode='nvt'>
          <timestep units='femtosecond'> 0.5 </timestep>
          <thermostat mode='pile_g'> <tau units='femtosecond'> 100 </tau> </thermostat>
        </dynamics>
      </motion>
    </system>
  </simulation>

  """.write(toFile: "\(folder.path)/input.xml", atomically: true, encoding: .utf8)
  let outcome = try BlochProcess.shell(
    """
    $BLOCH serve \(deck) --ipi unix:\(name) > client.out 2> client.err &
    client=$!
    timeout 60 i-pi input.xml > ipi.log 2>&1; echo $?
    wait $client; echo $?
    $BLOCH evaluate --model \(BlochProcess.model) --threads 1 \(BlochProcess.structure) --output evaluated.xyz
    """, in: folder.path)
  let words = try folder.text("ipi.log")
  #expect(outcome.output.hasPrefix("0\n0\n"), "\(outcome.output) \(words)")
  #expect(try folder.text("client.err").contains("the server said EXIT"))
  #expect(try folder.text("client.out").hasPrefix("10 evaluations in "))
  let table = try folder.text("beads.out").split(separator: "\n").filter { $0.first != "#" }
    .map { $0.split(separator: " ").compactMap { Double($0) } }
  #expect(table.count == 5 && table.allSatisfy { $0.count == 9 && $0.allSatisfy(\.isFinite) })
  // Before the first step both beads are the structure; i-PI rounds the Angstrom to 1e-8. Its virial has the other sign.
  let evaluated = try ExtendedXYZ.read("\(folder.path)/evaluated.xyz")
  let (energy, stress) = try (#require(evaluated.energy), #require(evaluated.stress))
  #expect(abs((table.first?[1] ?? 0) * 27.211386 / energy - 1) < 1e-7)
  let pressureUnit = 27.211386 / pow(0.52917721, 3)
  for (column, (i, j)) in zip(3..., [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]) {
    #expect(abs((table.first?[column] ?? 0) * pressureUnit + stress[i][j]) < 1e-8)
  }
  #expect(
    try !FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("beads.charges") }
      .isEmpty)
}
