// A dataset that grows along its first axis: one row per frame of a trajectory.

import CHDF5

/// A chunked dataset of rows, each of the same shape, that can be lengthened and shortened.
///
/// Several datasets that must stay of one length are written in two passes, `extend` for all and then
/// `write` for all: a process killed in between leaves fill values (zeros), not ragged datasets.
public final class HDF5Rows {
  public let path: String
  /// Shape of one row; empty for a number per row.
  public let rowShape: [Int]
  /// Number of rows.
  public private(set) var count: Int
  /// Rows of one chunk, the unit in which HDF5 reads and writes.
  public var chunkRows: Int { storage.chunk[0] }
  /// Whether `readIntegers` can read it.
  public var holdsIntegers: Bool { number != .floating }
  /// Whether its bytes pass through compressors or checksums.
  var isFiltered: Bool { storage.isFiltered }
  private let file: HDF5File
  private let dataset: hid_t
  private let storage: HDF5Storage
  private let number: HDF5Number

  /// Creates the dataset `path` without rows.
  ///
  /// - Parameters:
  ///   - chunkRows: rows per chunk, the unit in which HDF5 reads and writes.
  ///   - type: how the numbers are stored.
  public convenience init(
    creating path: String, rowShape: [Int], chunkRows: Int, as type: HDF5StoredType, in file: HDF5File
  ) throws {
    // A chunk of no elements is not allowed.
    let chunk = [chunkRows] + rowShape.map { max($0, 1) }
    let dataset = try file.createDataset(path, type: type.identifier, shape: [0] + rowShape, chunk: chunk)
    try self.init(dataset, at: path, in: file)
  }

  /// Opens an existing dataset to read it or to change it further.
  ///
  /// - Throws: `HDF5Error` unless it is a table of numbers in chunks of rows.
  public convenience init(opening path: String, in file: HDF5File) throws {
    try self.init(file.reading { try file.openDataset(path, in: $0) }, at: path, in: file)
  }

  /// Opens a table of numbers to read it, in chunks of rows or in one piece, as other programs write it.
  ///
  /// - Throws: `HDF5Error`.
  public convenience init(readingAnyLayout path: String, in file: HDF5File) throws {
    try self.init(
      file.reading { try file.openDataset(path, in: $0) }, at: path, in: file, isChunked: false)
  }

  /// Takes over the handle of an open dataset.
  /// - Parameter isChunked: whether it must be stored in chunks, without which it can neither grow nor have lost rows.
  private init(_ dataset: hid_t, at path: String, in file: HDF5File, isChunked: Bool = true) throws {
    func failure(_ reason: String) -> HDF5Error { HDF5Error(file: file.name, path: path, reason: reason) }
    do {
      (storage, number, rowShape, count) = try file.reading { _ in
        let storage = try HDF5Storage(of: dataset, at: path, in: file)
        let number = try withHandle(H5Dget_type(dataset), close: H5Tclose) { type in
          guard let number = HDF5Number(type), number != .boolean else {
            throw failure("holds \(HDF5Number.name(of: type)), not numbers")
          }
          return number
        }
        let shape = try withHandle(H5Dget_space(dataset), close: H5Sclose) {
          try file.shape(ofSpace: $0, at: path)
        }
        guard let count = shape.first else { throw failure("is a scalar, not a table of rows") }
        guard storage.chunk.count == shape.count || (storage.chunk.isEmpty && !isChunked) else {
          throw failure("is not stored in chunks of rows")
        }
        let rowShape = Array(shape.dropFirst())
        guard HDF5Storage.product(rowShape, times: MemoryLayout<Double>.stride) != nil else {
          throw failure("claims rows of shape \(rowShape), more than its file can hold: the file is corrupt")
        }
        return (storage, number, rowShape, count)
      }
    } catch {
      _ = try? file.reading { _ in H5Dclose(dataset) }
      throw error
    }
    self.file = file
    self.path = path
    self.dataset = dataset
  }

  /// Lengthens to `newCount` rows, filled with zeros.
  public func extend(toCount newCount: Int) throws {
    precondition(newCount >= count)
    try resize(to: newCount)
  }

  /// Drops the rows beyond `newCount`; shorter datasets stay as they are.
  public func truncate(toCount newCount: Int) throws {
    if newCount < count { try resize(to: newCount) }
  }

  /// Overwrites the rows from `row` on, which exist already.
  public func write<Element: HDF5Element>(_ values: [Element], atRow row: Int) throws {
    let width = rowShape.reduce(1, *)
    let rows = width == 0 ? 0 : values.count / width
    precondition(rows * width == values.count && row + rows <= count, "values must fill existing rows")
    guard rows > 0 else { return }
    try file.writing { _ in
      try withRows(row, rows) { memorySpace, fileSpace in
        try HDF5Content.numbers(values).withBytes { bytes in
          let type = Element.storedType.identifier
          try file.check(
            H5Dwrite(dataset, type, memorySpace, fileSpace, bloch_h5p_default(), bytes), path,
            "cannot be written")
        }
      }
    }
  }

  /// Rows that have a place in the file: all of them, unless a process was killed while it added some.
  public func storedCount() throws -> Int { try file.reading { _ in try storage.storedRows(of: shape) } }

  /// Whether every row has its place in the file.
  public func isWhole() throws -> Bool { try storedCount() == count }

  /// The numbers of one row.
  ///
  /// - Throws: `HDF5Error`, also for a row that was never written.
  public func readDoubles(row: Int) throws -> [Double] { try readDoubles(rows: row..<row + 1) }

  /// The numbers of several rows, one row after the other.
  public func readDoubles(rows: Range<Int>) throws -> [Double] { try read(rows, bloch_h5t_native_double()) }

  /// The integers of one row.
  ///
  /// - Throws: `HDF5Error`, also for floating-point numbers and for integers beyond the range of `Int`.
  public func readIntegers(row: Int) throws -> [Int] { try readIntegers(rows: row..<row + 1) }

  /// The integers of several rows, one row after the other.
  public func readIntegers(rows: Range<Int>) throws -> [Int] {
    func failure(_ reason: String) -> HDF5Error { HDF5Error(file: file.name, path: path, reason: reason) }
    switch number {
    case .integer: return try read(rows, bloch_h5t_native_int64())
    case .unsigned64:
      let values: [UInt64] = try read(rows, bloch_h5t_native_uint64())
      return try values.map { value in
        guard let value = Int(exactly: value) else {
          throw failure("holds \(value), beyond the range of integers")
        }
        return value
      }
    case .floating, .boolean: throw failure("holds floating-point numbers, not integers")
    }
  }

  private func read<Number: BitwiseCopyable & Numeric>(
    _ rows: Range<Int>, _ memoryType: hid_t
  ) throws -> [Number] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    return try file.reading { _ in
      try storage.chunk.isEmpty ? storage.checkWhole(shape) : storage.checkRows(rows, of: shape)
      var values = [Number](repeating: .zero, count: rows.count * rowShape.reduce(1, *))
      guard !values.isEmpty else { return [] }
      try withRows(rows.lowerBound, rows.count) { memorySpace, fileSpace in
        try file.check(
          H5Dread(dataset, memoryType, memorySpace, fileSpace, bloch_h5p_default(), &values), path,
          "row \(rows.lowerBound) cannot be read: the file is truncated or corrupt")
      }
      return values
    }
  }

  private var shape: [Int] { [count] + rowShape }

  deinit {
    _ = try? file.reading { _ in H5Dclose(dataset) }
  }

  /// Lends the data spaces that select `rows` rows from `row` on, in memory and in the file.
  private func withRows(_ row: Int, _ rows: Int, _ body: (hid_t, hid_t) throws -> Void) throws {
    let block = ([rows] + rowShape).map(hsize_t.init)
    let start = ([row] + rowShape.map { _ in 0 }).map(hsize_t.init)
    try withHandle(H5Screate_simple(Int32(block.count), block, nil), close: H5Sclose) { memorySpace in
      try withHandle(H5Dget_space(dataset), close: H5Sclose) { fileSpace in
        try file.check(
          H5Sselect_hyperslab(fileSpace, H5S_SELECT_SET, start, nil, block, nil), path,
          "row \(row) is missing")
        try body(memorySpace, fileSpace)
      }
    }
  }

  private func resize(to newCount: Int) throws {
    try file.writing { _ in
      let sizes = ([newCount] + rowShape).map(hsize_t.init)
      try file.check(H5Dset_extent(dataset, sizes), path, "cannot be resized to \(newCount) rows")
    }
    count = newCount
  }
}
