// H5MD of other programs (MDAnalysis, LAMMPS, VMD, ZnH5MD, pyh5md), read into the units of memory. The standard
// (https://www.nongnu.org/h5md/h5md.html) leaves much open:
//
//   element                group with value[t, ...], step and time; or one dataset for all times
//   step, time             a number for each frame; or one, the increment, with an attribute `offset`
//   box/edges              rows of the cell, or lengths of its edges
//   species                atomic numbers, types of a force field, an enumeration of names; or nothing
//   unit                   an attribute, which may be missing
//   id, image              names of the particles of a frame, in whose order they are put; cells that were left by wrapping
//
// Nothing is guessed: what a file does not say, and nobody else does, is asked for.

import Foundation
import HDF5
import Lattice

/// What a person says of a file that does not say it itself.
public struct H5MDHints: Sendable, Hashable {
  /// The elements behind a file's numbers, or in the order of its atoms, repeated to their end; atomic numbers.
  public enum Species: Sendable, Hashable {
    case ofNumbers([Int: Int])
    case inOrder([Int])
  }

  public var species: Species?
  /// What the units of length and time are worth in Angstrom and fs.
  public var length: Double?
  public var time: Double?

  public init() {}
}

/// Reads a trajectory that another program wrote.
public final class ForeignH5MDReader {
  public let path: String
  public let atomCount: Int
  public let frameCount: Int
  public let hasVelocities: Bool
  public let hasCharges: Bool
  /// Whether positions are unwrapped by what the file says of cells that were left.
  public let isUnwrapped: Bool
  /// What a person should know.
  public private(set) var warnings: [String] = []
  /// Numbers of the frames, by name with their units.
  public var observables: [(name: String, unit: String)] { numbers.map { ($0.name, $0.unit) } }
  private let numbers: [ForeignObservable]

  private let file: HDF5File
  private let group: String
  private let position: Element
  private let velocity: Element?
  private let charge: Element?
  private let image: Element?
  private let identity: Element?
  private let edges: Element?
  private let times: Times?
  private let isPeriodic: [Bool]
  private let hints: H5MDHints
  /// Identities of the first frame, ascending.
  private var identities: [Double] = []
  private var atomicNumbers: [Int] = []
  private var masses: [Double] = []

  /// Whether `path` is H5MD, but not by Bloch.
  /// - Throws: `HDF5Error`.
  public static func recognizes(_ path: String) throws -> Bool {
    let file = try HDF5File(reading: path)
    return try file.exists("/h5md") && !file.exists("/parameters/engine_version")
  }

  /// - Throws: `HDF5Error`; `TrajectoryError.mismatch` that says what is missing.
  public init(_ path: String, hints: H5MDHints = H5MDHints()) throws {
    self.path = path
    self.hints = hints
    let file = try HDF5File(reading: path)
    self.file = file
    var warnings: [String] = []
    func mismatch(_ reason: String) -> TrajectoryError { .mismatch(file: path, reason: reason) }
    let names = try file.exists("/particles") ? file.children(of: "/particles") : []
    let groups = try names.filter { try file.exists("/particles/\($0)/position") }
    guard let name = groups.first else {
      throw mismatch("holds no positions: no group of /particles has an element `position`")
    }
    guard groups.count == 1 else {
      throw mismatch(
        "holds \(groups.count) groups of particles (\(groups.joined(separator: ", "))), and one is read: "
          + "copy that of interest into a file of its own")
    }
    let group = "/particles/\(name)"
    self.group = group
    let place = "\(group)/position"
    let position = try Element(place, in: file)
    guard position.rowShape.count == 2, position.rowShape[1] == 3, position.rowShape[0] > 0 else {
      throw mismatch("\(place) has rows of shape \(position.rowShape), not [atoms, 3]")
    }
    let atoms = position.rowShape[0]
    (atomCount, frameCount) = (atoms, position.count)
    guard
      let length = try position.unit.map({ try Self.factor($0, length: 1, of: position, in: path) })
        ?? hints.length
    else {
      throw mismatch("\(position.path) has no unit; say which units the file has: --units A ps")
    }
    self.position = position.scaled(by: length)

    func optional(_ name: String, _ shape: [Int]) throws -> Element? {
      guard try file.exists("\(group)/\(name)") else { return nil }
      let element = try Element("\(group)/\(name)", in: file)
      guard element.rowShape == shape, element.isFixed || element.count == position.count else {
        throw mismatch(
          "\(element.path) has \(element.count) rows of shape \(element.rowShape), not \(position.count) of \(shape)"
            + " as there are positions")
      }
      return element
    }
    if let element = try optional("velocity", [atoms, 3]) {
      let told = hints.length.flatMap { length in hints.time.map { length / $0 } }
      let factor =
        try element.unit.map { try Self.factor($0, length: 1, time: -1, of: element, in: path) } ?? told
      if factor == nil { warnings.append("\(element.path) has no unit and is left out") }
      velocity = factor.map(element.scaled(by:))
    } else {
      velocity = nil
    }
    hasVelocities = velocity != nil
    if let element = try optional("charge", [atoms]) {
      let isElementary = element.unit.map { $0 == "e" } ?? true
      if !isElementary { warnings.append("\(element.path) is not in e and is left out") }
      charge = isElementary ? element : nil
    } else {
      charge = nil
    }
    hasCharges = charge != nil
    image = try optional("image", [atoms, 3])
    isUnwrapped = image != nil
    identity = try optional("id", [atoms])
    times = try Times("\(place)/time", frames: frameCount, hint: hints.time, in: file)

    isPeriodic = try Self.boundary(of: "\(group)/box", in: file)
    edges =
      try isPeriodic.contains(true)
      ? Self.edges(of: "\(group)/box", length: length, frames: frameCount, in: file) : nil
    numbers = try ForeignObservable.all(
      in: file, position: place, frames: frameCount, warnings: &warnings)
    self.warnings = warnings
    try readSpecies()
  }

  /// Of frame `index`, by name; without those that are no number there.
  public func observables(ofFrame index: Int) -> [String: Double] {
    Dictionary(numbers.map { ($0.name, $0.values[index]) }.filter { $0.1.isFinite }) { $1 }
  }

  // MARK: - One frame

  /// Frame `index` of `0 ..< frameCount`; its time in fs, nil where the file does not say.
  ///
  /// - Throws: `HDF5Error`, `TrajectoryError.mismatch`.
  public func frame(_ index: Int) throws -> (time: Double?, system: AtomicSystem, charges: [Double]?) {
    precondition((0..<frameCount).contains(index))
    func require(_ flaw: String?, _ element: Element) throws {
      guard let flaw else { return }
      throw TrajectoryError.mismatch(
        file: path, reason: "\(element.path), frame \(index) (the first is 0): \(flaw)")
    }
    let order = try order(ofFrame: index)
    func vectors(_ element: Element) throws -> [Vector3] {
      let values = try element.values(ofFrame: index)
      let vectors = (0..<atomCount).map { n in
        let start = 3 * (order?[n] ?? n)
        return Vector3(values[start], values[start + 1], values[start + 2])
      }
      try require(Plausibility.flaw(ofVectors: vectors), element)
      return vectors
    }
    let cell = try cell(ofFrame: index, require)
    var positions = try vectors(position)
    if let image {
      for (n, crossed) in try vectors(image).enumerated() { positions[n] += crossed * cell.vectors }
    }
    try require(Plausibility.flaw(ofVectors: positions), position)
    let charges = try charge.map { charge in
      let values = try charge.values(ofFrame: index)
      try require(Plausibility.flaw(ofCharges: values), charge)
      return (0..<atomCount).map { values[order?[$0] ?? $0] }
    }
    return try (
      times?.time(ofFrame: index),
      AtomicSystem(
        cell: cell, atomicNumbers: atomicNumbers, masses: masses, positions: positions,
        velocities: velocity.map(vectors)), charges
    )
  }

  private func cell(ofFrame index: Int, _ require: (String?, Element) throws -> Void) throws -> Cell {
    guard let edges else { return .free }
    let v = try edges.values(ofFrame: index)
    let rows =
      v.count == 3
      ? Matrix3([v[0], 0, 0], [0, v[1], 0], [0, 0, v[2]])
      : Matrix3([v[0], v[1], v[2]], [v[3], v[4], v[5]], [v[6], v[7], v[8]])
    try require(Plausibility.flaw(ofCell: rows, isPeriodic: isPeriodic), edges)
    return Cell(vectors: rows, isPeriodic: isPeriodic)
  }

  /// Places in the frame of the particles in ascending order of their identities; nil where there are none.
  private func order(ofFrame index: Int) throws -> [Int]? {
    guard let identity else { return nil }
    let values = try identity.values(ofFrame: index)
    let order = values.indices.sorted { values[$0] < values[$1] }
    let sorted = order.map { values[$0] }
    if identities.isEmpty { identities = sorted }
    guard sorted == identities, zip(sorted, sorted.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw TrajectoryError.mismatch(
        file: path,
        reason: "\(identity.path), frame \(index) (the first is 0): particles come, go or share a name")
    }
    return order
  }

  // MARK: - Elements and masses

  private func readSpecies() throws {
    let order = try frameCount > 0 ? order(ofFrame: 0) : nil
    let masses = try readMasses(order)
    let numbers = try storedSpecies(order)
    func mismatch(_ reason: String) -> TrajectoryError { .mismatch(file: path, reason: reason) }
    switch (hints.species, numbers) {
    case (.inOrder(let elements), _):
      guard !elements.isEmpty, atomCount.isMultiple(of: elements.count) else {
        throw mismatch("\(atomCount) atoms are not a multiple of the \(elements.count) elements of --species")
      }
      atomicNumbers = (0..<atomCount).map { elements[$0 % elements.count] }
    case (.ofNumbers(let table), .numbers(let numbers)?):
      atomicNumbers = try numbers.map { number in
        guard let z = table[number] else { throw mismatch("species \(number) is not named by --species") }
        return z
      }
    case (_, .elements(let elements)?): atomicNumbers = elements
    case (nil, .numbers(let numbers)?):
      // Types of a force field are numbers, too: hydrogen and helium for oxygen and hydrogen would be no better than a guess.
      let agrees =
        masses.map { masses in
          zip(numbers, masses).allSatisfy { z, mass in
            Elements.mass(z).map { abs($0 - mass) < 0.05 * $0 } ?? false
          }
        } ?? false
      guard try agrees || writesAtomicNumbers() else {
        let example = Set(numbers).sorted().prefix(3).map { "\($0)=..." }.joined(separator: " ")
        throw mismatch("the file does not say which elements its species are; say so: --species \(example)")
      }
      atomicNumbers = numbers
    case (.ofNumbers, nil), (nil, nil):
      throw mismatch(
        "the file does not say which elements its atoms are; give them in their order, repeated to the end, such as "
          + "--species O H H, or a structure file with the same atoms")
    }
    if let flaw = Plausibility.flaw(ofSpecies: atomicNumbers) { throw mismatch("\(group)/species: \(flaw)") }
    self.masses = masses ?? atomicNumbers.map { Elements.mass($0) ?? 1 }
  }

  private enum StoredSpecies { case numbers([Int]), elements([Int]) }

  /// Of the first frame, in the order of the identities.
  private func storedSpecies(_ order: [Int]?) throws -> StoredSpecies? {
    let element = "\(group)/species"
    guard try file.exists(element) else { return nil }
    let place = try file.isGroup(element) ? element + "/value" : element
    let shape = try file.shape(of: place)
    guard shape.last == atomCount, shape.count <= 2 else {
      throw TrajectoryError.mismatch(
        file: path, reason: "\(place) has shape \(shape), not one number for each atom")
    }
    func sorted<Value>(_ values: [Value]) -> [Value] { (0..<atomCount).map { values[order?[$0] ?? $0] } }
    if let names = try file.readEnumeration(place) {
      return try .elements(
        sorted(names).map { name in
          guard let z = Elements.atomicNumber(name) else {
            throw TrajectoryError.mismatch(
              file: path, reason: "\(place) names `\(name)`, which is no element; say which: --species O H H")
          }
          return z
        })
    }
    let numbers =
      shape.count == 2
      ? try HDF5Rows(readingAnyLayout: place, in: file).readIntegers(row: 0)
      : try file.readIntegers(place).values
    return .numbers(sorted(numbers))
  }

  /// In u; nil where the file has none.
  private func readMasses(_ order: [Int]?) throws -> [Double]? {
    guard try file.exists("\(group)/mass"), frameCount > 0 else { return nil }
    let element = try Element("\(group)/mass", in: file)
    guard element.rowShape == [atomCount] else { return nil }
    guard element.unit.map({ ["u", "amu", "Da", "g mol-1", "g/mol"].contains($0) }) ?? true else {
      warnings.append("\(element.path) is not in u: masses are those of the elements")
      return nil
    }
    let values = try element.values(ofFrame: 0)
    if let flaw = Plausibility.flaw(ofMasses: values) {
      throw TrajectoryError.mismatch(file: path, reason: "\(element.path): \(flaw)")
    }
    return (0..<atomCount).map { values[order?[$0] ?? $0] }
  }

  /// Whether the program that wrote the file is one whose species are atomic numbers.
  private func writesAtomicNumbers() throws -> Bool {
    guard try file.hasAttribute("name", at: "/h5md/creator") else { return false }
    return ["znh5md", "bloch"].contains(try file.stringAttribute("name", at: "/h5md/creator").lowercased())
  }

  // MARK: - Box

  private static func boundary(of box: String, in file: HDF5File) throws -> [Bool] {
    guard try file.hasAttribute("boundary", at: box) else {
      throw TrajectoryError.mismatch(
        file: file.name,
        reason: "\(box) has no attribute `boundary`: the file does not say whether the cell repeats")
    }
    let words = try file.stringsAttribute("boundary", at: box)
    let flags = words.compactMap { ["periodic": true, "none": false, "nonperiodic": false][$0] }
    guard flags.count == words.count, [1, 3].contains(flags.count) else {
      throw TrajectoryError.mismatch(
        file: file.name, reason: "\(box)@boundary is not one of `periodic` and `none` for each of three axes")
    }
    return flags.count == 1 ? [flags[0], flags[0], flags[0]] : flags
  }

  /// - Parameter length: the unit of the positions, which holds where the edges have none.
  private static func edges(of box: String, length: Double, frames: Int, in file: HDF5File) throws -> Element
  {
    guard try file.exists("\(box)/edges") else {
      throw TrajectoryError.mismatch(
        file: file.name, reason: "\(box) has no element `edges`, and its boundary is periodic")
    }
    let edges = try Element("\(box)/edges", in: file)
    guard [[3], [3, 3]].contains(edges.rowShape), edges.isFixed || [1, frames].contains(edges.count) else {
      throw TrajectoryError.mismatch(
        file: file.name,
        reason:
          "\(edges.path) has \(edges.count) rows of shape \(edges.rowShape), not \(frames) of [3] or [3, 3]")
    }
    return edges.scaled(
      by: try edges.unit.map { try factor($0, length: 1, of: edges, in: file.name) } ?? length)
  }

  // MARK: - Units

  private static func factor(_ unit: String, length: Int, time: Int = 0, of element: Element, in file: String)
    throws -> Double
  {
    guard let factor = H5MDUnit.factor(unit, length: length, time: time) else {
      throw TrajectoryError.mismatch(
        file: file, reason: "\(element.path) is in `\(unit)`, which is not known here")
    }
    return factor
  }
}

/// An element of H5MD: numbers for every frame, or one set for all.
private struct Element {
  let path: String
  let rowShape: [Int]
  /// Frames; 1 where it is fixed.
  let count: Int
  let isFixed: Bool
  let unit: String?
  private let rows: HDF5Rows?
  private let fixed: [Double]
  private var factor = 1.0

  /// - Throws: `HDF5Error`.
  init(_ element: String, in file: HDF5File) throws {
    let isGroup = try file.isGroup(element)
    path = isGroup ? element + "/value" : element
    if isGroup {
      let rows = try HDF5Rows(readingAnyLayout: path, in: file)
      (self.rows, fixed, rowShape, count, isFixed) = (rows, [], rows.rowShape, rows.count, false)
    } else {
      let (values, shape) = try file.readDoubles(path)
      (rows, fixed, rowShape, count, isFixed) = (nil, values, shape, 1, true)
    }
    let text = try file.hasAttribute("unit", at: path) ? file.stringAttribute("unit", at: path) : ""
    unit = text.isEmpty ? nil : text
  }

  func scaled(by factor: Double) -> Element {
    var element = self
    element.factor = factor
    return element
  }

  /// In the units of memory.
  func values(ofFrame index: Int) throws -> [Double] {
    let values = try rows.map { try $0.readDoubles(row: count == 1 ? 0 : index) } ?? fixed
    return factor == 1 ? values : values.map { $0 * factor }
  }
}

/// Times of frames: one for each, or an increment.
private struct Times {
  private let rows: HDF5Rows?
  private let (offset, increment): (Double, Double)
  /// In fs.
  private let unit: Double

  /// Nil where there are none, or nobody knows their unit.
  init?(_ path: String, frames: Int, hint: Double?, in file: HDF5File) throws {
    guard try file.exists(path), try !file.isGroup(path) else { return nil }
    let word = try file.hasAttribute("unit", at: path) ? file.stringAttribute("unit", at: path) : ""
    guard let unit = word.isEmpty ? hint : H5MDUnit.factor(word, length: 0, time: 1) else { return nil }
    self.unit = unit
    let shape = try file.shape(of: path)
    if shape.isEmpty {
      rows = nil
      offset = try file.hasAttribute("offset", at: path) ? file.doubleAttribute("offset", at: path) : 0
      increment = try file.readDoubles(path).values[0]
    } else {
      let rows = try HDF5Rows(readingAnyLayout: path, in: file)
      guard rows.rowShape.isEmpty, rows.count == frames else {
        throw TrajectoryError.mismatch(
          file: file.name, reason: "\(path) has \(rows.count) times, and there are \(frames) frames")
      }
      (self.rows, offset, increment) = (rows, 0, 0)
    }
  }

  func time(ofFrame index: Int) throws -> Double? {
    let time = try rows.map { try $0.readDoubles(row: index)[0] } ?? (offset + increment * Double(index))
    return time.isFinite ? time * unit : nil
  }
}

/// Units in H5MD's notation, symbols with exponents between blanks: `Angstrom ps-1`; also with a slash.
enum H5MDUnit {
  private static let lengths = [
    "Angstrom": 1, "angstrom": 1, "Å": 1, "nm": 10, "pm": 0.01, "um": 1e4, "m": 1e10,
  ]
  private static let times = ["fs": 1, "ps": 1e3, "ns": 1e6, "us": 1e9, "s": 1e15]

  /// What `text` is worth in Angstrom^length fs^time; nil where it measures something else.
  static func factor(_ text: String, length: Int, time: Int) -> Double? {
    var (factor, powers) = (1.0, (length: 0, time: 0))
    for (n, part) in text.split(separator: "/").enumerated() {
      for word in part.split(separator: " ") {
        guard let match = word.wholeMatch(of: /([^0-9+^*-]+)(?:\^|\*\*)?([+-]?[0-9])?/),
          let power = Int(match.2 ?? "1").map({ n == 0 ? $0 : -$0 })
        else { return nil }
        let symbol = String(match.1)
        if let value = lengths[symbol] {
          powers.length += power
          factor *= pow(value, Double(power))
        } else if let value = times[symbol] {
          powers.time += power
          factor *= pow(value, Double(power))
        } else {
          return nil
        }
      }
    }
    return powers == (length, time) ? factor : nil
  }
}
