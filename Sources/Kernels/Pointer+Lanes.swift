// Lanes of channels at any place in memory; on current processors unaligned accesses cost nothing inside a cache line.

extension KernelScalar {
  /// `count` rounded up to whole lanes.
  @inlinable @inline(__always)
  public static func wholeLanes(_ count: Int) -> Int {
    (count + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
  }
}

extension UnsafePointer where Pointee: KernelScalar {
  /// The vector whose first lane is `self[index]`.
  @inlinable @inline(__always)
  public func vector<V: LaneVector>(_ index: Int) -> V where V.Scalar == Pointee {
    UnsafeRawPointer(self + index).loadUnaligned(as: V.self)
  }

  @inlinable @inline(__always)
  public func lanes(_ index: Int) -> Pointee.Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Pointee.Lanes.self)
  }
}

extension UnsafeMutablePointer where Pointee: KernelScalar {
  @inlinable @inline(__always)
  public func vector<V: LaneVector>(_ index: Int) -> V where V.Scalar == Pointee {
    UnsafeRawPointer(self + index).loadUnaligned(as: V.self)
  }
  @inlinable @inline(__always)
  public func setVector<V: LaneVector>(_ index: Int, _ value: V) where V.Scalar == Pointee {
    UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: V.self)
  }

  @inlinable @inline(__always)
  public func lanes(_ index: Int) -> Pointee.Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Pointee.Lanes.self)
  }
  @inlinable @inline(__always)
  public func setLanes(_ index: Int, _ value: Pointee.Lanes) {
    UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: Pointee.Lanes.self)
  }

  // Loops over rows, lane by lane: the compiler cannot tell that rows do not overlap and would look first every time.

  /// self[n] = x[n] factor; x may be self.
  @inlinable @inline(__always)
  public func setProduct(_ x: UnsafePointer<Pointee>, _ factor: Pointee, count: Int) {
    let whole = count / Pointee.Lanes.scalarCount * Pointee.Lanes.scalarCount
    for n in stride(from: 0, to: whole, by: Pointee.Lanes.scalarCount) { setLanes(n, x.lanes(n) * factor) }
    for n in whole..<count { self[n] = x[n] * factor }
  }

  /// self[n] = x[n] y[n]; either may be self.
  @inlinable @inline(__always)
  public func setProduct(_ x: UnsafePointer<Pointee>, _ y: UnsafePointer<Pointee>, count: Int) {
    let whole = count / Pointee.Lanes.scalarCount * Pointee.Lanes.scalarCount
    for n in stride(from: 0, to: whole, by: Pointee.Lanes.scalarCount) {
      setLanes(n, x.lanes(n) * y.lanes(n))
    }
    for n in whole..<count { self[n] = x[n] * y[n] }
  }

  /// self[n] += x[n] factor.
  @inlinable @inline(__always)
  public func addProduct(_ x: UnsafePointer<Pointee>, _ factor: Pointee, count: Int) {
    let whole = count / Pointee.Lanes.scalarCount * Pointee.Lanes.scalarCount
    for n in stride(from: 0, to: whole, by: Pointee.Lanes.scalarCount) {
      setLanes(n, lanes(n).addingProduct(x.lanes(n), Pointee.Lanes(repeating: factor)))
    }
    for n in whole..<count { self[n] += x[n] * factor }
  }
}

extension UnsafeMutablePointer where Pointee: LaneVector {
  /// The numbers of the vectors from the `index`th on.
  @inlinable @inline(__always)
  public func numbers(_ index: Int) -> UnsafeMutablePointer<Pointee.Scalar> {
    UnsafeMutableRawPointer(self + index).assumingMemoryBound(to: Pointee.Scalar.self)
  }
}
