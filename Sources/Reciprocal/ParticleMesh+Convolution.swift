// Sources on the mesh, convolved with a kernel's influence function D, in place: F^-1 D F spread.
//
//   planes    spread; where no more sources come, fold the halo, transform along the third axis, then along the second
//   pencils   transform along the first axis, multiply by D, transform back: one visit to memory
//   planes    back along the second axis and the third, renew the halo
//
// Ranks that share the planes bring pencils together and hand them back (`PencilExchange`).
//
// A pencil is as many complex numbers side by side as a vector has lanes, be they of one point or of several. What holds
// no wavevector is left out, and so are planes and rows that no atom reaches. With the
// spectra P, Q of dY and X, dE/dD(n) = sum over columns of Re(conj(P_c) Q_c); a complex field made of two
// real ones gives their sum together with terms that are odd in n and drop out of dE/dw.

import Kernels

/// What happens to the spectrum between the transforms, besides the multiplication by D.
enum SpectrumUse<T> {
  /// None: nobody asks for dE/dD.
  case none
  /// Keeps it.
  case store(UnsafeMutablePointer<T>)
  /// Adds its overlap with a stored one to dE/dD.
  case overlap(UnsafeMutablePointer<T>)
}

extension ParticleMesh {
  /// Pencils of a row without its halo.
  private func pencils(_ half: Int) -> Int { (size.z * half + Lanes.scalarCount - 1) / Lanes.scalarCount }

  /// Numbers that `SpectrumUse` stores.
  func spectrumCount(half: Int) -> Int { size.x * rows * pencils(half) * MeshTransforms<T>.pencil }

  /// The real part of field `f` at an element of the influence function, [rows][M1][depth], among those numbers; the imaginary
  /// part follows.
  func spectrumIndex(_ element: Int, field f: Int, half: Int) -> Int {
    let (y, x, z) = (element / (size.x * depth), element / depth % size.x, element % depth)
    let number = z * half + f
    let (pencil, lane) = (number / Lanes.scalarCount, number % Lanes.scalarCount)
    return ((y * pencils(half) + pencil) * size.x + x) * MeshTransforms<T>.pencil + 2 * lane
  }

  /// A part of the planes that atoms reach, with those before them that none does.
  private func planes(_ part: Range<Int>) -> Range<Int> {
    let (reached, count) = (reachedPlanes, reachedPlanes.count)
    return
      (part.lowerBound == 0 ? 0 : reached[part.lowerBound])..<(part.upperBound == count
      ? size.x : reached[part.upperBound])
  }

  /// F^-1 D F spread for the columns of `block` of `source`, [N][columns]; the halo is filled, too.
  func convolve(
    _ source: UnsafePointer<T>, columns: Int, block: MeshBlock, into mesh: UnsafeMutablePointer<T>,
    kernel j: Int, spectrum: SpectrumUse<T>
  ) {
    let half = block.half
    let (size, layout, transforms) = (size, layout(half: half), transforms(half: half))
    let (pencils, width) = (pencils(half), MeshTransforms<T>.pencil)
    parallel(threads: threads, count: reachedPlanes.count) { thread, part in
      let planes = planes(part)
      let scratch = threadScratch[thread].pointer
      let memory = exchange == nil ? planes : part
      (mesh + memory.lowerBound * layout.plane).update(repeating: 0, count: memory.count * layout.plane)
      var next = planes.lowerBound
      forEachSlab(reaching: planes) { places, complete in
        spread(
          source, columns: columns, block: block, places: places, planes: planes, into: mesh, scratch: scratch
        )
        // Planes are transformed while they lie in the cache.
        let end = max(next, min(complete + 1, planes.upperBound))
        transformPlanes(next..<end, mesh, layout, half: half, transforms)
        next = end
      }
      transformPlanes(next..<planes.upperBound, mesh, layout, half: half, transforms)
    }
    convolvePencils(mesh, layout, half: half, transforms, kernel: j, spectrum: spectrum)
    parallel(threads: threads, count: reachedPlanes.count) { _, part in
      for x in reachedPlanes[part] {
        let plane = mesh + planePlaces.pointer[x] * layout.plane
        for p in 0..<pencils {
          let column = plane + p * width
          if isHeld(y: size.y, pencil: p, half: half) {
            transforms.columnsBack.run(column, to: column)
          } else {
            clear(column, count: size.y, stride: layout.row)
          }
        }
        transformRows(plane, transforms.rowsBack, layout)
        for y in 0..<size.y where reachedRows.pointer[y] {
          let row = plane + y * layout.row
          // Once around, and on where a row is shorter than its halo.
          let length = size.z * layout.point
          (row + length).update(from: row, count: min(layout.halo * layout.point, length))
          if layout.halo > size.z {
            (row + 2 * length).update(from: row, count: layout.halo * layout.point - length)
          }
        }
      }
    }
  }

  /// Folds the halo of whole planes and transforms them along the third and the second axis.
  private func transformPlanes(
    _ planes: Range<Int>, _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, half: Int,
    _ transforms: MeshTransforms<T>
  ) {
    let (pencils, width) = (pencils(half), MeshTransforms<T>.pencil)
    for x in reachedPlanes where planes.contains(x) {
      let plane = mesh + planePlaces.pointer[x] * layout.plane
      for y in 0..<size.y where reachedRows.pointer[y] {
        let row = plane + y * layout.row
        for i in 0..<order * layout.point { row[i] += row[size.z * layout.point + i] }
      }
      transformRows(plane, transforms.rows, layout)
      for p in 0..<pencils where isHeld(y: size.y, pencil: p, half: half) {
        let column = plane + p * width
        transforms.columns.run(column, to: column)
      }
    }
  }

  /// All rows of a plane; those of single fields go together.
  @inline(__always)
  private func transformRows(
    _ plane: UnsafeMutablePointer<T>, _ transform: FourierTransform<T>, _ layout: MeshLayout
  ) {
    for y in 0..<(layout.point > 2 ? size.y : 1) where layout.point == 2 || reachedRows.pointer[y] {
      let row = plane + y * layout.row
      transform.run(row, to: row)
    }
  }

  /// All pencils along the first axis, there and back.
  private func convolvePencils(
    _ mesh: UnsafeMutablePointer<T>, _ layout: MeshLayout, half: Int, _ transforms: MeshTransforms<T>,
    kernel j: Int, spectrum: SpectrumUse<T>
  ) {
    let (pencils, width) = (pencils(half), MeshTransforms<T>.pencil)
    if let exchange {
      exchange.transform(
        mesh, layout, half: half, length: size.x, threads: threads, scratch: threadScratch
      ) { pencil, y, p in
        guard let row = exchange.rowPlaces[y] else { return }
        transforms.pencils.run(pencil, to: pencil)
        multiply(pencil, kernel: j, row: row, pencil: p, half: half, spectrum: spectrum)
        transforms.pencilsBack.run(pencil, to: pencil)
      }
      return
    }
    parallel(threads: threads, count: size.y * pencils) { thread, range in
      let scratch = threadScratch[thread].pointer
      for index in range {
        let (y, p) = (index / pencils, index % pencils)
        let points = mesh + (y * layout.row + p * width)
        guard isHeld(y: y, pencil: p, half: half) else {
          // Columns without any wavevector are cleared with their planes.
          if isHeld(y: size.y, pencil: p, half: half) { clear(points, count: size.x, stride: layout.plane) }
          continue
        }
        transforms.pencils.run(points, to: scratch)
        multiply(scratch, kernel: j, row: y, pencil: p, half: half, spectrum: spectrum)
        transforms.pencilsBack.run(scratch, to: points)
      }
    }
  }

  /// Those that hold any wavevector, as (y, p).
  func heldPencils(half: Int) -> [SIMD2<Int>] {
    (0..<size.y).flatMap { y in
      (0..<pencils(half)).filter { isHeld(y: y, pencil: $0, half: half) }.map { SIMD2(y, $0) }
    }
  }

  /// Whether any point of a pencil of row `y` holds a wavevector; of any row for y = M2.
  @inline(__always)
  private func isHeld(y: Int, pencil p: Int, half: Int) -> Bool {
    let points = Lanes.scalarCount / half
    for z in p * points..<min((p + 1) * points, depth) where isHeld.pointer[y * depth + z] { return true }
    return false
  }

  @inline(__always)
  private func clear(_ pencil: UnsafeMutablePointer<T>, count: Int, stride: Int) {
    for i in 0..<count { (pencil + i * stride).update(repeating: 0, count: MeshTransforms<T>.pencil) }
  }

  /// D times a transformed pencil along the first axis, the p-th of a row of this rank.
  @inline(__always)
  private func multiply(
    _ numbers: UnsafeMutablePointer<T>, kernel j: Int, row: Int, pencil p: Int, half: Int,
    spectrum: SpectrumUse<T>
  ) {
    let lanes = Lanes.scalarCount
    let pencil = UnsafeMutableRawPointer(numbers).assumingMemoryBound(to: Lanes.self)
    // Numbers of the stored spectrum before it.
    let first = (row * pencils(half) + p) * size.x * MeshTransforms<T>.pencil
    let element = (j * rows + row) * size.x * depth + p * lanes / half
    let influence = influence.pointer + element
    switch spectrum {
    case .none: break
    case .store(let memory):
      (memory + first).update(from: numbers, count: 2 * size.x * lanes)
    case .overlap(let memory):
      let gradient = influenceGradient.pointer + element
      let stored = UnsafeMutableRawPointer(memory + first).assumingMemoryBound(to: Lanes.self)
      for x in 0..<size.x {
        let near = pencil[2 &* x] * stored[2 &* x]
        let far = pencil[2 &* x &+ 1] * stored[2 &* x &+ 1]
        let sums = gradient + x &* depth
        if half == lanes {
          sums[0] += Double(T.sum(near + far))
        } else if half > 1 {
          sums[0] += Double(T.sum(near))
          sums[1] += Double(T.sum(far))
        } else {
          for i in 0..<lanes / 2 {
            sums[i] += Double(near[2 &* i] + near[2 &* i &+ 1])
            sums[lanes / 2 &+ i] += Double(far[2 &* i] + far[2 &* i &+ 1])
          }
        }
      }
    }
    for x in 0..<size.x {
      let factors = influence + x &* depth
      // Lanes of one point share its wavevector.
      var (near, far) = (Lanes(repeating: factors[0]), Lanes(repeating: factors[half == lanes ? 0 : 1]))
      if half == 1 {
        for i in 0..<lanes {
          near[i] = factors[i / 2]
          far[i] = factors[lanes / 2 &+ i / 2]
        }
      }
      pencil[2 &* x] *= near
      pencil[2 &* x &+ 1] *= far
    }
  }
}
