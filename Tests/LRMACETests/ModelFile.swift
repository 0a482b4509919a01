// Model files that a test makes, sound or not.

import Foundation
import HDF5
import Testing

@testable import LRMACE
@testable import LRMACEModel

/// A folder of its own for a test's files, removed with the object.
final class ModelFolder {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("bloch-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A file of these values, with the checksum that belongs to them unless another is given.
  ///
  /// - Parameter replacing: values by their keys in a file of this version.
  func write(
    _ contents: [String: ModelValue], version: Int = 2, replacing: [String: ModelValue] = [:],
    checksum: String? = nil, name: String = "model.h5"
  ) throws -> String {
    let path = url.appendingPathComponent(name).path
    try? FileManager.default.removeItem(atPath: path)
    let file = try HDF5File(creating: path)
    let values = (version == 1 ? contents.inVersion1 : contents).merging(replacing) { $1 }
    // Datasets make the groups that attributes need.
    for (key, value) in values.sorted(by: { !$0.key.contains("@") && $1.key.contains("@") }) {
      try file.write(value, key: key)
    }
    let sound = version == 1 ? Model.checksumOfVersion1(contents) : Model.hash(of: contents)
    try file.setAttribute("sha256", checksum ?? sound)
    try file.close()
    return path
  }
}

extension [String: ModelValue] {
  /// The settings of the attention in every layer that attends.
  fileprivate var inVersion1: Self {
    var values = filter { !$0.key.hasPrefix("rsa") }
    values["@version"] = .integer(1)
    for layer in keys where layer.hasSuffix("/rsa/filter") {
      for (key, value) in self where key.hasPrefix("rsa") {
        values[String(layer.dropLast("rsa/filter".count)) + key] = value
      }
    }
    return values
  }
}

extension HDF5File {
  fileprivate func write(_ value: ModelValue, key: String) throws {
    let parts = key.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      switch value {
      case .text(let text): try write(text, to: key)
      case .integers(let values, let shape): try write(values, shape: shape, to: key)
      case .numbers(let values, let shape): try write(values, shape: shape, to: key)
      }
      return
    }
    let (group, name) = (parts[0].isEmpty ? "/" : parts[0], parts[1])
    if try !exists(group) && group != "/" { try createGroup(group) }
    switch value {
    case .text(let text): try setAttribute(name, text, at: group)
    case .integers(let values, let shape):
      try shape.isEmpty ? setAttribute(name, values[0], at: group) : setAttribute(name, values, at: group)
    case .numbers(let values, let shape):
      try shape.isEmpty ? setAttribute(name, values[0], at: group) : setAttribute(name, values, at: group)
    }
  }
}
