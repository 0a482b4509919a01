// Where the bytes of a dataset lie, held against the file before anything of it is read.
//
// The HDF5 library believes what a file says: it allocates what a damaged size asks for, copies chunks of one stated
// size into room for another, and fills in zeros for what was never written.

import CHDF5

/// The storage of an open dataset.
struct HDF5Storage {
  private let file: HDF5File
  private let path: String
  private let dataset: hid_t
  /// Bytes of one element in the file.
  let elementSize: Int
  /// Shape of a chunk; empty for a dataset without chunks.
  let chunk: [Int]
  /// Whether its bytes pass through compressors or checksums.
  let isFiltered: Bool

  /// No compressor of HDF5 packs tighter than deflate's 1032:1, so what claims more bytes is corrupt.
  private static let largestExpansion = 1032
  /// What HDF5 itself brings: deflate, shuffle and a checksum. Others are plug-ins: code that a file asks to be loaded.
  private static let knownFilters = [H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32]

  /// - Throws: `HDF5Error` where the bytes lie in other files or behind unknown filters.
  init(of dataset: hid_t, at path: String, in file: HDF5File) throws {
    func failure(_ reason: String) -> HDF5Error { HDF5Error(file: file.name, path: path, reason: reason) }
    self.file = file
    self.path = path
    self.dataset = dataset
    elementSize = withHandle(H5Dget_type(dataset), close: H5Tclose) { H5Tget_size($0) }
    let creation = H5Dget_create_plist(dataset)
    try file.check(creation, path, "its layout cannot be read")
    (chunk, isFiltered) = try withHandle(creation, close: H5Pclose) { creation in
      let layout = H5Pget_layout(creation)
      guard H5Pget_external_count(creation) == 0, layout != H5D_VIRTUAL else {
        throw failure("keeps its numbers in other files, which are not opened; copy them into this one")
      }
      let filterCount = H5Pget_nfilters(creation)
      try file.check(filterCount, path, "its filters cannot be read")
      for index in 0..<max(0, filterCount) {
        var (flags, parameters, configuration): (UInt32, Int, UInt32) = (0, 0, 0)
        let filter = H5Pget_filter2(creation, UInt32(index), &flags, &parameters, nil, 0, nil, &configuration)
        guard HDF5Storage.knownFilters.contains(filter) else {
          throw failure(
            "is packed by filter \(filter), which is not known; unpack it with `h5repack -f NONE`")
        }
      }
      guard layout == H5D_CHUNKED else { return ([], filterCount > 0) }
      var sizes = [hsize_t](repeating: 0, count: 32)  // HDF5's largest rank
      let rank = H5Pget_chunk(creation, Int32(sizes.count), &sizes)
      try file.check(rank, path, "its chunks cannot be read")
      let chunk = try sizes.prefix(Int(rank)).map { size in
        guard let size = Int(exactly: size), size > 0 else { throw failure("has chunks of impossible shape") }
        return size
      }
      return (chunk, filterCount > 0)
    }
  }

  /// Throws unless the file holds every element of a dataset of `shape`.
  func checkWhole(_ shape: [Int]) throws {
    guard let bytes = HDF5Storage.product(shape, times: elementSize) else { throw tooLarge(shape) }
    guard bytes > 0 else { return }
    guard chunk.isEmpty else { return try checkRows(0..<shape[0], of: shape) }
    let stored = H5Dget_storage_size(dataset)
    guard stored > 0 else { throw failure("was never written") }
    guard stored >= bytes, bytes <= file.size else { throw tooLarge(shape) }
    let start = H5Dget_offset(dataset)
    // Small ones lie within the dataset's header, at no address of their own.
    if start != haddr_t.max { try checkExtent(start, hsize_t(bytes)) }
  }

  /// Throws unless the file holds every chunk of the rows `rows` of a chunked dataset of `shape`.
  func checkRows(_ rows: Range<Int>, of shape: [Int]) throws {
    guard let bytes = HDF5Storage.product(chunk, times: elementSize), chunk.count == shape.count else {
      throw failure("has chunks of impossible shape")
    }
    guard let first = rows.first, !shape.contains(0) else { return }
    let across = zip(shape, chunk).dropFirst().map { ($0 - 1) / $1 + 1 }
    guard let chunksPerRow = HDF5Storage.product(across, times: 1) else { throw tooLarge(shape) }
    for row in stride(from: first / chunk[0] * chunk[0], to: rows.upperBound, by: chunk[0]) {
      for index in 0..<chunksPerRow {
        var corner = [row] + across
        var rest = index
        for axis in across.indices.reversed() {
          corner[axis + 1] = rest % across[axis] * chunk[axis + 1]
          rest /= across[axis]
        }
        try checkChunk(at: corner, byteCount: bytes)
      }
    }
  }

  private func checkChunk(at corner: [Int], byteCount: Int) throws {
    var (mask, start, stored): (UInt32, haddr_t, hsize_t) = (0, 0, 0)
    try file.check(
      H5Dget_chunk_info_by_coord(dataset, corner.map(hsize_t.init), &mask, &start, &stored), path,
      "the index of chunks is damaged")
    guard start != haddr_t.max else { throw failure("row \(corner[0]) was never written") }
    let most = stored.multipliedReportingOverflow(by: hsize_t(HDF5Storage.largestExpansion))
    guard isFiltered ? !most.overflow && byteCount <= most.partialValue : stored == byteCount else {
      throw failure(
        "the chunk of row \(corner[0]) has \(stored) bytes, not \(byteCount): the file is damaged")
    }
    try checkExtent(start, stored)
  }

  private func checkExtent(_ start: haddr_t, _ byteCount: hsize_t) throws {
    let (end, overflow) = UInt64(start).addingReportingOverflow(UInt64(byteCount))
    guard !overflow, end <= file.size else {
      throw failure("lies beyond the end of the file: the file is truncated or damaged")
    }
  }

  /// Rows of a chunked dataset of `shape` for which the file can hold chunks.
  func storedRows(of shape: [Int]) throws -> Int {
    var count: hsize_t = 0
    try withHandle(H5Dget_space(dataset), close: H5Sclose) { space in
      try file.check(H5Dget_num_chunks(dataset, space, &count), path, "the index of chunks is damaged")
    }
    guard chunk.count == shape.count else { throw failure("is not stored in chunks of rows") }
    let across = zip(shape, chunk).dropFirst().map { ($0 - 1) / $1 + 1 }
    guard let chunksPerRow = HDF5Storage.product(across, times: 1), chunksPerRow > 0 else { return shape[0] }
    let rows = (Int(clamping: count) / chunksPerRow).multipliedReportingOverflow(by: chunk[0])
    return rows.overflow ? shape[0] : min(shape[0], rows.partialValue)
  }

  private func tooLarge(_ shape: [Int]) -> HDF5Error {
    failure("claims shape \(shape), more than its file can hold: the file is corrupt")
  }

  private func failure(_ reason: String) -> HDF5Error {
    HDF5Error(file: file.name, path: path, reason: reason)
  }

  /// The product of all sizes; nil beyond `Int`, also where a zero among them would hide that.
  static func product(_ sizes: [Int], times first: Int) -> Int? {
    var product = first
    for size in sizes {
      let (value, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
      if overflow { return nil }
      product = value
    }
    return sizes.contains(0) ? 0 : product
  }
}
