// The transforms of a mesh's fields along each of its axes, planned for the layout of one kind of block (`MeshLayout`).
//
// Along the second and the first axis they take `lanes` complex numbers that lie side by side, a pencil, be they of one
// point or of several. One-dimensional transforms of what lies in the cache are what FFTW does best: its three-
// dimensional plans of interleaved fields take three to four times as long.

import Kernels

final class MeshTransforms<T: KernelScalar> {
  /// Of a row, or of all rows of a plane for single fields; in place.
  let rows: FourierTransform<T>
  let rowsBack: FourierTransform<T>
  /// Of a pencil of a plane, in place.
  let columns: FourierTransform<T>
  let columnsBack: FourierTransform<T>
  /// Of a pencil across planes into contiguous memory, and back; in place where planes are shared, and pencils brought together.
  let pencils: FourierTransform<T>
  let pencilsBack: FourierTransform<T>

  /// Numbers of a pencil.
  static var pencil: Int { 2 * T.Lanes.scalarCount }

  /// - Parameters:
  ///   - mesh, scratch: memory to plan on, of a block's fields and of a pencil.
  private init(
    size: SIMD3<Int>, layout: MeshLayout, isShared: Bool, mesh: UnsafeMutablePointer<T>,
    scratch: UnsafeMutablePointer<T>,
    _ plan: (
      FourierShape, FourierDirection, UnsafeMutablePointer<T>, UnsafeMutablePointer<T>
    ) -> FourierTransform<T>
  ) {
    let lanes = T.Lanes.scalarCount
    let (half, row, plane) = (layout.point / 2, layout.row / 2, layout.plane / 2)
    let alongRow =
      half > 1
      ? FourierShape(length: size.z, strides: (half, half), count: half, distances: (1, 1))
      : FourierShape(length: size.z, strides: (1, 1), count: size.y, distances: (row, row))
    let along = FourierShape(length: size.y, strides: (row, row), count: lanes, distances: (1, 1))
    let apart = isShared ? lanes : plane
    let across = FourierShape(length: size.x, strides: (apart, lanes), count: lanes, distances: (1, 1))
    let back = FourierShape(length: size.x, strides: (lanes, apart), count: lanes, distances: (1, 1))
    rows = plan(alongRow, .forward, mesh, mesh)
    rowsBack = plan(alongRow, .inverse, mesh, mesh)
    columns = plan(along, .forward, mesh, mesh)
    columnsBack = plan(along, .inverse, mesh, mesh)
    let outside = isShared ? scratch : mesh
    pencils = plan(across, .forward, outside, scratch)
    pencilsBack = plan(back, .inverse, scratch, outside)
  }

  /// Those of the layouts that are needed, and their wisdom.
  static func make(
    size: SIMD3<Int>, layouts: [MeshLayout], isShared: Bool, wisdom: String?, mesh: UnsafeMutablePointer<T>,
    scratch: UnsafeMutablePointer<T>
  ) -> (transforms: [MeshTransforms<T>], wisdom: String) {
    let kinds = layouts.map { "\($0.point / 2)" }.joined(separator: "+")
    let sharing = isShared ? "-shared" : ""
    let name = "\(T.self)-\(size.x)x\(size.y)x\(size.z)-\(kinds)\(sharing)".lowercased()
    return FourierPlanner.plan(T.self, name: name, wisdom: wisdom) { plan in
      layouts.map {
        MeshTransforms(size: size, layout: $0, isShared: isShared, mesh: mesh, scratch: scratch, plan)
      }
    }
  }
}
