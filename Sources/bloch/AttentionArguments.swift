import ArgumentParser
import LRMACE
import Reciprocal

extension AttentionMethod: ExpressibleByArgument {}

/// How to evaluate the attention of a model, to compare one way with another.
struct AttentionArguments: ParsableArguments {
  @Option(
    help: "Evaluation of the attention: pairwise, k-sum or mesh. (default: the cheapest for the size)")
  var attention: AttentionMethod?

  @Option(help: "Order of the B-splines of the mesh, 4 to 8.")
  var meshOrder = MeshResolution().order

  @Option(help: "Spacing of the mesh in units of the smallest sigma.")
  var meshSpacing = MeshResolution().spacing

  func validate() throws {
    if !(4...8).contains(meshOrder) { throw ValidationError("--mesh-order takes 4 to 8.") }
    if !(meshSpacing >= 0.1 && meshSpacing <= 2) { throw ValidationError("--mesh-spacing takes 0.1 to 2.") }
  }

  var evaluation: AttentionEvaluation {
    AttentionEvaluation(method: attention, mesh: MeshResolution(order: meshOrder, spacing: meshSpacing))
  }
}
