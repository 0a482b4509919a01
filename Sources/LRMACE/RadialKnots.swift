// Where radial splines have their knots: at whole numbers of
//   s(r) = 2 n r / (r + rc),   r(s) = rc s / (2 n - s),   n intervals,
// which lie four times as dense at r = 0 as at the cut-off rc. Functions of a network bend most where atoms hardly ever are:
// of as many knots at equal distances half would be there for them alone.

struct RadialKnots {
  let intervals: Int
  /// Angstrom.
  let cutoff: Double

  /// Angstrom.
  func distance(_ s: Double) -> Double { cutoff * s / (2 * Double(intervals) - s) }

  var distances: [Double] { (0...intervals).map { distance(Double($0)) } }

  /// Halfway from knot to knot, of s.
  var middles: [Double] { (0..<intervals).map { distance(Double($0) + 0.5) } }

  /// The knot at or below a distance.
  func knot(below r: Double) -> Int { Int(2 * Double(intervals) * r / (r + cutoff)) }

  /// Derivatives by r at the first and the last knot become those by s.
  func derivatives(_ jets: RadialNetwork.Jets) -> RadialNetwork.Jets {
    var result = jets
    let n = Double(intervals)
    for (end, s) in [0, n].enumerated() {
      let slope = 2 * n * cutoff / ((2 * n - s) * (2 * n - s))
      let curvature = 2 * slope / (2 * n - s)
      for f in 0..<jets.functions {
        let (first, second) = (jets[end, 1, f], jets[end, 2, f])
        result[end, 1, f] = slope * first
        result[end, 2, f] = slope * slope * second + curvature * first
      }
    }
    return result
  }
}
