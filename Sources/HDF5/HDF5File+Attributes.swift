// Attributes: small named values attached to a group or dataset (`/` for the file itself).

import CHDF5

extension HDF5File {
  // MARK: - Reading

  /// Whether the object at `path` has the attribute.
  public func hasAttribute(_ name: String, at path: String = "/") throws -> Bool {
    try reading { file in
      guard try exists(path) else { return false }
      let found = H5Aexists_by_name(file, path, name, bloch_h5p_default())
      try check(found, "\(path)@\(name)", "cannot be looked up")
      return found > 0
    }
  }

  /// Names of the attributes of the object at `path`, sorted.
  public func attributeNames(at path: String = "/") throws -> [String] {
    try reading { file in
      guard try exists(path) else { throw HDF5Error(file: name, path: path, reason: "is missing") }
      let id = H5Oopen(file, path, bloch_h5p_default())
      try check(id, path, "cannot be opened")
      return try withHandle(id, close: H5Oclose) { object in
        var names: [String] = []
        let status = withUnsafeMutablePointer(to: &names) { pointer in
          H5Aiterate2(
            object, H5_INDEX_NAME, H5_ITER_INC, nil,
            { _, name, _, context in
              guard let name else { return -1 }
              context?.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
              return 0
            }, pointer)
        }
        try check(status, path, "its attributes cannot be listed")
        return names
      }
    }
  }

  /// A text attribute, of fixed or variable length.
  public func stringAttribute(_ name: String, at path: String = "/") throws -> String {
    try withAttribute(name, at: path) { try $0.single($0.strings()) }
  }

  public func stringsAttribute(_ name: String, at path: String = "/") throws -> [String] {
    try withAttribute(name, at: path) { try $0.strings() }
  }

  public func doubleAttribute(_ name: String, at path: String = "/") throws -> Double {
    try withAttribute(name, at: path) { try $0.single($0.numbers().values) }
  }

  /// An integer or boolean attribute.
  public func integerAttribute(_ name: String, at path: String = "/") throws -> Int {
    try withAttribute(name, at: path) { try $0.single($0.integers().values) }
  }

  func withAttribute<Result>(
    _ name: String, at path: String, _ body: (HDF5Source) throws -> Result
  ) throws -> Result {
    try reading { file in
      let label = "\(path)@\(name)"
      guard try hasAttribute(name, at: path) else {
        throw HDF5Error(file: self.name, path: label, reason: "is missing")
      }
      let id = H5Aopen_by_name(file, path, name, bloch_h5p_default(), bloch_h5p_default())
      try check(id, label, "cannot be read")
      return try withHandle(id, close: H5Aclose) { attribute in
        try withHandle(H5Aget_type(attribute), close: H5Tclose) { type in
          try withHandle(H5Aget_space(attribute), close: H5Sclose) { space in
            try body(
              HDF5Source(file: self, path: label, type: type, space: space, storage: nil) {
                H5Aread(attribute, $0, $1)
              })
          }
        }
      }
    }
  }

  // MARK: - Writing

  /// Sets a scalar attribute, replacing one of the same name. Text is stored as variable-length UTF-8.
  public func setAttribute(_ name: String, _ value: String, at path: String = "/") throws {
    try writeAttribute(name, at: path, .strings([value]), shape: [])
  }

  public func setAttribute<Element: HDF5Element>(
    _ name: String, _ value: Element, at path: String = "/"
  ) throws {
    try writeAttribute(name, at: path, .numbers([value]), shape: [])
  }

  /// Sets a one-dimensional attribute.
  public func setAttribute(_ name: String, _ values: [String], at path: String = "/") throws {
    try writeAttribute(name, at: path, .strings(values), shape: [values.count])
  }

  public func setAttribute<Element: HDF5Element>(
    _ name: String, _ values: [Element], at path: String = "/"
  ) throws {
    try writeAttribute(name, at: path, .numbers(values), shape: [values.count])
  }

  private func writeAttribute(_ name: String, at path: String, _ content: HDF5Content, shape: [Int]) throws {
    try writing { file in
      let label = "\(path)@\(name)"
      if try hasAttribute(name, at: path) {
        try check(H5Adelete_by_name(file, path, name, bloch_h5p_default()), label, "cannot be replaced")
      }
      try content.withType { type in
        try withHandle(try space(shape, at: label), close: H5Sclose) { space in
          let none = bloch_h5p_default()
          let id = H5Acreate_by_name(file, path, name, type, space, none, none, none)
          try check(id, label, "cannot be created")
          try withWritten(id, close: H5Aclose, label) { attribute in
            try content.withBytes { bytes in
              try check(H5Awrite(attribute, type, bytes), label, "cannot be written")
            }
          }
        }
      }
    }
  }
}
