#pragma once
// A file driver for writing new files that survives a full disk.
//
// When a write fails underneath the standard driver, libhdf5 cannot close the file: objects stay open, and the
// process crashes when the library cleans up at exit. This driver never reports a failure to the library. It keeps the first errno in
// `*status`, ignores every later write, and lets the library close in order; the caller then looks at `*status`.
#include <errno.h>
#include <fcntl.h>
#include "headers.h"
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct {
  int *status;
} chdf5_output_settings;

typedef struct {
  H5FD_t base;
  int descriptor;
  int *status;
  haddr_t end_of_address_space;
  haddr_t end_of_file;
} chdf5_output_file;

static inline void chdf5_output_failed(chdf5_output_file *file, int code) {
  if (*file->status == 0) *file->status = code ? code : EIO;
}

static inline H5FD_t *chdf5_output_open(const char *name, unsigned flags, hid_t access, haddr_t max) {
  (void)flags;
  (void)max;
  const chdf5_output_settings *settings = (const chdf5_output_settings *)H5Pget_driver_info(access);
  if (!settings) return NULL;
  chdf5_output_file *file = (chdf5_output_file *)calloc(1, sizeof *file);
  if (!file) return NULL;
  file->status = settings->status;
  file->descriptor = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file->descriptor < 0) {
    chdf5_output_failed(file, errno);
    free(file);
    return NULL;
  }
  return &file->base;
}

static inline herr_t chdf5_output_close(H5FD_t *base) {
  chdf5_output_file *file = (chdf5_output_file *)base;
  if (*file->status == 0 && fsync(file->descriptor) != 0) chdf5_output_failed(file, errno);
  if (close(file->descriptor) != 0) chdf5_output_failed(file, errno);
  free(file);
  return 0;
}

static inline herr_t chdf5_output_query(const H5FD_t *base, unsigned long *flags) {
  (void)base;
  if (flags)
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static inline haddr_t chdf5_output_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const chdf5_output_file *)base)->end_of_address_space;
}

static inline herr_t chdf5_output_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((chdf5_output_file *)base)->end_of_address_space = address;
  return 0;
}

static inline haddr_t chdf5_output_get_eof(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const chdf5_output_file *)base)->end_of_file;
}

static inline herr_t chdf5_output_read(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type;
  (void)transfer;
  chdf5_output_file *file = (chdf5_output_file *)base;
  char *out = (char *)buffer;
  while (size > 0) {
    ssize_t got = pread(file->descriptor, out, size, (off_t)address);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) chdf5_output_failed(file, errno);
    if (got <= 0) break;
    out += got;
    size -= (size_t)got;
    address += (haddr_t)got;
  }
  memset(out, 0, size);
  return 0;
}

static inline herr_t chdf5_output_write(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *buffer) {
  (void)type;
  (void)transfer;
  chdf5_output_file *file = (chdf5_output_file *)base;
  const char *in = (const char *)buffer;
  haddr_t end = address + size;
  if (end > file->end_of_file) file->end_of_file = end;
  while (size > 0 && *file->status == 0) {
    ssize_t put = pwrite(file->descriptor, in, size, (off_t)address);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      chdf5_output_failed(file, put < 0 ? errno : ENOSPC);
      break;
    }
    in += put;
    size -= (size_t)put;
    address += (haddr_t)put;
  }
  return 0;
}

static inline herr_t chdf5_output_truncate(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer;
  (void)closing;
  chdf5_output_file *file = (chdf5_output_file *)base;
  if (file->end_of_file == file->end_of_address_space) return 0;
  if (*file->status == 0 && ftruncate(file->descriptor, (off_t)file->end_of_address_space) != 0)
    chdf5_output_failed(file, errno);
  file->end_of_file = file->end_of_address_space;
  return 0;
}

/// Registers the driver; call it once, the identifier stays valid for the life of the process.
static inline hid_t chdf5_register_output_driver(void) {
  static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 14, 0)
      .version = H5FD_CLASS_VERSION,
      .value = (H5FD_class_value_t)600,
#endif
      .name = "durable output",
      .maxaddr = ((haddr_t)1 << 62) - 1,
      .fc_degree = H5F_CLOSE_STRONG,
      .fapl_size = sizeof(chdf5_output_settings),
      .open = chdf5_output_open,
      .close = chdf5_output_close,
      .query = chdf5_output_query,
      .get_eoa = chdf5_output_get_eoa,
      .set_eoa = chdf5_output_set_eoa,
      .get_eof = chdf5_output_get_eof,
      .read = chdf5_output_read,
      .write = chdf5_output_write,
      .truncate = chdf5_output_truncate,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  return H5FDregister(&driver);
}

/// Makes files opened with `access` use the driver; the first errno goes to `*status`, which must outlive the file.
static inline herr_t chdf5_use_output_driver(hid_t access, hid_t driver, int *status) {
  chdf5_output_settings settings = {status};
  return H5Pset_driver(access, driver, &settings);
}
