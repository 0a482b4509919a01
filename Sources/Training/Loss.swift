// The loss of a batch of frames b, and its derivatives by their predictions (the seeds of TrainablePotential):
//
//   L = w_E/n_E sum_b w_b e_b l_E(x_b)  +  w_F/n_F sum_b w_b f_b sum_ia l_F(y_bia)  +  w_S/n_S sum_b w_b s_b sum_ab l_S(z_bab)
//
//   x = (E - E_ref) / N      y = F - F_ref      z = stress - stress_ref
//   n_E frames with an energy, n_F components of forces with a label (three an atom), n_S components of stress (nine a
//   frame), all of the batch; w_b the weight of a frame, e_b, f_b and s_b those of its labels. Weights do not change the n; a label of weight 0 is none.
//
//   l1         l(x) = |x|                                    the loss of arXiv 2510.13055, eq. 16
//   squared    l(x) = x^2                                    mace-torch: weighted, stress
//   huber      l(x) = x^2/2 for |x| < d, else d (|x| - d/2)  mace-torch: huber
//   universal  as huber; for forces d times 1, 0.7, 0.4, 0.1 where |F_ref| of the atom is below 100, 200, 300 eV/Angstrom and
//              above                                         mace-torch: universal, whose weights of frames stand inside l
//
// Energies in eV, forces in eV/Angstrom, stress in eV/Angstrom^3, as d is in each.

import Lattice

public struct Loss: Sendable, Hashable {
  public enum Kind: String, CaseIterable, Sendable { case l1, squared, huber, universal }

  public var kind: Kind
  /// w_E, w_F, w_S.
  public var energyWeight: Double
  public var forceWeight: Double
  public var stressWeight: Double
  /// d; not used by `l1` and `squared`.
  public var delta: Double

  public init(
    kind: Kind, energyWeight: Double, forceWeight: Double, stressWeight: Double = 0, delta: Double = 0.01
  ) {
    self.kind = kind
    self.energyWeight = energyWeight
    self.forceWeight = forceWeight
    self.stressWeight = stressWeight
    self.delta = delta
  }

  /// n_E, n_F and n_S of a batch.
  public struct Counts: Sendable, Hashable {
    public var energies = 0
    public var forces = 0
    public var stresses = 0

    public init(of frames: some Sequence<LabelledFrame>) {
      for frame in frames {
        if frame.labels.energy != nil { energies += 1 }
        if let labels = frame.labels.forces { forces += 3 * labels.count }
        if frame.labels.stress != nil { stresses += 9 }
      }
    }
  }

  /// What one frame adds to the loss, and the derivatives of that.
  public struct Term: Sendable {
    public var value = 0.0
    /// dL/dE.
    public var energySeed = 0.0
    /// dL/dF, [N].
    public var forceSeeds: [Vector3]
    /// dL/dstress, symmetric.
    public var stressSeed = Matrix3.zero
  }

  /// The term of `frame` in a batch with these counts.
  public func term(of prediction: Prediction, _ frame: LabelledFrame, in counts: Counts) -> Term {
    var term = Term(forceSeeds: Array(repeating: .zero, count: frame.system.count))
    let labels = frame.labels
    if let label = labels.energy, energyWeight > 0 {
      let count = Double(frame.system.count)
      let factor = energyWeight * frame.weight * frame.labelWeights.energy / Double(counts.energies)
      let (l, slope) = measure((prediction.energy - label) / count, delta)
      term.value += factor * l
      term.energySeed = factor * slope / count
    }
    if let forces = labels.forces, forceWeight > 0 {
      let factor = forceWeight * frame.weight * frame.labelWeights.forces / Double(counts.forces)
      var sum = 0.0
      for (i, label) in forces.enumerated() {
        let error = prediction.forces[i] - label
        let delta = delta * (kind == .universal ? Self.universalFactor(length(label)) : 1)
        for axis in 0..<3 {
          let (l, slope) = measure(error[axis], delta)
          sum += l
          term.forceSeeds[i][axis] = factor * slope
        }
      }
      term.value += factor * sum
    }
    if let label = labels.stress, stressWeight > 0 {
      let factor = stressWeight * frame.weight * frame.labelWeights.stress / Double(counts.stresses)
      for a in 0..<3 {
        for b in 0..<3 {
          let (l, slope) = measure(prediction.stress[a][b] - label[a][b], delta)
          term.value += factor * l
          term.stressSeed[a][b] = factor * slope
        }
      }
    }
    return term
  }

  /// l(x) and dl/dx; 0 at the corner of |x|, as torch has it.
  private func measure(_ x: Double, _ delta: Double) -> (Double, Double) {
    let sign = x > 0 ? 1.0 : x < 0 ? -1.0 : x
    return switch kind {
    case .l1: (abs(x), sign)
    case .squared: (x * x, 2 * x)
    case .huber, .universal:
      abs(x) < delta ? (x * x / 2, x) : (delta * (abs(x) - delta / 2), delta * sign)
    }
  }

  /// Of d, for an atom whose force is labelled with this magnitude in eV/Angstrom (mace/modules/loss.py,
  /// conditional_huber_forces).
  private static func universalFactor(_ force: Double) -> Double {
    force < 100 ? 1 : force < 200 ? 0.7 : force < 300 ? 0.4 : 0.1
  }
}

extension SeededSystem {
  init(_ system: AtomicSystem, _ term: Loss.Term) {
    self.init(system, energy: term.energySeed, forces: term.forceSeeds, stress: term.stressSeed)
  }
}
