// The groups, attributes and datasets of a trajectory file.

import Foundation
import HDF5
import Lattice

extension H5MDWriter {
  /// Everything that does not grow.
  static func writePreamble(
    to file: HDF5File, system: AtomicSystem, columns: [AtomColumn], provenance: Provenance
  ) throws {
    try file.createGroup("/h5md/author")
    try file.createGroup("/h5md/creator")
    try file.createGroup("/h5md/modules/units")
    try file.setAttribute("version", [1, 1], at: "/h5md")
    try file.setAttribute("name", NSUserName(), at: "/h5md/author")
    try file.setAttribute("name", "Bloch", at: "/h5md/creator")
    try file.setAttribute("version", provenance.engineVersion, at: "/h5md/creator")
    try file.setAttribute("version", [1, 0], at: "/h5md/modules/units")
    try file.setAttribute("system", "SI", at: "/h5md/modules/units")

    try file.createGroup(H5MD.box)
    try file.setAttribute("dimension", 3, at: H5MD.box)
    try file.setAttribute("boundary", system.cell.isPeriodic.map { $0 ? "periodic" : "none" }, at: H5MD.box)

    try file.write(system.masses, to: H5MD.masses)
    try file.setAttribute("unit", "u", at: H5MD.masses)
    let fixed = system.fixedAtoms
    if !fixed.isEmpty { try file.write(fixed.map(Int64.init), to: H5MD.fixed) }
    let fixedAxes = system.partlyFixedAtoms.flatMap { atom in
      (0..<3).filter { system.moveMask[atom][$0] == 0 }.map { [Int64(atom), Int64($0)] }
    }
    if !fixedAxes.isEmpty {
      try file.write(fixedAxes.flatMap { $0 }, shape: [fixedAxes.count, 2], to: H5MD.fixedAxes)
    }
    if !columns.isEmpty { try file.write(AtomColumn.text(of: columns), to: H5MD.columns) }
    try file.write(provenance.deck, to: "/parameters/deck")
    try file.write(provenance.engineVersion, to: "/parameters/engine_version")
    try file.write(provenance.modelHash, to: "/parameters/model_hash")
  }

  /// The datasets that grow by a row per frame.
  struct Tables {
    let step: HDF5Rows
    let time: HDF5Rows
    let position: HDF5Rows
    let velocity: HDF5Rows?
    let force: HDF5Rows?
    let charge: HDF5Rows?
    let forceSpread: HDF5Rows?
    let species: HDF5Rows
    let edges: HDF5Rows
    let observables: [HDF5Rows]

    var all: [HDF5Rows] {
      [position, species, edges, time, step] + [velocity, force, charge, forceSpread].compactMap { $0 }
        + observables
    }

    /// Frames per chunk, the unit in which HDF5 reads and writes: about 64 kB, one frame at least. The fewer
    /// chunks, the rarer the moment in which a killed process leaves their index half written.
    static func framesPerChunk(bytesPerFrame: Int) -> Int {
      min(max(1, 65536 / max(1, bytesPerFrame)), 256)
    }

    init(
      creatingIn file: HDF5File, atomCount: Int, observables: [H5MDObservable], options: H5MDOptions
    ) throws {
      let type: HDF5StoredType = options.isDouble ? .float64 : .float32
      func rows(_ path: String, _ rowShape: [Int], as type: HDF5StoredType) throws -> HDF5Rows {
        let frames = Self.framesPerChunk(bytesPerFrame: rowShape.reduce(type.size, *))
        return try HDF5Rows(creating: path, rowShape: rowShape, chunkRows: frames, as: type, in: file)
      }
      func element(_ path: String, _ rowShape: [Int], as type: HDF5StoredType, unit: String?) throws
        -> HDF5Rows
      {
        let value = try rows(path + "/value", rowShape, as: type)
        if let unit { try file.setAttribute("unit", unit, at: path + "/value") }
        if path != H5MD.position {
          try file.hardLink(path + "/step", to: H5MD.position + "/step")
          try file.hardLink(path + "/time", to: H5MD.position + "/time")
        }
        return value
      }
      step = try rows(H5MD.position + "/step", [], as: .int64)
      time = try rows(H5MD.position + "/time", [], as: .float64)
      try file.setAttribute("unit", H5MD.timeUnit, at: H5MD.position + "/time")
      if !options.isInTime {
        try file.setAttribute(H5MD.timeStandsFor, "step", at: H5MD.position + "/time")
      }
      let vectors = [atomCount, 3]
      position = try element(H5MD.position, vectors, as: type, unit: H5MD.lengthUnit)
      velocity =
        options.storesVelocities
        ? try element(H5MD.velocity, vectors, as: type, unit: H5MD.velocityUnit) : nil
      force = options.storesForces ? try element(H5MD.force, vectors, as: type, unit: H5MD.forceUnit) : nil
      charge =
        options.storesCharges ? try element(H5MD.charge, [atomCount], as: type, unit: H5MD.chargeUnit) : nil
      if charge != nil { try file.setAttribute("type", H5MD.chargeType, at: H5MD.charge) }
      forceSpread =
        options.storesForceSpreads
        ? try element(H5MD.forceSpread, [atomCount], as: type, unit: H5MD.forceUnit) : nil
      species = try element(H5MD.species, [atomCount], as: .uint8, unit: nil)
      edges = try element(H5MD.edges, [3, 3], as: type, unit: H5MD.lengthUnit)
      self.observables = try observables.map {
        try element("\(H5MD.observables)/\($0.name)", [], as: .float64, unit: $0.unit)
      }
    }

    /// Opens the datasets of an earlier run, which must hold the same things.
    init(openingIn file: HDF5File, observables: [H5MDObservable], options: H5MDOptions) throws {
      func rows(_ path: String) throws -> HDF5Rows { try HDF5Rows(opening: path, in: file) }
      step = try rows(H5MD.position + "/step")
      time = try rows(H5MD.position + "/time")
      position = try rows(H5MD.position + "/value")
      velocity = options.storesVelocities ? try rows(H5MD.velocity + "/value") : nil
      force = options.storesForces ? try rows(H5MD.force + "/value") : nil
      charge = options.storesCharges ? try rows(H5MD.charge + "/value") : nil
      forceSpread = options.storesForceSpreads ? try rows(H5MD.forceSpread + "/value") : nil
      species = try rows(H5MD.species + "/value")
      edges = try rows(H5MD.edges + "/value")
      self.observables = try observables.map { try rows("\(H5MD.observables)/\($0.name)/value") }
    }
  }
}
