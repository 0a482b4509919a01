// Writing whole datasets, numbers and strings.

import CHDF5
import Foundation

extension HDF5File {
  /// Writes a new dataset of `shape`, row-major; missing groups on the way are created.
  ///
  /// - Parameter type: how the numbers are stored; by default without loss.
  public func write<Element: HDF5Element>(
    _ values: [Element], shape: [Int], to path: String, as type: HDF5StoredType = Element.storedType
  ) throws {
    precondition(shape.reduce(1, *) == values.count, "the shape does not match the number of values")
    try writeDataset(path, .numbers(values), storedAs: type.identifier, shape: shape)
  }

  /// Writes a one-dimensional dataset.
  public func write<Element: HDF5Element>(_ values: [Element], to path: String) throws {
    try write(values, shape: [values.count], to: path)
  }

  /// Writes a scalar dataset.
  public func write<Element: HDF5Element>(_ value: Element, to path: String) throws {
    try write([value], shape: [], to: path)
  }

  /// Writes a scalar dataset of variable-length UTF-8 text.
  public func write(_ text: String, to path: String) throws {
    try writeDataset(path, .strings([text]), storedAs: nil, shape: [])
  }

  private func writeDataset(_ path: String, _ content: HDF5Content, storedAs type: hid_t?, shape: [Int])
    throws
  {
    try writing { _ in
      try content.withType { memoryType in
        let id = try createDataset(path, type: type ?? memoryType, shape: shape)
        try withWritten(id, close: H5Dclose, path) { dataset in
          let all = bloch_h5s_all()
          try content.withBytes { bytes in
            try check(
              H5Dwrite(dataset, memoryType, all, all, bloch_h5p_default(), bytes), path, "cannot be written")
          }
        }
      }
    }
  }

  /// Creates a dataset; with `chunk` it is chunked and may grow along its first axis.
  func createDataset(_ path: String, type: hid_t, shape: [Int], chunk: [Int]? = nil) throws -> hid_t {
    try writing { file in
      try withHandle(HDF5File.linkProperties(), close: H5Pclose) { link in
        try withHandle(H5Pcreate(bloch_h5p_dataset_create()), close: H5Pclose) { creation in
          // The same content gives the same bytes, whenever it is written.
          H5Pset_obj_track_times(creation, false)
          if let chunk {
            try check(
              H5Pset_chunk(creation, Int32(chunk.count), chunk.map(hsize_t.init)), path, "bad chunk shape")
          }
          return try withHandle(try space(shape, at: path, isExtendible: chunk != nil), close: H5Sclose) {
            space in
            let id = H5Dcreate2(file, path, type, space, link, creation, bloch_h5p_default())
            try check(id, path, "the dataset cannot be created")
            return id
          }
        }
      }
    }
  }

  /// A data space of `shape`; none at all is a scalar.
  func space(_ shape: [Int], at path: String, isExtendible: Bool = false) throws -> hid_t {
    let sizes = shape.map(hsize_t.init)
    var limits = sizes
    if isExtendible { limits[0] = bloch_h5s_unlimited() }
    let id = shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), sizes, limits)
    try check(id, path, "impossible shape \(shape)")
    return id
  }
}

/// Values on their way to a dataset or attribute.
struct HDF5Content {
  /// A new handle of the type in memory.
  private let makeType: () -> hid_t
  /// Lends the values as HDF5 wants them.
  let withBytes: ((UnsafeRawPointer) throws -> Void) throws -> Void

  static func numbers<Element: HDF5Element>(_ values: [Element]) -> HDF5Content {
    HDF5Content(makeType: { H5Tcopy(Element.storedType.identifier) }) { body in
      // HDF5 wants an address even where there is nothing to write.
      try (values.isEmpty ? [.zero] : values).withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { try body(start) }
      }
    }
  }

  /// Variable-length UTF-8: the only strings that every H5MD reader accepts.
  static func strings(_ texts: [String]) -> HDF5Content {
    HDF5Content(makeType: {
      let type = H5Tcopy(bloch_h5t_c_s1())
      H5Tset_size(type, bloch_h5t_variable())
      H5Tset_cset(type, H5T_CSET_UTF8)
      return type
    }) { body in
      let copies = texts.map { strdup($0) }
      defer { copies.forEach { free($0) } }
      try (copies.isEmpty ? [nil] : copies).withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { try body(start) }
      }
    }
  }

  func withType<Result>(_ body: (hid_t) throws -> Result) rethrows -> Result {
    try withHandle(makeType(), close: H5Tclose, body)
  }
}
