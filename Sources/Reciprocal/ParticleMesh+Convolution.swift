// Sources on the mesh, convolved with a kernel's influence function D, in place: F^-1 D F spread.
//
//   planes    spread; where no more sources come, fold the halo, transform along the third axis, then along the second
//   pencils   transform along the first axis, multiply by D, transform back: one visit to memory
//   planes    back along the second axis and the third, renew the halo
//
// Along the first and second axis a vector holds neighbouring numbers of a row, be they of one point or of
// several; along the third it holds the fields of a point. What holds no wavevector is left out. With the
// spectra P, Q of dY and X, dE/dD(n) = sum over columns of Re(conj(P_c) Q_c); a complex field made of two
// real ones gives their sum together with terms that are odd in n and drop out of dE/dw.

import Kernels

/// What happens to the spectrum between the transforms, besides the multiplication by D.
enum SpectrumUse<T> {
  /// Keeps it.
  case store(UnsafeMutablePointer<T>)
  /// Adds its overlap with a stored one to dE/dD.
  case overlap(UnsafeMutablePointer<T>)
}

extension ParticleMesh {
  /// Vectors of a part of a row without its halo.
  private func rowVectors(_ half: Int) -> Int { (size.z * half + Lanes.scalarCount - 1) / Lanes.scalarCount }

  /// Numbers that `SpectrumUse` stores.
  func spectrumCount(half: Int) -> Int { size.x * size.y * rowVectors(half) * 2 * Lanes.scalarCount }

  /// F^-1 D F spread for the columns of `block` of `source`, [N][columns]; the halo is filled, too.
  func convolve(
    _ source: UnsafePointer<T>, columns: Int, block: MeshBlock, into mesh: UnsafeMutablePointer<T>,
    kernel j: Int, spectrum: SpectrumUse<T>
  ) {
    let half = block.half
    let (size, layout) = (size, layout(half: half))
    let vectors = rowVectors(half)
    let (alongX, alongY, alongZ) = (transforms[0], transforms[1], transforms[2])
    parallel(threads: threads, count: size.x) { thread, planes in
      let scratch = threadScratch[thread].pointer
      (mesh + planes.lowerBound * layout.plane).update(repeating: 0, count: planes.count * layout.plane)
      var next = planes.lowerBound
      forEachSlab(reaching: planes) { places, complete in
        spread(
          source, columns: columns, block: block, places: places, planes: planes, into: mesh, scratch: scratch
        )
        // Planes are transformed while they lie in the cache.
        let end = max(next, min(complete + 1, planes.upperBound))
        transformPlanes(next..<end, mesh, layout, half: half, scratch)
        next = end
      }
      transformPlanes(next..<planes.upperBound, mesh, layout, half: half, scratch)
    }
    parallel(threads: threads, count: size.y * vectors) { thread, pencils in
      for index in pencils {
        let (y, v) = (index / vectors, index % vectors)
        let points = mesh + (y * layout.row + v * Lanes.scalarCount)
        guard isHeld(y: y, vector: v, half: half) else {
          // Columns without any wavevector are cleared with their planes.
          if isHeld(y: size.y, vector: v, half: half) {
            clear(points, count: size.x, stride: layout.plane, layout)
          }
          continue
        }
        convolvePencil(
          points, alongX, layout, kernel: j, y: y, z: v * Lanes.scalarCount / half, spectrum: spectrum,
          first: index * size.x, scratch: threadScratch[thread].pointer)
      }
    }
    parallel(threads: threads, count: size.x) { thread, planes in
      let scratch = threadScratch[thread].pointer
      for x in planes {
        let plane = mesh + x * layout.plane
        for v in 0..<vectors {
          let column = plane + v * Lanes.scalarCount
          if isHeld(y: size.y, vector: v, half: half) {
            transformColumn(column, alongY, .inverse, layout, scratch)
          } else {
            clear(column, count: size.y, stride: layout.row, layout)
          }
        }
        transformRows(plane, alongZ, .inverse, layout, scratch)
        for y in 0..<size.y {
          for part in 0..<2 {
            let row = plane + (y * layout.row + part * layout.part)
            for i in 0..<MeshLayout.halo * half { row[size.z * half + i] = row[i] }
          }
        }
      }
    }
  }

  /// Folds the halo of whole planes and transforms them along the third and the second axis.
  private func transformPlanes(
    _ planes: Range<Int>, _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, half: Int,
    _ scratch: UnsafeMutablePointer<T>
  ) {
    let vectors = rowVectors(half)
    for x in planes {
      let plane = mesh + x * layout.plane
      for y in 0..<size.y {
        for part in 0..<2 {
          let row = plane + (y * layout.row + part * layout.part)
          for i in 0..<MeshLayout.halo * half { row[i] += row[size.z * half + i] }
        }
      }
      transformRows(plane, transforms[2], .forward, layout, scratch)
      for v in 0..<vectors where isHeld(y: size.y, vector: v, half: half) {
        transformColumn(plane + v * Lanes.scalarCount, transforms[1], .forward, layout, scratch)
      }
    }
  }

  /// Whether any point of a vector of row `y` holds a wavevector; of any row for y = M2.
  @inline(__always)
  private func isHeld(y: Int, vector v: Int, half: Int) -> Bool {
    let points = Lanes.scalarCount / half
    for z in v * points..<min((v + 1) * points, depth) where isHeld.pointer[y * depth + z] { return true }
    return false
  }

  @inline(__always)
  private func clear(_ points: UnsafeMutablePointer<T>, count: Int, stride: Int, _ layout: MeshLayout) {
    for i in 0..<count {
      for part in 0..<2 {
        UnsafeMutableRawPointer(points + (i * stride + part * layout.part)).storeBytes(
          of: Lanes.zero, as: Lanes.self)
      }
    }
  }

  /// All rows of a plane, along the third axis. Rows of a single field go together, one in each lane.
  @inline(__always)
  private func transformRows(
    _ plane: UnsafeMutablePointer<T>, _ transform: FourierTransform<T>,
    _ direction: FourierTransform<T>.Direction, _ layout: MeshLayout, _ scratch: UnsafeMutablePointer<T>
  ) {
    let lanes = Lanes.scalarCount
    guard layout.point == 1 else {
      for y in 0..<size.y {
        let row = plane + y * layout.row
        transform.run(
          direction, as: Lanes.self, from: row, imaginary: layout.part, stride: layout.point, to: row,
          imaginary: layout.part, stride: layout.point, scratch: scratch)
      }
      return
    }
    let tiles = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Lanes.self)
    for first in stride(from: 0, to: size.y, by: lanes) {
      let count = min(lanes, size.y - first)
      let rows = plane + first * layout.row
      for part in 0..<2 {
        for z in stride(from: 0, to: depth, by: lanes) {
          let tile = tiles + (part * depth + z)
          for r in 0..<lanes {
            let points = rows + (min(r, count - 1) * layout.row + part * layout.part + z)
            tile[r] = UnsafeRawPointer(points).loadUnaligned(as: Lanes.self)
          }
          T.transpose(tile)
        }
      }
      transform.run(
        direction, as: Lanes.self, from: scratch, imaginary: depth * lanes, stride: lanes, to: scratch,
        imaginary: depth * lanes, stride: lanes, scratch: scratch + 2 * depth * lanes)
      for part in 0..<2 {
        for z in stride(from: 0, to: depth, by: lanes) {
          let tile = tiles + (part * depth + z)
          T.transpose(tile)
          for r in 0..<count {
            let points = rows + (r * layout.row + part * layout.part + z)
            UnsafeMutableRawPointer(points).storeBytes(of: tile[r], as: Lanes.self)
          }
        }
      }
    }
  }

  /// One vector along the second axis.
  @inline(__always)
  private func transformColumn(
    _ column: UnsafeMutablePointer<T>, _ transform: FourierTransform<T>,
    _ direction: FourierTransform<T>.Direction, _ layout: MeshLayout, _ scratch: UnsafeMutablePointer<T>
  ) {
    transform.run(
      direction, as: Lanes.self, from: column, imaginary: layout.part, stride: layout.row, to: column,
      imaginary: layout.part, stride: layout.row, scratch: scratch)
  }

  /// One vector along the first axis, there and back. The vector begins at point `z` of the third axis;
  /// `first` counts the complex vectors of the stored spectrum before this pencil.
  @inline(__always)
  private func convolvePencil(
    _ points: UnsafeMutablePointer<T>, _ transform: FourierTransform<T>, _ layout: MeshLayout, kernel j: Int,
    y: Int, z: Int, spectrum: SpectrumUse<T>, first: Int, scratch: UnsafeMutablePointer<T>
  ) {
    let lanes = Lanes.scalarCount
    let pencil = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Lanes.self)
    let inner = scratch + 2 * size.x * lanes
    transform.run(
      .forward, as: Lanes.self, from: points, imaginary: layout.part, stride: layout.plane, to: scratch,
      imaginary: lanes, stride: 2 * lanes, scratch: inner)
    let element = (j * size.y + y) * size.x * depth + z
    let (influence, gradient) = (influence.pointer + element, influenceGradient.pointer + element)
    // Lanes of one point share its wavevector.
    let lanesPerPoint = layout.point
    switch spectrum {
    case .store(let memory):
      (memory + 2 * first * lanes).update(from: scratch, count: 2 * size.x * lanes)
    case .overlap(let memory):
      let stored = UnsafeMutableRawPointer(memory + 2 * first * lanes).assumingMemoryBound(to: Lanes.self)
      for x in 0..<size.x {
        let product = (pencil[2 * x] * stored[2 * x]).addingProduct(pencil[2 * x + 1], stored[2 * x + 1])
        if lanesPerPoint == lanes {
          gradient[x * depth] += Double(T.sum(product))
        } else {
          for lane in 0..<lanes { gradient[x * depth + lane / lanesPerPoint] += Double(product[lane]) }
        }
      }
    }
    for x in 0..<size.x {
      var factor = Lanes(repeating: influence[x * depth])
      if lanesPerPoint < lanes {
        for lane in 0..<lanes { factor[lane] = influence[x * depth + lane / lanesPerPoint] }
      }
      pencil[2 * x] *= factor
      pencil[2 * x + 1] *= factor
    }
    transform.run(
      .inverse, as: Lanes.self, from: scratch, imaginary: lanes, stride: 2 * lanes, to: points,
      imaginary: layout.part, stride: layout.plane, scratch: inner)
  }
}
