// In which format a structure file is: by its name, or by its first lines where the name does not say (pipes).

import Foundation

public enum StructureFormat: String, CaseIterable, Sendable {
  case extendedXYZ = "extended XYZ"
  case poscar = "POSCAR"
  case pdb = "PDB"
  case cif = "CIF"
  case lammpsData = "LAMMPS data"

  /// `extended XYZ, POSCAR, PDB, CIF or LAMMPS data`
  static var all: String {
    let names = allCases.map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }

  /// By the name of a file, `.gz` aside: `water.xyz`, `POSCAR_relaxed`, `data.water`; nil where it says nothing.
  init?(name path: String) {
    let name = Self.unpackedName(of: path)
    switch (name as NSString).pathExtension {
    case "xyz", "extxyz", "exyz": self = .extendedXYZ
    case "vasp", "poscar", "contcar": self = .poscar
    case "pdb", "ent": self = .pdb
    case "cif": self = .cif
    case "data", "lmp", "lammps": self = .lammpsData
    case _ where name.hasPrefix("poscar") || name.hasPrefix("contcar"): self = .poscar
    case _ where name.hasPrefix("data."): self = .lammpsData
    default: return nil
    }
  }

  /// By its first lines; nil for none that is known.
  init?(firstLines lines: [TextLine]) {
    let filled = lines.filter { !$0.isBlank }
    guard let first = filled.first else { return nil }
    func words(_ line: TextLine) -> [String] { line.words().map(line.string) }
    func areNumbers(_ line: TextLine, _ counts: Set<Int>) -> Bool {
      let ranges = line.words()
      return counts.contains(ranges.count) && ranges.allSatisfy { line.number($0) != nil }
    }
    if words(first).count == 1, Int(words(first)[0]) != nil {
      self = .extendedXYZ
    } else if filled.contains(where: { words($0)[0].lowercased().hasPrefix("data_") }) {
      self = .cif
    } else if PDBReader.records.contains(words(first)[0]) {
      self = .pdb
    } else if filled.contains(where: { words($0).count >= 2 && words($0)[1] == "atoms" }) {
      self = .lammpsData
    } else if lines.count >= 5, areNumbers(lines[1], [1, 3]), lines[2..<5].allSatisfy({ areNumbers($0, [3]) })
    {
      self = .poscar
    } else {
      return nil
    }
  }

  /// Lines by which every format is told.
  static let signatureLength = 12

  /// What the name of a file says that Bloch does not read; nil for what it may.
  static func foreign(_ path: String) -> String? {
    let name = unpackedName(of: path)
    let known: Set = [
      "gro", "g96", "traj", "castep", "res", "xsf", "mol", "mol2", "sdf", "gen", "car", "arc", "cube", "pwi",
      "pwo",
      "mcif", "mmcif", "pdbqt", "dump", "lammpstrj", "gjf", "outcar", "xdatcar", "dcd", "xtc", "trr",
    ]
    let ending = (name as NSString).pathExtension
    if known.contains(ending) { return ".\(ending)" }
    return ["outcar", "xdatcar"].first(where: name.hasPrefix)?.uppercased()
  }

  /// What the name of a file to be written says that Bloch does not write: another ending than those of extended XYZ and DCD, of
  /// formats that are known.
  public static func unwritable(_ path: String) -> String? {
    if let format = StructureFormat(name: path) { return format == .extendedXYZ ? nil : format.rawValue }
    let name = unpackedName(of: path)
    if name.hasSuffix(".dcd") { return path.lowercased().hasSuffix(".gz") ? "packed DCD" : nil }
    return foreign(path)
  }

  private static func unpackedName(of path: String) -> String {
    let name = (path as NSString).lastPathComponent.lowercased()
    return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
  }
}
