// Fractional coordinates and wrapping: r = f A, r = wrapped + n A with n the image flags.

extension Cell {
  /// f = r A^-1, without wrapping.
  @inlinable
  public func fractional(_ position: Vector3) -> Vector3 { position * inverse }

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

  /// The image of `position` whose fractional coordinates are within half a cell of `f` along every periodic axis. A
  /// position that is not finite or 2^31 cells away stays where it is.
  public func image(of position: Vector3, nearest f: Vector3) -> Vector3 {
    let limit = 0x1p31
    var n = (fractional(position) - f).rounded(.toNearestOrEven)
    n.replace(with: 0, where: .!(periodicAxes .& (n .< limit) .& (n .> -limit)))
    return position - n * vectors
  }

  /// The shortest of the vectors d + n A. Right for cells whose angles are between 60 and 120 degrees; in a more oblique one
  /// for what is shorter than half the least height.
  public func nearestImage(_ d: Vector3) -> Vector3 {
    guard hasPeriodicAxis else { return d }
    var n = fractional(d).rounded(.toNearestOrEven)
    n.replace(with: 0, where: .!periodicAxes)
    let start = d - n * vectors
    var best = start
    for i in -1...1 where isPeriodic[0] || i == 0 {
      for j in -1...1 where isPeriodic[1] || j == 0 {
        for k in -1...1 where isPeriodic[2] || k == 0 {
          let image = start + Vector3(Double(i), Double(j), Double(k)) * vectors
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
