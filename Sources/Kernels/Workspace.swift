// Memory that a kernel keeps between steps, so that a step allocates nothing once sizes have settled.

#if canImport(Glibc)
  import Glibc
#endif

/// Memory, 64-byte aligned, that grows and never shrinks; uninitialised unless filled.
public final class Workspace<Element: BitwiseCopyable> {
  public private(set) var pointer: UnsafeMutablePointer<Element>
  public private(set) var capacity: Int

  public var bytes: Double { Double(capacity) * Double(MemoryLayout<Element>.stride) }

  public init(capacity: Int = 0) {
    self.capacity = capacity
    pointer = Self.allocate(capacity)
  }

  /// `count` copies of `value`.
  public convenience init(repeating value: Element, count: Int) {
    self.init(capacity: count)
    fill(value, count: count)
  }

  /// Constants: unlike an array, reading them counts no references, which threads would have to pass to and fro.
  public convenience init(_ elements: [Element]) {
    self.init(capacity: elements.count)
    pointer.update(from: elements, count: elements.count)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// Makes room for `count` elements; what was stored is lost if the memory had to grow.
  @discardableResult
  public func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
    if count > capacity {
      UnsafeMutableRawPointer(pointer).deallocate()
      capacity = count
      pointer = Self.allocate(count)
    }
    return pointer
  }

  /// Sets the first `count` elements.
  public func fill(_ value: Element, count: Int) {
    pointer.initialize(repeating: value, count: count)
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let hugePage = 2 << 20
    let isLarge = bytes >= 2 * hugePage
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: isLarge ? hugePage : 64)
    #if os(Linux)
      // Kernels walk across large arrays; with pages of 4 KiB they would wait for address translation.
      if isLarge { madvise(raw, bytes, MADV_HUGEPAGE) }
    #endif
    return raw.bindMemory(to: Element.self, capacity: max(count, 1))
  }
}
