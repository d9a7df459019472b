#include "CTensorKernels.h"

// Products of matrices that are large in all three sizes, after Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008), for processors with 32 registers of sixteen floats. Columns of b lie packed side by side, thirty-two
// at a time; blocks of rows of a are packed into the second cache, up to fourteen rows at a time; one tile of c, rows
// by columns of these panels, stays in registers while both pass by.
//
// Each element of c is one sum over k in order, whatever the other rows and columns: who computes which part of c
// changes no bit.

#if defined(__x86_64__) && defined(__ELF__)

int tk_has_packed_product(void) { return __builtin_cpu_supports("x86-64-v4"); }

enum { PANEL_ROWS = 14, PANEL_COLUMNS = TK_PACKED_COLUMNS, BLOCK_ROWS = TK_PACKED_ROWS, AHEAD = 64 };

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
#define INLINE static inline __attribute__((always_inline))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))

// ROWS by COLUMNS vectors of c. A number of a is loaded into a register of its own: the compiler would have each multiplication
// load it again. Each tile is a function of its own, and its inner loops are unrolled whole, so that registers suffice. Its place in c
// is fetched into the second cache: rows of a power of two of bytes would drive each other out of the first.
#define EACH _Pragma("clang loop unroll(full)") for (int
#define TILE(ROWS, COLUMNS)                                                                                      \
  __attribute__((noinline)) static void tile##ROWS##_##COLUMNS(                                                  \
      int64_t k, float alpha, const float *a, const float *b, float beta, float *c, int64_t ldc) {               \
    lanes total[ROWS][COLUMNS];                                                                                  \
    EACH r = 0; r < ROWS; r++) {                                                                                 \
      EACH j = 0; j < COLUMNS; j++) {                                                                            \
        total[r][j] = 0;                                                                                         \
        __builtin_prefetch(c + r * ldc + 16 * j, 0, 2);                                                          \
      }                                                                                                          \
    }                                                                                                            \
    _Pragma("clang loop unroll_count(4)")                                                                        \
    for (int64_t l = 0; l < k; l++, a += ROWS, b += PANEL_COLUMNS) {                                             \
      lanes v[COLUMNS];                                                                                          \
      EACH j = 0; j < COLUMNS; j++) v[j] = *(const lanes *)(b + 16 * j);                                         \
      EACH r = 0; r < ROWS; r++) {                                                                               \
        lanes x;                                                                                                 \
        __asm__("vbroadcastss %1, %0" : "=v"(x) : "m"(a[r]));                                                    \
        EACH j = 0; j < COLUMNS; j++) total[r][j] += x * v[j];                                                   \
      }                                                                                                          \
    }                                                                                                            \
    EACH r = 0; r < ROWS; r++) {                                                                                 \
      EACH j = 0; j < COLUMNS; j++) {                                                                            \
        lanes *out = (lanes *)(c + r * ldc + 16 * j);                                                            \
        *out = beta == 0 ? alpha * total[r][j] : alpha * total[r][j] + beta * *out;                              \
      }                                                                                                          \
    }                                                                                                            \
  }
#define EACH_ROW_COUNT(F) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14)
#define ONE_AND_TWO(ROWS) TILE(ROWS, 1) TILE(ROWS, 2)
EACH_ROW_COUNT(ONE_AND_TWO)

typedef void Tile(int64_t, float, const float *, const float *, float, float *, int64_t);
#define ENTRY(ROWS) {tile##ROWS##_1, tile##ROWS##_2},
static Tile *const tiles[PANEL_ROWS][2] = {EACH_ROW_COUNT(ENTRY)};

// Columns beyond the last go to a tile of their own, from which the others are taken.
static void narrow_tile(int64_t rows, int64_t columns, int64_t k, float alpha, const float *a, const float *b,
                        float beta, float *c, int64_t ldc) {
  float whole[PANEL_ROWS * PANEL_COLUMNS];
  tiles[rows - 1][columns > 16](k, alpha, a, b, 0, whole, PANEL_COLUMNS);
  for (int64_t i = 0; i < rows; i++) {
    const float *x = whole + i * PANEL_COLUMNS;
    float *out = c + i * ldc;
    for (int64_t j = 0; j < columns; j++) out[j] = beta == 0 ? x[j] : x[j] + beta * out[j];
  }
}

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
static void pack_rows(int64_t m, int64_t k, int64_t height, const float *a, int64_t lda, int transposed, float *out) {
  for (int64_t i = 0; i < m; i += height) {
    int64_t rows = SMALLER(height, m - i);
    float *panel = out + i * k;
    if (!transposed) {
      turn(rows, k, a + i * lda, lda, panel, rows);
      continue;
    }
    // Reading sixteen numbers of the last line could leave the matrix.
    int64_t whole = i + 16 <= m ? k : 0;
    for (int64_t l = 0; l < whole; l++) {
      const float *x = a + l * lda + i;
      __builtin_prefetch(x + 8 * lda);
      *(lanes *)(panel + l * rows) = *(const lanes *)x;
    }
    for (int64_t l = whole; l < k; l++) {
      for (int64_t r = 0; r < rows; r++) panel[l * rows + r] = a[l * lda + i + r];
    }
  }
}

void tk_pack_columns_f32(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, float *out) {
  for (int64_t j = 0; j < n; j += PANEL_COLUMNS, out += PANEL_COLUMNS * k) {
    int64_t columns = SMALLER(PANEL_COLUMNS, n - j);
    if (transposed) {
      turn(SMALLER(16, columns), k, b + j * ldb, ldb, out, PANEL_COLUMNS);
      if (columns > 16) turn(columns - 16, k, b + (j + 16) * ldb, ldb, out + 16, PANEL_COLUMNS);
      continue;
    }
    for (int64_t l = 0; l < k; l++) {
      const float *x = b + l * ldb + j;
      float *row = out + l * PANEL_COLUMNS;
      __builtin_prefetch(x + 8 * ldb);
      __builtin_prefetch(x + 8 * ldb + 16);
      if (columns == PANEL_COLUMNS) {
        *(lanes *)row = *(const lanes *)x;
        *(lanes *)(row + 16) = *(const lanes *)(x + 16);
      } else {
        for (int64_t i = 0; i < PANEL_COLUMNS; i++) row[i] = i < columns ? x[i] : 0;
      }
    }
  }
}

void tk_packed_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                           const float *b, float beta, float *c, int64_t ldc, float *scratch) {
  int64_t blocks = (m + BLOCK_ROWS - 1) / BLOCK_ROWS;
  for (int64_t block = 0; block < blocks; block++) {
    int64_t first = block * m / blocks, rows = (block + 1) * m / blocks - first;
    int64_t panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS, height = (rows + panels - 1) / panels;
    pack_rows(rows, k, height, a + (transposed ? first : first * lda), lda, transposed, scratch);
    for (int64_t j = 0; j < n; j += PANEL_COLUMNS) {
      int64_t columns = SMALLER(PANEL_COLUMNS, n - j);
      for (int64_t i = 0; i < rows; i += height) {
        int64_t count = SMALLER(height, rows - i);
        float *out = c + (first + i) * ldc + j;
        if (columns % 16 == 0) {
          tiles[count - 1][columns > 16](k, alpha, scratch + i * k, b + j * k, beta, out, ldc);
        } else {
          narrow_tile(count, columns, k, alpha, scratch + i * k, b + j * k, beta, out, ldc);
        }
      }
    }
  }
}

#pragma clang attribute pop

#else

int tk_has_packed_product(void) { return 0; }
void tk_pack_columns_f32(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, float *out) {}
void tk_packed_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                           const float *b, float beta, float *c, int64_t ldc, float *scratch) {}

#endif
