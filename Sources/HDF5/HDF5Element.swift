// The number types that cross between Swift arrays and HDF5 datasets.

import CHDF5

/// How numbers are stored in a file, whatever their type in memory.
public enum HDF5StoredType: Sendable {
  case float32, float64, int32, int64, uint8

  var identifier: hid_t {
    switch self {
    case .float32: bloch_h5t_native_float()
    case .float64: bloch_h5t_native_double()
    case .int32: bloch_h5t_native_int32()
    case .int64: bloch_h5t_native_int64()
    case .uint8: bloch_h5t_native_uint8()
    }
  }

  /// Bytes of one number.
  public var size: Int {
    switch self {
    case .uint8: 1
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }
}

/// A number that HDF5 reads into or writes from memory.
public protocol HDF5Element: Sendable, Numeric {
  /// The stored type that keeps every bit.
  static var storedType: HDF5StoredType { get }
}

extension Double: HDF5Element { public static var storedType: HDF5StoredType { .float64 } }
extension Float: HDF5Element { public static var storedType: HDF5StoredType { .float32 } }
extension Int: HDF5Element { public static var storedType: HDF5StoredType { .int64 } }
extension Int64: HDF5Element { public static var storedType: HDF5StoredType { .int64 } }
extension Int32: HDF5Element { public static var storedType: HDF5StoredType { .int32 } }
extension UInt8: HDF5Element { public static var storedType: HDF5StoredType { .uint8 } }
