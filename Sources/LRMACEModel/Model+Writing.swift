// A model to its file, in the layout of versions 2 to 5 (Tools/README.md): what is read back is the same model with the same hash.

import HDF5

extension Model {
  /// Writes the model to `path`, in the place of a file that is there. The file's hash is that of what it holds, whatever
  /// `hash` says; the same model gives the same bytes.
  ///
  /// - Throws: `ModelError` for a model that would not be read back, `HDF5Error` where the file cannot be written. What was
  ///   at `path` is untouched then, and nothing is left beside it.
  public func write(to path: String) throws {
    try validate()
    let contents = contents
    for (key, value) in contents {
      guard case .text(let text) = value, text.contains("\0") else { continue }
      throw ModelError(file: "model \(name)", reason: "\(key) holds a zero character, which a file cannot")
    }
    let file = try HDF5File(inMemory: "model in memory")
    try file.write(contents, hash: Self.hash(of: contents))
    try file.save(to: path)
    try file.close()
  }
}

extension HDF5File {
  /// Writes the values of a model, numbers as 64-bit floating-point and 32-bit integers.
  fileprivate func write(_ contents: [String: ModelValue], hash: String) throws {
    let sorted = contents.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    // Datasets make the groups that attributes need.
    for (path, value) in sorted where !path.contains("@") {
      switch value {
      case .text(let text): try write(text, to: path)
      case .integers(let values, let shape):
        try write(values.map { Int32(truncatingIfNeeded: $0) }, shape: shape, to: path)
      case .numbers(let values, let shape): try write(values, shape: shape, to: path)
      }
    }
    for (key, value) in sorted {
      guard let separator = key.lastIndex(of: "@") else { continue }
      let (group, name) = (key[..<separator], String(key[key.index(after: separator)...]))
      let path = group.isEmpty ? "/" : String(group)
      switch value {
      case .text(let text): try setAttribute(name, text, at: path)
      case .integers(let values, _):
        try setAttribute(name, Int32(truncatingIfNeeded: values[0]), at: path)
      case .numbers(let values, _): try setAttribute(name, values[0], at: path)
      }
    }
    try setAttribute("sha256", hash)
  }
}
