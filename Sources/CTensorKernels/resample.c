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

// Rows that are eight apart, zipped.
INLINE void zip_rows(const bytes16 *a, bytes16 *b) {
  b[0] = ZIP(a[0], a[8], 0), b[1] = ZIP(a[0], a[8], 8), b[2] = ZIP(a[1], a[9], 0), b[3] = ZIP(a[1], a[9], 8);
  b[4] = ZIP(a[2], a[10], 0), b[5] = ZIP(a[2], a[10], 8), b[6] = ZIP(a[3], a[11], 0), b[7] = ZIP(a[3], a[11], 8);
  b[8] = ZIP(a[4], a[12], 0), b[9] = ZIP(a[4], a[12], 8), b[10] = ZIP(a[5], a[13], 0), b[11] = ZIP(a[5], a[13], 8);
  b[12] = ZIP(a[6], a[14], 0), b[13] = ZIP(a[6], a[14], 8), b[14] = ZIP(a[7], a[15], 0), b[15] = ZIP(a[7], a[15], 8);
}

// A square of 16 by 16 bytes: zipped four times, rows are columns.
INLINE void transpose_square(const uint8_t *in, int64_t in_stride, uint8_t *out, int64_t out_stride) {
  bytes16 a[16], b[16];
  for (int i = 0; i < 16; i++) memcpy(&a[i], in + i * in_stride, 16);
  zip_rows(a, b);
  zip_rows(b, a);
  zip_rows(a, b);
  zip_rows(b, a);
  for (int i = 0; i < 16; i++) memcpy(out + i * out_stride, &a[i], 16);
}

// out [columns, rows] = in [rows, columns] transposed; strides in bytes from row to row.
TK_TARGETS static void transpose(int64_t rows, int64_t columns, const uint8_t *in, int64_t in_stride, uint8_t *out,
                                 int64_t out_stride) {
  const int64_t whole_rows = rows & ~15, whole_columns = columns & ~15;
  // Tiles of whole cache lines on both sides.
  for (int64_t top = 0; top < whole_rows; top += 64) {
    const int64_t bottom = top + 64 < whole_rows ? top + 64 : whole_rows;
    for (int64_t left = 0; left < whole_columns; left += 64) {
      const int64_t right = left + 64 < whole_columns ? left + 64 : whole_columns;
      for (int64_t column = left; column < right; column += 16) {
        for (int64_t row = top; row < bottom; row += 16) {
          transpose_square(in + row * in_stride + column, in_stride, out + column * out_stride + row, out_stride);
        }
      }
    }
  }
  for (int64_t column = 0; column < columns; column++) {
    const int64_t first = column < whole_columns ? whole_rows : 0;
    for (int64_t row = first; row < rows; row++) out[column * out_stride + row] = in[row * in_stride + column];
  }
}

void tk_resample_columns(int64_t rows, int64_t columns, int64_t channels, const uint8_t *in, int64_t new_columns,
                         const int32_t *starts, const int32_t *counts, const int32_t *weights, int64_t stride,
                         uint8_t *scratch, uint8_t *out) {
  const int64_t width = columns * channels, new_width = new_columns * channels;
  uint8_t *turned = scratch, *sums = scratch + TK_RESAMPLE_STRIP * width;
  for (int64_t top = 0; top < rows; top += TK_RESAMPLE_STRIP) {
    const int64_t strip = rows - top < TK_RESAMPLE_STRIP ? rows - top : TK_RESAMPLE_STRIP;
    transpose(strip, width, in + top * width, width, turned, strip);
    tk_resample_rows(new_columns, channels * strip, turned, starts, counts, weights, stride, sums);
    transpose(new_width, strip, sums, strip, out + top * new_width, new_width);
  }
}
