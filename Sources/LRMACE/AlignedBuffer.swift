// Memory of the kernels: 64-byte aligned, zeroed, grown only when a system or its neighbour count grows.

/// Owned, aligned, zero-initialised storage of trivial values.
import Kernels

final class AlignedBuffer<Element> {
  private(set) var pointer: UnsafeMutablePointer<Element>
  private(set) var capacity: Int

  init(_ capacity: Int = 0, zero: Element) {
    self.capacity = capacity
    self.zero = zero
    pointer = Self.allocate(capacity, zero)
  }

  convenience init(_ capacity: Int = 0) where Element: BinaryFloatingPoint {
    self.init(capacity, zero: 0)
  }

  deinit { pointer.deallocate() }

  private let zero: Element

  /// Makes room for `count` elements; contents are kept only when no growth was needed.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    pointer.deallocate()
    capacity = count
    pointer = Self.allocate(count, zero)
  }

  func clear(_ count: Int) { pointer.update(repeating: zero, count: count) }

  private static func allocate(_ count: Int, _ zero: Element) -> UnsafeMutablePointer<Element> {
    let bytes = max(64, count * MemoryLayout<Element>.stride)
    let raw = UnsafeMutableRawPointer.allocate(byteCount: (bytes + 63) / 64 * 64, alignment: 64)
    let pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    pointer.initialize(repeating: zero, count: count)
    return pointer
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
