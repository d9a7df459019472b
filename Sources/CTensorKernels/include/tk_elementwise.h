// Elementwise loops and reductions over one row; a stride of 0 repeats one value.
#pragma once
#include <stdint.h>

// Every operation once: the enums below and the kernels' tables are made of these lists, so that no order is kept by hand.
#define TK_UNARY_OPERATIONS(X)                                                                                 \
  X(NEG, neg) X(ABS, abs) X(EXP, exp) X(EXPM1, expm1) X(LOG, log) X(LOG1P, log1p) X(SQRT, sqrt)                \
  X(RSQRT, rsqrt) X(RECIPROCAL, reciprocal) X(SIN, sin) X(COS, cos) X(TANH, tanh) X(SIGMOID, sigmoid)          \
  X(LOG_SIGMOID, log_sigmoid) X(SOFTPLUS, softplus) X(ERF, erf) X(RELU, relu) X(SILU, silu) X(GELU, gelu)      \
  X(GELU_TANH, gelu_tanh) X(QUICK_GELU, quick_gelu) X(SQUARE, square) X(SIGN, sign) X(FLOOR, floor)            \
  X(CEIL, ceil) X(ROUND, round) X(TAN, tan) X(ASIN, asin) X(ACOS, acos) X(ATAN, atan) X(SINH, sinh)            \
  X(COSH, cosh) X(ASINH, asinh) X(ACOSH, acosh) X(ATANH, atanh) X(EXP2, exp2) X(LOG2, log2) X(LOG10, log10)    \
  X(CUBE, cube)
#define TK_INTEGER_OPERATIONS(X) X(NEG, neg) X(ABS, abs) X(SIGN, sign) X(RELU, relu)
#define TK_BINARY_OPERATIONS(X)                                                                                \
  X(ADD, add) X(SUB, sub) X(MUL, mul) X(DIV, div) X(POW, pow) X(MAX, max) X(MIN, min)                          \
  X(REMAINDER, remainder) X(FLOOR_DIV, floordiv) X(ATAN2, arctan2)
#define TK_COMPARISONS(X) X(EQ, eq) X(NE, ne) X(LT, lt) X(LE, le) X(GT, gt) X(GE, ge)
#define TK_REDUCTIONS(X)                                                                                       \
  X(SUM, sum) X(PRODUCT, product) X(LARGEST, largest) X(SMALLEST, smallest) X(ANY, any) X(ALL, all)            \
  X(NONZERO, nonzero)

#define TK_OPERATION(NAME, FUNCTION) TK_##NAME,
#define TK_INTEGER_OPERATION(NAME, FUNCTION) TK_INTEGER_##NAME,
#define TK_REDUCTION(NAME, FUNCTION) TK_REDUCE_##NAME,
enum { TK_UNARY_OPERATIONS(TK_OPERATION) TK_UNARY_COUNT };
enum { TK_INTEGER_OPERATIONS(TK_INTEGER_OPERATION) TK_INTEGER_COUNT };
enum { TK_BINARY_OPERATIONS(TK_OPERATION) TK_BINARY_COUNT };
enum { TK_COMPARISONS(TK_OPERATION) TK_COMPARE_COUNT };
enum { TK_REDUCTIONS(TK_REDUCTION) TK_REDUCE_COUNT };

// out[i] = op(x[i * sx])
void tk_unary_f32(int op, int64_t n, const float *x, int64_t sx, float *out);
void tk_unary_f64(int op, int64_t n, const double *x, int64_t sx, double *out);

// out[i] = g[i] * op'(x[i])
void tk_unary_gradient_f32(int op, int64_t n, const float *x, const float *g, float *out);
void tk_unary_gradient_f64(int op, int64_t n, const double *x, const double *g, double *out);

// out[i] = op(x[i * sx]) in a type of integers or bool (a code of tk_convert.h), wrapping around.
void tk_integer_unary(int op, int type, int64_t n, const void *x, int64_t sx, void *out);

// What follows takes its operands in any type ta, tb and computes in `type`, one of all but the half-precision ones. Other
// types are converted as tk_convert does, a block at a time: no operand is ever copied as a whole.

// Rows of an operand: its type, the elements between neighbours in a row, the bytes between rows.
typedef struct { const void *x; int type; int64_t stride, row; } tk_rows;

// out[i] = op(a[i], b[i]) for n elements of each row, which is computed in `type` and converted to `result`; rows of `out` are
// `row` bytes apart.
void tk_binary(int op, int type, int result, int64_t rows, int64_t n, tk_rows a, tk_rows b, void *out, int64_t row);
// out[i] = a[i] OP b[i]
void tk_compare(int op, int type, int64_t rows, int64_t n, tk_rows a, tk_rows b, uint8_t *out, int64_t row);
// out[i] = condition[i * sc] ? a[i * sa] : b[i * sb] in `type`, here of half precision, too.
void tk_select(int type, int64_t n, const uint8_t *c, int64_t sc, const void *a, int ta, int64_t sa, const void *b,
               int tb, int64_t sb, void *out);
// out[i] = value, of `size` bytes, where condition[i * sc]
void tk_fill_where(int size, int64_t n, const uint8_t *c, int64_t sc, const void *value, void *out);
// out[i] = x[i * sx] limited to low ... high, two values of `type`; a NaN stays one, and a limit that is NaN gives NaN.
void tk_clamp(int type, int result, int64_t n, const void *x, int tx, int64_t sx, const void *low, const void *high,
              void *out);

// Reductions whose result does not depend on the order of the elements: sums (wrapping) and counts into int64, truth
// values into bool, the others into the type itself. SUM and PRODUCT are those of integers and bool, the others take all
// types but the half-precision ones, where ANY, ALL and NONZERO are known alone.
// Writes what a reduction of nothing gives to n outputs.
void tk_reduce_start(int kind, int type, int64_t n, void *out);
// Takes n values x[r * step + i * sx] into out[r], for r of so many rows.
void tk_reduce_rows(int kind, int type, int64_t rows, int64_t step, int64_t n, const void *x, int64_t sx, void *out);
// Takes x[r * step + i * sx] into out[i], for n columns of so many rows.
void tk_reduce_columns(int kind, int type, int64_t rows, int64_t step, int64_t n, const void *x, int64_t sx, void *out);

// c += a b for a [m, k], b [k, n] of integers, wrapping around, or of bool (whether any pair is true).
void tk_integer_product(int type, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b, int64_t ldb,
                        void *c, int64_t ldc);

// acc[i] += scale * x[i * sx]
void tk_accumulate_f32(int64_t n, float scale, const float *x, int64_t sx, float *acc);
void tk_accumulate_f64(int64_t n, double scale, const double *x, int64_t sx, double *acc);
// acc += (a + b) + (c + d)
void tk_accumulate_rows_f32(int64_t n, const float *a, const float *b, const float *c, const float *d, float *acc);
void tk_accumulate_rows_f64(int64_t n, const double *a, const double *b, const double *c, const double *d, double *acc);

// Whether |x[i * sx] - y[i * sy]| <= absolute + relative |y[i * sy]| everywhere, or the two are equal; what is infinitely far
// is not near.
int tk_all_close_f32(int64_t n, const float *x, int64_t sx, const float *y, int64_t sy, double relative, double absolute);
int tk_all_close_f64(int64_t n, const double *x, int64_t sx, const double *y, int64_t sy, double relative, double absolute);

// total[i] += partial[i]; partial[i] = 0
void tk_carry_f32(int64_t n, float *partial, double *total);
void tk_carry_f64(int64_t n, double *partial, double *total);

// The sum of n values.
double tk_sum_f32(int64_t n, const float *x, int64_t sx);
double tk_sum_f64(int64_t n, const double *x, int64_t sx);

// Running sums (or products) of rows of n elements, one after the other, and of n columns of so many rows, `stride` elements
// apart, with room for n totals of 8 bytes. Those of floats are kept in double, those of integers wrap around; n and rows are
// at least 1, and `out` may be `x`.
#define TK_DECLARE_SCANS(T, S)                                                                                 \
  void tk_scan_rows_##S(int product, int64_t count, int64_t n, const T *x, T *out);                            \
  void tk_scan_columns_##S(int product, int64_t rows, int64_t n, int64_t stride, const T *x, T *out, void *totals);
TK_DECLARE_SCANS(float, f32)
TK_DECLARE_SCANS(double, f64)
TK_DECLARE_SCANS(int64_t, i64)

// Copies n elements of 1, 2, 4 or 8 bytes with strides in elements.
void tk_copy_strided(int size, int64_t n, const void *x, int64_t sx, void *out, int64_t so);
// out[c * rows + r] = x[r * ldx + c]: transposes a block of 4- or 8-byte elements.
void tk_transpose_4(int64_t rows, int64_t columns, const uint32_t *x, int64_t ldx, uint32_t *out, int64_t ldo);
void tk_transpose_8(int64_t rows, int64_t columns, const uint64_t *x, int64_t ldx, uint64_t *out, int64_t ldo);

// Whether operations are recorded on the calling thread (1 until set).
int tk_gradient_mode(void);
void tk_set_gradient_mode(int enabled);

// The innermost run for a batch that is under way on this thread.
void *tk_batch_run(void);
void tk_set_batch_run(void *run);
