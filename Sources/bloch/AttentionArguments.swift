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
    help: "Mesh points along an axis that an atom reaches, 4 to 8. (default: enough for forces to 2e-6 eV/A)")
  var meshOrder: Int?

  @Option(
    help: "Spacing of the mesh in units of the smallest sigma. (default: fine enough for forces to 2e-6 eV/A)"
  )
  var meshSpacing: Double?

  func validate() throws {
    if let meshOrder, !(4...8).contains(meshOrder) { throw ValidationError("--mesh-order takes 4 to 8.") }
    if let meshSpacing, !(0.1...2).contains(meshSpacing) {
      throw ValidationError("--mesh-spacing takes 0.1 to 2.")
    }
    if (meshOrder == nil) != (meshSpacing == nil) {
      throw ValidationError("--mesh-order and --mesh-spacing belong together.")
    }
  }

  var evaluation: AttentionEvaluation {
    guard let meshOrder, let meshSpacing else { return AttentionEvaluation(method: attention) }
    return AttentionEvaluation(
      method: attention, mesh: MeshResolution(order: meshOrder, spacing: meshSpacing))
  }
}
