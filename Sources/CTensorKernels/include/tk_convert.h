// Conversions between element types, and products that read a matrix in half precision.
#pragma once
#include <stdint.h>

enum { TK_TYPE_F16, TK_TYPE_BF16, TK_TYPE_F32, TK_TYPE_F64, TK_TYPE_U8, TK_TYPE_I32, TK_TYPE_I64, TK_TYPE_BOOL, TK_TYPE_COUNT };

// out[i] = x[i * sx] in another type. To a floating-point type: nearest, ties to even, in one rounding. From floating
// point to integers: towards zero, saturating, NaN becomes 0. Between integers: the low bits.
void tk_convert(int from, int to, int64_t n, const void *x, int64_t sx, void *out);

// c = alpha a wᵀ + beta c for a few rows of a [m, k] and a large w [n, k]; the second and third read w in bfloat16 and float16.
void tk_small_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *w,
                          int64_t ldw, float beta, float *c, int64_t ldc);
void tk_small_product_bf16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                           const uint16_t *w, int64_t ldw, float beta, float *c, int64_t ldc);
void tk_small_product_f16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                          const uint16_t *w, int64_t ldw, float beta, float *c, int64_t ldc);
