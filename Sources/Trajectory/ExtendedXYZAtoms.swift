// The lines of an extended XYZ frame's atoms, gathered into arrays.

import Diagnostics
import Lattice

/// A column of forces; given up with a warning where it is none, or at the first value that is no finite number.
private struct ForceColumn {
  private(set) var property: XYZProperty?
  private var values: [Vector3] = []
  private(set) var warning: Diagnostic?

  /// The first of the columns `names` that the frame has.
  init(_ header: ExtendedXYZHeader, _ names: String...) throws {
    do {
      property = try header.property(names, type: "R", columns: 3)
    } catch let error as StructureError {
      warning = error.warningOfLabel
    }
  }

  /// Nil if there is no such column, or if it was given up.
  var forces: [Vector3]? { property == nil ? nil : values }

  mutating func append(_ force: Result<Vector3, StructureError>) {
    switch force {
    case .success(let value): values.append(value)
    case .failure(let error):
      warning = error.warningOfLabel
      property = nil
    }
  }
}

struct ExtendedXYZAtoms {
  private let header: ExtendedXYZHeader
  private let species: XYZProperty
  private let position: XYZProperty
  private let momentum: XYZProperty?
  private let velocity: XYZProperty?
  private let mass: XYZProperty?
  private let moveMask: XYZProperty?
  /// Columns of three real numbers that are kept by their names.
  private let named: [XYZProperty]
  /// Columns that are kept as they are.
  private let kept: [XYZProperty]

  private var atoms = AtomTable()
  private var velocities: [Vector3] = []
  private var forces: ForceColumn
  private var referenceForces: ForceColumn
  private var namedVectors: [[Vector3]]
  private var texts: [[String]]

  init(_ header: ExtendedXYZHeader, keeping: ExtendedXYZContent) throws {
    self.header = header
    guard
      let species = try header.property(["species"], type: "S", columns: 1)
        ?? header.property(["Z", "numbers"], type: "I", columns: 1)
    else { throw header.line.error("Properties has no species", help: "add species:S:1") }
    guard let position = try header.property(["pos"], type: "R", columns: 3) else {
      throw header.line.error("Properties has no positions", help: "add pos:R:3")
    }
    self.species = species
    self.position = position
    forces = try ForceColumn(header, "forces", "force")
    referenceForces = try ForceColumn(header, "REF_forces")
    momentum = try header.property(["momenta"], type: "R", columns: 3)
    velocity = momentum == nil ? try header.property(Self.velocityNames, type: "R", columns: 3) : nil
    mass = try header.property(["masses", "mass"], type: "R", columns: 1)
    let moves = header.properties.first { $0.name == "move_mask" }?.columns
    moveMask = try header.property(["move_mask"], type: "L", columns: moves == 3 ? 3 : 1)
    named =
      keeping.contains(.names)
      ? header.properties.filter { $0.type == "R" && $0.columns == 3 && $0.name != position.name } : []
    namedVectors = named.map { _ in [] }
    kept =
      keeping.contains(.columns)
      ? header.properties.filter {
        !Self.understood.contains($0.name) && !ExtendedXYZHeader.calculatorResults.contains($0.name)
      } : []
    texts = kept.map { _ in [] }
  }

  private static let velocityNames = ["velocities", "velo", "velocity", "vel"]
  private static let understood = Set(
    [
      "species", "Z", "numbers", "pos", "forces", "force", "REF_forces", "momenta", "masses", "mass",
      "move_mask",
    ]
      + velocityNames)

  /// Reads one atom.
  mutating func append(_ line: TextLine, _ words: [Range<Int>]) throws {
    if let expected = header.columnCount, words.count != expected {
      throw line.error(
        "\(words.count) columns where Properties describes \(expected)",
        help: "correct this line, or Properties on line \(header.line.number)")
    }
    guard words.count >= 4 else {
      throw line.error("\(words.count) columns are too few for an atom", help: "write: symbol x y z")
    }
    var nuclide = try nuclide(line, words[species.firstColumn])
    if let mass { nuclide.mass = try line.finite(words[mass.firstColumn], atoms.next("mass")) }
    guard nuclide.mass >= 1e-3, nuclide.mass < 1e6 else {
      throw line.error(
        "the mass of atom \(atoms.count + 1) is out of range", at: mass.map { words[$0.firstColumn] },
        help: "masses are in u, from 0.001 to 1000000")
    }
    let r = try vector(line, words, position, "position") * header.positionUnit
    if let column = forces.property { forces.append(force(line, words, column)) }
    if let column = referenceForces.property { referenceForces.append(force(line, words, column)) }
    if let momentum {
      velocities.append(
        try vector(line, words, momentum, "momentum") / nuclide.mass * ExtendedXYZ.velocityUnit)
    }
    if let velocity { velocities.append(try vector(line, words, velocity, "velocity")) }
    let mask = try moveMask.map { try self.mask(line, words, $0) }
    try atoms.append(nuclide, at: r, place: span(words, position), of: line)
    if let mask { atoms.setMoveMask(mask) }
    for (n, property) in named.enumerated() {
      let values = words[property.firstColumn..<property.firstColumn + 3].map { line.number($0) ?? .nan }
      namedVectors[n].append(Vector3(values[0], values[1], values[2]))
    }
    for (n, property) in kept.enumerated() { texts[n].append(text(line, words, property)) }
  }

  /// The frame; atoms on one spot are refused.
  func configuration() throws -> Configuration {
    var table = atoms
    table.velocities = velocities
    let system = try table.system(in: header.cell, cellLine: header.line)
    var reference = header.reference
    reference.forces = referenceForces.forces
    var configuration = Configuration(
      system: system, hasVelocities: !velocities.isEmpty, energy: header.energy, forces: forces.forces,
      stress: header.stress, reference: reference, info: header.info,
      columns: zip(kept, texts).map {
        AtomColumn(name: $0.name, type: $0.type, width: $0.columns, texts: $1)
      },
      named: NamedValues(
        line: header.line.number, values: header.values,
        vectors: Dictionary(uniqueKeysWithValues: zip(named.map(\.name), namedVectors))),
      warnings: header.warnings + [forces.warning, referenceForces.warning].compactMap { $0 })
    configuration.velocitySource =
      momentum != nil
      ? "the column `momenta`, in ASE's unit sqrt(u eV)"
      : velocity.map { "the column `\($0.name)`, in Angstrom/fs" }
    return configuration
  }

  // MARK: - Words

  private func nuclide(_ line: TextLine, _ word: Range<Int>) throws -> (atomicNumber: Int, mass: Double) {
    guard species.type == "I" else { return try line.nuclide(word) }
    let text = line.string(word)
    guard let z = Int(text), let mass = Elements.mass(z) else {
      throw line.error("`\(text)` is no atomic number", at: word, help: "atomic numbers run from 1 to 118")
    }
    return (z, mass)
  }

  private func vector(
    _ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty, _ name: String
  ) throws(StructureError) -> Vector3 {
    try line.vector(words[property.firstColumn..<property.firstColumn + 3], atoms.next(name))
  }

  private func force(
    _ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty
  ) -> Result<Vector3, StructureError> {
    Result { () throws(StructureError) in try vector(line, words, property, "force") }
  }

  /// One flag for the atom, or one for each axis.
  private func mask(_ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty) throws -> Vector3 {
    let texts = words[property.firstColumn..<property.firstColumn + property.columns].map(line.string)
    let flags = texts.compactMap {
      ["T", "True", "1"].contains($0) ? true : ["F", "False", "0"].contains($0) ? false : nil
    }
    guard flags.count == texts.count else {
      throw line.error(
        "move_mask of atom \(atoms.count + 1) is \(texts.joined(separator: " "))", at: span(words, property),
        help: "write T for an atom that moves and F for a fixed one")
    }
    return Vector3((0..<3).map { flags[min($0, flags.count - 1)] ? 1 : 0 })
  }

  private func text(_ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty) -> String {
    words[property.firstColumn..<property.firstColumn + property.columns].map(line.string)
      .joined(separator: " ")
  }

  private func span(_ words: [Range<Int>], _ property: XYZProperty) -> Range<Int> {
    let last = property.firstColumn + property.columns - 1
    return words[property.firstColumn].lowerBound..<words[last].upperBound
  }
}
