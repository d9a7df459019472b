#include "CTensorKernels.h"
#include "tk_blocks.h"
#include "tk_target.h"

// Products with matrices stored in quantised blocks. Rows of w are expanded, a piece at a time, into a buffer of the
// first-level cache. For the types with few steps from bytes to values, one row of a meets four rows of w at a time, whose
// values become float in registers.

enum { BUFFER_ROWS = 8, BUFFER_COLUMNS = 1024, FETCH_BYTES = 4096 };

INLINE int64_t block_size(int encoding) {
  return encoding == TK_BLOCK_Q4_0 ? 18 : encoding == TK_BLOCK_Q4_1 ? 20 : 34;
}

// The 32 whole numbers of a block as two vectors; q4_0 counts from -8.
INLINE void load_block(int encoding, const uint8_t *block, lanes *low, lanes *high) {
  numbers first, second;
  if (encoding == TK_BLOCK_Q8_0) {
    first = __builtin_convertvector(*(const signed_bytes *)(block + 2), numbers);
    second = __builtin_convertvector(*(const signed_bytes *)(block + 18), numbers);
  } else {
    numbers packed = __builtin_convertvector(*(const bytes *)(block + (encoding == TK_BLOCK_Q4_1 ? 4 : 2)), numbers);
    first = packed & 15;
    second = packed >> 4;
    if (encoding == TK_BLOCK_Q4_0) {
      first -= 8;
      second -= 8;
    }
  }
  *low = __builtin_convertvector(first, lanes);
  *high = __builtin_convertvector(second, lanes);
}

INLINE float sum_lanes(const lanes *v) {
  TK_REASSOCIATE
  float sum = 0;
  for (int i = 0; i < 16; i++) sum += (*v)[i];
  return sum;
}

#define TARGET
#define S portable
#define HALF half_portable
#include "block_product_template.h"

#if defined(__x86_64__) && defined(__ELF__)
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define S v3
#define HALF half_native
#include "block_product_template.h"
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define S v4
#define HALF half_native
#include "block_product_template.h"
#define CHOOSE(function, ...)                                         \
  if (__builtin_cpu_supports("x86-64-v4")) {                          \
    function##_v4(__VA_ARGS__);                                       \
  } else if (__builtin_cpu_supports("x86-64-v3")) {                   \
    function##_v3(__VA_ARGS__);                                       \
  } else {                                                            \
    function##_portable(__VA_ARGS__);                                 \
  }
#else
#define CHOOSE(function, ...) function##_portable(__VA_ARGS__);
#endif

INLINE int becomes_float_in_registers(int encoding) {
  return encoding == TK_BLOCK_Q4_0 || encoding == TK_BLOCK_Q4_1 || encoding == TK_BLOCK_Q8_0;
}

void tk_block_product(int encoding, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                      const uint8_t *w, int64_t ldw, float beta, float *c, int64_t ldc) {
  if (m == 1 && becomes_float_in_registers(encoding)) {
    CHOOSE(row_product, encoding, n, k, alpha, a, w, ldw, beta, c)
    return;
  }
  _Alignas(64) float buffer[BUFFER_ROWS * BUFFER_COLUMNS];
  int64_t length = tk_block_length(encoding), size = tk_block_size(encoding);
  for (int64_t j = 0, rows; j < n; j += rows) {
    rows = n - j < BUFFER_ROWS ? n - j : BUFFER_ROWS;
    for (int64_t l = 0, columns; l < k; l += columns) {
      columns = k - l < BUFFER_COLUMNS ? k - l : BUFFER_COLUMNS;
      for (int64_t r = 0; r < rows; r++) {
        tk_expand_blocks(encoding, columns / length, w + (j + r) * ldw + l / length * size, buffer + r * columns);
      }
      tk_small_product_f32(m, rows, columns, alpha, a + l, lda, buffer, columns, l == 0 ? beta : 1, c + j, ldc);
    }
  }
}
