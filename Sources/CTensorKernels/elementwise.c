#include "CTensorKernels.h"
#include "tk_math.h"
#include "tk_target.h"
#include <math.h>

static _Thread_local int gradient_mode = 1;
int tk_gradient_mode(void) { return gradient_mode; }
void tk_set_gradient_mode(int enabled) { gradient_mode = enabled; }

static _Thread_local void *batch_run;
void *tk_batch_run(void) { return batch_run; }
void tk_set_batch_run(void *run) { batch_run = run; }

// One function per operation and type, so that each is a loop the compiler vectorises. F is the scalar suffix.
#define UNARY(T, S, NAME, EXPR)                                                                                \
  TK_TARGETS static void unary_##NAME##_##S(int64_t n, const T *restrict px, int64_t sx, T *restrict out) {    \
    if (sx == 1) {                                                                                             \
      TK_INTERLEAVE                                                                                            \
      for (int64_t i = 0; i < n; i++) { T x = px[i]; out[i] = (EXPR); }                                        \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) { T x = px[i * sx]; out[i] = (EXPR); }                                   \
    }                                                                                                          \
  }
#define GRADIENT(T, S, NAME, EXPR)                                                                             \
  TK_TARGETS static void gradient_##NAME##_##S(int64_t n, const T *restrict px, const T *restrict pg,          \
                                               T *restrict out) {                                              \
    TK_INTERLEAVE                                                                                              \
    for (int64_t i = 0; i < n; i++) { T x = px[i], g = pg[i]; out[i] = (EXPR); }                                  \
  }

// The table: operation, value in terms of x, gradient in terms of x and the incoming gradient g. Where the slope is zero
// by definition nothing is multiplied: an infinite g must not become NaN there.
#define TABLE(U, T, S, F)                                                                                      \
  U(T, S, neg, -x, -g)                                                                                         \
  U(T, S, abs, F(fabs)(x), g * ((T)((x > 0) - (x < 0))))                                                       \
  U(T, S, exp, F(m_exp)(x), g * F(m_exp)(x))                                                                    \
  U(T, S, expm1, F(m_expm1)(x), g * F(m_exp)(x))                                                                \
  U(T, S, log, F(m_log)(x), g * (1 / x))                                                                       \
  U(T, S, log1p, F(m_log1p)(x), g * (1 / (1 + x)))                                                             \
  U(T, S, sqrt, F(m_sqrt)(x), g * ((T)0.5 / F(m_sqrt)(x)))                                                     \
  U(T, S, rsqrt, 1 / F(m_sqrt)(x), (T)-0.5 * g * F(cubed)(1 / F(m_sqrt)(x)))                                   \
  U(T, S, reciprocal, 1 / x, g * (-1 / (x * x)))                                                               \
  U(T, S, sin, F(m_sin)(x), g * F(m_cos)(x))                                                                    \
  U(T, S, cos, F(m_cos)(x), g * (-F(m_sin)(x)))                                                                \
  U(T, S, tanh, F(m_tanh)(x), g * (1 - F(m_tanh)(x) * F(m_tanh)(x)))                                           \
  U(T, S, sigmoid, F(m_sigmoid)(x), g * (F(m_sigmoid)(x) * F(m_sigmoid)(-x)))                                  \
  U(T, S, log_sigmoid, 0 - F(m_softplus)(-x), g * F(m_sigmoid)(-x))                                            \
  U(T, S, softplus, F(m_softplus)(x), g * F(m_sigmoid)(x))                                                      \
  U(T, S, erf, F(m_erf)(x), g * ((T)1.1283791670955126 * F(m_exp)(-x * x)))                                    \
  U(T, S, relu, x < 0 ? 0 : x, x <= 0 ? 0 : g)                                                                 \
  U(T, S, silu, x *F(m_sigmoid)(x), g * (F(m_sigmoid)(x) + x * (F(m_sigmoid)(x) * F(m_sigmoid)(-x))))          \
  U(T, S, gelu, F(gelu)(x), g * F(gelu_slope)(x))                                                               \
  U(T, S, gelu_tanh, x *F(m_sigmoid)((T)1.5957691216057308 * x * (1 + (T)0.044715 * x * x)),                   \
    g * F(gelu_tanh_slope)(x))                                                                                  \
  U(T, S, quick_gelu, x *F(m_sigmoid)((T)1.702 * x),                                                           \
    g * (F(m_sigmoid)((T)1.702 * x) + x * ((T)1.702 * F(m_sigmoid)((T)1.702 * x) * F(m_sigmoid)((T)-1.702 * x))))\
  U(T, S, square, x *x, g * (2 * x))                                                                           \
  U(T, S, sign, (T)((x > 0) - (x < 0)), 0)                                                                     \
  U(T, S, floor, F(m_floor)(x), 0)                                                                             \
  U(T, S, ceil, F(m_ceil)(x), 0)                                                                               \
  U(T, S, round, F(m_round)(x), 0)                                                                             \
  U(T, S, tan, F(m_tan)(x), g * (1 + F(m_tan)(x) * F(m_tan)(x)))                                               \
  U(T, S, asin, F(m_asin)(x), g * (1 / F(m_sqrt)((1 - x) * (1 + x))))                                          \
  U(T, S, acos, F(m_acos)(x), g * (-1 / F(m_sqrt)((1 - x) * (1 + x))))                                         \
  U(T, S, atan, F(m_atan)(x), g * (1 / (1 + x * x)))                                                           \
  U(T, S, sinh, F(m_sinh)(x), g * F(m_cosh)(x))                                                                 \
  U(T, S, cosh, F(m_cosh)(x), g * F(m_sinh)(x))                                                                 \
  U(T, S, asinh, F(m_asinh)(x), g * (1 / F(m_sqrt)(x * x + 1)))                                                \
  U(T, S, acosh, F(m_acosh)(x), g * (1 / F(m_sqrt)((x - 1) * (x + 1) + 0)))                                    \
  U(T, S, atanh, F(m_atanh)(x), g * (1 / ((1 - x) * (1 + x))))                                                 \
  U(T, S, exp2, F(m_exp2)(x), g * ((T)0.6931471805599453 * F(m_exp2)(x)))                                      \
  U(T, S, log2, F(m_log2)(x), g * ((T)1.4426950408889634 / x))                                                 \
  U(T, S, log10, F(m_log10)(x), g * ((T)0.4342944819032518 / x))                                               \
  U(T, S, cube, F(cubed)(x), g * (3 * (x * x)))

#define F32(f) f##_32
#define F64(f) f##_64
static inline float cubed_32(float x) { return x * x * x; }
static inline double cubed_64(double x) { return x * x * x; }
static inline float fabs_32(float x) { return __builtin_fabsf(x); }
static inline double fabs_64(double x) { return __builtin_fabs(x); }
static inline float m_exp_32(float x) { return tk_expf(x); }
static inline float m_expm1_32(float x) { return tk_expm1f(x); }
static inline float m_log_32(float x) { return tk_logf(x); }
static inline float m_log1p_32(float x) { return tk_log1pf(x); }
static inline float m_sqrt_32(float x) { return __builtin_sqrtf(x); }
static inline float m_sin_32(float x) { return sinf(x); }
static inline float m_cos_32(float x) { return cosf(x); }
static inline float m_tanh_32(float x) { return tk_tanhf(x); }
static inline float m_sigmoid_32(float x) { return tk_sigmoidf(x); }
static inline float m_softplus_32(float x) { return tk_softplusf(x); }
static inline float m_erf_32(float x) { return tk_erff(x); }
static inline float m_floor_32(float x) { return __builtin_floorf(x); }
static inline float m_ceil_32(float x) { return __builtin_ceilf(x); }
static inline float m_round_32(float x) { return __builtin_rintf(x); }
static inline double m_exp_64(double x) { return exp(x); }
static inline double m_expm1_64(double x) { return expm1(x); }
static inline double m_log_64(double x) { return log(x); }
static inline double m_log1p_64(double x) { return log1p(x); }
static inline double m_sqrt_64(double x) { return __builtin_sqrt(x); }
static inline double m_sin_64(double x) { return sin(x); }
static inline double m_cos_64(double x) { return cos(x); }
static inline double m_tanh_64(double x) { return tanh(x); }
static inline double m_sigmoid_64(double x) { return 1 / (1 + exp(-x)); }
static inline double m_softplus_64(double x) { return (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x)); }
static inline double m_erf_64(double x) { return erf(x); }
static inline double m_floor_64(double x) { return __builtin_floor(x); }
static inline double m_ceil_64(double x) { return __builtin_ceil(x); }
static inline double m_round_64(double x) { return __builtin_rint(x); }
// Functions that are the C library's in both types.
#define LIBRARY(NAME)                                                                                          \
  static inline float m_##NAME##_32(float x) { return NAME##f(x); }                                            \
  static inline double m_##NAME##_64(double x) { return NAME(x); }
LIBRARY(tan)
LIBRARY(asin)
LIBRARY(acos)
LIBRARY(atan)
LIBRARY(sinh)
LIBRARY(cosh)
LIBRARY(asinh)
LIBRARY(acosh)
LIBRARY(atanh)
LIBRARY(exp2)
LIBRARY(log2)
LIBRARY(log10)
static inline float gelu_32(float x) { return tk_geluf(x); }
static inline double gelu_64(double x) { return 0.5 * x * (1 + erf(x * 0.7071067811865476)); }
static inline float gelu_slope_32(float x) { return tk_gelu_slopef(x); }
static inline double gelu_slope_64(double x) {
  return 0.5 * (1 + erf(x * 0.7071067811865476)) + x * 0.3989422804014327 * exp(-0.5 * x * x);
}
// (1 + tanh u) / 2 is sigmoid(2 u).
#define GELU_TANH_SLOPE(T, S)                                                                                  \
  static inline T gelu_tanh_slope_##S(T x) {                                                                   \
    T square = x * x, s = m_sigmoid_##S((T)1.5957691216057308 * x * (1 + (T)0.044715 * square));               \
    square = square > (T)1e4 ? (T)1e4 : square; /* so that nothing times the slope of the tanh stays nothing */ \
    return s + x * (s - s * s) * ((T)1.5957691216057308 * (1 + (T)0.134145 * square));                         \
  }
GELU_TANH_SLOPE(float, 32)
GELU_TANH_SLOPE(double, 64)

#define DEFINE(T, S, NAME, VALUE, SLOPE) UNARY(T, S, NAME, VALUE) GRADIENT(T, S, NAME, SLOPE)
TABLE(DEFINE, float, f32, F32)
TABLE(DEFINE, double, f64, F64)

// Vectors of sixteen through tk_expf's steps, with the scaling by a power of two that is one instruction in AVX-512; the
// results are the same to the last bit. Returns how many elements were done.
#if defined(__x86_64__) && defined(__ELF__)
#include <immintrin.h>
__attribute__((target("avx512f"))) static int64_t exp_sixteens(int64_t n, const float *restrict px,
                                                               float *restrict out) {
  int64_t whole = n / 16 * 16;
  _Pragma("clang loop unroll_count(2)")
  for (int64_t i = 0; i < whole; i += 16) {
    __m512 x = _mm512_loadu_ps(px + i);
    x = _mm512_min_ps(_mm512_set1_ps(89.0f), x);
    x = _mm512_max_ps(_mm512_set1_ps(-104.0f), x);
    const __m512 magic = _mm512_set1_ps(12582912.0f);
    __m512 k = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(1.44269504f), magic), magic);
    __m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fmadd_ps(k, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
    _mm512_storeu_ps(out + i, _mm512_scalef_ps(p, k));
  }
  return whole;
}
static int64_t exp_vectors(int64_t n, const float *px, float *out) {
  return __builtin_cpu_supports("avx512f") ? exp_sixteens(n, px, out) : 0;
}
#else
static int64_t exp_vectors(int64_t n, const float *px, float *out) { return 0; }
#endif
static int64_t exp_vectors_f32(int op, int64_t n, const float *x, int64_t sx, float *out) {
  return op == TK_EXP && sx == 1 ? exp_vectors(n, x, out) : 0;
}
static int64_t exp_vectors_f64(int op, int64_t n, const double *x, int64_t sx, double *out) { return 0; }

// The places of the tables are the enum's: both come from TK_UNARY_OPERATIONS, and a function that TABLE lacks does not compile.
#define UNARY_ENTRY_f32(NAME, FUNCTION) [TK_##NAME] = unary_##FUNCTION##_f32,
#define UNARY_ENTRY_f64(NAME, FUNCTION) [TK_##NAME] = unary_##FUNCTION##_f64,
#define GRADIENT_ENTRY_f32(NAME, FUNCTION) [TK_##NAME] = gradient_##FUNCTION##_f32,
#define GRADIENT_ENTRY_f64(NAME, FUNCTION) [TK_##NAME] = gradient_##FUNCTION##_f64,
#define ONE_PER_OPERATION(TABLE, COUNT)                                                                        \
  _Static_assert(sizeof(TABLE) / sizeof(*(TABLE)) == (COUNT), "one function per operation")
#define DISPATCH(T, S, F)                                                                                      \
  void tk_unary_##S(int op, int64_t n, const T *x, int64_t sx, T *out) {                                       \
    static void (*const table[])(int64_t, const T *, int64_t, T *) = {                                         \
        TK_UNARY_OPERATIONS(UNARY_ENTRY_##S)};                                                                 \
    ONE_PER_OPERATION(table, TK_UNARY_COUNT);                                                                  \
    int64_t done = exp_vectors_##S(op, n, x, sx, out);                                                         \
    table[op](n - done, x + done, sx, out + done);                                                             \
  }                                                                                                            \
  void tk_unary_gradient_##S(int op, int64_t n, const T *x, const T *g, T *out) {                              \
    static void (*const table[])(int64_t, const T *, const T *, T *) = {                                       \
        TK_UNARY_OPERATIONS(GRADIENT_ENTRY_##S)};                                                              \
    ONE_PER_OPERATION(table, TK_UNARY_COUNT);                                                                  \
    table[op](n, x, g, out);                                                                                   \
  }
DISPATCH(float, f32, F32)
DISPATCH(double, f64, F64)

#define COPY(T)                                                                                                \
  {                                                                                                            \
    const T *a = x;                                                                                            \
    T *b = out;                                                                                                \
    if (sx == 1 && so == 1) {                                                                                  \
      __builtin_memcpy(b, a, n * sizeof(T));                                                                   \
    } else if (sx == 0 && so == 1) {                                                                           \
      T v = *a;                                                                                                \
      for (int64_t i = 0; i < n; i++) b[i] = v;                                                                \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) b[i * so] = a[i * sx];                                                   \
    }                                                                                                          \
  }
void tk_copy_strided(int size, int64_t n, const void *x, int64_t sx, void *out, int64_t so) {
  switch (size) {
  case 1: COPY(uint8_t) break;
  case 2: COPY(uint16_t) break;
  case 4: COPY(uint32_t) break;
  default: COPY(uint64_t) break;
  }
}

// Blocks of 8 × 8 are exchanged in registers, three steps of interleaving; tiles of 256 rows write long runs.
typedef uint32_t eight __attribute__((ext_vector_type(8), aligned(4)));
typedef uint64_t eight_wide __attribute__((ext_vector_type(8), aligned(8)));
#define TRANSPOSE_BLOCK(T, V, NAME)                                                                            \
  static inline __attribute__((always_inline)) void NAME(const T *x, int64_t ldx, T *out, int64_t ldo) {       \
    V a[8], b[8];                                                                                              \
    for (int i = 0; i < 8; i++) a[i] = *(const V *)(x + i * ldx);                                              \
    for (int i = 0; i < 4; i++) {                                                                              \
      b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);                            \
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);                      \
    }                                                                                                          \
    for (int i = 0; i < 4; i++) {                                                                              \
      a[2 * i] = __builtin_shufflevector(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);                            \
      a[2 * i + 1] = __builtin_shufflevector(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);                      \
    }                                                                                                          \
    for (int i = 0; i < 4; i++) {                                                                              \
      *(V *)(out + (2 * i) * ldo) = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);         \
      *(V *)(out + (2 * i + 1) * ldo) = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);   \
    }                                                                                                          \
  }
TRANSPOSE_BLOCK(uint32_t, eight, transpose_block_4)
TRANSPOSE_BLOCK(uint64_t, eight_wide, transpose_block_8)

#define TRANSPOSE(T, NAME, BLOCK)                                                                              \
  TK_TARGETS void NAME(int64_t rows, int64_t columns, const T *x, int64_t ldx, T *out, int64_t ldo) {          \
    int64_t whole_rows = rows / 16 * 16, whole_columns = columns / 8 * 8;                                      \
    for (int64_t r0 = 0; r0 < whole_rows; r0 += 256) {                                                         \
      int64_t r1 = r0 + 256 < whole_rows ? r0 + 256 : whole_rows;                                              \
      for (int64_t c = 0; c < whole_columns; c += 8) {                                                         \
        for (int64_t r = r0; r < r1; r += 8) BLOCK(x + r * ldx + c, ldx, out + c * ldo + r, ldo);              \
      }                                                                                                        \
    }                                                                                                          \
    for (int64_t c = 0; c < columns; c++) {                                                                    \
      for (int64_t r = c < whole_columns ? whole_rows : 0; r < rows; r++) out[c * ldo + r] = x[r * ldx + c];   \
    }                                                                                                          \
  }
TRANSPOSE(uint32_t, tk_transpose_4, transpose_block_4)
TRANSPOSE(uint64_t, tk_transpose_8, transpose_block_8)
