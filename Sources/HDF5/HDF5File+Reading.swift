// Reading whole datasets, numbers and strings. Numbers are row-major; HDF5 converts between stored and
// wanted type, but a floating-point value is never read as an integer.

import CHDF5

extension HDF5File {
  /// A dataset's numbers in row-major order and its shape (empty for a scalar).
  public func readDoubles(_ path: String) throws -> (values: [Double], shape: [Int]) {
    try withDataset(path) { try $0.numbers() }
  }

  /// A dataset's integers or booleans in row-major order and its shape.
  public func readIntegers(_ path: String) throws -> (values: [Int], shape: [Int]) {
    try withDataset(path) { try $0.integers() }
  }

  /// A scalar string dataset, of fixed or variable length.
  public func readString(_ path: String) throws -> String {
    try withDataset(path) { try $0.single($0.strings()) }
  }

  /// For each element of a dataset the name that its enumeration has for it, in row-major order; nil of other types.
  public func readEnumeration(_ path: String) throws -> [String]? {
    try withDataset(path) { $0.isEnumeration ? try $0.names() : nil }
  }

  /// What a dataset holds: integers or booleans, floating-point numbers, or text.
  public enum Content { case integers, floatingPoint, text }

  /// - Throws: `HDF5Error` for a dataset that holds anything else.
  public func content(of path: String) throws -> Content {
    try withDataset(path) { try $0.content() }
  }

  /// The shape of a dataset without reading it.
  public func shape(of path: String) throws -> [Int] {
    try withDataset(path) { source in
      _ = try source.count()
      return try source.shape()
    }
  }

  /// The shape that a data space states.
  func shape(ofSpace space: hid_t, at path: String) throws -> [Int] {
    let rank = H5Sget_simple_extent_ndims(space)
    try check(rank, path, "the shape cannot be read")
    var sizes = [hsize_t](repeating: 0, count: max(1, Int(rank)))
    try check(H5Sget_simple_extent_dims(space, &sizes, nil), path, "the shape cannot be read")
    return try sizes.prefix(Int(rank)).map { size in
      guard let size = Int(exactly: size) else {
        throw HDF5Error(file: name, path: path, reason: "claims \(size) rows: the file is corrupt")
      }
      return size
    }
  }

  /// Opens the dataset `path`, which must exist.
  func openDataset(_ path: String, in file: hid_t) throws -> hid_t {
    guard try exists(path) else { throw HDF5Error(file: name, path: path, reason: "is missing") }
    let id = H5Dopen2(file, path, bloch_h5p_default())
    try check(id, path, "is not a readable dataset")
    return id
  }

  func withDataset<Result>(_ path: String, _ body: (HDF5Source) throws -> Result) throws -> Result {
    try reading { file in
      try withHandle(openDataset(path, in: file), close: H5Dclose) { dataset in
        try withHandle(H5Dget_type(dataset), close: H5Tclose) { type in
          try withHandle(H5Dget_space(dataset), close: H5Sclose) { space in
            try body(
              HDF5Source(
                file: self, path: path, type: type, space: space,
                storage: HDF5Storage(of: dataset, at: path, in: self)
              ) { memoryType, buffer in
                let all = bloch_h5s_all()
                return H5Dread(dataset, memoryType, all, all, bloch_h5p_default(), buffer)
              })
          }
        }
      }
    }
  }
}

/// What a dataset and an attribute have in common for a reader.
struct HDF5Source {
  let file: HDF5File
  let path: String
  let type: hid_t
  let space: hid_t
  /// Nil for an attribute, which lies within its object's header.
  let storage: HDF5Storage?
  /// Reads everything into a buffer of the given memory type.
  let read: (hid_t, UnsafeMutableRawPointer) -> herr_t

  func shape() throws -> [Int] { try file.shape(ofSpace: space, at: path) }

  /// Number of elements, all of which are in the file.
  func count() throws -> Int {
    guard H5Sget_simple_extent_type(space) != H5S_NULL else { return 0 }
    let shape = try shape()
    try storage?.checkWhole(shape)
    guard let bytes = HDF5Storage.product(shape, times: H5Tget_size(type)),
      storage != nil || bytes <= file.size
    else { throw failure("claims shape \(shape), more than its file can hold: the file is corrupt") }
    return shape.reduce(1, *)
  }

  func numbers() throws -> (values: [Double], shape: [Int]) {
    switch HDF5Number(type) {
    case .floating, .integer, .unsigned64: return try (values(Double.storedType.identifier), shape())
    case .boolean, nil: throw failure("holds \(HDF5Number.name(of: type)), not numbers")
    }
  }

  func integers() throws -> (values: [Int], shape: [Int]) {
    switch HDF5Number(type) {
    case .integer: return try (values(Int.storedType.identifier), shape())
    case .unsigned64: return try (values(bloch_h5t_native_uint64()).map(signed), shape())
    case .boolean:
      let bytes: [UInt8] = try values(type)
      return try (bytes.map { $0 == 0 ? 0 : 1 }, shape())
    case .floating, nil: throw failure("holds \(HDF5Number.name(of: type)), not integers")
    }
  }

  /// HDF5 would turn a number beyond the range into the largest within it.
  private func signed(_ value: UInt64) throws -> Int {
    guard let value = Int(exactly: value) else {
      throw failure("holds \(value), beyond the range of integers")
    }
    return value
  }

  private func values<Element: BitwiseCopyable & Numeric>(_ memoryType: hid_t) throws -> [Element] {
    let count = try count()
    guard count > 0 else { return [] }
    var values = [Element](repeating: .zero, count: count)
    try values.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      try file.check(read(memoryType, start), path, "cannot be read: the file is truncated or corrupt")
    }
    return values
  }

  func content() throws -> HDF5File.Content {
    switch HDF5Number(type) {
    case .integer, .unsigned64, .boolean: return .integers
    case .floating: return .floatingPoint
    case nil:
      guard isText else { throw failure("holds \(HDF5Number.name(of: type))") }
      return .text
    }
  }

  var isText: Bool { H5Tget_class(type) == H5T_STRING }

  func strings() throws -> [String] {
    guard isText else {
      throw failure("holds \(HDF5Number.name(of: type)), not text")
    }
    return H5Tis_variable_str(type) > 0 ? try variableStrings() : try fixedStrings()
  }

  var isEnumeration: Bool { H5Tget_class(type) == H5T_ENUM }

  /// More names have no enumerations of elements.
  private static let mostNames = 1000

  /// Names of the elements' values in the dataset's own enumeration.
  func names() throws -> [String] {
    let members = H5Tget_nmembers(type)
    let size = H5Tget_size(type)
    guard (1...HDF5Source.mostNames).contains(Int(members)), (1...8).contains(size) else {
      throw failure("is an enumeration of \(members) names in \(size) bytes")
    }
    var names: [[UInt8]: String] = [:]
    for index in 0..<UInt32(members) {
      var value = [UInt8](repeating: 0, count: size)
      try file.check(H5Tget_member_value(type, index, &value), path, "its enumeration cannot be read")
      guard let name = H5Tget_member_name(type, index) else {
        throw failure("its enumeration cannot be read")
      }
      names[value] = String(cString: name)
      H5free_memory(name)
    }
    let count = try count()
    guard count > 0 else { return [] }
    // The dataset's own type: bytes come as they are in the file.
    var bytes = [UInt8](repeating: 0, count: count * size)
    try file.check(read(type, &bytes), path, "cannot be read: the file is truncated or corrupt")
    return try stride(from: 0, to: bytes.count, by: size).map { start in
      guard let name = names[Array(bytes[start..<start + size])] else {
        throw failure("holds a value that its enumeration does not name")
      }
      return name
    }
  }

  private func variableStrings() throws -> [String] {
    let count = try count()
    guard count > 0 else { return [] }
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    return try withHandle(H5Tcopy(type), close: H5Tclose) { memoryType in
      try file.check(read(memoryType, &pointers), path, "cannot be read: the file is truncated or corrupt")
      defer { H5Dvlen_reclaim(memoryType, space, bloch_h5p_default(), &pointers) }
      return pointers.map { pointer in pointer.map { String(cString: $0) } ?? "" }
    }
  }

  private func fixedStrings() throws -> [String] {
    let size = H5Tget_size(type)
    let count = try count()
    guard count > 0, size > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count * size)
    try file.check(read(type, &bytes), path, "cannot be read: the file is truncated or corrupt")
    let padding: UInt8 = H5Tget_strpad(type) == H5T_STR_SPACEPAD ? UInt8(ascii: " ") : 0
    return stride(from: 0, to: bytes.count, by: size).map { start in
      var text = bytes[start..<start + size].prefix { $0 != 0 }
      while text.last == padding { text.removeLast() }
      return String(decoding: text, as: UTF8.self)
    }
  }

  /// The only element of `values`.
  func single<Element>(_ values: [Element]) throws -> Element {
    guard let first = values.first, values.count == 1 else {
      throw failure("holds \(values.count) values where one is expected")
    }
    return first
  }

  private func failure(_ reason: String) -> HDF5Error {
    HDF5Error(file: file.name, path: path, reason: reason)
  }
}
