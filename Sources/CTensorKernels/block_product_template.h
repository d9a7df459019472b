// Included once per processor level: TARGET is its attribute, S the suffix, HALF reads a half-precision number.
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#define EACH_ENCODING(CALL)   \
  switch (encoding) {         \
    case TK_BLOCK_Q4_0:       \
      CALL(TK_BLOCK_Q4_0);    \
      break;                  \
    case TK_BLOCK_Q4_1:       \
      CALL(TK_BLOCK_Q4_1);    \
      break;                  \
    default:                  \
      CALL(TK_BLOCK_Q8_0);    \
  }

// One row of a against `step` bytes apart rows of w, while what lies `ahead` bytes further on is fetched; sums do not depend
// on how rows are grouped.
INLINE TARGET void JOIN(four_rows, S)(int encoding, int64_t k, const float *a, const uint8_t *w, int64_t step,
                                      int64_t ahead, float *sums) {
  lanes total[4] = {0}, rest[4] = {0};
  for (int64_t l = 0; l < k; l += 32, w += block_size(encoding)) {
    lanes x = *(const lanes *)(a + l), y = *(const lanes *)(a + l + 16), both = x + y;
    for (int j = 0; j < 4; j++) {
      const uint8_t *block = w + j * step;
      lanes low, high;
      load_block(encoding, block, &low, &high);
      __builtin_prefetch(block + ahead);
      total[j] += HALF(block) * (x * low + y * high);
      if (encoding == TK_BLOCK_Q4_1) rest[j] += HALF(block + 2) * both;
    }
  }
  for (int j = 0; j < 4; j++) {
    total[j] += rest[j];
    sums[j] = sum_lanes(&total[j]);
  }
}

INLINE TARGET void JOIN(row_product_as, S)(int encoding, int64_t n, int64_t k, float alpha, const float *a, const uint8_t *w,
                                           int64_t ldw, float beta, float *c) {
  int64_t four = 4 * ldw, ahead = four > 0 ? (FETCH_BYTES + four - 1) / four * four : 0;
  for (int64_t j = 0; j < n;) {
    int64_t columns = n - j < 4 ? 1 : 4;
    float sums[4];
    JOIN(four_rows, S)(encoding, k, a, w + j * ldw, columns == 4 ? ldw : 0, ahead, sums);
    for (int64_t t = 0; t < columns; t++, j++) c[j] = alpha * sums[t] + (beta == 0 ? 0 : beta * c[j]);
  }
}

TARGET static void JOIN(row_product, S)(int encoding, int64_t n, int64_t k, float alpha, const float *a, const uint8_t *w,
                                        int64_t ldw, float beta, float *c) {
#define CALL(E) JOIN(row_product_as, S)(E, n, k, alpha, a, w, ldw, beta, c)
  EACH_ENCODING(CALL)
#undef CALL
}

#undef EACH_ENCODING
#undef JOIN
#undef JOIN_
#undef TARGET
#undef S
#undef HALF
