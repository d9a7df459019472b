#include "CTensorKernels.h"
#include "tk_target.h"

// Products of a few rows with a large matrix stored by rows of the result's columns, as a linear layer's weight is:
// the weight is read once, four of its rows at a time against pairs of rows of a.

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));

static inline __attribute__((always_inline)) float sum_lanes(const lanes *v) {
  TK_REASSOCIATE
  float sum = 0;
  for (int i = 0; i < 16; i++) sum += (*v)[i];
  return sum;
}

static inline __attribute__((always_inline)) void block(const float *a, int64_t lda, const float *w, int64_t ldw,
                                                        int64_t k, float sums[2][4]) {
  lanes total[2][4] = {0};
  int64_t l = 0;
  for (; l + 16 <= k; l += 16) {
    lanes x = *(const lanes *)(a + l), y = *(const lanes *)(a + lda + l);
    for (int j = 0; j < 4; j++) {
      lanes v = *(const lanes *)(w + j * ldw + l);
      total[0][j] += x * v;
      total[1][j] += y * v;
    }
  }
  for (int j = 0; j < 4; j++) {
    sums[0][j] = sum_lanes(&total[0][j]);
    sums[1][j] = sum_lanes(&total[1][j]);
    for (int64_t i = l; i < k; i++) {
      sums[0][j] += a[i] * w[j * ldw + i];
      sums[1][j] += a[lda + i] * w[j * ldw + i];
    }
  }
}

TK_TARGETS void tk_small_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                                     const float *w, int64_t ldw, float beta, float *c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += 4) {
    int64_t columns = n - j < 4 ? n - j : 4;
    for (int64_t i = 0; i < m; i += 2) {
      int64_t rows = m - i < 2 ? m - i : 2;
      float sums[2][4];
      if (columns == 4) {
        block(a + i * lda, rows == 2 ? lda : 0, w + j * ldw, ldw, k, sums);
      } else {
        for (int64_t s = 0; s < columns; s++) {
          float one[2][4];
          block(a + i * lda, rows == 2 ? lda : 0, w + (j + s) * ldw, 0, k, one);
          sums[0][s] = one[0][0];
          sums[1][s] = one[1][0];
        }
      }
      for (int64_t r = 0; r < rows; r++) {
        for (int64_t s = 0; s < columns; s++) {
          float *out = c + (i + r) * ldc + j + s;
          *out = alpha * sums[r][s] + (beta == 0 ? 0 : beta * *out);
        }
      }
    }
  }
}
