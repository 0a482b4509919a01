// An operation of a space group on fractional coordinates, as CIF writes it: `-x+1/2, y, z-1/4` or `x-y, x, z+1/3`.
//
//   f' = W f + w

import Lattice

struct SymmetryOperation: Hashable {
  /// W, by rows.
  let rotation: [[Double]]
  let translation: [Double]

  static let identity = SymmetryOperation(
    rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], translation: [0, 0, 0])

  private init(rotation: [[Double]], translation: [Double]) {
    (self.rotation, self.translation) = (rotation, translation)
  }

  /// - Throws: `StructureError` for what is no operation.
  init(_ token: CIFToken) throws {
    let parts = token.text.lowercased().filter { !$0.isWhitespace }.split(
      separator: ",", omittingEmptySubsequences: false)
    var rotation: [[Double]] = []
    var translation: [Double] = []
    for part in parts {
      guard let (row, shift) = Self.read(part) else { break }
      rotation.append(row)
      translation.append(shift)
    }
    guard parts.count == 3, rotation.count == 3 else {
      throw token.error("`\(token.text)` is no symmetry operation", help: "write one such as -x+1/2,y,z")
    }
    self.init(rotation: rotation, translation: translation)
  }

  func apply(_ f: Vector3) -> Vector3 {
    var image = Vector3.zero
    for i in 0..<3 {
      image[i] = rotation[i][0] * f.x + rotation[i][1] * f.y + rotation[i][2] * f.z + translation[i]
    }
    return image
  }

  /// The coefficients of x, y and z in one component, and its constant.
  private static func read(_ text: Substring) -> (row: [Double], shift: Double)? {
    var rest = text
    var row = [0.0, 0, 0]
    var shift = 0.0
    while !rest.isEmpty {
      guard
        let term = rest.prefixMatch(of: /([+-]?)(?:([0-9]+\.?[0-9]*|\.[0-9]+)(?:\/([0-9]+))?)?\*?([xyz]?)/),
        !term.output.0.isEmpty, term.output.2 != nil || !term.output.4.isEmpty,
        rest.startIndex == text.startIndex || !term.output.1.isEmpty
      else { return nil }
      let denominator = term.output.3.flatMap { Double($0) } ?? 1
      guard denominator != 0 else { return nil }
      let value =
        (term.output.1 == "-" ? -1 : 1) * (term.output.2.flatMap { Double($0) } ?? 1) / denominator
      if let axis = ["x", "y", "z"].firstIndex(of: term.output.4) {
        row[axis] += value
      } else {
        shift += value
      }
      rest = rest[term.range.upperBound...]
    }
    return (row, shift)
  }
}
