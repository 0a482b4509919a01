// All of a model that can be worked out before there are atoms, once, in double precision:
//   Model (plain data, checked) -> CompiledModel (plain data, rewritten) -> Network (laid out for kernels; a step)
//
//   degrees whose messages are dead are left out                              Model+DeadPaths
//   radial networks become splines                                            RadialFunctions, RadialSpline, QuinticSpline
//   of the first layer, what depends on the elements alone is multiplied out  SpeciesCoupling
//     and hidden radial functions that others span are left out               RadialNetwork+Pruning
//     likewise of its attention                                               AttentionCoupling
//     or of its conserved sources                                             CompiledSources
//   Clebsch-Gordan sums of the paths become a matrix                          PathMessages
//   those of the symmetric contraction become sparse programs                 ContractionPrograms
//
// What depends on pairs of elements is made for those that come up, here and once: RadialFunctions, SpeciesCoupling. What
// remains are the model's own matrices, which a step applies as they are.

import Kernels
import LRMACEModel

struct CompiledModel: Sendable {
  /// Without its dead paths.
  let model: Model
  let layers: [CompiledLayer]
  /// Of the first layer, if it attends.
  let attention: AttentionCoupling?
  /// Every weight of the model is still there: nothing is left out, nothing of the first layer multiplied out. The energies
  /// are the same, their gradients by the weights are to be had.
  let isDifferentiable: Bool

  /// - Parameters:
  ///   - scalar: the precision of the kernels; tables are as exact as it can tell.
  ///   - dropsDeadPaths: the energies are the same either way.
  ///   - previous: of the same model with other weights, whose programs are taken over.
  ///   - threads: share the layers.
  init<T: KernelScalar>(
    _ model: Model, for scalar: T.Type, dropsDeadPaths: Bool = true, isDifferentiable: Bool = false,
    previous: CompiledModel? = nil, threads: Int = 1
  ) {
    let model = dropsDeadPaths && !isDifferentiable ? model.withoutDeadPaths() : model
    self.model = model
    self.isDifferentiable = isDifferentiable
    layers = parallelMap(threads: threads, count: model.layers.count) { t in
      CompiledLayer(
        model.layers[t], isFirst: t == 0, of: model, for: scalar, isDifferentiable: isDifferentiable,
        previous: previous?.layers[t])
    }
    if !isDifferentiable, let attention = model.layers[0].attention, let settings = model.attention {
      self.attention = AttentionCoupling(attention, settings, embedding: model.embedding)
    } else {
      attention = nil
    }
  }
}

struct CompiledLayer: Sendable {
  /// How messages can be formed.
  enum Messages: Sendable {
    /// From features that depend on the element alone: by sums over the neighbours of an element, whose radial functions are
    /// few, or by tables of pairs of elements.
    case elements(sums: SpeciesCoupling, tables: SpeciesCoupling)
    case features(PathMessages)
  }

  /// What is applied as it is.
  let layer: Model.Layer
  let messages: Messages
  /// D, what an atom adds to the density around another.
  let density: RadialFunctions?
  let contraction: ContractionPrograms
  let conserved: CompiledSources?

  init<T: KernelScalar>(
    _ layer: Model.Layer, isFirst: Bool, of model: Model, for scalar: T.Type, isDifferentiable: Bool,
    previous: CompiledLayer?
  ) {
    let multipliesOut = isFirst && !isDifferentiable
    self.layer = layer
    contraction =
      previous?.contraction.with(weightsOf: layer.contraction)
      ?? ContractionPrograms(
        layer.contraction, lmax: layer.messageLmax, species: model.species.count, channels: model.channels,
        keepsRounding: scalar == Double.self, keepsMessages: isDifferentiable)
    let splineTolerance = RadialSpline.tolerance(scalar)
    density = layer.density.map {
      RadialFunctions(
        [Matrix(rows: $0.count, columns: 1, values: $0)], output: .density, of: model,
        tolerance: splineTolerance)
    }
    conserved = layer.conserved.map {
      CompiledSources(
        $0, embedding: multipliesOut ? model.embedding : nil, of: model, splineTolerance: splineTolerance)
    }
    if multipliesOut {
      func coupling(_ radial: [Matrix]) -> SpeciesCoupling {
        SpeciesCoupling(radial: radial, layer: layer, model: model, splineTolerance: splineTolerance)
      }
      let pruned = RadialNetwork.pruned(
        layer.radial, bases: model.representativeBases(RadialNetwork.prunedBases),
        tolerance: RadialNetwork.pruningTolerance(scalar), multiple: T.HalfLanes.scalarCount)
      messages = .elements(sums: coupling(pruned), tables: coupling(layer.radial))
    } else {
      messages = .features(
        PathMessages(
          layer.paths, lmax: layer.messageLmax,
          radial: RadialFunctions(layer.radial, of: model, tolerance: splineTolerance), linear: layer.linear))
    }
  }
}
