#include "CTensorKernels.h"
#include "tk_half.h"
#include "tk_target.h"

// Products of a few rows with a large matrix stored by rows of the result's columns, as a linear layer's weight is:
// the weight is read from memory once, four of its rows at a time against a few rows of a. Weights in half precision
// become float in registers.

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef uint16_t halves __attribute__((ext_vector_type(16), aligned(2)));
#define INLINE static inline __attribute__((always_inline))

INLINE float sum_lanes(const lanes *v) {
  TK_REASSOCIATE
  float sum = 0;
  for (int i = 0; i < 16; i++) sum += (*v)[i];
  return sum;
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
