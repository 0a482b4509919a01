// A model file in words.

import Deck
import Diagnostics
import Foundation
import LRMACE
import LRMACEModel
import Lattice

extension Model.ConservedSources.Use {
  /// What becomes of the potential.
  fileprivate var description: String {
    switch self {
    case .attention: "potential into features"
    case .difference: "differences of potential into features"
    case .energy: "energy of charges"
    }
  }
}

/// What a user needs to know of the model in the file `path`.
/// - Throws: `FileError`, `HDF5Error`, `ModelError`.
public func modelSummary(path: String) throws -> String {
  guard FileManager.default.fileExists(atPath: path) else {
    throw FileError(
      file: path, "there is no such model", help: "give the path of an LR-MACE model file (.h5)")
  }
  let model = try Model(contentsOf: path)
  let elements = zip(model.species, model.isolatedEnergies).map { z, energy in
    "\(Elements.symbol(z) ?? "\(z)") (E0 \(String(format: "%.4f", energy)) eV)"
  }
  var lines = [
    "name             \(model.name.printable)",
    "elements         \(elements.joined(separator: ", "))",
    "cut-off          \(model.cutoff) Angstrom, \(model.layers.count) layers: messages carry "
      + "\(model.receptiveField) Angstrom",
    "channels         \(model.channels), l_max \(model.lmax), correlation \(model.correlation), "
      + "hidden l_max \(model.layers.map(\.outputLmax).max() ?? 0)",
  ]
  let dense = model.layers.indices.filter { model.layers[$0].density != nil }.map { "\($0 + 1)" }
  if !dense.isEmpty {
    lines.append("density          divides the messages of layer \(dense.joined(separator: ", "))")
  }
  if let transform = model.transform {
    lines.append("distances        \(transform.form.name.rawValue) transform by covalent radii")
  }
  if let repulsion = model.repulsion, let radius = repulsion.radii.max() {
    lines.append(
      "repulsion        ZBL, up to \(String(format: "%.2f", 2 * radius)) Angstrom by covalent radii")
  }
  if let attention = model.attention {
    let sigmas = attention.sigmas.map { "\($0)" }.joined(separator: ", ")
    for (t, layer) in model.layers.enumerated() {
      if let block = layer.attention {
        lines.append(
          "long range       layer \(t + 1): \(attention.heads) heads of width "
            + "\(attention.width / attention.heads), sigma \(sigmas) Angstrom"
            + (block.gate == nil ? "" : ", gated"))
      }
      if let block = layer.conserved {
        lines.append(
          "long range       layer \(t + 1): conserved sources in \(attention.width) columns, sigma "
            + "\(sigmas) Angstrom, \(block.use.description)"
            + (block.dispersion.map { ", dispersion damped over \($0.sigma) Angstrom" } ?? ""))
      }
    }
  } else {
    lines.append("long range       none (short-range MACE)")
  }
  if let domain = model.domain {
    let atoms = zip(model.species, domain.atoms).map { "\($1) \(Elements.symbol($0) ?? "\($0)")" }
    lines.append("learned          \(atoms.joined(separator: ", ")): runs tell when they leave these data")
  }
  lines += ["sha256           \(model.hash)", "provenance       \(model.provenance.printable)"]
  if let errors = model.errors { lines.append("errors           \(errors.printable)") }
  return lines.joined(separator: "\n")
}
