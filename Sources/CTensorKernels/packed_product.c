#include "packed_tiles.h"

// Products of matrices that are large in all three sizes, after Goto and van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (2008), for processors with 32 registers of sixteen floats. Columns of b lie packed side by side, thirty-two
// at a time; blocks of rows of a are packed into the second cache, up to fourteen rows at a time; one tile of c, rows
// by columns of these panels, stays in registers while both pass by.
//
// Each element of c is one sum over k in order, whatever the other rows and columns: who computes which part of c
// changes no bit.

#ifdef TK_HAS_PACKED

int tk_has_packed_product(void) { return __builtin_cpu_supports("x86-64-v4"); }

enum { BLOCK_ROWS = TK_PACKED_ROWS };

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)

// ROWS by COLUMNS vectors of c. A number of a is loaded into a register of its own: the compiler would have each multiplication
// load it again. Each tile is a function of its own, and its inner loops are unrolled whole, so that registers suffice. Its place in c
// is fetched into the second cache: rows of a power of two of bytes would drive each other out of the first.
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
EACH_ROW_COUNT(ONE_AND_TWO)

#define ENTRY(ROWS) {tile##ROWS##_1, tile##ROWS##_2},
Tile *const tk_tiles[PANEL_ROWS][2] = {EACH_ROW_COUNT(ENTRY)};

// Columns beyond the last go to a tile of their own, from which the others are taken.
static void narrow_tile(int64_t rows, int64_t columns, int64_t k, float alpha, const float *a, const float *b,
                        float beta, float *c, int64_t ldc) {
  float whole[PANEL_ROWS * PANEL_COLUMNS];
  tk_tiles[rows - 1][columns > 16](k, alpha, a, b, 0, whole, PANEL_COLUMNS);
  for (int64_t i = 0; i < rows; i++) {
    const float *x = whole + i * PANEL_COLUMNS;
    float *out = c + i * ldc;
    for (int64_t j = 0; j < columns; j++) out[j] = beta == 0 ? x[j] : x[j] + beta * out[j];
  }
}

void tk_pack_columns_f32(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, float *out) {
  for (int64_t j = 0; j < n; j += PANEL_COLUMNS, out += PANEL_COLUMNS * k) {
    int64_t columns = SMALLER(PANEL_COLUMNS, n - j);
    if (transposed) {
      if (columns == PANEL_COLUMNS) {
        turn(16, k, b + j * ldb, ldb, out, PANEL_COLUMNS);
        turn(16, k, b + (j + 16) * ldb, ldb, out + 16, PANEL_COLUMNS);
      } else {
        turn(SMALLER(16, columns), k, b + j * ldb, ldb, out, PANEL_COLUMNS);
        if (columns > 16) turn(columns - 16, k, b + (j + 16) * ldb, ldb, out + 16, PANEL_COLUMNS);
      }
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
          tk_tiles[count - 1][columns > 16](k, alpha, scratch + i * k, b + j * k, beta, out, ldc);
        } else {
          narrow_tile(count, columns, k, alpha, scratch + i * k, b + j * k, beta, out, ldc);
        }
      }
    }
  }
}

// Rows of a whose k terms fill the second cache as BLOCK_ROWS times TK_PACKED_TERMS do.
static int64_t gated_block_rows(int64_t k) {
  int64_t rows = (int64_t)BLOCK_ROWS * TK_PACKED_TERMS / (k < TK_PACKED_TERMS ? TK_PACKED_TERMS : k);
  return rows < PANEL_ROWS ? PANEL_ROWS : rows;
}

int64_t tk_packed_gated_scratch(int64_t m, int64_t k) {
  return SMALLER(m, gated_block_rows(k)) * k + 16 + 2 * PANEL_ROWS * PANEL_COLUMNS;
}

// One tile of a product, the sum over k in the parts of a PackedProduct.
INLINE void whole_tile(int64_t rows, int64_t k, const float *a, const float *b, float *out) {
  int64_t parts = (k + TK_PACKED_TERMS - 1) / TK_PACKED_TERMS;
  for (int64_t part = 0; part < parts; part++) {
    int64_t first = part * k / parts, terms = (part + 1) * k / parts - first;
    tk_tiles[rows - 1][1](terms, 1, a + first * rows, b + first * PANEL_COLUMNS, part > 0, out, PANEL_COLUMNS);
  }
}

void tk_packed_gated_product_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *gate,
                                 const float *up, float *c, int64_t ldc, float *scratch) {
  float *gates = scratch, *ups = gates + PANEL_ROWS * PANEL_COLUMNS, *packed = ups + PANEL_ROWS * PANEL_COLUMNS;
  int64_t block_rows = gated_block_rows(k), blocks = (m + block_rows - 1) / block_rows;
  for (int64_t block = 0; block < blocks; block++) {
    int64_t first = block * m / blocks, rows = (block + 1) * m / blocks - first;
    int64_t panels = (rows + PANEL_ROWS - 1) / PANEL_ROWS, height = (rows + panels - 1) / panels;
    pack_rows(rows, k, height, a + first * lda, lda, 0, packed);
    for (int64_t j = 0; j < n; j += PANEL_COLUMNS) {
      for (int64_t i = 0; i < rows; i += height) {
        int64_t count = SMALLER(height, rows - i);
        whole_tile(count, k, packed + i * k, gate + j * k, gates);
        whole_tile(count, k, packed + i * k, up + j * k, ups);
        tk_swiglu_f32(gates, ups, gates, count * PANEL_COLUMNS);
        float *out = c + (first + i) * ldc + j;
        for (int64_t r = 0; r < count; r++) {
          const float *x = gates + r * PANEL_COLUMNS;
          if (j + PANEL_COLUMNS <= n) {
            *(lanes *)(out + r * ldc) = *(const lanes *)x;
            *(lanes *)(out + r * ldc + 16) = *(const lanes *)(x + 16);
          } else {
            for (int64_t i = 0; i < n - j; i++) out[r * ldc + i] = x[i];
          }
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

int64_t tk_packed_gated_scratch(int64_t m, int64_t k) { return 0; }
void tk_packed_gated_product_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *gate,
                                 const float *up, float *c, int64_t ldc, float *scratch) {}

#endif
