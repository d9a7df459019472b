#include "CTensorKernels.h"
#include "tk_target.h"

// Products in which a has few rows or few columns, with b stored by rows: what a linear layer's gradients are for a few
// rows. A library's product would first copy b, which costs as much as the product.

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
#define INLINE static inline __attribute__((always_inline))

// COLUMNS vectors of ROWS rows of c in registers while the rows of b pass by; those some steps ahead are fetched early.
// Sums do not depend on how rows and columns are grouped.
#define BLOCK(ROWS, COLUMNS)                                                                                     \
  INLINE void block##ROWS##_##COLUMNS(int64_t k, float alpha, const float *a, int64_t row, int64_t step,         \
                                      const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {          \
    lanes total[ROWS][COLUMNS] = {0};                                                                            \
    for (int64_t l = 0; l < k; l++, a += step, b += ldb) {                                                       \
      lanes v[COLUMNS];                                                                                          \
      for (int j = 0; j < COLUMNS; j++) {                                                                        \
        __builtin_prefetch(b + 12 * ldb + 16 * j);                                                               \
        v[j] = *(const lanes *)(b + 16 * j);                                                                     \
      }                                                                                                          \
      for (int r = 0; r < ROWS; r++) {                                                                           \
        for (int j = 0; j < COLUMNS; j++) total[r][j] += a[r * row] * v[j];                                      \
      }                                                                                                          \
    }                                                                                                            \
    for (int r = 0; r < ROWS; r++) {                                                                             \
      for (int j = 0; j < COLUMNS; j++) {                                                                        \
        lanes *out = (lanes *)(c + r * ldc + 16 * j);                                                            \
        *out = beta == 0 ? alpha * total[r][j] : alpha * total[r][j] + beta * *out;                              \
      }                                                                                                          \
    }                                                                                                            \
  }
BLOCK(8, 2)
BLOCK(4, 2)
BLOCK(2, 2)
BLOCK(1, 2)
BLOCK(8, 1)
BLOCK(4, 1)
BLOCK(2, 1)
BLOCK(1, 1)

TK_TARGETS void tk_thin_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t row,
                                    int64_t step, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
#define ROWS_OF(ROWS)                                                                                            \
  for (; m - i >= ROWS; i += ROWS) {                                                                             \
    const float *x = a + i * row;                                                                                \
    float *out = c + i * ldc;                                                                                    \
    int64_t j = 0;                                                                                               \
    for (; j + 32 <= n; j += 32) block##ROWS##_2(k, alpha, x, row, step, b + j, ldb, beta, out + j, ldc);        \
    for (; j + 16 <= n; j += 16) block##ROWS##_1(k, alpha, x, row, step, b + j, ldb, beta, out + j, ldc);        \
  }
  int64_t i = 0;
  ROWS_OF(8)
  ROWS_OF(4)
  ROWS_OF(2)
  ROWS_OF(1)
#undef ROWS_OF
  for (i = 0; i < m; i++) {
    for (int64_t j = n & ~15; j < n; j++) {
      float sum = 0;
      for (int64_t l = 0; l < k; l++) sum += a[i * row + l * step] * b[l * ldb + j];
      c[i * ldc + j] = beta == 0 ? alpha * sum : alpha * sum + beta * c[i * ldc + j];
    }
  }
}
