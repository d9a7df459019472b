#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "tk_runtime.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// Under the address sanitizer, blocks that wait, and the rest of blocks that are larger than asked, count as out of bounds.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define OPEN(start, bytes) ASAN_UNPOISON_MEMORY_REGION(start, bytes)
#define CLOSE(start, bytes) ASAN_POISON_MEMORY_REGION(start, bytes)
#endif
#endif
#ifndef OPEN
#define OPEN(start, bytes)
#define CLOSE(start, bytes)
#endif

// Blocks come in eight sizes per doubling, from 128 bytes up; the header sits in front of the 64-byte aligned
// payload. Freed blocks wait in one list per size and are handed out again, up to a doubling larger than asked.
enum { HEADER = 64, STEPS = 8, FIRST_SHIFT = 7, CLASSES = 50 * STEPS };
static const size_t MAP_THRESHOLD = 4u << 20, HUGE_PAGE = 2u << 20;

typedef struct block {
  struct block *next;
  size_t bytes;   // header included
  int size_class;
  bool mapped;
} block;

static struct {
  pthread_mutex_t lock;
  block *free[CLASSES];
  size_t limit;
  tk_pool_statistics statistics;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int class_of(size_t bytes) {
  if (bytes <= (1u << FIRST_SHIFT)) return 0;
  int shift = 63 - __builtin_clzll(bytes - 1);
  size_t step = ((size_t)1 << shift) / STEPS;
  size_t above = (bytes - ((size_t)1 << shift) + step - 1) / step;
  return (shift - FIRST_SHIFT) * STEPS + (int)above;
}

static size_t bytes_of(int size_class) {
  size_t base = (size_t)1 << (FIRST_SHIFT + size_class / STEPS);
  size_t bytes = base + base / STEPS * (size_t)(size_class % STEPS);
  size_t unit = bytes >= MAP_THRESHOLD ? HUGE_PAGE : HEADER;
  return (bytes + unit - 1) / unit * unit;
}

// Only the `wanted` bytes are asked for in huge pages: one huge page for the few bytes of a block beyond the last
// whole one would make a tensor of 4 MiB, a header more than two of them, resident with 6 MiB.
static void *map_huge(size_t bytes, size_t wanted) {
  size_t padded = bytes + HUGE_PAGE;
  char *raw = mmap(NULL, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return NULL;
  char *start = (char *)(((uintptr_t)raw + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  if (start > raw) munmap(raw, (size_t)(start - raw));
  size_t tail = (size_t)(raw + padded - (start + bytes));
  if (tail > 0) munmap(start + bytes, tail);
#ifdef MADV_HUGEPAGE
  size_t huge = wanted / HUGE_PAGE * HUGE_PAGE;
  madvise(start, huge, MADV_HUGEPAGE);
  if (huge < bytes) madvise(start + huge, bytes - huge, MADV_NOHUGEPAGE);
#endif
  return start;
}

static block *system_allocate(int size_class, size_t wanted) {
  size_t bytes = bytes_of(size_class);
  bool mapped = bytes >= MAP_THRESHOLD;
  void *memory = NULL;
  if (mapped) {
    memory = map_huge(bytes, wanted);
  } else if (posix_memalign(&memory, HEADER, bytes) != 0) {
    memory = NULL;
  }
  if (memory == NULL) return NULL;
  block *result = memory;
  result->bytes = bytes;
  result->size_class = size_class;
  result->mapped = mapped;
  return result;
}

static void system_free(block *b) {
  OPEN(b, b->bytes);
  if (b->mapped) {
    munmap(b, b->bytes);
  } else {
    free(b);
  }
}

static size_t default_limit(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || size <= 0) return (size_t)4 << 30;
  return (size_t)pages * (size_t)size / 2;
}

static _Thread_local bool allocates_for_long;

void tk_pool_set_for_long(bool value) { allocates_for_long = value; }

void *tk_pool_allocate(size_t bytes) {
  int wanted = class_of(bytes + HEADER);
  int last = allocates_for_long ? wanted : wanted + STEPS < CLASSES ? wanted + STEPS : CLASSES - 1;
  block *found = NULL;
  pthread_mutex_lock(&pool.lock);
  for (int c = wanted; c <= last && found == NULL; c++) {
    if ((found = pool.free[c]) != NULL) {
      pool.free[c] = found->next;
      pool.statistics.cached_bytes -= found->bytes;
    }
  }
  pool.statistics.allocations++;
  if (found == NULL) {
    pool.statistics.system_allocations++;
    pthread_mutex_unlock(&pool.lock);
    found = system_allocate(wanted, bytes + HEADER);
    if (found == NULL) {
      tk_pool_trim();
      found = system_allocate(wanted, bytes + HEADER);
      if (found == NULL) return NULL;
    }
    pthread_mutex_lock(&pool.lock);
  }
  pool.statistics.bytes_in_use += found->bytes;
  if (pool.statistics.bytes_in_use > pool.statistics.peak_bytes) {
    pool.statistics.peak_bytes = pool.statistics.bytes_in_use;
  }
  pthread_mutex_unlock(&pool.lock);
  OPEN((char *)found + HEADER, bytes);
  CLOSE((char *)found + HEADER + bytes, found->bytes - HEADER - bytes);
  return (char *)found + HEADER;
}

void tk_pool_release(void *pointer) {
  if (pointer == NULL) return;
  block *b = (block *)((char *)pointer - HEADER);
  pthread_mutex_lock(&pool.lock);
  if (pool.limit == 0) pool.limit = default_limit();
  CLOSE(pointer, b->bytes - HEADER);
  pool.statistics.bytes_in_use -= b->bytes;
  bool keep = pool.statistics.cached_bytes + b->bytes <= pool.limit;
  if (keep) {
    b->next = pool.free[b->size_class];
    pool.free[b->size_class] = b;
    pool.statistics.cached_bytes += b->bytes;
  }
  pthread_mutex_unlock(&pool.lock);
  if (!keep) system_free(b);
}

void tk_pool_trim(void) {
  block *all = NULL;
  pthread_mutex_lock(&pool.lock);
  for (int c = 0; c < CLASSES; c++) {
    for (block *b = pool.free[c], *next; b != NULL; b = next) {
      next = b->next;
      b->next = all;
      all = b;
    }
    pool.free[c] = NULL;
  }
  pool.statistics.cached_bytes = 0;
  pthread_mutex_unlock(&pool.lock);
  for (block *next; all != NULL; all = next) {
    next = all->next;
    system_free(all);
  }
}

size_t tk_pool_cache_limit(void) {
  pthread_mutex_lock(&pool.lock);
  if (pool.limit == 0) pool.limit = default_limit();
  size_t limit = pool.limit;
  pthread_mutex_unlock(&pool.lock);
  return limit;
}

void tk_pool_set_cache_limit(size_t bytes) {
  pthread_mutex_lock(&pool.lock);
  pool.limit = bytes > 0 ? bytes : 1;
  bool over = pool.statistics.cached_bytes > bytes;
  pthread_mutex_unlock(&pool.lock);
  if (over) tk_pool_trim();
}

tk_pool_statistics tk_pool_read_statistics(void) {
  pthread_mutex_lock(&pool.lock);
  tk_pool_statistics copy = pool.statistics;
  pthread_mutex_unlock(&pool.lock);
  return copy;
}

void tk_pool_reset_peak(void) {
  pthread_mutex_lock(&pool.lock);
  pool.statistics.peak_bytes = pool.statistics.bytes_in_use;
  pthread_mutex_unlock(&pool.lock);
}
