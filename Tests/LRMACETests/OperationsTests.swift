import Kernels
import Lattice
import Testing

@testable import LRMACE
@testable import LRMACEModel

/// Multiplications and additions of the matrices of a file, each applied to the components of its degree, and its transpose
/// wherever something depends on what it acts on.
@Test(arguments: ["sr_16x0e16x1o_lmax3_corr2", "lr_c_16x0e16x1o_lmax2_corr2"])
func operationsOfTheLinearPartAreThoseOfTheMatrices(name: String) throws {
  let system = try Golden.frames(name)[0].system
  let potential = try LRMACEPotential(model: Golden.model(name), dropsDeadPaths: false)
  var result = Evaluation()
  try potential.evaluate(system, into: &result)
  // One way for the first layer, whatever its cost: sums over the neighbours of an element, which have matrices.
  result.plan?.choices["first_layer"] = "species"
  try potential.evaluate(system, into: &result)

  let elements = Set(system.atomicNumbers).count
  var perAtom = 0
  for (t, layer) in potential.model.layers.enumerated() {
    func add(_ l: Int, _ matrix: Matrix, times: Int) {
      perAtom += times * (2 * l + 1) * 2 * matrix.rows * matrix.columns
    }
    if t == 0 {
      let compiled = CompiledModel(potential.model, for: Float.self)
      guard case .elements(let sums, _) = compiled.layers[0].messages else { continue }
      // Functions of an element fill half lanes, those of all elements whole ones.
      let functions = Float.wholeLanes(elements * ((sums.functions + 7) / 8 * 8))
      for l in 0...layer.messageLmax {
        perAtom += 2 * (2 * l + 1) * 2 * functions * potential.model.channels
      }
    } else {
      for (l, matrices) in layer.linear.enumerated() { add(l, matrices[0], times: 2) }
      for (l, matrix) in layer.linearUp.enumerated() { add(l, matrix, times: 2) }
    }
    for (l, matrix) in layer.product.enumerated() { add(l, matrix, times: 2) }
    for (l, matrices) in layer.skip.prefix(layer.outputLmax + 1).enumerated() {
      add(l, matrices[0], times: t == 0 ? 1 : 2)
    }
  }
  #expect(potential.operations[.linear] == Double(perAtom * system.count))
  #expect(potential.operations[.attention] == nil)
}
