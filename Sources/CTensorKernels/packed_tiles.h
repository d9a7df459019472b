// What the packed product and attention share: panels of rows, panels of columns, and the tiles that multiply them. C files
// only.
#pragma once
#include "CTensorKernels.h"

// As a debug build compiles them, these loops take fifteen times as long as OpenBLAS, which is optimised in any build.
#if defined(__x86_64__) && defined(__ELF__) && defined(__OPTIMIZE__)
#define TK_HAS_PACKED 1
#endif

#ifdef TK_HAS_PACKED

enum { PANEL_ROWS = 14, PANEL_COLUMNS = TK_PACKED_COLUMNS, AHEAD = 64 };

// A tile of c [rows, columns] by its panels of a [k, rows] and b [k, 32]: c = alpha a b + beta c.
typedef void Tile(int64_t k, float alpha, const float *a, const float *b, float beta, float *c, int64_t ldc);
// Tiles of 1 to 14 rows and of 16 or 32 columns.
extern Tile *const tk_tiles[PANEL_ROWS][2] __attribute__((visibility("hidden")));

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
#define INLINE static inline __attribute__((always_inline))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
// A loop that is unrolled whole, so that what it fills stays in registers: EACH i = 0; i < n; i++).
#define EACH _Pragma("clang loop unroll(full)") for (int
// For every number of rows of a tile; and TILE, which a file defines, of one and of two vectors of columns.
#define EACH_ROW_COUNT(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14)
#define ONE_AND_TWO(ROWS) TILE(ROWS, 1) TILE(ROWS, 2)

#define INTERLEAVED 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define REST_INTERLEAVED 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

// v[i][j] and v[j][i] change places: four times, lines i and i + 8 become lines 2i and 2i + 1.
INLINE void transpose(lanes *v) {
  for (int step = 0; step < 4; step++) {
    lanes next[16];
    for (int i = 0; i < 8; i++) {
      next[2 * i] = __builtin_shufflevector(v[i], v[i + 8], INTERLEAVED);
      next[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 8], REST_INTERLEAVED);
    }
    for (int i = 0; i < 16; i++) v[i] = next[i];
  }
}

// out[l * distance + i] = x[i * ldx + l] for up to 16 lines of x. Writes sixteen numbers each time, zeros or anything after
// the lines' own: what belongs there comes later. The next sixteen lines are fetched meanwhile: a few numbers ahead in the
// same line is too late for what lies in memory.
INLINE void turn(int64_t lines, int64_t k, const float *x, int64_t ldx, float *out, int64_t distance) {
  int64_t l = 0;
  for (; l + 16 <= k; l += 16) {
    lanes v[16];
    for (int i = 0; i < 16; i++) {
      v[i] = 0;
      if (i < lines) {
        v[i] = *(const lanes *)(x + i * ldx + l);
        __builtin_prefetch(x + i * ldx + l + AHEAD);
        __builtin_prefetch(x + (i + 16) * ldx + l, 0, 2);
      }
    }
    transpose(v);
    for (int i = 0; i < 16; i++) *(lanes *)(out + (l + i) * distance) = v[i];
  }
  for (; l < k; l++) {
    lanes v = 0;
    for (int64_t i = 0; i < lines; i++) v[i] = x[i * ldx + l];
    *(lanes *)(out + l * distance) = v;
  }
}

// Rows of a in panels of `height`, k by rows; the numbers after the last are overwritten by the next panel.
static inline void pack_rows(int64_t m, int64_t k, int64_t height, const float *a, int64_t lda, int transposed, float *out) {
  if (!transposed) {
    for (int64_t i = 0; i < m; i += height) {
      int64_t rows = SMALLER(height, m - i);
      turn(rows, k, a + i * lda, lda, out + i * k, rows);
    }
    return;
  }
  // Sixteen numbers at a time, unless they would be beyond the matrix or in the next panel: two panels have eight rows each or
  // more, so only the last numbers of a panel are near it.
  int64_t most = m < 16 ? 0 : ((m - 16) / height + 1) * height;
  for (int64_t l = 0; l < k; l++, a += lda) {
    int64_t whole = l + 1 < k ? most : 0;
    for (int64_t i = 0; i < whole; i += height) {
      __builtin_prefetch(a + 8 * lda + i);
      *(lanes *)(out + i * k + l * height) = *(const lanes *)(a + i);
    }
    for (int64_t i = whole; i < m; i += height) {
      int64_t rows = SMALLER(height, m - i);
      for (int64_t r = 0; r < rows; r++) out[i * k + l * rows + r] = a[i + r];
    }
  }
}

#pragma clang attribute pop

#endif
