// The labels of a frame with which results are compared, under the names that the user gave or that files usually have.

import Diagnostics
import Lattice
import Training
import Trajectory

/// Labels of one frame, and the names under which it has them.
struct ComparedLabels {
  /// eV.
  var energy: Double?
  /// eV/Angstrom.
  var forces: [Vector3]?
  /// eV/Angstrom^3.
  var stress: Matrix3?
  var names: [String] = []
  /// About labels that are no numbers and left out.
  var warnings: [Diagnostic] = []
}

/// Finds labels frame by frame: a pipe is read once, and not every frame has all.
struct LabelSearch {
  private let names: LabelNames
  private let file: String
  /// Names of the user that no frame had so far.
  private var missing: [(key: String, name: String)]
  /// What a name could have been.
  private var known: Set<String> = []

  init(_ names: LabelNames, file: String) {
    (self.names, self.file) = (names, file)
    missing = [
      ("energy", names.energy), ("forces", names.forces), ("stress", names.stress), ("virial", names.virial),
    ].compactMap { key, name in name.map { (key, $0) } }
  }

  /// - Throws: `FileError` where two names would do for a label.
  mutating func labels(of configuration: Configuration, frame: Int) throws -> ComparedLabels {
    let named = configuration.named ?? NamedValues(line: 1, values: [:])
    let (values, vectors) = (Set(named.values.keys), Set(named.vectors.keys))
    known.formUnion(values.subtracting(["Lattice", "Properties", "pbc"]))
    known.formUnion(vectors)
    for (key, name) in missing {
      let isColumn = key == "forces"
      let (kind, other) = isColumn ? (vectors, values) : (values, vectors)
      guard other.contains(name), !kind.contains(name) else { continue }
      throw FileError(
        file: file,
        "`\(name)`, which --\(key)-key names, is "
          + (isColumn
            ? "in the comment line of frame \(frame), and no column"
            : "a column of frame \(frame), and not in its comment line"),
        help: isColumn ? "name a column of three numbers" : "name what the comment line has")
    }
    missing.removeAll { ($0.key == "forces" ? vectors : values).contains($0.name) }
    var here = names
    here.energy = names.energy.flatMap { values.contains($0) ? $0 : nil }
    here.forces = names.forces.flatMap { vectors.contains($0) ? $0 : nil }
    here.stress = names.stress.flatMap { values.contains($0) ? $0 : nil }
    here.virial = names.virial.flatMap { values.contains($0) ? $0 : nil }
    var found = try here.findLabels(inValues: values, vectors: vectors, file: file, for: .comparison)
    // A frame without what the user named is compared with nothing else.
    if names.energy != nil { found.energy = here.energy }
    if names.forces != nil { found.forces = here.forces }
    if names.stress != nil || names.virial != nil {
      (found.stress, found.virial) = (here.stress, here.virial)
    }

    var labels = ComparedLabels()
    func warn(_ name: String, _ what: String) {
      labels.warnings.append(
        Diagnostic(
          severity: .warning, file: file,
          "frame \(frame) (line \(named.line)): `\(name)` is not \(what); this label is left out"))
    }
    // What the reader knows itself it has checked, and warned of.
    if let name = found.energy {
      switch name {
      case "energy": labels.energy = configuration.energy
      case "REF_energy": labels.energy = configuration.reference.energy
      default:
        labels.energy = named.values[name].flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil }
        if labels.energy == nil { warn(name, "a finite number") }
      }
      if labels.energy != nil { labels.names.append(name) }
    }
    if let name = found.forces {
      switch name {
      case "forces", "force": labels.forces = configuration.forces
      case "REF_forces": labels.forces = configuration.reference.forces
      default:
        labels.forces = named.vectors[name].flatMap { $0.allSatisfy { length($0).isFinite } ? $0 : nil }
        if labels.forces == nil { warn(name, "a column of finite numbers") }
      }
      if labels.forces != nil { labels.names.append(name) }
    }
    let cell = configuration.system.cell
    // Without a volume there is no stress; calculators write zeros.
    if let name = found.stress ?? found.virial, cell.isFullyPeriodic {
      switch name {
      case "stress", "virial", "virials": labels.stress = configuration.stress
      case "REF_stress", "REF_virial", "REF_virials": labels.stress = configuration.reference.stress
      default:
        let tensor = named.values[name].flatMap(ExtendedXYZ.tensor)
        labels.stress = tensor.map { found.stress == nil ? $0 * (-1 / cell.volume) : $0 }
        if tensor == nil { warn(name, "a tensor of 9 finite numbers, or 6 in the order xx yy zz yz xz xy") }
      }
      if labels.stress != nil { labels.names.append(name) }
    }
    return labels
  }

  /// - Throws: `FileError` for a name of the user that no frame had.
  func requireAllFound() throws {
    guard let (key, name) = missing.first else { return }
    throw FileError(
      file: file, "no frame has `\(name)`, which --\(key)-key names",
      help: known.isEmpty ? "remove the option" : "the file has: " + known.sorted().joined(separator: ", "))
  }
}
