// What a checkpoint must hold beside a right seal: a seal tells that nothing was changed since, not that it was sound.

import Lattice

extension Checkpoint {
  /// Beyond this, numbers of steps, frames and bytes are not exact as Double, and sums of them could overflow.
  private static let largestCount: Int64 = 1 << 53

  /// What no run could go on from, in words; nil if there is nothing.
  var flaw: String? {
    guard (0...Checkpoint.largestCount).contains(step) else { return "its step is \(step)" }
    let parts: [(name: String, flaw: String?)] = [
      ("/atomic_numbers", Plausibility.flaw(ofSpecies: atomicNumbers)),
      ("/masses", Plausibility.flaw(ofMasses: masses)),
      ("/positions", Plausibility.flaw(ofVectors: positions)),
      ("/velocities", Plausibility.flaw(ofVectors: velocities)),
      ("/plan/positions", Plausibility.flaw(ofVectors: plan.positions)),
    ]
    for part in parts {
      if let flaw = part.flaw { return "\(part.name): \(flaw)" }
    }
    for (name, values) in arrays.sorted(by: { $0.key < $1.key }) where !values.allSatisfy(\.isFinite) {
      return "/arrays/\(name) holds a number that is not finite"
    }
    for (name, mark) in outputs.sorted(by: { $0.key < $1.key }) {
      guard (0...Checkpoint.largestCount).contains(mark.count) else {
        return "/outputs/\(name) is \(mark.count)"
      }
    }
    return nil
  }
}
