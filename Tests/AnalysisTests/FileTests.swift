// From files to findings: selections of frames, formats, words, and the same numbers by MDAnalysis.

import Foundation
import Lattice
import Testing

@testable import Analysis
@testable import Trajectory

/// Writes frames as a run would, in double precision.
private func write(_ frames: [TrajectoryFrame], to path: String, charges: Bool = false) throws {
  let writer = try H5MDWriter(
    creating: path, system: frames[0].system, observables: [H5MDObservable(name: "temperature", unit: "K")],
    options: H5MDOptions(storesCharges: charges, isDouble: true),
    provenance: Provenance(engineVersion: "0", modelHash: "0", deck: ""))
  for (n, frame) in frames.enumerated() {
    try writer.append(
      step: Int64(n), time: frame.time ?? 0, system: frame.system,
      charges: charges ? frame.charges ?? [] : [],
      observables: [300])
  }
  try writer.close()
}

private func times(_ path: String, _ selection: FrameSelection) throws -> [Double?] {
  let source = try FrameSource(path, selection: selection)
  var times: [Double?] = []
  while let frame = try source.next() { times.append(frame.time) }
  return times
}

@Test func framesAreChosenByTimeAndNumber() throws {
  let scratch = try Scratch()
  let path = scratch.path("a.h5")
  try write(wandering(20), to: path)
  #expect(try times(path, FrameSelection()).count == 20)
  #expect(try times(path, FrameSelection(skip: 10, until: 20)) == [10, 12, 14, 16, 18, 20])
  #expect(try times(path, FrameSelection(skip: 3, every: 4)) == [4, 12, 20, 28, 36])
  #expect(try times(path, FrameSelection(skip: 5, interval: 1)) == (5..<20).map(Double.init))
  #expect(throws: AnalysisError.self) {
    try TrajectoryAnalysis(of: FrameSource(path, selection: FrameSelection(skip: 1e3)), AnalysisSettings())
  }
}

@Test func extendedXYZIsFollowedThroughTheFacesAndGivesTheSame() throws {
  let scratch = try Scratch()
  let frames = wandering(40)
  try write(frames, to: scratch.path("a.h5"))
  let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  for frame in frames {
    var system = frame.system
    for atom in 0..<system.count {
      system.positions[atom] = system.cell.wrap(system.positions[atom]).position
    }
    try writer.append(
      Configuration(system: system, hasVelocities: true, info: ["time_fs": "\(frame.time ?? 0)"]))
  }
  try writer.close()
  var settings = AnalysisSettings()
  settings.quantities = [.msd, .rdf, .vacf]
  let a = try TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), settings)
  let b = try TrajectoryAnalysis(of: FrameSource(scratch.path("a.xyz")), settings)
  for quantity in [Quantity.msd, .rdf, .vacf] {
    let tables = zip(try #require(a[quantity]).tables, try #require(b[quantity]).tables)
    for (one, other) in tables {
      for (c, d) in zip(one.columns, other.columns) {
        for (x, y) in zip(c.values, d.values) {
          #expect(abs((x ?? 0) - (y ?? 0)) < 1e-6 * max(1, abs(x ?? 0)))
        }
      }
    }
  }
}

@Test func everythingIsComputedByDefaultAndWhatCannotBeIsSaid() throws {
  let scratch = try Scratch()
  try write(wandering(40), to: scratch.path("a.h5"))
  let whole = try TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), AnalysisSettings())
  #expect(
    whole.findings.map(\.quantity) == ["means", "rdf", "msd", "vacf", "profile", "hbonds", "sk", "cell"])
  #expect(whole.leftOut.count == 3 && whole.leftOut[2].contains("`log.pressure_tensor: true`"))
  #expect(whole.leftOut.prefix(2).allSatisfy { $0.contains("--charges H=... O=...") })
  #expect(whole.text.contains("40 frames of 12 atoms from 0 to 0.078 ps"))
  var settings = AnalysisSettings()
  settings.quantities = [.dipole]
  #expect(throws: AnalysisError.self) {
    try TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), settings)
  }
  // Numbers and curves survive JSON; tables read as numbers.
  let decoded = try JSONDecoder().decode(TrajectoryAnalysis.self, from: Data(whole.json.utf8))
  #expect(decoded.findings == whole.findings)
  let files = try whole.write(to: scratch.path("out"), overwrite: false)
  #expect(
    files.map { URL(fileURLWithPath: $0).lastPathComponent }.prefix(3) == [
      "a.analysis.json", "a.numbers.tsv", "a.rdf.tsv",
    ])
  let rows = try String(contentsOfFile: scratch.path("out/a.rdf.tsv"), encoding: .utf8).split(separator: "\n")
  let table = try #require(whole[.rdf]?.table("rdf"))
  #expect(rows[0].hasPrefix("# r [Angstrom]\tg_H-H [1]\t"))
  #expect(rows.count == table.columns[0].values.count + 1)
  #expect(rows[5].split(separator: "\t").map { Double($0) } == table.columns.map { $0.values[4] ?? .nan })
  #expect(throws: (any Error).self) { try whole.write(to: scratch.path("out"), overwrite: false) }
  #expect(try whole.write(to: scratch.path("out"), overwrite: true) == files)
}

@Test func chargesOfTheFramesAreUsed() throws {
  let scratch = try Scratch()
  try write(wandering(40), to: scratch.path("a.h5"), charges: true)
  var settings = AnalysisSettings()
  settings.quantities = [.chi]
  let own = try TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), settings)
  settings.charges = .elements([8: -0.8, 1: 0.4])
  #expect(try own[.chi] == TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), settings)[.chi])
}

@Test func numbersAreRoundedToTheirErrors() {
  #expect(Finding("x", unit: "K", 297.98765, error: 0.0123).valueText == "297.988 +- 0.012")
  #expect(Finding("x", unit: "K", 297.98765, error: 12.3).valueText == "298 +- 12")
  #expect(Finding("x", unit: "K", 1.5).valueText == "1.5")
  #expect(Finding("x", unit: "K", .nan).valueText == "-")
}

// MARK: - The same by MDAnalysis

@Test(.enabled(if: hasMDAnalysis, "needs a Python (BLOCH_PYTHON) with MDAnalysis and h5py"))
func distributionsAndDisplacementsAreThoseOfMDAnalysis() throws {
  let scratch = try Scratch()
  // Places on a grid that single precision holds exactly: MDAnalysis reads no other, and no pair may change its shell.
  var frames = wandering(40, atoms: 60)
  let cell = Cell(vectors: .identity * 9)
  for n in frames.indices {
    frames[n].system.cell = cell
    for atom in 0..<60 {
      frames[n].system.positions[atom] =
        (frames[n].system.positions[atom] * 16).rounded(.toNearestOrEven) / 16
    }
  }
  try write(frames, to: scratch.path("a.h5"))
  let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  try writer.append(Configuration(system: frames[0].system))
  try writer.close()
  let result = try runPython([
    "-c",
    """
    import sys, json, warnings
    import numpy
    warnings.simplefilter('ignore')
    import MDAnalysis
    from MDAnalysis.analysis.rdf import InterRDF
    from MDAnalysis.analysis.msd import EinsteinMSD
    from MDAnalysis.analysis.lineardensity import LinearDensity
    folder = sys.argv[1]
    u = MDAnalysis.Universe(folder + '/a.xyz', folder + '/a.h5', format='H5MD', topology_format='XYZ', dt=0.002)
    o, h = u.select_atoms('name O'), u.select_atoms('name H')
    u.add_TopologyAttr('masses', [{'O': 15.999, 'H': 1.008}[n] for n in u.atoms.names])
    u.add_TopologyAttr('charges', [0.0] * 60)
    oh = InterRDF(o, h, nbins=43, range=(0, 43 * 0.1037)).run().results.rdf
    hh = InterRDF(h, h, nbins=43, range=(0, 43 * 0.1037), exclusion_block=(1, 1)).run().results.rdf
    # Seen from the centre of mass.
    positions = numpy.array([ts.positions.astype(float) for ts in u.trajectory])
    masses = u.atoms.masses
    centred = positions - ((positions * masses[None, :, None]).sum(1) / masses.sum())[:, None]
    memory = MDAnalysis.Universe.empty(60, trajectory=True)
    memory.load_new(centred.astype(numpy.float64), order='fac')
    memory.add_TopologyAttr('names', u.atoms.names)
    msd = EinsteinMSD(memory, select='name O', msd_type='xyz', fft=False).run().results.timeseries
    density = LinearDensity(u.atoms, binsize=0.5293).run().results.z.mass_density
    print(json.dumps({'oh': oh.tolist(), 'hh': hh.tolist(), 'msd': msd.tolist(), 'density': density.tolist()}))
    """, scratch.url.path,
  ])
  #expect(result.status == 0)
  let theirs = try JSONDecoder().decode([String: [Double]].self, from: result.output)
  var settings = AnalysisSettings()
  settings.quantities = [.rdf, .msd, .profile]
  (settings.reach, settings.shell, settings.slice) = (43.5 * 0.1037, 0.1037, 0.5293)
  let ours = try TrajectoryAnalysis(of: FrameSource(scratch.path("a.h5")), settings)
  for (quantity, name, column, key) in [
    (Quantity.rdf, "rdf", "g_H-O", "oh"), (.rdf, "rdf", "g_H-H", "hh"), (.msd, "msd", "msd_O", "msd"),
    (.profile, "profile", "density", "density"),
  ] {
    let values = try #require(ours[quantity]?.table(name)?[column: column])
    let other = try #require(theirs[key])
    #expect(
      quantity == .msd ? values.count == 21 : values.count == other.count,
      "\(key): \(values.count) and \(other.count)")
    for (n, (a, b)) in zip(values, other).enumerated() {
      #expect(abs(a - b) <= 1e-6 * max(1, abs(b)), "\(key)[\(n)]: \(a) and \(b)")
    }
  }
}
