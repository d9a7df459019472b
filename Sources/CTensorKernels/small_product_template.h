// Included once per weight type: W is the stored type, S the suffix, LOAD reads sixteen weights, ONE a single one.
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

// ROWS rows of a against four rows of w. Sums do not depend on how rows are grouped. Meanwhile `fetched` of the rows that
// begin at `next` are brought near.
#define BLOCK(ROWS)                                                                                            \
  INLINE void JOIN(block##ROWS, S)(const float *a, int64_t lda, const W *w, int64_t ldw, int64_t k,            \
                                   const W *next, int fetched, quad *sums) {                                   \
    lanes total[ROWS][4] = {0};                                                                                \
    int64_t l = 0;                                                                                             \
    for (; l + 16 <= k; l += 16) {                                                                             \
      lanes v[4];                                                                                              \
      for (int j = 0; j < 4; j++) LOAD(w + j * ldw + l, &v[j]);                                                \
      for (int j = 0; j < fetched; j++) __builtin_prefetch(next + j * ldw + l);                                \
      for (int r = 0; r < ROWS; r++) {                                                                         \
        lanes x = *(const lanes *)(a + r * lda + l);                                                           \
        for (int j = 0; j < 4; j++) total[r][j] += x * v[j];                                                   \
      }                                                                                                        \
    }                                                                                                          \
    for (int r = 0; r < ROWS; r++) {                                                                           \
      sum_four(total[r], &sums[r]);                                                                            \
      for (int64_t i = l; i < k; i++) {                                                                        \
        for (int j = 0; j < 4; j++) sums[r][j] += a[r * lda + i] * ONE(w[j * ldw + i]);                        \
      }                                                                                                        \
    }                                                                                                          \
  }
BLOCK(1)
BLOCK(2)
BLOCK(4)
#undef BLOCK

TK_TARGETS void JOIN(tk_small_product, S)(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                                          const W *w, int64_t ldw, float beta, float *c, int64_t ldc) {
  // With one row of a, the processor keeps up by itself with float32 rows that follow each other.
  int64_t block = 4 * k * (int64_t)sizeof(W);
  int64_t ahead = k > 0 && (m > 1 || sizeof(W) < 4 || ldw != k) ? (FETCH_BYTES + block - 1) / block * 4 * ldw : 0;
  for (int64_t j = 0; j < n; j += 4) {
    int64_t columns = n - j < 4 ? n - j : 4;
    for (int64_t i = 0, rows; i < m; i += rows) {
      rows = m - i >= 4 ? 4 : m - i >= 2 ? 2 : 1;
      const float *x = a + i * lda;
      quad sums[4];
      for (int64_t s = 0; s < columns; s += columns == 4 ? 4 : 1) {
        // At the end one row of w at a time, as if it were four.
        const W *weight = w + (j + s) * ldw, *next = weight + ahead;
        int64_t step = columns == 4 ? ldw : 0;
        // The first eight rows of a share the fetching, so that memory and arithmetic keep busy together.
        if (rows == 4 && (i > 4 || ahead == 0)) {
          JOIN(block4, S)(x, lda, weight, step, k, next, 0, sums);
        } else if (rows == 4 && m >= 8) {
          JOIN(block4, S)(x, lda, weight, step, k, next + i / 2 * step, 2, sums);
        } else if (rows == 4) {
          JOIN(block4, S)(x, lda, weight, step, k, next, 4, sums);
        } else if (rows == 2) {
          JOIN(block2, S)(x, lda, weight, step, k, next, i == 0 ? 4 : 0, sums);
        } else if (i == 0 && ahead != 0) {
          JOIN(block1, S)(x, lda, weight, step, k, next, 4, sums);
        } else {
          JOIN(block1, S)(x, lda, weight, step, k, next, 0, sums);
        }
        for (int64_t r = 0; r < rows; r++) {
          float *out = c + (i + r) * ldc + j + s;
          if (columns < 4) {
            *out = alpha * sums[r][0] + (beta == 0 ? 0 : beta * *out);
          } else {
            *(quad *)out = beta == 0 ? alpha * sums[r] : alpha * sums[r] + beta * *(quad *)out;
          }
        }
      }
    }
  }
}

#undef JOIN
#undef JOIN_
#undef W
#undef S
#undef LOAD
#undef ONE
