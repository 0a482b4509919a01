// Reading labels, refusing what cannot be meant, energies of free atoms, splits.

import Diagnostics
import Foundation
import Lattice
import MorsePair
import Testing
import Trajectory

@testable import Training

@Suite struct DataTests {
  /// Two atoms in a box, one frame for each of the comment lines.
  private func text(_ comments: [String], columns: String = "forces:R:3", force: String = "0.1 0 0") -> String
  {
    comments.map {
      """
      2
      Lattice="8 0 0 0 8 0 0 0 8" Properties=species:S:1:pos:R:3:\(columns) \($0)
      Ar 0 0 0 \(force)
      Ne 2 0 0 -0.1 0 0

      """
    }.joined()
  }

  private func read(
    _ text: String, names: LabelNames = LabelNames(), demands: DataDemands = DataDemands(),
    weights: LabelWeights = LabelWeights()
  ) throws -> (LabelledData, [Diagnostic]) {
    let scratch = try Scratch()
    let path = try scratch.write(text, to: "data.xyz")
    var warnings: [Diagnostic] = []
    let data = try LabelledData(
      reading: [DataFile(name: "data", path: path, weight: 2, labelWeights: weights)], names: names,
      demands: demands,
      warnings: { warnings.append($0) })
    return (data, warnings)
  }

  private func refusal(
    _ text: String, names: LabelNames = LabelNames(), demands: DataDemands = DataDemands()
  ) -> String {
    do {
      let (data, _) = try read(text, names: names, demands: demands)
      _ = try data.requireDistances(demands)
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func labelsAreFoundUnderTheirUsualNames() throws {
    for (energy, forces) in [
      ("energy", "forces"), ("REF_energy", "REF_forces"), ("dft_energy", "dft_forces"),
    ] {
      let (data, warnings) = try read(
        text(["\(energy)=-3.5 charge=-1 config_weight=0.5"], columns: "\(forces):R:3"))
      let frame = try #require(data.frames.first)
      #expect(frame.labels.energy == -3.5 && frame.labels.forces == [[0.1, 0, 0], [-0.1, 0, 0]])
      #expect(frame.charge == -1 && frame.weight == 1)
      #expect(data.names[0].energy == energy && data.names[0].forces == forces)
      #expect(warnings.isEmpty)
      #expect(data.hashes[0].count == 64)
    }
  }

  @Test func twoNamesForOneLabelAreNeverChosenBetween() throws {
    let both = text(["energy=1 REF_energy=2"])
    #expect(refusal(both).contains("`REF_energy` and `energy` could each be the energy"))
    let (data, _) = try read(both, names: LabelNames(energy: "REF_energy"))
    #expect(data.frames[0].labels.energy == 2)
    let zero = "\"0 0 0 0 0 0 0 0 0\""
    #expect(refusal(text(["energy=1 stress=\(zero) virial=\(zero)"])).contains("both give the stress"))
    #expect(refusal(both, names: LabelNames(energy: "E")).contains("no frame has `E`"))
  }

  @Test func namesOfTheDeckComeFirst() throws {
    let (data, _) = try read(
      text(["my_E=4 energy=1"], columns: "grad:R:3"), names: LabelNames(energy: "my_E", forces: "grad"))
    #expect(data.frames[0].labels.energy == 4 && data.frames[0].labels.forces?.count == 2)
  }

  @Test func virialIsMinusVolumeTimesStress() throws {
    let (data, _) = try read(text(["energy=1 virial=\"512 0 0 0 0 0 0 0 -51.2\""]))
    #expect(data.frames[0].labels.stress == Matrix3([-1, 0, 0], [0, 0, 0], [0, 0, 0.1]))
    let (voigt, _) = try read(text(["energy=1 stress=\"1 2 3 4 5 6\""]))
    #expect(voigt.frames[0].labels.stress == Matrix3([1, 6, 5], [6, 2, 4], [5, 4, 3]))
  }

  /// Forces alone; energies of another origin, which are not learned though they are there.
  @Test(arguments: ["", "energy=-70000"]) func aFileMayHaveNoPartInALabel(energy: String) throws {
    let (data, warnings) = try read(text([energy, energy]), weights: LabelWeights(energy: 0, forces: 3))
    #expect(data.frames.count == 2 && warnings.isEmpty)
    for frame in data.frames {
      #expect(frame.labels.energy == nil && frame.labels.forces != nil)
      #expect(frame.weight == 2 && frame.labelWeights == LabelWeights(energy: 0, forces: 3))
    }
    let isolated = IsolatedEnergies(energies: [10: -3, 18: -5], source: .given)
    let table = try LabelTable(data, demands: DataDemands(), isolated: isolated).text
    #expect(table.contains("2, energy 0, forces 3"), "\(table)")
    try data.requireBinding(isolated)
  }

  @Test func aFrameMayWeighItsLabels() throws {
    let (data, warnings) = try read(
      text(["energy=-8 config_energy_weight=0", "energy=-8 config_energy_weight=0.5 config_forces_weight=4"]),
      weights: LabelWeights(energy: 3))
    #expect(data.frames[0].labels.energy == nil && data.frames[0].labelWeights == LabelWeights(energy: 0))
    #expect(data.frames[1].labels.energy == -8 && warnings.isEmpty)
    #expect(data.frames[1].labelWeights == LabelWeights(energy: 1.5, forces: 4))
    let negative = refusal(text(["energy=1 config_forces_weight=-1"]))
    #expect(negative.contains("`config_forces_weight` is -1"), "\(negative)")
  }

  @Test func refusalsNameFileFrameAndCure() {
    let cases: [(String, LabelNames, DataDemands, [String])] = [
      (text(["energy=1", "energy=nan"]), .init(), .init(), ["frame 2 (line 6)", "`energy` is `nan`"]),
      (
        text(["energy=1"], force: "0.1 nan 0"), .init(), .init(),
        ["frame 1", "`forces` of atom 1 is not finite"]
      ),
      (text(["energy=1"], force: "101 0 0"), .init(), .init(), ["the force on atom 1 is 101 eV/Angstrom"]),
      (text(["a=1"]), .init(), .init(), ["none of its 1 frames has energy", "labels.energy"]),
      (text(["energy=1"], columns: "f:R:3"), .init(), .init(), ["none of its 1 frames has forces"]),
      (text(["energy=1"]), .init(), .init(stress: true), ["none of its 1 frames has stress"]),
      (text(["energy=1 config_weight=-1"]), .init(), .init(), ["`config_weight` is -1"]),
      (
        text(["energy=1 stress=\"1 2\""]), .init(), .init(stress: true),
        ["`stress` is `1 2`", "9 finite numbers"]
      ),
      (
        text(["energy=1"]), .init(), .init(smallestDistance: 2.5),
        ["frame 1: two atoms are 2.000 Angstrom apart", "limits.distance"]
      ),
    ]
    for (text, names, demands, words) in cases {
      let message = refusal(text, names: names, demands: demands)
      for word in words { #expect(message.contains(word), "\(message)") }
      #expect(message.contains("data.xyz: error:"))
    }
  }

  @Test func stressThatCannotBeIsMissedNotLearned() {
    let open = text(["energy=1 stress=\"0 0 0 0 0 0\" pbc=\"T T F\""])
    #expect(refusal(open, demands: DataDemands(stress: true)).contains("none of its 1 frames has stress"))
  }

  @Test func labelsThatSomeFramesLackAreAWarning() throws {
    let (data, warnings) = try read(text(["energy=1", "other=2", "energy=3"]))
    #expect(data.frames.map(\.labels.energy) == [1, nil, 3])
    #expect(warnings.count == 1 && warnings[0].message.contains("1 of 3 frames has no energy"))
  }

  // MARK: - Stress

  /// A lattice at several volumes, its stress with the given sign.
  private func breathing(sign: Double) throws -> LabelledData {
    let truth = try MorsePair(file: anyModel())
    let frames = try (0..<4).map { n in
      let system = cluster(1, stretch: 1 + 0.004 * Double(n))
      let result = try truth.predict(system)
      return LabelledFrame(
        system: system,
        labels: Labels(energy: result.energy, forces: result.forces, stress: result.stress * sign),
        number: n + 1)
    }
    return LabelledData(
      files: [DataFile(name: "a", path: "a.xyz")], hashes: [""], names: [.init()], frames: frames)
  }

  @Test func stressOfTheOtherSignIsSeen() throws {
    try breathing(sign: 1).requireStressSign()
    #expect(throws: FileError.self) { try breathing(sign: -1).requireStressSign() }
    do { try breathing(sign: -1).requireStressSign() } catch {
      #expect("\(error)".contains("other sign") && "\(error)".contains("frame 1 to frame"))
    }
  }

  // MARK: - Free atoms

  @Test func leastSquaresAreThoseOfNumpyWithoutFullRank() {
    // numpy.linalg.lstsq, torch/optimisers.py
    let rows = [
      [0.345584192064786, 0.8216181435011584, -0.13044975937158632],
      [-1.303157231604361, 0.9053558666731177, -3.5116703298818397],
      [-0.5369532353602852, 0.5811181041963531, -1.6550245749169235],
      [0.294132496655526, 0.02842224131579679, 0.5598427519952552],
      [-0.7364540870016669, -0.16290994799305278, -1.3099982260102812],
      [0.5988462126346276, 0.03972210748165899, 1.1579703177875962],
      [-0.7819084623568421, -0.2571922406188707, -1.3066246840948135],
    ]
    let targets = [
      -0.2756029052993704, 1.2940638143982073, 1.0067243153057943, -2.7111624789659685, -1.8890132459676727,
      -0.17477209205516195, -0.42219041157635356,
    ]
    let (x, rank) = leastNormSolution(columns: (0..<3).map { k in rows.map { $0[k] } }, targets: targets)
    #expect(rank == 2)
    for (own, numpy) in zip(x, [0.22413532797702299, 0.6621352440425161, -0.2138645880884708]) {
      #expect(abs(own - numpy) < 1e-13)
    }
  }

  @Test func freeAtomsAreFittedExactlyWhereTheyCanBe() throws {
    func frame(_ numbers: [Int], _ energy: Double) -> LabelledFrame {
      LabelledFrame(
        system: AtomicSystem(
          cell: .free, atomicNumbers: numbers, masses: numbers.map { _ in 1 },
          positions: numbers.indices.map { [2 * Double($0), 0, 0] }), labels: Labels(energy: energy))
    }
    var data = LabelledData(
      files: [DataFile(name: "a", path: "a.xyz")], hashes: [""], names: [.init()],
      frames: [frame([1, 1, 8], -33), frame([1, 1], -2), frame([8, 8], -62)])
    let fitted = try data.fittedIsolatedEnergies()
    #expect(abs((fitted.energies[1] ?? 0) + 1) < 1e-12 && abs((fitted.energies[8] ?? 0) + 31) < 1e-12)
    #expect(fitted.source == .fit(frames: 3, combinations: 2, elements: 2))
    // One composition only.
    data.frames = [frame([1, 1, 8], -33), frame([1, 8, 1], -33)]
    let one = try data.fittedIsolatedEnergies()
    #expect("\(one.source)".contains("know 1 of 2 combinations"))
    #expect(abs(one.sum(over: data.frames[0].system) + 33) < 1e-12)
    try data.requireBinding(one)
    let valence = IsolatedEnergies(energies: [1: -13.6, 8: -2040], source: .given)
    do {
      try data.requireBinding(valence)
      Issue.record("no error")
    } catch { #expect("\(error)".contains("frame 1: its energy is 678.1 eV per atom away")) }
    data.frames.append(frame([8], -30.5))
    #expect(data.isolatedAtoms == nil)
    data.frames.append(frame([1], -1.5))
    #expect(data.isolatedAtoms?.energies == [1: -1.5, 8: -30.5] && data.isolatedAtoms?.source == .atoms)
  }

  @Test func atomsInABoxAreFreeWhereTheFileSaysSo() throws {
    let box = "Lattice=\"20 0 0 0 20 0 0 0 20\""
    func atom(_ words: String) -> String { "1\n\(words)\nAr 0 0 0\n" }
    let (data, warnings) = try read(
      text(["energy=-10.2"]) + atom("\(box) energy=-5 config_type=IsolatedAtom") + atom("\(box) energy=-5")
        + atom("energy=-5"))
    #expect(data.frames.map(\.isIsolatedAtom) == [false, true, false, true])
    #expect(warnings.count == 1 && warnings[0].message.contains("1 of 2 frames has no forces"))
  }

  // MARK: - Split and statistics

  @Test func splitHoldsBackAPartOfEveryFile() throws {
    var data = try LabelledData(
      files: [DataFile(name: "a", path: "a"), DataFile(name: "b", path: "b")], hashes: ["", ""],
      names: [.init(), .init()], frames: labelledFrames(22, by: MorsePair(file: anyModel())))
    for n in 20..<22 { data.frames[n].file = 1 }
    let (train, valid) = (
      data.split(fraction: 0.1, seed: 4).train.frames, data.split(fraction: 0.1, seed: 4).valid.frames
    )
    #expect(train.count == 19 && valid.count == 3)
    #expect(valid.filter { $0.file == 1 }.count == 1)
    #expect(Set((train + valid).map { "\($0.file) \($0.number)" }).count == 22)
    let again = data.split(fraction: 0.1, seed: 4).valid.frames
    #expect(again.map(\.number) == valid.map(\.number))
    #expect(data.split(fraction: 0, seed: 4).valid.frames.isEmpty)
    #expect(data.split(fraction: 0.1, seed: 5).valid.frames.map(\.number) != valid.map(\.number))
  }

  @Test func statisticsAreMeansOverAtomsAndComponents() throws {
    let frame = LabelledFrame(
      system: AtomicSystem(
        cell: .free, atomicNumbers: [1, 1, 1], masses: [1, 1, 1],
        positions: [[0, 0, 0], [1, 0, 0], [5, 0, 0]]
      ),
      labels: Labels(forces: [[3, 0, 0], [0, 0, 0], [0, 0, 0]]))
    let statistics = try DataStatistics(of: [frame, frame], cutoff: 4.5)
    #expect(abs(statistics.averageNeighbors - 4.0 / 3) < 1e-12)
    #expect(abs(statistics.forceScale - 1) < 1e-12)
  }

  @Test func tableShowsWhatTheDataAre() throws {
    let (data, _) = try read(text(["energy=-8.2 config_weight=1", "other=1"]))
    let table = try LabelTable(
      data, demands: DataDemands(), isolated: IsolatedEnergies(energies: [10: -3, 18: -5], source: .given))
    for words in ["data", "2", "Ne Ar", "-0.1000", "0.100", "2.000", "energy (1)", "forces", "config_weight"]
    {
      #expect(table.text.contains(words), "\(table.text)")
    }
  }
}
