#pragma once
// HDF5 publishes its constants as C macros that Swift cannot import; these accessors make them visible.
#include "file_system.h"
#include "headers.h"
#include "output_driver.h"

static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }

static inline hid_t chdf5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline unsigned chdf5_creation_order(void) { return H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED; }

static inline hid_t chdf5_float32_le(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_float64_le(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_int8_le(void) { return H5T_STD_I8LE; }
static inline hid_t chdf5_int16_le(void) { return H5T_STD_I16LE; }
static inline hid_t chdf5_int32_le(void) { return H5T_STD_I32LE; }
static inline hid_t chdf5_int64_le(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_uint8_le(void) { return H5T_STD_U8LE; }
static inline hid_t chdf5_uint16_le(void) { return H5T_STD_U16LE; }
static inline hid_t chdf5_uint32_le(void) { return H5T_STD_U32LE; }
static inline hid_t chdf5_uint64_le(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }
static inline size_t chdf5_variable_length(void) { return H5T_VARIABLE; }

/// The innermost description on the current error stack, copied into `text`; empty when there is none.
static inline herr_t chdf5_keep_description(unsigned n, const H5E_error2_t *error, void *text) {
  char *out = (char *)text;
  size_t i = 0;
  if (n == 0 && error->desc) {
    for (; error->desc[i] && i < 399; i++) out[i] = error->desc[i];
    out[i] = 0;
  }
  return 0;
}

static inline void chdf5_error_description(char text[400]) {
  text[0] = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, chdf5_keep_description, text);
  H5Eclear2(H5E_DEFAULT);
}

static inline void chdf5_silence_errors(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }
