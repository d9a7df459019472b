#include "CTensorKernels.h"
#include "tk_target.h"

// Running sums and products; A holds every digit of a total. Along rows four totals run side by side, because each addition waits
// for the one before it; down columns a row of totals is as wide as a vector.
#define SCAN(NAME, T, S, A, OPERATOR)                                                                          \
  static void rows_##NAME##_##S(int64_t count, int64_t n, const T *x, T *out) {                                \
    int64_t row = 0;                                                                                           \
    for (; row + 4 <= count; row += 4, x += 4 * n, out += 4 * n) {                                             \
      A a = (A)x[0], b = (A)x[n], c = (A)x[2 * n], d = (A)x[3 * n];                                            \
      for (int64_t i = 0;;) {                                                                                  \
        out[i] = (T)a, out[n + i] = (T)b, out[2 * n + i] = (T)c, out[3 * n + i] = (T)d;                        \
        if (++i == n) break;                                                                                   \
        a = a OPERATOR (A)x[i], b = b OPERATOR (A)x[n + i];                                                    \
        c = c OPERATOR (A)x[2 * n + i], d = d OPERATOR (A)x[3 * n + i];                                        \
      }                                                                                                        \
    }                                                                                                          \
    for (; row < count; row++, x += n, out += n) {                                                             \
      A total = (A)x[0];                                                                                       \
      for (int64_t i = 0;;) {                                                                                  \
        out[i] = (T)total;                                                                                     \
        if (++i == n) break;                                                                                   \
        total = total OPERATOR (A)x[i];                                                                        \
      }                                                                                                        \
    }                                                                                                          \
  }                                                                                                            \
  TK_TARGETS static void columns_##NAME##_##S(int64_t rows, int64_t n, int64_t stride, const T *x, T *out,     \
                                              A *totals) {                                                     \
    for (int64_t j = 0; j < n; j++) totals[j] = (A)x[j], out[j] = x[j];                                        \
    for (int64_t row = 1; row < rows; row++) {                                                                 \
      const T *line = x + row * stride;                                                                        \
      T *target = out + row * stride;                                                                          \
      /* The line may be the target itself, which is what a compiler does not vectorise unasked. */            \
      _Pragma("clang loop vectorize(assume_safety)")                                                           \
      for (int64_t j = 0; j < n; j++) {                                                                        \
        A total = totals[j] OPERATOR (A)line[j];                                                               \
        totals[j] = total;                                                                                     \
        target[j] = (T)total;                                                                                  \
      }                                                                                                        \
    }                                                                                                          \
  }
#define SCANS(T, S, A)                                                                                         \
  SCAN(sum, T, S, A, +)                                                                                        \
  SCAN(product, T, S, A, *)                                                                                    \
  void tk_scan_rows_##S(int product, int64_t count, int64_t n, const T *x, T *out) {                           \
    (product ? rows_product_##S : rows_sum_##S)(count, n, x, out);                                             \
  }                                                                                                            \
  void tk_scan_columns_##S(int product, int64_t rows, int64_t n, int64_t stride, const T *x, T *out,           \
                           void *totals) {                                                                     \
    if (product) columns_product_##S(rows, n, stride, x, out, totals);                                         \
    else columns_sum_##S(rows, n, stride, x, out, totals);                                                     \
  }
SCANS(float, f32, double)
SCANS(double, f64, double)
SCANS(int64_t, i64, uint64_t)
