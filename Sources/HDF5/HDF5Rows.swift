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
  private let file: HDF5File
  private let dataset: hid_t

  /// Creates the dataset `path` without rows.
  ///
  /// - Parameters:
  ///   - chunkRows: rows per chunk, the unit in which HDF5 reads and writes.
  ///   - type: how the numbers are stored.
  public init(
    creating path: String, rowShape: [Int], chunkRows: Int, as type: HDF5StoredType, in file: HDF5File
  ) throws {
    self.file = file
    self.path = path
    self.rowShape = rowShape
    self.count = 0
    // A chunk of no elements is not allowed.
    let chunk = [chunkRows] + rowShape.map { max($0, 1) }
    dataset = try file.createDataset(path, type: type.identifier, shape: [0] + rowShape, chunk: chunk)
  }

  /// Opens an existing dataset to change it further.
  public init(opening path: String, in file: HDF5File) throws {
    let shape = try file.shape(of: path)
    guard let count = shape.first else {
      throw HDF5Error(file: file.name, path: path, reason: "is a scalar, not a table of rows")
    }
    self.file = file
    self.path = path
    self.count = count
    self.rowShape = Array(shape.dropFirst())
    dataset = try file.reading { try file.openDataset(path, in: $0) }
  }

  /// Appends rows; `values` are row-major.
  public func append<Element: HDF5Element>(_ values: [Element]) throws {
    let width = rowShape.reduce(1, *)
    precondition(width > 0 && values.count % width == 0, "values must fill whole rows")
    let first = count
    try extend(toCount: count + values.count / width)
    try write(values, atRow: first)
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

  /// Whether every row has its place in the file; a row that was never written reads as zeros.
  public func isWhole() throws -> Bool {
    try file.reading { _ in
      try withHandle(H5Dget_create_plist(dataset), close: H5Pclose) { creation in
        var chunk = [hsize_t](repeating: 1, count: 1 + rowShape.count)
        try file.check(H5Pget_chunk(creation, Int32(chunk.count), &chunk), path, "is not chunked")
        var stored: hsize_t = 0
        try withHandle(H5Dget_space(dataset), close: H5Sclose) { space in
          try file.check(H5Dget_num_chunks(dataset, space, &stored), path, "the index of chunks is damaged")
        }
        // A process killed while it truncated may leave chunks beyond the last row; they are used again.
        return Int(stored) >= (count + Int(chunk[0]) - 1) / Int(chunk[0])
      }
    }
  }

  /// The numbers of one row.
  public func readDoubles(row: Int) throws -> [Double] { try readDoubles(rows: row..<row + 1) }

  /// The numbers of several rows, one row after the other.
  public func readDoubles(rows: Range<Int>) throws -> [Double] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    let row = rows.lowerBound
    var values = [Double](repeating: 0, count: rows.count * rowShape.reduce(1, *))
    guard !values.isEmpty else { return [] }
    try file.reading { _ in
      try withRows(row, rows.count) { memorySpace, fileSpace in
        let type = bloch_h5t_native_double()
        try file.check(
          H5Dread(dataset, type, memorySpace, fileSpace, bloch_h5p_default(), &values), path,
          "row \(row) cannot be read: the file is truncated or corrupt")
      }
    }
    return values
  }

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
