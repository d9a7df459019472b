// Elementwise loops and reductions over one row; a stride of 0 repeats one value.
#pragma once
#include <stdint.h>

enum {
  TK_NEG, TK_ABS, TK_EXP, TK_EXPM1, TK_LOG, TK_LOG1P, TK_SQRT, TK_RSQRT, TK_RECIPROCAL, TK_SIN, TK_COS, TK_TANH,
  TK_SIGMOID, TK_LOG_SIGMOID, TK_SOFTPLUS, TK_ERF, TK_RELU, TK_SILU, TK_GELU, TK_GELU_TANH, TK_QUICK_GELU,
  TK_SQUARE, TK_SIGN, TK_FLOOR, TK_CEIL, TK_ROUND, TK_TAN, TK_ASIN, TK_ACOS, TK_ATAN, TK_SINH, TK_COSH, TK_ASINH,
  TK_ACOSH, TK_ATANH, TK_EXP2, TK_LOG2, TK_LOG10, TK_UNARY_COUNT
};

enum { TK_ADD, TK_SUB, TK_MUL, TK_DIV, TK_POW, TK_MAX, TK_MIN, TK_REMAINDER, TK_FLOOR_DIV, TK_ATAN2, TK_BINARY_COUNT };

enum { TK_EQ, TK_NE, TK_LT, TK_LE, TK_GT, TK_GE, TK_COMPARE_COUNT };

// out[i] = op(x[i * sx])
void tk_unary_f32(int op, int64_t n, const float *x, int64_t sx, float *out);
void tk_unary_f64(int op, int64_t n, const double *x, int64_t sx, double *out);

// out[i] = g[i] * op'(x[i])
void tk_unary_gradient_f32(int op, int64_t n, const float *x, const float *g, float *out);
void tk_unary_gradient_f64(int op, int64_t n, const double *x, const double *g, double *out);

// out[i] = op(a[i * sa], b[i * sb])
void tk_binary_f32(int op, int64_t n, const float *a, int64_t sa, const float *b, int64_t sb, float *out);
void tk_binary_f64(int op, int64_t n, const double *a, int64_t sa, const double *b, int64_t sb, double *out);
void tk_binary_i32(int op, int64_t n, const int32_t *a, int64_t sa, const int32_t *b, int64_t sb, int32_t *out);
void tk_binary_i64(int op, int64_t n, const int64_t *a, int64_t sa, const int64_t *b, int64_t sb, int64_t *out);

// out[i] = a[i * sa] OP b[i * sb]
void tk_compare_f32(int op, int64_t n, const float *a, int64_t sa, const float *b, int64_t sb, uint8_t *out);
void tk_compare_f64(int op, int64_t n, const double *a, int64_t sa, const double *b, int64_t sb, uint8_t *out);
void tk_compare_i64(int op, int64_t n, const int64_t *a, int64_t sa, const int64_t *b, int64_t sb, uint8_t *out);

// out[i] = condition[i * sc] ? a[i * sa] : b[i * sb]
void tk_select_f32(int64_t n, const uint8_t *c, int64_t sc, const float *a, int64_t sa, const float *b, int64_t sb, float *out);
void tk_select_f64(int64_t n, const uint8_t *c, int64_t sc, const double *a, int64_t sa, const double *b, int64_t sb, double *out);

// acc[i] += scale * x[i * sx]
void tk_accumulate_f32(int64_t n, float scale, const float *x, int64_t sx, float *acc);
void tk_accumulate_f64(int64_t n, double scale, const double *x, int64_t sx, double *acc);
// acc += (a + b) + (c + d)
void tk_accumulate_rows_f32(int64_t n, const float *a, const float *b, const float *c, const float *d, float *acc);
void tk_accumulate_rows_f64(int64_t n, const double *a, const double *b, const double *c, const double *d, double *acc);

// The sum of n values.
float tk_sum_f32(int64_t n, const float *x, int64_t sx);
double tk_sum_f64(int64_t n, const double *x, int64_t sx);

// The largest (sign > 0) or smallest (sign < 0) of n values; NaN if any is NaN.
float tk_extreme_f32(int sign, int64_t n, const float *x, int64_t sx);
double tk_extreme_f64(int sign, int64_t n, const double *x, int64_t sx);

// Copies n elements of 1, 2, 4 or 8 bytes with strides in elements.
void tk_copy_strided(int size, int64_t n, const void *x, int64_t sx, void *out, int64_t so);
// out[c * rows + r] = x[r * ldx + c]: transposes a block of 4- or 8-byte elements.
void tk_transpose_4(int64_t rows, int64_t columns, const uint32_t *x, int64_t ldx, uint32_t *out, int64_t ldo);
void tk_transpose_8(int64_t rows, int64_t columns, const uint64_t *x, int64_t ldx, uint64_t *out, int64_t ldo);

// Whether operations are recorded on the calling thread (1 until set).
int tk_gradient_mode(void);
void tk_set_gradient_mode(int enabled);
