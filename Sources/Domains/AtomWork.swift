// What each atom costs, so that bricks may have as much to do as each other: 25 + n, n neighbours within R, where 1 is what a neighbour
// costs. With `Models/water.h5` an atom of liquid water, of 63 neighbours, takes 13 us, one of half the density 8, one of a gas 4
// (EPYC, Zen 5, one core, without the long range). A function of positions, unlike measured times, of which no two are the same.
//
//   n = 4/3 pi R^3 atoms of the bins around / their volume             bins at least as thick as R, at most 32 along an axis

import Lattice

enum AtomWork {
  private static let ofAtom = 25.0
  private static let mostBins = 32.0

  /// Of each atom, in whole numbers.
  ///
  /// - Parameters:
  ///   - places: 0 ..< 1 of the atoms along each axis, from the lowest to the highest along open ones.
  ///   - lengths: of the same along each axis, perpendicular to the other two, Angstrom.
  ///   - volume: of the same, Angstrom^3.
  static func work(
    _ places: [Vector3], lengths: Vector3, volume: Double, isPeriodic: [Bool], reach: Double
  ) -> [Int] {
    var size = SIMD3(1, 1, 1)
    for axis in 0..<3 where lengths[axis] > reach { size[axis] = Int(min(lengths[axis] / reach, mostBins)) }
    func bin(_ place: Vector3) -> SIMD3<Int> {
      var bin = SIMD3<Int>.zero
      for axis in 0..<3 {
        let share = place[axis] * Double(size[axis])
        bin[axis] = share >= 0 ? Int(min(share, Double(size[axis] - 1))) : 0
      }
      return bin
    }
    let strides = SIMD3(size.y * size.z, size.z, 1)
    func index(_ bin: SIMD3<Int>) -> Int { (bin &* strides).wrappedSum() }
    let bins = places.map { index(bin($0)) }
    var sums = Array(repeating: 0, count: size.x * size.y * size.z)
    for b in bins { sums[b] += 1 }
    // Of a bin and those next to it, axis by axis.
    var around = 1.0
    for axis in 0..<3 {
      let (count, stride) = (size[axis], strides[axis])
      around *= Double(min(count, 3))
      guard count > 1 else { continue }
      let before = sums
      for n in sums.indices {
        let place = n / stride % count
        for step in [-1, 1] where step == 1 || count > 2 || !isPeriodic[axis] {
          var next = place + step
          if next < 0 || next >= count {
            guard isPeriodic[axis] else { continue }
            next -= step * count
          }
          sums[n] += before[n + (next - place) * stride]
        }
      }
    }
    let sphere = 4 * Double.pi / 3 * reach * reach * reach
    // Atoms in a plane or on a line have no volume of their own.
    let binVolume = max(volume / Double(sums.count), sphere / 27)
    return bins.map { Int((ofAtom + sphere * Double(sums[$0]) / (around * binVolume)).rounded()) }
  }
}
