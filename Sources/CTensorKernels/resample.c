#include <string.h>

#include "CTensorKernels.h"
#include "tk_target.h"

#define INLINE static inline __attribute__((always_inline))
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int32_t ints16 __attribute__((vector_size(64)));

enum { BLOCKS = 4, HALF = 1 << (TK_RESAMPLE_PRECISION - 1) };

INLINE void load(const uint8_t *from, ints16 *to) {
  bytes16 bytes;
  memcpy(&bytes, from, 16);
  *to = __builtin_convertvector(bytes, ints16);
}

INLINE void store(const ints16 *sum, uint8_t *to) {
  const ints16 zero = {0};
  ints16 value = __builtin_elementwise_min(__builtin_elementwise_max(*sum >> TK_RESAMPLE_PRECISION, zero), zero + 255);
  bytes16 bytes = __builtin_convertvector(value, bytes16);
  memcpy(to, &bytes, 16);
}

TK_TARGETS void tk_resample_rows(int64_t rows, int64_t width, const uint8_t *in, const int32_t *starts,
                                 const int32_t *counts, const int32_t *weights, int64_t stride, uint8_t *out) {
  for (int64_t y = 0; y < rows; y++) {
    const int32_t *row_weights = weights + y * stride;
    const uint8_t *first = in + starts[y] * width;
    const int32_t count = counts[y];
    uint8_t *to = out + y * width;
    int64_t i = 0;
    for (; i + 16 * BLOCKS <= width; i += 16 * BLOCKS) {
      ints16 sums[BLOCKS];
      for (int b = 0; b < BLOCKS; b++) sums[b] = (ints16){0} + HALF;
      for (int32_t t = 0; t < count; t++) {
        const uint8_t *from = first + t * width + i;
        const int32_t weight = row_weights[t];
        for (int b = 0; b < BLOCKS; b++) {
          ints16 values;
          load(from + 16 * b, &values);
          sums[b] += values * weight;
        }
      }
      for (int b = 0; b < BLOCKS; b++) store(&sums[b], to + i + 16 * b);
    }
    for (; i < width; i++) {
      int32_t sum = HALF;
      for (int32_t t = 0; t < count; t++) sum += first[t * width + i] * row_weights[t];
      sum >>= TK_RESAMPLE_PRECISION;
      to[i] = sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
  }
}

#define ZIP(A, B, FIRST)                                                                                       \
  __builtin_shufflevector(A, B, FIRST, FIRST + 16, FIRST + 1, FIRST + 17, FIRST + 2, FIRST + 18, FIRST + 3,    \
                          FIRST + 19, FIRST + 4, FIRST + 20, FIRST + 5, FIRST + 21, FIRST + 6, FIRST + 22,     \
                          FIRST + 7, FIRST + 23)

// A square of 16 by 16 bytes: after four rounds of zipping rows that are eight apart, rows are columns.
INLINE void transpose_square(const uint8_t *in, int64_t in_stride, uint8_t *out, int64_t out_stride) {
  bytes16 a[16], b[16];
  for (int i = 0; i < 16; i++) memcpy(&a[i], in + i * in_stride, 16);
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 8; i++) {
      b[2 * i] = ZIP(a[i], a[i + 8], 0);
      b[2 * i + 1] = ZIP(a[i], a[i + 8], 8);
    }
    for (int i = 0; i < 16; i++) a[i] = b[i];
  }
  for (int i = 0; i < 16; i++) memcpy(out + i * out_stride, &a[i], 16);
}

void tk_transpose_bytes(int64_t rows, int64_t columns, const uint8_t *in, uint8_t *out) {
  const int64_t whole_rows = rows & ~15, whole_columns = columns & ~15;
  for (int64_t column = 0; column < whole_columns; column += 16) {
    for (int64_t row = 0; row < whole_rows; row += 16) {
      transpose_square(in + row * columns + column, columns, out + column * rows + row, rows);
    }
  }
  for (int64_t column = 0; column < columns; column++) {
    const int64_t first = column < whole_columns ? whole_rows : 0;
    for (int64_t row = first; row < rows; row++) out[column * rows + row] = in[row * columns + column];
  }
}
