import ArgumentParser
import LRMACE
import Reciprocal

extension AttentionMethod: ExpressibleByArgument {}

/// How to evaluate the attention of a model, to compare one way with another.
struct AttentionArguments: ParsableArguments {
  @Option(
    help: "Evaluation of the attention: pairwise, ewald, k-sum or mesh. (default: the cheapest for the size)")
  var attention: AttentionMethod?

  @Option(
    help:
      "Mesh points along an axis that an atom reaches, 4 to 8, in double precision also 10, 12, 14 or 16. (default: enough for forces to 1e-5 eV/A, energies to 5e-7 eV per atom)"
  )
  var meshOrder: Int?

  @Option(
    help: "Spacing of the mesh in units of the smallest sigma. (default: fine enough for the same)"
  )
  var meshSpacing: Double?

  func validate() throws {
    if let meshOrder, !MeshResolution.orders.contains(meshOrder) {
      throw ValidationError("--mesh-order takes 4 to 8, 10, 12, 14 or 16.")
    }
    let spacings = MeshResolution.spacings
    if let meshSpacing, !spacings.contains(meshSpacing) {
      throw ValidationError("--mesh-spacing takes \(spacings.lowerBound) to \(spacings.upperBound).")
    }
    if (meshOrder == nil) != (meshSpacing == nil) {
      throw ValidationError("--mesh-order and --mesh-spacing belong together.")
    }
    if meshOrder != nil, let attention, attention != .mesh {
      throw ValidationError(
        "--mesh-order and --mesh-spacing are for a mesh; --attention \(attention.rawValue) has none.")
    }
  }

  func evaluation(in precision: LRMACEPotential.Precision) throws -> AttentionEvaluation {
    guard let meshOrder, let meshSpacing else { return AttentionEvaluation(method: attention) }
    guard meshOrder <= 8 || precision == .double else {
      throw ValidationError("--mesh-order above 8 is for --precision double.")
    }
    return AttentionEvaluation(
      method: .mesh, mesh: MeshResolution(order: meshOrder, spacing: meshSpacing))
  }
}
