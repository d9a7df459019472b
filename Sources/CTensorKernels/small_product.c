#include "CTensorKernels.h"
#include "tk_half.h"
#include "tk_target.h"

int tk_is_optimized(void) {
#ifdef __OPTIMIZE__
  return 1;
#else
  return 0;
#endif
}

// Products of a few rows with a large matrix stored by rows of the result's columns, as a linear layer's weight is:
// the weight is read from memory once, four of its rows at a time against a few rows of a. Weights in half precision
// become float in registers.

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
typedef float quad __attribute__((ext_vector_type(4), aligned(4)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef uint16_t halves __attribute__((ext_vector_type(16), aligned(2)));
#define INLINE static inline __attribute__((always_inline))

// How far ahead of the products weights are fetched: rows are too short for the processor to see where they go on, and
// eight kilobytes are read in the time that memory takes to answer.
enum { FETCH_BYTES = 8192 };

// The four sums of four vectors: halves and quarters are added side by side, so that it costs little more than one sum.
INLINE void sum_four(const lanes v[4], quad *out) {
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH(x, y) __builtin_shufflevector(x, y, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
  lanes a = LOW(v[0], v[1]) + HIGH(v[0], v[1]), b = LOW(v[2], v[3]) + HIGH(v[2], v[3]);
  lanes c = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
            __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  c += __builtin_shufflevector(c, c, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  c += __builtin_shufflevector(c, c, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  *out = __builtin_shufflevector(c, c, 0, 4, 8, 12);
#undef LOW
#undef HIGH
}

INLINE void load_f32(const float *w, lanes *out) { *out = *(const lanes *)w; }
INLINE void load_bf16(const uint16_t *w, lanes *out) {
  words u = __builtin_convertvector(*(const halves *)w, words) << 16;
  __builtin_memcpy(out, &u, sizeof u);
}
INLINE void load_f16(const uint16_t *w, lanes *out) {
  words h = __builtin_convertvector(*(const halves *)w, words);
  words magnitude = (h & 0x7FFF) << 13, u;
  lanes scaled;
  __builtin_memcpy(&scaled, &magnitude, sizeof u);
  scaled *= 0x1p112f;
  __builtin_memcpy(&u, &scaled, sizeof u);
  u |= (words)(magnitude >= 0x0F800000) & 0x7F800000;
  u |= (h & 0x8000) << 16;
  __builtin_memcpy(out, &u, sizeof u);
}
INLINE float one_f32(float w) { return w; }

// Four vectors of columns at a time, even and odd rows in sums of their own.
TK_TARGETS void tk_weighted_rows_f32(int64_t m, int64_t n, int64_t k, const float *p, int64_t ldp, const float *v,
                                     int64_t ldv, float *out, int64_t ldo) {
  for (int64_t r = 0; r < m; r++, p += ldp, out += ldo) {
    int64_t d = 0;
    for (; d + 64 <= n; d += 64) {
      lanes even[4] = {0}, odd[4] = {0};
      int64_t j = 0;
      for (; j + 2 <= k; j += 2) {
        const lanes *x = (const lanes *)(v + j * ldv + d), *y = (const lanes *)(v + (j + 1) * ldv + d);
        for (int i = 0; i < 4; i++) even[i] += p[j] * x[i];
        for (int i = 0; i < 4; i++) odd[i] += p[j + 1] * y[i];
      }
      for (; j < k; j++) {
        for (int i = 0; i < 4; i++) even[i] += p[j] * ((const lanes *)(v + j * ldv + d))[i];
      }
      for (int i = 0; i < 4; i++) *(lanes *)(out + d + 16 * i) = even[i] + odd[i];
    }
    for (; d + 16 <= n; d += 16) {
      lanes sum = {0};
      for (int64_t j = 0; j < k; j++) sum += p[j] * *(const lanes *)(v + j * ldv + d);
      *(lanes *)(out + d) = sum;
    }
    for (; d < n; d++) {
      float sum = 0;
      for (int64_t j = 0; j < k; j++) sum += p[j] * v[j * ldv + d];
      out[d] = sum;
    }
  }
}

#define W float
#define S f32
#define LOAD load_f32
#define ONE one_f32
#include "small_product_template.h"

#define W uint16_t
#define S bf16
#define LOAD load_bf16
#define ONE tk_from_bf16
#include "small_product_template.h"

#define W uint16_t
#define S f16_portable
#define LOAD load_f16
#define ONE tk_from_f16
#include "small_product_template.h"

#if defined(__x86_64__) && defined(__ELF__)
// Processors from AVX2 on convert float16 in one instruction, which portable code cannot name.
typedef _Float16 native_halves __attribute__((ext_vector_type(16), aligned(2)));
INLINE void load_native(const uint16_t *w, lanes *out) {
  *out = __builtin_convertvector(*(const native_halves *)w, lanes);
}
#undef TK_TARGETS
#define TK_TARGETS __attribute__((target("arch=x86-64-v3"))) static
#define W uint16_t
#define S f16_v3
#define LOAD load_native
#define ONE tk_from_f16
#include "small_product_template.h"
#undef TK_TARGETS
#define TK_TARGETS __attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static
#define W uint16_t
#define S f16_v4
#define LOAD load_native
#define ONE tk_from_f16
#include "small_product_template.h"
#endif

void tk_small_product_f16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                          const uint16_t *w, int64_t ldw, float beta, float *c, int64_t ldc) {
#if defined(__x86_64__) && defined(__ELF__)
  if (__builtin_cpu_supports("x86-64-v4")) {
    tk_small_product_f16_v4(m, n, k, alpha, a, lda, w, ldw, beta, c, ldc);
    return;
  }
  if (__builtin_cpu_supports("x86-64-v3")) {
    tk_small_product_f16_v3(m, n, k, alpha, a, lda, w, ldw, beta, c, ldc);
    return;
  }
#endif
  tk_small_product_f16_portable(m, n, k, alpha, a, lda, w, ldw, beta, c, ldc);
}
