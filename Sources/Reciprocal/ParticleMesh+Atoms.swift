// Between atoms and mesh: sources are spread, fields and their gradients gathered, with the same windows.
//
// A row of the mesh is walked in pieces of a few vectors that stay in registers while all rows that an atom
// reaches pass by. A load that spans several younger stores waits until all older ones have reached the
// cache, some of which miss it; hence whole vectors where vectors are loaded again.

import Kernels
import Lattice

extension ParticleMesh {
  /// Calls `body` with the atoms of every slab of two planes that reach any of `planes`, in the order of the first axis,
  /// and the last plane that no later atom reaches from below: planes up to it have all their atoms.
  @inline(__always)
  func forEachSlab(reaching planes: Range<Int>, _ body: (_ places: Range<Int>, _ complete: Int) -> Void) {
    let (slabs, count) = (slabs.pointer, (size.x &+ 1) / 2)
    // Atoms reach from the plane of their slab to order - 1 below, some around the period; no slab comes twice.
    let last = planes.upperBound &- 1 &+ order &- 1
    let first = planes.lowerBound / 2
    let end = last < size.x ? last / 2 &+ 1 : count &+ (last &- size.x) / 2 &+ 1
    for n in first..<min(end, first &+ count) {
      let (lap, slab) = (n / count, n % count)
      let plane = lap &* size.x &+ min(2 &* slab &+ 1, size.x &- 1)
      body(Int(slabs[slab])..<Int(slabs[slab &+ 1]), plane &- (order &- 1))
    }
  }

  /// mesh(g) += sum_n M(u_n - g) source_n for the columns of `block` of [N][columns] and the atoms at `places`, in some
  /// planes, the halo included.
  func spread(
    _ source: UnsafePointer<T>, columns: Int, block: MeshBlock, places: Range<Int>, planes: Range<Int>,
    into mesh: UnsafeMutablePointer<T>, scratch: UnsafeMutablePointer<T>
  ) {
    let layout = layout(half: block.half)
    guard block.half > 1 else {
      spreadNarrow(source, columns: columns, block: block, places: places, planes: planes, into: mesh, layout)
      return
    }
    if block.half == Lanes.scalarCount {
      spreadVectors(
        InlineArray<2, Int8>(repeating: 0), source, columns: columns, block: block, places: places,
        planes: planes, into: mesh, layout, scratch: scratch)
    } else {
      spreadVectors(
        InlineArray<1, Int8>(repeating: 0), source, columns: columns, block: block, places: places,
        planes: planes, into: mesh, layout, scratch: scratch)
    }
  }

  /// The same for a block of `parts` vectors a point, which the first argument fixes for the compiler.
  @inline(__always)
  private func spreadVectors<let parts: Int>(
    _: InlineArray<parts, Int8>, _ source: UnsafePointer<T>, columns: Int, block: MeshBlock,
    places: Range<Int>, planes: Range<Int>, into mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout,
    scratch: UnsafeMutablePointer<T>
  ) {
    let (order, lanes) = (order, Lanes.scalarCount)
    let (windows, corners, sequence) = (windowValues.pointer, corners.pointer, sequence.pointer)
    let planePlaces = UnsafePointer(planePlaces.pointer)
    let (first, count) = (block.columns.lowerBound, block.columns.count)
    // The source times the window along the third axis; sources of a batch of atoms, [part][place][lane].
    let (row, sources) = (scratch, scratch + WindowValues.scalarCount * lanes)
    sources.update(repeating: 0, count: parts * Self.batch * lanes)
    for batch in stride(from: places.lowerBound, to: places.upperBound, by: Self.batch) {
      let places = batch..<min(batch + Self.batch, places.upperBound)
      // Sources lie anywhere in memory: nothing else here, so that many of them are on their way at a time.
      for place in places {
        let atom = source + (Int(sequence[place]) &* columns &+ first)
        let target = sources + (place &- batch) &* lanes
        if count == parts &* lanes {
          for part in 0..<parts { store(vector(atom, part), target + part &* Self.batch &* lanes) }
        } else {
          for c in 0..<count { target[c / lanes &* Self.batch &* lanes &+ c % lanes] = atom[c] }
        }
      }
      // One part after the other: what an atom reaches of both does not fit the first cache.
      for part in 0..<parts {
        let mesh = mesh + part * lanes
        for place in places {
          let corner = corners[place]
          let window = windows + 6 &* place
          let wz = scalars(window + 2)
          let value = vector(sources + (part &* Self.batch &+ place &- batch) &* lanes, 0)
          for l in 0..<order { store(value * wz[l], row + l &* lanes) }
          func add<let count: Int>(_ length: InlineArray<count, Int8>) {
            addRows(
              length, InlineArray<parts, Int8>(repeating: 0), row, mesh, layout, planePlaces, corner, window,
              planes)
          }
          switch order {
          case 4: add(InlineArray<4, Int8>(repeating: 0))
          case 5: add(InlineArray<5, Int8>(repeating: 0))
          case 6: add(InlineArray<6, Int8>(repeating: 0))
          case 7: add(InlineArray<7, Int8>(repeating: 0))
          case 8: add(InlineArray<8, Int8>(repeating: 0))
          case 10 where isDouble: add(InlineArray<10, Int8>(repeating: 0))
          case 12 where isDouble: add(InlineArray<12, Int8>(repeating: 0))
          case 14 where isDouble: add(InlineArray<14, Int8>(repeating: 0))
          default: if isDouble { add(InlineArray<16, Int8>(repeating: 0)) }
          }
        }
      }
    }
  }

  /// Known to the compiler, which then leaves out what single precision has no windows for.
  @inline(__always)
  private var isDouble: Bool { T.self == Double.self }

  /// Atoms whose sources are brought together before they are spread.
  private static var batch: Int { 64 }
  /// Numbers of scratch that `spread` needs.
  var spreadScratch: Int { (WindowValues.scalarCount + 2 * Self.batch) * Lanes.scalarCount }

  /// The same for a single complex field, half a window in a vector.
  private func spreadNarrow(
    _ source: UnsafePointer<T>, columns: Int, block: MeshBlock, places: Range<Int>, planes: Range<Int>,
    into mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout
  ) {
    let (windows, corners, sequence) = (windowValues.pointer, corners.pointer, sequence.pointer)
    let planePlaces = UnsafePointer(planePlaces.pointer)
    let (first, hasImaginary) = (block.columns.lowerBound, block.columns.count > 1)
    let isLong = order > WindowValues.scalarCount / 2
    for place in places {
      let corner = corners[place]
      let window = windows + 6 &* place
      let (wx, wy) = (scalars(window), scalars(window + 1))
      let atom = source + (Int(sequence[place]) &* columns &+ first)
      let values = complex(atom[0], hasImaginary ? atom[1] : 0)
      let (near, far) = doubled(window[2])
      let (nearValues, farValues) = (near * values, far * values)
      var x = Int(corner.x)
      for i in 0..<order {
        if planes.contains(x) {
          let plane = mesh + planePlaces[x] &* layout.plane + Int(corner.z) &* layout.point
          var y = Int(corner.y)
          for j in 0..<order {
            let weight = WindowValues(repeating: wx[i] * wy[j])
            let target = plane + y &* layout.row
            store(points(target, 0).addingProduct(weight, nearValues), target)
            if isLong {
              store(points(target, 1).addingProduct(weight, farValues), target + WindowValues.scalarCount)
            }
            y = y &+ 1 == size.y ? 0 : y &+ 1
          }
        }
        x = x &+ 1 == size.x ? 0 : x &+ 1
      }
    }
  }

  /// Adds a part of a row, times its weight, to every row that an atom reaches in some planes. The first
  /// arguments fix the number of points and of vectors of each for the compiler.
  @inline(__always)
  private func addRows<let count: Int, let parts: Int>(
    _: InlineArray<count, Int8>, _: InlineArray<parts, Int8>, _ values: UnsafeMutablePointer<T>,
    _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, _ planePlaces: UnsafePointer<Int>,
    _ corner: SIMD3<Int32>, _ window: UnsafeMutablePointer<WindowValues>, _ planes: Range<Int>
  ) {
    var row = InlineArray<count, Lanes>(repeating: .zero)
    for v in 0..<count { row[v] = vector(values, v) }
    let (wx, wy) = (scalars(window), scalars(window + 1))
    var x = Int(corner.x)
    for i in 0..<order {
      if planes.contains(x) {
        let plane = mesh + planePlaces[x] &* layout.plane + Int(corner.z) &* layout.point
        var y = Int(corner.y)
        for j in 0..<order {
          let weight = Lanes(repeating: wx[i] * wy[j])
          let target = plane + y &* layout.row
          for v in 0..<count {
            store(vector(target, parts &* v).addingProduct(weight, row[v]), target + v &* layout.point)
          }
          y = y &+ 1 == size.y ? 0 : y &+ 1
        }
      }
      x = x &+ 1 == size.x ? 0 : x &+ 1
    }
  }

  /// Of every atom and every column of a block the field's value and its gradient by u,
  ///   [ sum_g M(u_m - g) mesh(g), sum_g grad M(u_m - g) mesh(g) ],
  /// into [N][4][stride].
  func gather(
    _ mesh: UnsafeMutablePointer<T>, half: Int, atomCount: Int, into jets: UnsafeMutablePointer<T>,
    stride: Int
  ) {
    let (windows, corners, sequence) = (windowValues.pointer, corners.pointer, sequence.pointer)
    let planePlaces = UnsafePointer(planePlaces.pointer)
    let layout = layout(half: half)
    parallel(threads: threads, count: atomCount) { thread, places in
      // Of every row the weights wx wy, dwx wy and wx dwy.
      let weights = threadScratch[thread].pointer
      let table = UnsafeMutableRawPointer(weights).assumingMemoryBound(to: WindowValues.self)
      for part in 0..<layout.parts {
        for place in places {
          let corner = corners[place]
          let window = windows + 6 &* place
          for i in 0..<order {
            table[3 &* i] = window[1] * window[0][i]
            table[3 &* i &+ 1] = window[1] * window[3][i]
            table[3 &* i &+ 2] = window[4] * window[0][i]
          }
          let points = mesh + part &* Lanes.scalarCount
          let jet = jets + (4 &* Int(sequence[place]) &* stride + part &* Lanes.scalarCount)
          if half == 1 {
            sumNarrow(points, layout, planePlaces, corner, window, weights, jet, stride)
          } else if half == Lanes.scalarCount {
            sumVectors(
              InlineArray<2, Int8>(repeating: 0), points, layout, planePlaces, corner, window, weights, jet,
              stride)
          } else {
            sumVectors(
              InlineArray<1, Int8>(repeating: 0), points, layout, planePlaces, corner, window, weights, jet,
              stride)
          }
        }
      }
    }
  }

  /// Value and gradient of a part of a block of vectors.
  @inline(__always)
  private func sumVectors<let parts: Int>(
    _ parts: InlineArray<parts, Int8>, _ points: UnsafeMutablePointer<T>, _ layout: MeshLayout,
    _ planePlaces: UnsafePointer<Int>, _ corner: SIMD3<Int32>, _ window: UnsafeMutablePointer<WindowValues>,
    _ weights: UnsafePointer<T>,
    _ jet: UnsafeMutablePointer<T>, _ stride: Int
  ) {
    func sum<let count: Int>(_ length: InlineArray<count, Int8>) {
      self.sum(length, parts, points, layout, planePlaces, corner, window, weights, jet, stride)
    }
    switch order {
    case 4: sum(InlineArray<4, Int8>(repeating: 0))
    case 5: sum(InlineArray<5, Int8>(repeating: 0))
    case 6: sum(InlineArray<6, Int8>(repeating: 0))
    case 7: sum(InlineArray<7, Int8>(repeating: 0))
    case 8: sum(InlineArray<8, Int8>(repeating: 0))
    case 10 where isDouble: sum(InlineArray<10, Int8>(repeating: 0))
    case 12 where isDouble: sum(InlineArray<12, Int8>(repeating: 0))
    case 14 where isDouble: sum(InlineArray<14, Int8>(repeating: 0))
    default: if isDouble { sum(InlineArray<16, Int8>(repeating: 0)) }
    }
  }

  /// Value and gradient where vectors hold the fields of one point, along the third axis first. The first arguments
  /// fix the number of points and of vectors of each for the compiler.
  @inline(__always)
  private func sum<let count: Int, let parts: Int>(
    _: InlineArray<count, Int8>, _: InlineArray<parts, Int8>, _ mesh: UnsafeMutablePointer<T>,
    _ layout: MeshLayout, _ planePlaces: UnsafePointer<Int>, _ corner: SIMD3<Int32>,
    _ window: UnsafeMutablePointer<WindowValues>, _ weights: UnsafePointer<T>, _ jet: UnsafeMutablePointer<T>,
    _ stride: Int
  ) {
    let (wz, dz) = (scalars(window + 2), scalars(window + 5))
    var (z, slope) = (
      InlineArray<count, Lanes>(repeating: .zero), InlineArray<count, Lanes>(repeating: .zero)
    )
    for v in 0..<count { (z[v], slope[v]) = (Lanes(repeating: wz[v]), Lanes(repeating: dz[v])) }
    var (value, gx, gy, gz) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var x = Int(corner.x)
    for i in 0..<count {
      let w = weights + 3 &* WindowValues.scalarCount &* i
      let plane = mesh + planePlaces[x] &* layout.plane + Int(corner.z) &* layout.point
      var y = Int(corner.y)
      for j in 0..<count {
        let row = plane + y &* layout.row
        var (s, t) = (Lanes.zero, Lanes.zero)
        for v in 0..<count {
          let point = vector(row, parts &* v)
          s.addProduct(point, z[v])
          t.addProduct(point, slope[v])
        }
        let weight = Lanes(repeating: w[j])
        value.addProduct(s, weight)
        gx.addProduct(s, Lanes(repeating: w[WindowValues.scalarCount &+ j]))
        gy.addProduct(s, Lanes(repeating: w[2 &* WindowValues.scalarCount &+ j]))
        gz.addProduct(t, weight)
        y = y &+ 1 == size.y ? 0 : y &+ 1
      }
      x = x &+ 1 == size.x ? 0 : x &+ 1
    }
    store(value, jet)
    store(gx, jet + stride)
    store(gy, jet + 2 &* stride)
    store(gz, jet + 3 &* stride)
  }

  /// Value and gradient of both parts of a single complex field, half a window in a vector: along the third axis last.
  @inline(__always)
  private func sumNarrow(
    _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, _ planePlaces: UnsafePointer<Int>,
    _ corner: SIMD3<Int32>, _ window: UnsafeMutablePointer<WindowValues>, _ weights: UnsafePointer<T>,
    _ jet: UnsafeMutablePointer<T>,
    _ stride: Int
  ) {
    typealias Halves = InlineArray<2, WindowValues>
    let zero = Halves(repeating: .zero)
    let count = order > WindowValues.scalarCount / 2 ? 2 : 1
    var (value, gx, gy) = (zero, zero, zero)
    var x = Int(corner.x)
    for i in 0..<order {
      let w = weights + 3 &* WindowValues.scalarCount &* i
      let plane = mesh + planePlaces[x] &* layout.plane + Int(corner.z) &* layout.point
      var y = Int(corner.y)
      for j in 0..<order {
        let wj = WindowValues(repeating: w[j])
        let dxj = WindowValues(repeating: w[WindowValues.scalarCount &+ j])
        let dyj = WindowValues(repeating: w[2 &* WindowValues.scalarCount &+ j])
        for half in 0..<count {
          let row = points(plane + y &* layout.row, half)
          value[half].addProduct(row, wj)
          gx[half].addProduct(row, dxj)
          gy[half].addProduct(row, dyj)
        }
        y = y &+ 1 == size.y ? 0 : y &+ 1
      }
      x = x &+ 1 == size.x ? 0 : x &+ 1
    }
    let (near, far) = doubled(window[2])
    let (nearSlope, farSlope) = doubled(window[5])
    storeSum(value[0] * near + value[1] * far, jet)
    storeSum(gx[0] * near + gx[1] * far, jet + stride)
    storeSum(gy[0] * near + gy[1] * far, jet + 2 &* stride)
    storeSum(value[0] * nearSlope + value[1] * farSlope, jet + 3 &* stride)
  }

  /// Of a row of a single field the first or the second half of the points that an atom can reach, real and imaginary
  /// parts.
  @inline(__always)
  private func points(_ pointer: UnsafeMutablePointer<T>, _ half: Int) -> WindowValues {
    UnsafeRawPointer(pointer + half &* WindowValues.scalarCount).loadUnaligned(as: WindowValues.self)
  }

  /// re, im, re, im, ...
  @inline(__always)
  private func complex(_ re: T, _ im: T) -> WindowValues {
    var values = WindowValues.zero
    for i in stride(from: 0, to: WindowValues.scalarCount, by: 2) { (values[i], values[i &+ 1]) = (re, im) }
    return values
  }

  /// Every value twice, for real and imaginary parts.
  @inline(__always)
  private func doubled(_ window: WindowValues) -> (near: WindowValues, far: WindowValues) {
    var (near, far) = (WindowValues.zero, WindowValues.zero)
    let count = WindowValues.scalarCount / 2
    for i in 0..<count {
      (near[2 &* i], near[2 &* i &+ 1]) = (window[i], window[i])
      (far[2 &* i], far[2 &* i &+ 1]) = (window[count &+ i], window[count &+ i])
    }
    return (near, far)
  }

  /// The sums of real and of imaginary parts, to neighbouring places.
  @inline(__always)
  private func storeSum(_ values: WindowValues, _ target: UnsafeMutablePointer<T>) {
    for part in 0..<2 {
      var (even, odd) = (T.zero, T.zero)
      for i in stride(from: part, to: WindowValues.scalarCount, by: 4) {
        even += values[i]
        odd += values[i &+ 2]
      }
      target[part] = even + odd
    }
  }

  @inline(__always)
  private func vector(_ pointer: UnsafePointer<T>, _ index: Int) -> Lanes {
    UnsafeRawPointer(pointer + index &* Lanes.scalarCount).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  private func store<V: BitwiseCopyable>(_ value: V, _ pointer: UnsafeMutablePointer<T>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: V.self)
  }

  @inline(__always)
  private func scalars(_ window: UnsafeMutablePointer<WindowValues>) -> UnsafePointer<T> {
    UnsafeRawPointer(window).assumingMemoryBound(to: T.self)
  }
}
