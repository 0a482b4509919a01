// What the numbers of a dataset or attribute are in the file. HDF5 can describe numbers of any number of bits at any
// place of any number of bytes; a file of ours with such numbers is damaged, and the library's conversions of them
// are not to be trusted.

import CHDF5

enum HDF5Number {
  /// IEEE 754, 32 or 64 bits.
  case floating
  /// 8 to 64 bits that fit `Int`.
  case integer
  /// 64 bits without sign, of which the largest do not fit `Int`.
  case unsigned64
  /// As h5py writes them: an enumeration FALSE, TRUE over one byte.
  case boolean

  /// Nil where the type is none of these.
  init?(_ type: hid_t) {
    let size = H5Tget_size(type)
    switch H5Tget_class(type) {
    case H5T_FLOAT where bloch_h5t_is_ieee(type) != 0: self = .floating
    case H5T_INTEGER
    where [1, 2, 4, 8].contains(size) && H5Tget_precision(type) == 8 * size && H5Tget_offset(type) == 0:
      self = size == 8 && H5Tget_sign(type) == H5T_SGN_NONE ? .unsigned64 : .integer
    case H5T_ENUM where size == 1: self = .boolean
    default: return nil
    }
  }

  /// What a type holds, in words.
  static func name(of type: hid_t) -> String {
    switch H5Tget_class(type) {
    case H5T_INTEGER: "integers"
    case H5T_FLOAT: "floating-point numbers"
    case H5T_STRING: "text"
    case H5T_ENUM: "an enumeration"
    default: "an unsupported type"
    }
  }
}
