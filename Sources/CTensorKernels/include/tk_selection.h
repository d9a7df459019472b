// Which elements: positions of true flags, of the largest and smallest elements, orders of keys, ranges of numbers.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How many of `n` flags (bytes that are 0 or 1) are set.
int64_t tk_count_true(int64_t n, const uint8_t *flags);
/// Writes `base + i` for every set flag i; returns how many. `out` has room for one more than are set.
int64_t tk_true_positions(int64_t n, const uint8_t *flags, int64_t base, int64_t *out);
/// Writes the elements of `size` bytes (1, 2, 4 or 8) whose flag is set; `out` has room for one more than are set.
int64_t tk_compress(int size, int64_t n, const uint8_t *flags, const void *in, void *out);

/// Position of the largest (or smallest) of `n` elements, the first of equals; a NaN comes before all.
int64_t tk_arg_extreme_f32(int largest, int64_t n, const float *x);
int64_t tk_arg_extreme_f64(int largest, int64_t n, const double *x);
int64_t tk_arg_extreme_i32(int largest, int64_t n, const int32_t *x);
int64_t tk_arg_extreme_i64(int largest, int64_t n, const int64_t *x);
int64_t tk_arg_extreme_u8(int largest, int64_t n, const uint8_t *x);

/// The same down the columns of `rows` rows that lie `stride` elements apart: `out[j]` for each of `width` columns. `best`
/// has room for `width` elements.
void tk_arg_extreme_columns_f32(
  int largest, int64_t rows, int64_t width, int64_t stride, const float *x, float *best, int64_t *out);
void tk_arg_extreme_columns_f64(
  int largest, int64_t rows, int64_t width, int64_t stride, const double *x, double *best, int64_t *out);
void tk_arg_extreme_columns_i32(
  int largest, int64_t rows, int64_t width, int64_t stride, const int32_t *x, int32_t *best, int64_t *out);
void tk_arg_extreme_columns_i64(
  int largest, int64_t rows, int64_t width, int64_t stride, const int64_t *x, int64_t *best, int64_t *out);
void tk_arg_extreme_columns_u8(
  int largest, int64_t rows, int64_t width, int64_t stride, const uint8_t *x, uint8_t *best, int64_t *out);

/// Keys in the order of the elements as unsigned numbers: all NaN have the largest, both zeros one.
void tk_sort_keys_f32(int64_t n, const float *x, uint32_t flip, uint32_t *keys);
void tk_sort_keys_i32(int64_t n, const int32_t *x, uint32_t flip, uint32_t *keys);
void tk_sort_keys_f64(int64_t n, const double *x, uint64_t flip, uint64_t *keys);
void tk_sort_keys_i64(int64_t n, const int64_t *x, uint64_t flip, uint64_t *keys);

/// Sorts pairs of a key (upper 32 bits) and a number (lower 32 bits) by key, equal keys by number; `pairs` holds them in
/// ascending numbers. Returns whichever of the two blocks of `n` the result lies in.
uint64_t *tk_sort_pairs(int64_t n, uint64_t *pairs, uint64_t *scratch);
/// Numbers of `n` bytes in ascending (or descending) order of their values, stable; `counts` is how often each value occurs.
void tk_argsort_u8(int64_t n, const uint8_t *x, int descending, int64_t counts[256], int64_t *order);

/// The `k` largest keys among `n` with their numbers, largest first, equal ones by number. `n` is at least `k`, `k` at least 1.
void tk_largest_keys_32(int64_t n, const uint32_t *keys, int64_t base, int64_t k, uint32_t *top, int64_t *number);
void tk_largest_keys_64(int64_t n, const uint64_t *keys, int64_t base, int64_t k, uint64_t *top, int64_t *number);

/// `start + (first + i) * step` for i in 0..<n, computed in double precision.
void tk_arange_f32(int64_t n, int64_t first, double start, double step, float *out);
void tk_arange_f64(int64_t n, int64_t first, double start, double step, double *out);
void tk_arange_i32(int64_t n, int64_t first, int32_t *out);
void tk_arange_i64(int64_t n, int64_t first, int64_t *out);

#ifdef __cplusplus
}
#endif
