#pragma once
// glibc declares these for _GNU_SOURCE only, which Swift's view of the C library does not define.
#ifdef __linux__
#include <sys/types.h>
extern int syncfs(int descriptor);
extern int sync_file_range(int descriptor, __off64_t from, __off64_t count, unsigned int flags);
static inline int chdf5_sync_file_system(int descriptor) { return syncfs(descriptor); }
// Lets the system begin to write out what was written to a file, without waiting for it; where it cannot, a later fsync does it all.
static inline void chdf5_begin_writing(int descriptor) { (void)sync_file_range(descriptor, 0, 0, /* SYNC_FILE_RANGE_WRITE */ 2); }
#else
#include <unistd.h>
static inline void chdf5_begin_writing(int descriptor) { (void)descriptor; }
static inline int chdf5_sync_file_system(int descriptor) {
  (void)descriptor;
  sync();
  return 0;
}
#endif
