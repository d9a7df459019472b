#pragma once
// glibc declares syncfs for _GNU_SOURCE only, which Swift's view of the C library does not define.
#ifdef __linux__
extern int syncfs(int descriptor);
static inline int chdf5_sync_file_system(int descriptor) { return syncfs(descriptor); }
#else
#include <unistd.h>
static inline int chdf5_sync_file_system(int descriptor) {
  (void)descriptor;
  sync();
  return 0;
}
#endif
