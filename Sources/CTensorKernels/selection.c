#include "CTensorKernels.h"
#include "tk_target.h"
#include <math.h>
#include <string.h>

// MARK: Flags

TK_TARGETS int64_t tk_count_true(int64_t n, const uint8_t *flags) {
  int64_t total = 0;
  // Bytes add up in bytes, 255 at most at a time, which the compiler turns into one instruction for 64 of them.
  for (int64_t start = 0; start < n; start += 4096) {
    int64_t end = start + 4096 < n ? start + 4096 : n;
    int32_t part = 0;
    for (int64_t i = start; i < end; i++) part += flags[i];
    total += part;
  }
  return total;
}

int64_t tk_true_positions(int64_t n, const uint8_t *flags, int64_t base, int64_t *out) {
  int64_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t eight;
    memcpy(&eight, flags + i, 8);
    if (eight == 0) continue;
    for (int64_t j = i; j < i + 8; j++) {
      out[count] = base + j;
      count += flags[j];
    }
  }
  for (; i < n; i++) {
    out[count] = base + i;
    count += flags[i];
  }
  return count;
}

#define COMPRESS(T, NAME)                                                                                      \
  static int64_t NAME(int64_t n, const uint8_t *restrict flags, const T *restrict in, T *restrict out) {       \
    int64_t count = 0, i = 0;                                                                                  \
    for (; i + 8 <= n; i += 8) {                                                                               \
      uint64_t eight;                                                                                          \
      memcpy(&eight, flags + i, 8);                                                                            \
      if (eight == 0) continue;                                                                                \
      for (int64_t j = i; j < i + 8; j++) {                                                                    \
        out[count] = in[j];                                                                                    \
        count += flags[j];                                                                                     \
      }                                                                                                        \
    }                                                                                                          \
    for (; i < n; i++) {                                                                                       \
      out[count] = in[i];                                                                                      \
      count += flags[i];                                                                                       \
    }                                                                                                          \
    return count;                                                                                              \
  }
COMPRESS(uint8_t, compress_1)
COMPRESS(uint16_t, compress_2)
COMPRESS(uint32_t, compress_4)
COMPRESS(uint64_t, compress_8)

int64_t tk_compress(int size, int64_t n, const uint8_t *flags, const void *in, void *out) {
  switch (size) {
  case 1: return compress_1(n, flags, in, out);
  case 2: return compress_2(n, flags, in, out);
  case 4: return compress_4(n, flags, in, out);
  default: return compress_8(n, flags, in, out);
  }
}

// MARK: Positions of extremes

// The value first, in a loop that vectorises, then its place. NAN_OF(x) is true for a NaN, 0 for integers; nothing is beyond
// LEAST and MOST.
#define ARG_EXTREME(T, S, NAN_OF, LEAST, MOST)                                                                 \
  TK_TARGETS static T extreme_##S(int largest, int64_t n, const T *restrict x) {                               \
    /* Lanes of their own: a compiler may not reorder comparisons of numbers that could be NaN. */             \
    enum { LANES = sizeof(T) == 1 ? 128 : 32 };                                                                \
    T lanes[LANES];                                                                                            \
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = x[0];                                               \
    int64_t i = 0;                                                                                             \
    if (largest) {                                                                                             \
      for (; i + LANES <= n; i += LANES)                                                                       \
        for (int lane = 0; lane < LANES; lane++)                                                               \
          lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];                                 \
      for (; i < n; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];                                         \
    } else {                                                                                                   \
      for (; i + LANES <= n; i += LANES)                                                                       \
        for (int lane = 0; lane < LANES; lane++)                                                               \
          lanes[lane] = x[i + lane] < lanes[lane] ? x[i + lane] : lanes[lane];                                 \
      for (; i < n; i++) lanes[0] = x[i] < lanes[0] ? x[i] : lanes[0];                                         \
    }                                                                                                          \
    T best = lanes[0];                                                                                         \
    for (int lane = 1; lane < LANES; lane++)                                                                   \
      best = (largest ? lanes[lane] > best : lanes[lane] < best) ? lanes[lane] : best;                         \
    return best;                                                                                               \
  }                                                                                                            \
  TK_TARGETS static int has_nan_##S(int64_t n, const T *restrict x) {                                          \
    int found = 0;                                                                                             \
    for (int64_t i = 0; i < n; i++) found |= NAN_OF(x[i]);                                                     \
    return found;                                                                                              \
  }                                                                                                            \
  int64_t tk_arg_extreme_##S(int largest, int64_t n, const T *x) {                                             \
    /* Blocks: the place is looked for in the one that brought the best value, which is still in the cache. */ \
    int64_t at = 0;                                                                                            \
    T best = x[0];                                                                                             \
    const int64_t most = 8192 / sizeof(T);                                                                     \
    for (int64_t start = 0; start < n; start += most) {                                                        \
      int64_t length = n - start < most ? n - start : most;                                                    \
      const T *block = x + start;                                                                              \
      if (has_nan_##S(length, block)) {                                                                        \
        for (int64_t i = 0; i < length; i++)                                                                   \
          if (NAN_OF(block[i])) return start + i;                                                              \
      }                                                                                                        \
      T value = extreme_##S(largest, length, block);                                                           \
      if (start > 0 && !(largest ? value > best : value < best)) continue;                                     \
      best = value;                                                                                            \
      for (int64_t i = 0; i < length; i++)                                                                     \
        if (block[i] == value) {                                                                               \
          at = start + i;                                                                                      \
          break;                                                                                               \
        }                                                                                                      \
      /* For numbers both are NaN, which equals nothing: a NaN may follow. */                                  \
      if (value == (largest ? (MOST) : (LEAST))) break;                                                        \
    }                                                                                                          \
    return at;                                                                                                 \
  }                                                                                                            \
  TK_TARGETS static void better_##S(                                                                           \
    int largest, int64_t width, int64_t row, const T *restrict x, T *restrict best, int64_t *restrict out) {   \
    /* A NaN wins over every number and stays. */                                                              \
    if (largest) {                                                                                             \
      for (int64_t j = 0; j < width; j++) {                                                                    \
        int wins = (x[j] > best[j]) | (NAN_OF(x[j]) & !NAN_OF(best[j]));                                       \
        best[j] = wins ? x[j] : best[j];                                                                       \
        out[j] = wins ? row : out[j];                                                                          \
      }                                                                                                        \
    } else {                                                                                                   \
      for (int64_t j = 0; j < width; j++) {                                                                    \
        int wins = (x[j] < best[j]) | (NAN_OF(x[j]) & !NAN_OF(best[j]));                                       \
        best[j] = wins ? x[j] : best[j];                                                                       \
        out[j] = wins ? row : out[j];                                                                          \
      }                                                                                                        \
    }                                                                                                          \
  }                                                                                                            \
  void tk_arg_extreme_columns_##S(                                                                             \
    int largest, int64_t rows, int64_t width, int64_t stride, const T *x, T *best, int64_t *out) {             \
    memcpy(best, x, (size_t)width * sizeof(T));                                                                \
    memset(out, 0, (size_t)width * sizeof(int64_t));                                                           \
    for (int64_t row = 1; row < rows; row++) better_##S(largest, width, row, x + row * stride, best, out);     \
  }

#define NAN_OF_NUMBER(x) ((x) != (x))
#define NAN_OF_INTEGER(x) ((void)(x), 0)
ARG_EXTREME(float, f32, NAN_OF_NUMBER, NAN, NAN)
ARG_EXTREME(double, f64, NAN_OF_NUMBER, NAN, NAN)
ARG_EXTREME(int32_t, i32, NAN_OF_INTEGER, INT32_MIN, INT32_MAX)
ARG_EXTREME(int64_t, i64, NAN_OF_INTEGER, INT64_MIN, INT64_MAX)
ARG_EXTREME(uint8_t, u8, NAN_OF_INTEGER, 0, UINT8_MAX)

// MARK: Orders

TK_TARGETS void tk_sort_keys_f32(int64_t n, const float *restrict x, uint32_t flip, uint32_t *restrict keys) {
  const uint32_t *bits = (const uint32_t *)x;
  for (int64_t i = 0; i < n; i++) {
    uint32_t b = bits[i], magnitude = b & 0x7FFFFFFFu;
    b = magnitude == 0 ? 0 : b;
    uint32_t key = b >> 31 ? ~b : b | 0x80000000u;
    keys[i] = (magnitude > 0x7F800000u ? 0xFFFFFFFFu : key) ^ flip;
  }
}
TK_TARGETS void tk_sort_keys_f64(int64_t n, const double *restrict x, uint64_t flip, uint64_t *restrict keys) {
  const uint64_t *bits = (const uint64_t *)x;
  for (int64_t i = 0; i < n; i++) {
    uint64_t b = bits[i], magnitude = b & 0x7FFFFFFFFFFFFFFFull;
    b = magnitude == 0 ? 0 : b;
    uint64_t key = b >> 63 ? ~b : b | 1ull << 63;
    keys[i] = (magnitude > 0x7FF0000000000000ull ? UINT64_MAX : key) ^ flip;
  }
}
TK_TARGETS void tk_sort_keys_i32(int64_t n, const int32_t *restrict x, uint32_t flip, uint32_t *restrict keys) {
  for (int64_t i = 0; i < n; i++) keys[i] = ((uint32_t)x[i] ^ 0x80000000u) ^ flip;
}
TK_TARGETS void tk_sort_keys_i64(int64_t n, const int64_t *restrict x, uint64_t flip, uint64_t *restrict keys) {
  for (int64_t i = 0; i < n; i++) keys[i] = ((uint64_t)x[i] ^ 1ull << 63) ^ flip;
}

uint64_t *tk_sort_pairs(int64_t n, uint64_t *pairs, uint64_t *scratch) {
  if (n <= 64) {
    for (int64_t i = 1; i < n; i++) {
      uint64_t pair = pairs[i];
      int64_t place = i;
      for (; place > 0 && pairs[place - 1] > pair; place--) pairs[place] = pairs[place - 1];
      pairs[place] = pair;
    }
    return pairs;
  }
  // Three passes of 11, 11 and 10 bits, lowest first; all three are counted in one.
  static const int shifts[3] = {32, 43, 54};
  int64_t starts[3][2048];
  memset(starts, 0, sizeof starts);
  for (int64_t i = 0; i < n; i++)
    for (int pass = 0; pass < 3; pass++) starts[pass][pairs[i] >> shifts[pass] & 2047]++;
  for (int pass = 0; pass < 3; pass++) {
    int64_t *start = starts[pass];
    const int shift = shifts[pass];
    if (start[pairs[0] >> shift & 2047] == n) continue;
    int64_t next = 0;
    for (int digit = 0; digit < 2048; digit++) {
      int64_t count = start[digit];
      start[digit] = next;
      next += count;
    }
    for (int64_t i = 0; i < n; i++) scratch[start[pairs[i] >> shift & 2047]++] = pairs[i];
    uint64_t *other = pairs;
    pairs = scratch;
    scratch = other;
  }
  return pairs;
}

void tk_argsort_u8(int64_t n, const uint8_t *x, int descending, int64_t counts[256], int64_t *order) {
  // Four tables, so that runs of one value do not wait for each other.
  int64_t tables[4][256];
  memset(tables, 0, sizeof tables);
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int table = 0; table < 4; table++) tables[table][x[i + table]]++;
  for (; i < n; i++) tables[0][x[i]]++;
  int64_t starts[256], next = 0;
  for (int value = 0; value < 256; value++)
    counts[value] = tables[0][value] + tables[1][value] + tables[2][value] + tables[3][value];
  if (!order) return;
  for (int step = 0; step < 256; step++) {
    int value = descending ? 255 - step : step;
    starts[value] = next;
    next += counts[value];
  }
  for (i = 0; i < n; i++) order[starts[x[i]]++] = i;
}

#define LARGEST(T, S)                                                                                          \
  TK_TARGETS static T largest_of_##S(int64_t n, const T *restrict keys) {                                      \
    T best = 0;                                                                                                \
    for (int64_t i = 0; i < n; i++) best = keys[i] > best ? keys[i] : best;                                    \
    return best;                                                                                               \
  }                                                                                                            \
  void tk_largest_keys_##S(                                                                                    \
    int64_t n, const T *keys, int64_t base, int64_t k, T *top, int64_t *number) {                              \
    int64_t count = 0;                                                                                         \
    for (int64_t start = 0; start < n; start += 128) {                                                         \
      int64_t end = start + 128 < n ? start + 128 : n;                                                         \
      /* Blocks in which nothing beats the last one kept are most of them. */                                  \
      if (count == k && largest_of_##S(end - start, keys + start) <= top[k - 1]) continue;                     \
      for (int64_t i = start; i < end; i++) {                                                                  \
        T key = keys[i];                                                                                       \
        if (count == k && key <= top[k - 1]) continue;                                                         \
        int64_t place = count < k ? count++ : k - 1;                                                           \
        for (; place > 0 && top[place - 1] < key; place--) {                                                   \
          top[place] = top[place - 1];                                                                         \
          number[place] = number[place - 1];                                                                   \
        }                                                                                                      \
        top[place] = key;                                                                                      \
        number[place] = base + i;                                                                              \
      }                                                                                                        \
    }                                                                                                          \
  }
LARGEST(uint32_t, 32)
LARGEST(uint64_t, 64)

// MARK: Ranges of numbers

TK_TARGETS void tk_arange_f32(int64_t n, int64_t first, double start, double step, float *out) {
  for (int64_t i = 0; i < n; i++) out[i] = (float)(start + (double)(first + i) * step);
}
TK_TARGETS void tk_arange_f64(int64_t n, int64_t first, double start, double step, double *out) {
  for (int64_t i = 0; i < n; i++) out[i] = start + (double)(first + i) * step;
}
TK_TARGETS void tk_arange_i32(int64_t n, int64_t first, int32_t *out) {
  for (int64_t i = 0; i < n; i++) out[i] = (int32_t)(first + i);
}
TK_TARGETS void tk_arange_i64(int64_t n, int64_t first, int64_t *out) {
  for (int64_t i = 0; i < n; i++) out[i] = first + i;
}
