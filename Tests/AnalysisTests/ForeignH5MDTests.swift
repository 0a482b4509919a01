// H5MD as other programs write it: layouts of the standard, what a file leaves open, and MDAnalysis itself.

import Foundation
import HDF5
import Lattice
import Testing

@testable import Analysis
@testable import Trajectory

/// 20 frames of O H H, the cell a box of 9 by 8 by 7 Angstrom.
private func boxed() -> [TrajectoryFrame] {
  var frames = wandering(20, atoms: 12)
  for n in frames.indices {
    frames[n].system.cell = Cell(vectors: Matrix3([9, 0, 0], [0, 8, 0], [0, 0, 7]))
  }
  return frames
}

private func flat(_ vectors: [Vector3], times factor: Double = 1) -> [Double] {
  vectors.flatMap { [$0.x * factor, $0.y * factor, $0.z * factor] }
}

/// A file of `frames` in nm and ps; `change` says what is otherwise.
private func write(
  _ frames: [TrajectoryFrame], to path: String, hasFixedBox: Bool = true,
  _ change: (HDF5File) throws -> Void = { _ in }
) throws {
  let file = try HDF5File(creating: path)
  let (count, atoms) = (frames.count, frames[0].system.count)
  let group = "/particles/all"
  try file.createGroup("/h5md/creator")
  try file.setAttribute("name", "somebody", at: "/h5md/creator")
  try file.createGroup("\(group)/box")
  try file.setAttribute("boundary", ["periodic", "periodic", "periodic"], at: "\(group)/box")
  try file.write(
    frames.flatMap { flat($0.system.positions, times: 0.1) }, shape: [count, atoms, 3],
    to: "\(group)/position/value")
  try file.setAttribute("unit", "nm", at: "\(group)/position/value")
  try file.write(frames.map { ($0.time ?? 0) * 1e-3 }, to: "\(group)/position/time")
  try file.setAttribute("unit", "ps", at: "\(group)/position/time")
  try file.write(Array(0..<count), to: "\(group)/position/step")
  if hasFixedBox {
    try file.write([Float(0.9), 0.8, 0.7], to: "\(group)/box/edges")
    try file.setAttribute("unit", "nm", at: "\(group)/box/edges")
  }
  try change(file)
  try file.close()
}

private func frames(_ path: String, _ hints: H5MDHints) throws -> [TrajectoryFrame] {
  let source = try FrameSource(path, hints: hints)
  var frames: [TrajectoryFrame] = []
  while let frame = try source.next() { frames.append(frame) }
  return frames
}

private var water: H5MDHints {
  var hints = H5MDHints()
  hints.species = .inOrder([8, 1, 1])
  return hints
}

private func expectSame(_ a: [TrajectoryFrame], _ b: [TrajectoryFrame], within limit: Double = 1e-6) {
  #expect(a.count == b.count)
  for (a, b) in zip(a, b) {
    // Single precision in some files.
    #expect(abs((a.time ?? -1) - (b.time ?? -1)) < 1e-5)
    #expect(a.system.atomicNumbers == b.system.atomicNumbers)
    for axis in 0..<3 { #expect(length(a.system.cell.vectors[axis] - b.system.cell.vectors[axis]) < limit) }
    for (r, s) in zip(a.system.positions, b.system.positions) { #expect(length(r - s) < limit) }
  }
}

@Test func boxesTimesAndUnitsOfTheStandardAreRead() throws {
  let scratch = try Scratch()
  let all = boxed()
  let group = "/particles/all"
  try write(all, to: scratch.path("fixed.h5"))
  try expectSame(frames(scratch.path("fixed.h5"), water), all)

  // Boxes of every frame as rows of vectors, velocities and charges in units of their own.
  try write(all, to: scratch.path("moving.h5"), hasFixedBox: false) { file in
    let edges = all.flatMap { frame in
      flat((0..<3).map { frame.system.cell.vectors[$0] }, times: 100)
    }
    try file.write(
      edges, shape: [20, 3, 3],
      to: "\(group)/box/edges/value")
    try file.setAttribute("unit", "pm", at: "\(group)/box/edges/value")
    try file.write(
      all.flatMap { flat($0.system.velocities, times: 1000) }, shape: [20, 12, 3],
      to: "\(group)/velocity/value")
    try file.setAttribute("unit", "Angstrom ps-1", at: "\(group)/velocity/value")
    try file.write(all[0].charges ?? [], to: "\(group)/charge")
    try file.setAttribute("unit", "e", at: "\(group)/charge")
  }
  let moving = try frames(scratch.path("moving.h5"), water)
  expectSame(moving, all)
  #expect(moving[3].hasVelocities && moving[3].charges == all[0].charges)
  for (v, w) in zip(moving[3].system.velocities, all[3].system.velocities) { #expect(length(v - w) < 1e-12) }

  #expect(H5MDUnit.factor("nm ps-1", length: 1, time: -1) == 0.01)
  #expect(H5MDUnit.factor("Angstrom/fs", length: 1, time: -1) == 1)
  #expect(H5MDUnit.factor("nm+2", length: 2, time: 0) == 100)
  #expect(H5MDUnit.factor("kJ mol-1", length: 1, time: 0) == nil)
  #expect(H5MDUnit.factor("nm", length: 0, time: 1) == nil)
}

@Test func observablesOfOtherProgramsHaveMeans() throws {
  let scratch = try Scratch()
  try write(boxed(), to: scratch.path("numbers.h5")) { file in
    func element(_ name: String, _ values: [Double], steps: [Int]?, unit: String?) throws {
      try file.write(values, to: "/observables/\(name)/value")
      if let steps { try file.write(steps, to: "/observables/\(name)/step") }
      if let unit { try file.setAttribute("unit", unit, at: "/observables/\(name)/value") }
    }
    let frames = Array(0..<20)
    // Twice as often as there are positions, and from before them on.
    try element(
      "energy", (-3..<40).map { Double($0) / 2 }, steps: (-3..<40).map { $0 * 1 }, unit: "kJ mol-1")
    try element("group/bias", frames.map { Double($0 % 2) }, steps: nil, unit: nil)
    try element("temperature", frames.map { _ in 310 }, steps: frames, unit: "K")
    try element("pressure_xx", frames.map { _ in 1 }, steps: frames, unit: "atm")
    try element("rare", [1, 2], steps: [0, 10], unit: "1")
    try file.write(frames.flatMap { [Double($0), 0] }, shape: [20, 2], to: "/observables/pair/value")
    try file.write([1.0], to: "/observables/constant")
  }
  let source = try FrameSource(scratch.path("numbers.h5"), hints: water)
  let warnings = source.warnings.map { "\($0)" }
  #expect(warnings.count == 2 && warnings.contains { $0.contains("pressure_xx is in `atm`, not in bar") })
  #expect(warnings.contains { $0.contains("/observables/rare has not a value for every frame") })
  var settings = AnalysisSettings()
  settings.quantities = [.means]
  let analysis = try TrajectoryAnalysis(of: source, settings)
  let means = try #require(analysis[.means])
  #expect(Set(means.numbers.map(\.name)) == ["density", "energy", "group/bias", "temperature"])
  // Steps 0 to 19 of halves.
  let energy = try #require(means.number("energy"))
  #expect(energy.unit == "kJ mol-1" && energy.value == 9.5 / 2)
  #expect(means.number("group/bias")?.unit == "1" && means.number("group/bias")?.value == 0.5)
  #expect(analysis.temperature == 310)
}

/// As `dump h5md` of LAMMPS: no units, types for species, atoms in any order, wrapped with the cells that they left.
@Test func typesOrderAndImagesOfLAMMPSAreRead() throws {
  let scratch = try Scratch()
  let all = boxed()
  let path = scratch.path("lammps.h5")
  let file = try HDF5File(creating: path)
  let group = "/particles/all"
  try file.createGroup("/h5md")
  try file.createGroup("\(group)/box")
  try file.setAttribute("boundary", ["periodic", "periodic", "periodic"], at: "\(group)/box")
  var (positions, images, ids, types): ([Double], [Int], [Int], [Int]) = ([], [], [], [])
  for (n, frame) in all.enumerated() {
    let system = frame.system
    for place in 0..<12 {
      let atom = (place * 5 + n) % 12
      let f = system.cell.fractional(system.positions[atom]).rounded(.down)
      positions += flat([system.positions[atom] - f * system.cell.vectors])
      images += (0..<3).map { Int(f[$0]) }
      ids.append(atom + 1)
      types.append(system.atomicNumbers[atom] == 8 ? 2 : 1)
    }
  }
  try file.write(positions, shape: [20, 12, 3], to: "\(group)/position/value")
  try file.write(images, shape: [20, 12, 3], to: "\(group)/image/value")
  try file.write(ids, shape: [20, 12], to: "\(group)/id/value")
  try file.write(types, shape: [20, 12], to: "\(group)/species/value")
  try file.write(2.0, to: "\(group)/position/time")
  try file.write((0..<20).flatMap { _ in [9.0, 8, 7] }, shape: [20, 3], to: "\(group)/box/edges/value")
  try file.close()
  var hints = H5MDHints()
  func refusal() -> String {
    do { _ = try frames(path, hints) } catch { return "\(error)" }
    return "nothing"
  }
  #expect(refusal().contains("position/value has no unit; say which units the file has: --units A ps"))
  (hints.length, hints.time) = (1, 1)
  #expect(refusal().contains("which elements its species are; say so: --species 1=... 2=..."))
  hints.species = .ofNumbers([1: 1])
  #expect(refusal().contains("species 2 is not named by --species"))
  hints.species = .ofNumbers([1: 1, 2: 8])
  let read = try frames(path, hints)
  expectSame(read, all, within: 1e-12)
  // So that diffusion is the same.
  var settings = AnalysisSettings()
  settings.quantities = [.msd]
  let found = try TrajectoryAnalysis(of: FrameSource(path, hints: hints), settings)
  let own = try findings(MeanSquareDisplacement(Composition(all[0])), all)
  #expect(abs((found[.msd]?.number("D_O")?.value ?? 0) / (own.number("D_O")?.value ?? 1) - 1) < 1e-9)
}

@Test func whatAFileOfAnotherProgramLacksIsNamed() throws {
  let scratch = try Scratch()
  let all = boxed()
  let group = "/particles/all"
  func refusal(_ name: String, _ hints: H5MDHints = water, _ change: (HDF5File) throws -> Void) throws
    -> String
  {
    let path = scratch.path("\(name).h5")
    try write(all, to: path, change)
    do { _ = try frames(path, hints) } catch { return "\(error)" }
    return "nothing"
  }
  #expect(try refusal("species", H5MDHints()) { _ in }.contains("--species O H H, or a structure file"))
  var five = H5MDHints()
  five.species = .inOrder([8, 1, 1, 8, 1])
  #expect(try refusal("five", five) { _ in }.contains("12 atoms are not a multiple of the 5 elements"))
  let changes: [(String, String, (HDF5File) throws -> Void)] = [
    (
      "unit", "is in `furlong`, which is not known here",
      { try $0.setAttribute("unit", "furlong", at: "\(group)/position/value") }
    ),
    (
      "boundary", "boundary is not one of",
      { try $0.setAttribute("boundary", ["periodic", "odd", "none"], at: "\(group)/box") }
    ),
    ("groups", "holds 2 groups of particles (all, more)", { try $0.createGroup("/particles/more/position") }),
    (
      "velocity", "velocity/value has 1 rows of shape [12, 3], not 20",
      { try $0.write(flat(all[0].system.velocities), shape: [1, 12, 3], to: "\(group)/velocity/value") }
    ),
    (
      "images", "rows of shape [12]",
      { try $0.write([Int](repeating: 0, count: 240), shape: [20, 12], to: "\(group)/image/value") }
    ),
  ]
  for (name, words, change) in changes {
    let found = try refusal(name, water, change)
    #expect(found.contains(words) && found.contains("\(name).h5"), "\(found)")
  }
  // Masses that are those of the elements say that species are atomic numbers.
  let path = scratch.path("masses.h5")
  try write(all, to: path) { file in
    try file.write(all[0].system.atomicNumbers, to: "\(group)/species")
    try file.write(all[0].system.masses, to: "\(group)/mass")
  }
  try expectSame(frames(path, H5MDHints()), all)
  // Bloch's own files say all themselves.
  #expect(throws: AnalysisError.self) {
    let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
    try writer.append(Configuration(system: all[0].system))
    try writer.close()
    _ = try FrameSource(scratch.path("a.xyz"), hints: water)
  }
}

@Test(.enabled(if: hasMDAnalysis, "needs a Python (BLOCH_PYTHON) with MDAnalysis and h5py"))
func filesOfMDAnalysisAndNamedSpeciesAreRead() throws {
  let scratch = try Scratch()
  let all = boxed()
  let writer = try ExtendedXYZWriter(creating: scratch.path("a.xyz"))
  for frame in all { try writer.append(Configuration(system: frame.system)) }
  try writer.close()
  let result = try runPython([
    "-c",
    """
    import sys, warnings
    import h5py
    warnings.simplefilter('ignore')
    import MDAnalysis
    folder = sys.argv[1]
    u = MDAnalysis.Universe(folder + '/a.xyz', format='XYZ', topology_format='XYZ', dt=0.002)
    def save(name, **keys):
        with MDAnalysis.Writer(folder + '/' + name, 12, format='H5MD', positions=True, **keys) as w:
            for ts in u.trajectory:
                ts.dimensions = [9, 8, 7, 90, 90, 90]
                w.write(u)
    save('mda.h5', chunks=False, n_frames=20)
    save('packed.h5', compression='gzip')
    with h5py.File(folder + '/packed.h5', 'a') as f:
        kind = h5py.enum_dtype({'H': 3, 'O': 7}, basetype='i4')
        f['particles/trajectory'].create_dataset('species', data=[7, 3, 3] * 4, dtype=kind)
    """, scratch.url.path,
  ])
  #expect(result.status == 0)
  try expectSame(frames(scratch.path("mda.h5"), water), all, within: 1e-5)
  try expectSame(frames(scratch.path("packed.h5"), H5MDHints()), all, within: 1e-5)
  let first = try frames(scratch.path("packed.h5"), H5MDHints())[0]
  #expect(first.system.atomicNumbers == Array([8, 1, 1, 8, 1, 1, 8, 1, 1, 8, 1, 1]))
}
