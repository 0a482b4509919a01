// Conserved sources of a layer as a step reads them: radial functions as splines, and of the first layer, whose features
// depend on the element alone, what follows from these:
//   R_d(r) (a_nd b_jd - a_jd b_nd) = R_d(r) exchange[element of n][element of j]_d
// zero between atoms of one element.

import Kernels
import LRMACEModel

struct CompiledSources: Sendable {
  /// What is applied as it is.
  let sources: Model.ConservedSources
  /// R, [D functions].
  let transfer: RadialSpline
  /// P, where differences of potential are used.
  let difference: RadialSpline?
  /// Of the first layer.
  let elements: Elements?

  struct Elements: Sendable {
    /// [element of the receiver] -> [element of the giver, D].
    let exchange: [Matrix]
    /// silu(hn W_q), [element, D]; nil where the layer adds to no feature.
    let query: Matrix?
    /// Y, [element]; nil without dispersion.
    let dispersion: [Double]?
  }

  /// - Parameter embedding: features of the elements, for the first layer.
  init(_ sources: Model.ConservedSources, embedding: Matrix?, of model: Model, splineTolerance: Double) {
    func spline(_ matrix: Matrix) -> RadialSpline {
      RadialSpline(
        of: RadialNetwork([matrix], basis: model.radialBasis(of: nil)),
        tolerance: splineTolerance)
    }
    self.sources = sources
    transfer = spline(sources.transferRadial)
    difference = sources.difference.map { spline($0) }
    elements = embedding.map { Elements(sources, embedding: $0) }
  }
}

extension CompiledSources.Elements {
  fileprivate init(_ sources: Model.ConservedSources, embedding: Matrix) {
    let (elements, width) = (embedding.rows, sources.constants.columns)
    let projection = SourceProjection<Double>(
      sources, width: width, channels: embedding.columns, paddedChannels: embedding.columns)
    projection.reserve(elements)
    embedding.values.withUnsafeBufferPointer { rows in
      if let base = rows.baseAddress { projection.forward(base, 0..<elements) }
    }
    let (a, b, q) = (projection.a.pointer, projection.b.pointer, projection.q.pointer)
    exchange = (0..<elements).map { z in
      var matrix = Matrix(rows: elements, columns: width)
      for other in 0..<elements where other != z {
        for d in 0..<width {
          matrix[other, d] = a[z * width + d] * b[other * width + d] - a[other * width + d] * b[z * width + d]
        }
      }
      return matrix
    }
    query = sources.query.map { _ in
      Matrix(
        rows: elements, columns: width, values: Array(UnsafeBufferPointer(start: q, count: elements * width)))
    }
    dispersion = sources.dispersion.map { dispersion in
      let projection = ScalarProjection<Double>(
        [dispersion.features], normalised: 1, width: 1, channels: embedding.columns,
        paddedChannels: embedding.columns)
      projection.reserve(elements)
      embedding.values.withUnsafeBufferPointer { rows in
        if let base = rows.baseAddress { projection.forward(base, 0..<elements) }
      }
      return (0..<elements).map { dispersion.constants[$0] + projection.row($0).pointee }
    }
  }
}

extension Model.ConservedSources {
  /// W_q, where the layer has one.
  var query: Matrix? {
    switch use {
    case .attention(let query, _), .difference(let query, _, _): query
    case .energy: nil
    }
  }

  /// W_p, where the layer has one.
  var difference: Matrix? {
    if case .difference(_, _, let radial) = use { radial } else { nil }
  }
}
