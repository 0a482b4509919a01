// Fractional coordinates, wrapping and minimum images: r = f A, r = wrapped + n A with n the image flags.

extension Cell {
  /// f = r A^-1, without wrapping.
  @inlinable
  public func fractional(_ position: Vector3) -> Vector3 { position * inverse }

  /// r = f A in Angstrom.
  @inlinable
  public func cartesian(_ fractional: Vector3) -> Vector3 { fractional * vectors }

  /// The distance between opposite faces along each axis, V / |a_j x a_k| = 1 / |column i of A^-1|, in
  /// Angstrom.
  ///
  /// A sphere of radius R fits between the faces if R is at most half of it: heights, not lengths of the
  /// lattice vectors, decide how many images a cut-off reaches.
  public var heights: Vector3 {
    let columns = inverse.transposed
    return Vector3(1 / length(columns.x), 1 / length(columns.y), 1 / length(columns.z))
  }

  /// The image of `position` inside the cell, and the image flags n that lead back: position = wrapped + n A.
  ///
  /// Fractional coordinates along periodic axes end in [0, 1] (1 only by rounding); non-periodic axes keep
  /// n = 0. A position that is not finite or 2^31 cells away stays where it is: no flag can hold it.
  public func wrap(_ position: Vector3) -> (position: Vector3, image: SIMD3<Int32>) {
    let limit = 0x1p31
    var n = fractional(position).rounded(.down)
    n.replace(with: 0, where: .!(periodicAxes .& (n .< limit) .& (n .> -limit)))
    return (position - n * vectors, SIMD3<Int32>(Int32(n.x), Int32(n.y), Int32(n.z)))
  }

  /// The shortest of d + n A over all n along periodic axes, for any skew of the cell.
  ///
  /// Rounding the fractional coordinates is enough if the result is no longer than half the smallest height;
  /// otherwise a shorter image satisfies |f_i + n_i| h_i < |d|, which bounds the search.
  public func minimumImage(_ displacement: Vector3) -> Vector3 {
    guard hasPeriodicAxis else { return displacement }
    var nearest = fractional(displacement).rounded(.toNearestOrEven)
    nearest.replace(with: 0, where: .!periodicAxes)
    let rounded = displacement - nearest * vectors
    let heights = heights
    let radius = length(rounded)
    guard radius > 0.5 * heights.replacing(with: .infinity, where: .!periodicAxes).min() else {
      return rounded
    }

    let f = fractional(rounded)
    let reach = Vector3(repeating: radius) / heights
    var first = (-f - reach).rounded(.up)
    var last = (-f + reach).rounded(.down)
    first.replace(with: 0, where: .!periodicAxes)
    last.replace(with: 0, where: .!periodicAxes)
    var best = rounded
    for i in stride(from: first.x, through: last.x, by: 1) {
      for j in stride(from: first.y, through: last.y, by: 1) {
        for k in stride(from: first.z, through: last.z, by: 1) {
          let image = rounded + Vector3(i, j, k) * vectors
          if dot(image, image) < dot(best, best) { best = image }
        }
      }
    }
    return best
  }

  /// True along periodic axes.
  var periodicAxes: SIMDMask<SIMD3<Int64>> {
    var mask = SIMDMask<SIMD3<Int64>>(repeating: false)
    for axis in 0..<3 { mask[axis] = isPeriodic[axis] }
    return mask
  }
}
