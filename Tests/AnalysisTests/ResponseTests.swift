// Responses against ensembles whose fluctuations are known.

import Foundation
import Lattice
import Testing

@testable import Analysis

/// Rigid molecules OH2 of independent random orientations, cut at the faces of a cubic cell as a structure file may have them.
private func rotors(_ step: Int, molecules: Int, edge: Double, isWhole: Bool = false) -> TrajectoryFrame {
  var positions: [Vector3] = []
  let cell = Cell(vectors: .identity * edge)
  for molecule in 0..<molecules {
    let u = random.uniforms(step: 0, atom: molecule, stream: 30)
    // On a grid, so that molecules are far apart.
    let n = Int(cbrt(Double(molecules)).rounded(.up))
    let place =
      (Vector3(Double(molecule % n), Double(molecule / n % n), Double(molecule / n / n)) + 0.3
        * Vector3(u.x, u.y, u.z))
      * (edge / Double(n))
    let direction = random.normals(step: Int64(step), atom: molecule, stream: 31)
    let axis = direction / length(direction)
    let side = cross(axis, random.normals(step: Int64(step), atom: molecule, stream: 32))
    let across = side / length(side)
    for offset in [Vector3.zero, axis * 0.6 + across * 0.75, axis * 0.6 - across * 0.75] {
      positions.append(isWhole ? place + offset : cell.wrap(place + offset).position)
    }
  }
  let numbers = (0..<3 * molecules).map { $0 % 3 == 0 ? 8 : 1 }
  return TrajectoryFrame(
    time: Double(step),
    system: AtomicSystem(
      cell: cell, atomicNumbers: numbers, masses: numbers.map { Elements.mass($0) ?? 1 }, positions: positions
    ),
    observables: ["temperature": 300])
}

private let charges = ChargeSource.elements([8: -0.8, 1: 0.4])

@Test func moleculesThatFacesCutAreWholeAgain() throws {
  let whole = rotors(0, molecules: 27, edge: 12, isWhole: true)
  let cut = rotors(0, molecules: 27, edge: 12)
  let molecules = try Molecules(of: cut.system)
  #expect(molecules.atoms.count == 27 && !molecules.isEndless)
  #expect(molecules.shifts.contains { $0 != .zero })
  let a = try DipoleMoment(Composition(whole), charges: charges).sample(whole)
  let b = try DipoleMoment(Composition(cut), charges: charges).sample(cut)
  #expect(length(a.moment - b.moment) < 1e-12)
  // 0.4 e of two hydrogens 0.6 Angstrom along the axis.
  #expect(abs(b.molecular - 0.48) < 1e-12 && b.largestCharge < 1e-12)
}

@Test func independentDipolesHaveTheDielectricConstantOfLangevin() throws {
  let (count, edge) = (27, 12.0)
  // Whole in every frame: a rotor that turns in one step has no path across a face.
  let frames = (0..<4000).map { rotors($0, molecules: count, edge: edge, isWhole: true) }
  let found = try findings(DipoleMoment(Composition(frames[0]), charges: charges), frames)
  // 1 + N mu^2/(3 epsilon_0 V k_B T), mu = 0.48 e Angstrom, in SI.
  let mu = 0.48 * 1.602176634e-19 * 1e-10
  let exact = 1 + Double(count) * mu * mu / (3 * 8.8541878128e-12 * pow(edge * 1e-10, 3) * 1.380649e-23 * 300)
  let constant = try #require(found.number("dielectric constant"))
  let (value, error) = (try #require(constant.value), try #require(constant.error))
  #expect(abs(value - exact) < 4 * error && error < 0.05 * exact, "\(value) +- \(error), exactly \(exact)")
  #expect(abs((try #require(found.number("molecular dipole")?.value)) - 0.48 * 4.80320) < 1e-4)
}

@Test func rotorsThatDoNotKnowEachOtherHaveTheSusceptibilityOfTheirFormFactor() throws {
  let (count, edge) = (27, 12.0)
  let frames = (0..<1000).map { rotors($0, molecules: count, edge: edge, isWhole: true) }
  let found = try findings(
    LongitudinalSusceptibility(Composition(frames[0]), charges: charges, largest: 0.55), frames)
  let chi = try #require(found.number("chi at the smallest k"))
  // Mean over orientations of exp(ik.d): sin(kd)/kd. The mean charge of a molecule stands still, the rest is incoherent.
  let k = 2 * Double.pi / edge
  func average(_ d: Double) -> Double { d == 0 ? 1 : sin(k * d) / (k * d) }
  let (bond, across) = ((0.36 + 0.5625).squareRoot(), 1.5)
  let mean = -0.8 + 0.8 * average(bond)
  let square = 0.64 + 2 * 0.16 * (1 + average(across)) - 4 * 0.32 * average(bond)
  var coherent = 0.0
  for axis in 0..<3 {
    var sum = (0.0, 0.0)
    for molecule in 0..<count {
      let phase = k * frames[0].system.positions[3 * molecule][axis]
      sum = (sum.0 + cos(phase), sum.1 + sin(phase))
    }
    coherent += (sum.0 * sum.0 + sum.1 * sum.1) / 3
  }
  let exact =
    4 * .pi * 14.399645 * (Double(count) * (square - mean * mean) + mean * mean * coherent)
    / (pow(edge, 3) * 8.617333e-5 * 300 * k * k)
  let (value, error) = (try #require(chi.value), try #require(chi.error))
  #expect(abs(value - exact) < 4 * error && error < 0.05 * exact, "\(value) +- \(error), exactly \(exact)")
}

@Test func chiOfAnIdealGasOfIonsIsThatOfDebye() throws {
  // <|rho|^2> = sum q^2: chi = sum q^2/(epsilon_0 V k_B T k^2).
  let frames = (0..<1500).map { randomFrame($0) }
  let found = try findings(
    LongitudinalSusceptibility(Composition(frames[0]), charges: .frames, largest: 2), frames)
  let squares = 8 * 0.64 + 16 * 0.16
  let scale = 4 * .pi * 14.399645 * squares / (triclinic.volume * 8.617333e-5 * 300)
  for (name, table) in [("chi", "chi"), ("chi_zz", "chi_zz")] {
    let table = try #require(found.table(table))
    let k = try #require(table[column: "k"])
    let (chi, errors) = (try #require(table[column: name]), try #require(table[column: "\(name)_error"]))
    #expect(k.count >= 2)
    for n in k.indices {
      #expect(abs(chi[n] - scale / (k[n] * k[n])) < 5 * errors[n] + 0.02 * chi[n], "k = \(k[n])")
    }
  }
}

@Test func ionsHaveNoDipoleMomentAndCrystalsNeither() throws {
  let frames = (0..<3).map { rotors($0, molecules: 8, edge: 12, isWhole: true) }
  do {
    _ = try findings(
      DipoleMoment(Composition(frames[0]), charges: .elements([8: -0.8, 1: 0.5])), frames)
    Issue.record("ions have a dipole moment")
  } catch let error as AnalysisError { #expect("\(error)".contains("a molecule has a charge of 0.2 e")) }
  let chain = TrajectoryFrame(
    time: 0,
    system: AtomicSystem(
      cell: Cell(vectors: .identity * 3), atomicNumbers: [6, 6], masses: [12, 12],
      positions: [.zero, [1.5, 0, 0]]),
    charges: [0.1, -0.1])
  #expect(throws: AnalysisError.self) { try DipoleMoment(Composition(chain), charges: .frames) }
  #expect(throws: AnalysisError.self) {
    try DipoleMoment(Composition(frames[0]), charges: .elements([8: -0.8]))
  }
}

@Test func elasticConstantsAreThoseOfTheGaussianThatStrainsAreDrawnFrom() throws {
  // Cubic: C11 = 0.5, C12 = 0.2, C44 = 0.15 eV/Angstrom^3; S = C^-1 and <e e> = k_B T S/V.
  let (c11, c12, c44, edge) = (0.5, 0.2, 0.15, 15.0)
  let thermal = Units.boltzmann * 300 / pow(edge, 3)
  // Eigenvectors of the upper block: all equal, and what is orthogonal to it.
  let (hydrostatic, deviatoric, shear) = (c11 + 2 * c12, c11 - c12, c44)
  var frame = randomFrame(0)
  let frames = (0..<6000).map { step in
    let a = random.normals(step: Int64(step), atom: 0, stream: 40)
    let b = random.normals(step: Int64(step), atom: 1, stream: 40)
    let h = a.x * (thermal / hydrostatic).squareRoot() / 3.squareRoot()
    let d1 = a.y * (thermal / deviatoric).squareRoot() / 2.squareRoot()
    let d2 = a.z * (thermal / deviatoric).squareRoot() / 6.squareRoot()
    let s = b * (thermal / shear).squareRoot() / 2
    let strain = Matrix3(
      [h + d1 + d2, s.z, s.y], [s.z, h - d1 + d2, s.x], [s.y, s.x, h - 2 * d2])
    frame.system.cell = Cell(vectors: (.identity + strain) * edge)
    return frame
  }
  let found = try findings(CellFluctuations(Composition(frames[0])), frames)
  let gigapascal = 160.2176634
  for (name, exact) in [
    ("bulk modulus", hydrostatic / 3), ("C11", c11), ("C22", c11), ("C33", c11), ("C12", c12), ("C23", c12),
    ("C44", c44), ("C55", c44), ("C66", c44), ("C14", 0), ("C56", 0),
  ] {
    let number = try #require(found.number(name))
    let (value, error) = (try #require(number.value), try #require(number.error))
    #expect(abs(value - exact * gigapascal) < 4.5 * error, "\(name): \(value) +- \(error)")
    #expect(error < 0.06 * c11 * gigapascal)
  }
  #expect(abs((try #require(found.number("alpha")?.value)) - 90) < 0.05)
}

@Test func aCellThatBreathesHasABulkModulusAlone() throws {
  var frame = randomFrame(0)
  let frames = (0..<200).map { step in
    let strain = 1 + 0.002 * random.normals(step: Int64(step), atom: 0, stream: 41).x
    frame.system.cell = Cell(vectors: triclinic.vectors * strain)
    return frame
  }
  let found = try findings(CellFluctuations(Composition(frames[0])), frames)
  #expect(found.number("bulk modulus") != nil && found.number("C11") == nil)
  #expect(found.notes.contains { $0.contains("coupling: triclinic") })
  let fixed = try findings(CellFluctuations(Composition(frames[0])), [frames[0], frames[0]])
  #expect(fixed.notes == ["the cell did not change"])
}
