// HDF5's type and property identifiers are macros over run-time variables; Swift sees them as functions.
#pragma once
#include <hdf5.h>
#include <string.h>

static inline hid_t bloch_h5t_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t bloch_h5t_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t bloch_h5t_native_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t bloch_h5t_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t bloch_h5t_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t bloch_h5t_native_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t bloch_h5t_c_s1(void) { return H5T_C_S1; }
static inline hid_t bloch_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t bloch_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t bloch_h5p_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t bloch_h5p_default(void) { return H5P_DEFAULT; }
static inline hid_t bloch_h5e_default(void) { return H5E_DEFAULT; }
static inline hid_t bloch_h5s_all(void) { return H5S_ALL; }
static inline hsize_t bloch_h5s_unlimited(void) { return H5S_UNLIMITED; }
static inline size_t bloch_h5t_variable(void) { return H5T_VARIABLE; }
static inline unsigned bloch_h5f_acc_rdonly(void) { return H5F_ACC_RDONLY; }
static inline unsigned bloch_h5f_acc_rdwr(void) { return H5F_ACC_RDWR; }
static inline unsigned bloch_h5f_acc_excl(void) { return H5F_ACC_EXCL; }
static inline unsigned bloch_h5f_acc_trunc(void) { return H5F_ACC_TRUNC; }
static inline hid_t bloch_h5e_nospace(void) { return H5E_NOSPACE; }

// Calls whose signature depends on the version of the library.

/// Positive for a hard link, zero for any other, negative where the link cannot be read.
static inline int bloch_h5l_is_hard(hid_t file, const char *path) {
  H5L_info_t info;
  return H5Lget_info(file, path, &info, H5P_DEFAULT) < 0 ? -1 : info.type == H5L_TYPE_HARD;
}

/// What tells an object from others of its file, whatever its names. Negative where it cannot be opened.
static inline int bloch_h5o_identity(hid_t file, const char *path, uint64_t *identity) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  if (H5Oget_info_by_name3(file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return -1;
  memcpy(identity, info.token.__data, sizeof *identity);
#else
  H5O_info_t info;
  if (H5Oget_info_by_name(file, path, &info, H5P_DEFAULT) < 0) return -1;
  *identity = info.addr;
#endif
  return 0;
}

/// Whether numbers of this type have one of the four common floating-point formats.
static inline int bloch_h5t_is_ieee(hid_t type) {
  return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
         H5Tequal(type, H5T_IEEE_F32BE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0;
}
