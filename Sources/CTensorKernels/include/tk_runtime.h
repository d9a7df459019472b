// Threads and memory shared by every operation.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Cores this process may run on (affinity respected).
int tk_available_cores(void);
// Threads used by parallel regions, the caller included. Default: TENSOR_NUM_THREADS, else the available cores.
int tk_thread_count(void);
void tk_set_thread_count(int count);
// True on a thread that is executing the body of a parallel region.
bool tk_in_parallel(void);

// How exactly products of Float32 are computed on the calling thread, and on those that share its regions: 0 in Float32 (until
// set), 1 large ones in bfloat16.
int tk_matmul_precision(void);
void tk_set_matmul_precision(int precision);

// A small number of the calling thread's own, from 0 in the order in which threads first ask.
int tk_thread_lane(void);

typedef void (*tk_range_body)(void *context, int64_t begin, int64_t end);

// Splits 0..<n into at most tk_thread_count() contiguous ranges of at least `grain` (the last may be shorter)
// and runs body once per range. Nested and concurrent calls run on the calling thread.
void tk_parallel_ranges(int64_t n, int64_t grain, tk_range_body body, void *context);
// Runs body(i, i + 1) for every i, threads taking the next index when they are free.
// Results do not depend on timing as long as every index writes its own outputs.
void tk_parallel_tasks(int64_t n, tk_range_body body, void *context);

// 64-byte aligned blocks from a cache of freed ones. NULL when the system has no memory left.
void *tk_pool_allocate(size_t bytes);
void tk_pool_release(void *pointer);
// Whether blocks that this thread allocates from now on stay: they are then never larger than their size asks for.
void tk_pool_set_for_long(bool value);
// Gives cached blocks back to the system.
void tk_pool_trim(void);
size_t tk_pool_cache_limit(void);
void tk_pool_set_cache_limit(size_t bytes);
typedef struct {
  size_t bytes_in_use, peak_bytes, cached_bytes;
  uint64_t allocations, system_allocations;
} tk_pool_statistics;
tk_pool_statistics tk_pool_read_statistics(void);
void tk_pool_reset_peak(void);

// Runs body(scope) on a thread of its own, with the caller's gradient mode, and waits for it. 0, or why there is no thread.
int tk_run_in_scope(void (*body)(void *), void *scope);
// The scope whose body the calling thread runs or works for; NULL outside of all.
void *tk_current_scope(void);
// Makes the calling thread work for a scope, or for none.
void tk_enter_scope(void *scope);
// Ends the calling thread, which works for a scope. In a parallel region the other threads finish what they
// have begun, and the thread that began the region ends too.
__attribute__((noreturn)) void tk_leave_scope(void);
// The name of the operation that the calling thread executes, a string that is never freed; NULL outside of
// all.
const void *tk_operation(void);
void tk_set_operation(const void *name);
// A lock that the next thread takes over when the one that holds it ends. NULL when the system has no memory left.
void *tk_lock_create(void);
void tk_lock_acquire(void *lock);
void tk_lock_release(void *lock);
void tk_lock_destroy(void *lock);
// Lets go of the parallel region that the calling thread executes, because it is about to end.
void tk_abandon_region(void);

// CRC-32 of bytes that follow those with the given checksum (0 at the start): the numbers of zlib's and Python's crc32.
uint32_t tk_crc32(uint32_t checksum, const void *data, int64_t count);

// Adds blocks of 64 bytes to the eight words of a SHA-256, whose 64 constants are given; false, and nothing done, on a processor
// without instructions for it.
bool tk_sha256_blocks(uint32_t *state, const uint32_t *constants, const void *bytes, int64_t count);
