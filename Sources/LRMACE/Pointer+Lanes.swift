// Lanes of channels at any place in memory; on current processors unaligned accesses cost nothing inside a cache line.

import Kernels

extension KernelScalar {
  /// `count` rounded up to whole lanes.
  static func wholeLanes(_ count: Int) -> Int {
    (count + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
  }
}

extension UnsafePointer where Pointee: KernelScalar {
  @inline(__always)
  func lanes(_ index: Int) -> Pointee.Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Pointee.Lanes.self)
  }
}

extension UnsafeMutablePointer where Pointee: KernelScalar {
  @inline(__always)
  func lanes(_ index: Int) -> Pointee.Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Pointee.Lanes.self)
  }
  @inline(__always)
  func setLanes(_ index: Int, _ value: Pointee.Lanes) {
    UnsafeMutableRawPointer(self + index).storeBytes(of: value, as: Pointee.Lanes.self)
  }
}
