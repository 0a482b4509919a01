// A tree of values as groups and datasets of an HDF5 file: integers in 64 bits, numbers in 64, vectors as [n, 3], text.

import HDF5
import Lattice

extension StateTree {
  /// Writes the tree below the group `path`, which ends with a slash.
  func write(to file: HDF5File, at path: String = "/") throws {
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      let place = path + name
      switch value {
      case .integers(let values): try file.write(values, to: place)
      case .numbers(let values): try file.write(values, to: place)
      case .vectors(let vectors):
        try file.write(components(of: vectors), shape: [vectors.count, 3], to: place)
      case .text(let text): try file.write(text, to: place)
      case .group(let tree):
        try file.createGroup(place)
        try tree.write(to: file, at: place + "/")
      }
    }
  }

  /// x, y and z of each, one after the other; of hundreds of thousands without an array for each.
  private func components(of vectors: [Vector3]) -> [Double] {
    var components = [Double](repeating: 0, count: 3 * vectors.count)
    for (n, v) in vectors.enumerated() {
      for axis in 0..<3 { components[3 * n + axis] = v[axis] }
    }
    return components
  }

  /// More values, or groups within groups, are in no checkpoint; hard links can make a tree without an end.
  private static let (mostValues, deepest) = (1000, 8)

  /// Reads all that is in `file`.
  /// - Throws: `HDF5Error`, `StateError`.
  init(reading file: HDF5File) throws {
    var budget = Self.mostValues
    self = try StateTree.group("/", of: file, depth: 0, &budget)
  }

  private static func group(_ path: String, of file: HDF5File, depth: Int, _ budget: inout Int) throws
    -> StateTree
  {
    var tree = StateTree()
    for name in try file.children(of: path) {
      let place = path + name
      budget -= 1
      guard budget >= 0, depth < deepest else {
        throw HDF5Error(file: file.name, path: place, reason: "is one value too many")
      }
      tree.values[name] =
        try file.isGroup(place)
        ? .group(group(place + "/", of: file, depth: depth + 1, &budget)) : value(place, of: file)
    }
    return tree
  }

  private static func value(_ path: String, of file: HDF5File) throws -> Value {
    switch try file.content(of: path) {
    case .text: return .text(try file.readString(path))
    case .integers: return .integers(try file.readIntegers(path).values.map(Int64.init))
    case .floatingPoint:
      let (values, shape) = try file.readDoubles(path)
      if shape.count == 1 { return .numbers(values) }
      guard shape.count == 2, shape[1] == 3 else {
        throw HDF5Error(file: file.name, path: path, reason: "holds neither numbers nor vectors")
      }
      return .vectors(
        stride(from: 0, to: values.count, by: 3).map {
          Vector3(values[$0], values[$0 + 1], values[$0 + 2])
        })
    }
  }
}
