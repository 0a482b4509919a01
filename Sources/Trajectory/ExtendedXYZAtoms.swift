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
  private let mobility: XYZProperty?
  /// Columns of three real numbers that are kept by their names.
  private let named: [XYZProperty]

  private var lines: [TextLine] = []
  private var atomicNumbers: [Int] = []
  private var masses: [Double] = []
  private var positions: [Vector3] = []
  private var velocities: [Vector3] = []
  private var forces: ForceColumn
  private var referenceForces: ForceColumn
  private var isFixed: [Bool] = []
  private var namedVectors: [[Vector3]]

  /// - Parameter keepsNames: keep all columns of three real numbers, whatever they are called.
  init(_ header: ExtendedXYZHeader, keepsNames: Bool) throws {
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
    velocity = momentum == nil ? try header.property(["velocities", "velo"], type: "R", columns: 3) : nil
    mass = try header.property(["masses", "mass"], type: "R", columns: 1)
    let moves = header.properties.first { $0.name == "move_mask" }?.columns
    mobility = try header.property(["move_mask"], type: "L", columns: moves == 3 ? 3 : 1)
    named =
      keepsNames
      ? header.properties.filter { $0.type == "R" && $0.columns == 3 && $0.name != position.name } : []
    namedVectors = named.map { _ in [] }
  }

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
    let z = try atomicNumber(line, words[species.firstColumn])
    let given = try mass.map { try number(line, words[$0.firstColumn], "mass") }
    guard let m = given ?? Elements.mass(z), m >= 1e-3, m < 1e6 else {
      throw line.error(
        "the mass of atom \(lines.count + 1) is out of range", at: mass.map { words[$0.firstColumn] },
        help: "masses are in u, from 0.001 to 1000000")
    }
    let r = try vector(line, words, position, "position")
    guard max(r.max(), -r.min()) < Plausibility.largestNumber else {
      throw line.error(
        "atom \(lines.count + 1) is absurdly far away", at: span(words, position),
        help: "positions are in Angstrom")
    }
    atomicNumbers.append(z)
    masses.append(m)
    positions.append(r)
    if let column = forces.property { forces.append(force(line, words, column)) }
    if let column = referenceForces.property { referenceForces.append(force(line, words, column)) }
    if let momentum {
      velocities.append(try vector(line, words, momentum, "momentum") / m * ExtendedXYZ.velocityUnit)
    }
    if let velocity { velocities.append(try vector(line, words, velocity, "velocity")) }
    if let mobility { isFixed.append(try !moves(line, words, mobility)) }
    for (n, property) in named.enumerated() {
      let columns = words[property.firstColumn..<property.firstColumn + 3]
      let values = columns.map { line.number($0) ?? .nan }
      namedVectors[n].append(Vector3(values[0], values[1], values[2]))
    }
    lines.append(line)
  }

  /// The frame; atoms on one spot are refused.
  func configuration() throws -> Configuration {
    if let (i, j) = try overlappingPair() {
      throw lines[j].error(
        j == i
          ? "atom \(i + 1) sits on its own periodic image" : "atoms \(i + 1) and \(j + 1) are on one spot",
        help: i == j
          ? "the cell on line \(header.line.number) is too small"
          : "atom \(i + 1) is on line \(lines[i].number); remove one of them, or check the cell")
    }
    let system = AtomicSystem(
      cell: header.cell, atomicNumbers: atomicNumbers, masses: masses, positions: positions,
      velocities: velocities.isEmpty ? nil : velocities, isFixed: isFixed.isEmpty ? nil : isFixed)
    var reference = header.reference
    reference.forces = referenceForces.forces
    return Configuration(
      system: system, hasVelocities: !velocities.isEmpty, energy: header.energy, forces: forces.forces,
      stress: header.stress, reference: reference, info: header.info,
      named: NamedValues(
        line: header.line.number, values: header.values,
        vectors: Dictionary(uniqueKeysWithValues: zip(named.map(\.name), namedVectors))),
      warnings: header.warnings + [forces.warning, referenceForces.warning].compactMap { $0 })
  }

  /// Angstrom; nuclei are never this close.
  private static let smallestDistance = 0.05

  private func overlappingPair() throws -> (Int, Int)? {
    var list = NeighborList(cutoff: Self.smallestDistance, skin: 0)
    do {
      try list.build(positions: positions, cell: header.cell)
    } catch LatticeError.positionOutOfRange(let atom, _) {
      throw lines[atom].error(
        "atom \(atom + 1) is absurdly far away from the cell",
        help: "wrap the atoms into the cell, which is on line \(header.line.number)")
    } catch is LatticeError {
      throw header.line.error("thousands of atoms are on one spot", help: "check the cell and the positions")
    }
    for i in positions.indices {
      if let pair = list.pairs(of: i).first {
        return (min(i, Int(list.neighbors[pair])), max(i, Int(list.neighbors[pair])))
      }
    }
    return nil
  }

  // MARK: - Words

  private func atomicNumber(_ line: TextLine, _ word: Range<Int>) throws -> Int {
    let text = line.string(word)
    if species.type == "I" {
      guard let z = Int(text), Elements.symbol(z) != nil else {
        throw line.error("`\(text)` is no atomic number", at: word, help: "atomic numbers run from 1 to 118")
      }
      return z
    }
    if let z = Elements.atomicNumber(text.prefix(1).uppercased() + text.dropFirst().lowercased()) { return z }
    let symbol = Int(text).flatMap(Elements.symbol)
    throw line.error(
      "`\(text)` is no element", at: word,
      help: symbol.map { "write its symbol, \($0)" } ?? "symbols are H, He, Li, ...")
  }

  private func number(
    _ line: TextLine, _ word: Range<Int>, _ name: String
  ) throws(StructureError) -> Double {
    let value = line.number(word)
    guard let value, value.magnitude < ExtendedXYZ.largestNumber else {
      let text = line.string(word)
      let what = value == nil ? "`\(text)` is not a number" : "`\(text)` is not finite"
      let isFortran = text.contains { "dD".contains($0) } && text.contains { $0.isNumber }
      throw line.error(
        "the \(name) of atom \(lines.count + 1): \(what)", at: word,
        help: isFortran ? "write the exponent with E" : "write a finite decimal number with a point")
    }
    return value
  }

  private func vector(
    _ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty, _ name: String
  ) throws(StructureError) -> Vector3 {
    let first = property.firstColumn
    return try Vector3(
      number(line, words[first], name), number(line, words[first + 1], name),
      number(line, words[first + 2], name))
  }

  private func force(
    _ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty
  ) -> Result<Vector3, StructureError> {
    Result { () throws(StructureError) in try vector(line, words, property, "force") }
  }

  private func moves(_ line: TextLine, _ words: [Range<Int>], _ property: XYZProperty) throws -> Bool {
    let texts = words[property.firstColumn..<property.firstColumn + property.columns].map(line.string)
    let flags = texts.compactMap {
      ["T", "True"].contains($0) ? true : ["F", "False"].contains($0) ? false : nil
    }
    guard flags.count == texts.count, Set(flags).count == 1 else {
      throw line.error(
        "move_mask of atom \(lines.count + 1) is \(texts.joined(separator: " "))", at: span(words, property),
        help: "write T for an atom that moves and F for a fixed one; single axes cannot be fixed")
    }
    return flags[0]
  }

  private func span(_ words: [Range<Int>], _ property: XYZProperty) -> Range<Int> {
    let last = property.firstColumn + property.columns - 1
    return words[property.firstColumn].lowerBound..<words[last].upperBound
  }
}
