#include "CTensorKernels.h"
#include "tk_half.h"
#include "tk_target.h"

// Every type is read as the plainest C type that holds its values: float (f), double (d), int32_t (i), int64_t (l) or
// uint64_t (u).
#define INLINE static inline __attribute__((always_inline))
INLINE uint16_t f16_f(float x) { return tk_to_f16(x); }
INLINE uint16_t f16_d(double x) { return tk_to_f16(tk_odd_float(x)); }
INLINE uint16_t f16_i(int32_t x) { return f16_d((double)x); }
INLINE uint16_t f16_l(int64_t x) { return f16_d(tk_odd_double(x)); }
INLINE uint16_t f16_u(uint64_t x) { return f16_d(tk_odd_unsigned(x)); }
INLINE uint16_t bf16_f(float x) { return tk_to_bf16(x); }
INLINE uint16_t bf16_d(double x) { return tk_to_bf16(tk_odd_float(x)); }
INLINE uint16_t bf16_i(int32_t x) { return bf16_d((double)x); }
INLINE uint16_t bf16_l(int64_t x) { return bf16_d(tk_odd_double(x)); }
INLINE uint16_t bf16_u(uint64_t x) { return bf16_d(tk_odd_unsigned(x)); }

#define CASTS(NAME, T)                                                                                         \
  INLINE T NAME##_f(float x) { return (T)x; }                                                                  \
  INLINE T NAME##_d(double x) { return (T)x; }                                                                 \
  INLINE T NAME##_i(int32_t x) { return (T)x; }                                                                \
  INLINE T NAME##_l(int64_t x) { return (T)x; }                                                                \
  INLINE T NAME##_u(uint64_t x) { return (T)x; }
CASTS(f32, float)
CASTS(f64, double)

// LOW and HIGH are the nearest floating-point bounds: below HIGH a value truncates into range.
#define SATURATING(NAME, T, LOW, HIGH, MIN, MAX)                                                               \
  INLINE T NAME##_f(float x) { return x != x ? 0 : x <= (float)LOW ? MIN : x >= (float)HIGH ? MAX : (T)x; }    \
  INLINE T NAME##_d(double x) { return x != x ? 0 : x <= LOW ? MIN : x >= HIGH ? MAX : (T)x; }                 \
  INLINE T NAME##_i(int32_t x) { return (T)x; }                                                                \
  INLINE T NAME##_l(int64_t x) { return (T)x; }                                                                \
  INLINE T NAME##_u(uint64_t x) { return (T)x; }
SATURATING(i8, int8_t, -128.0, 128.0, INT8_MIN, INT8_MAX)
SATURATING(i16, int16_t, -32768.0, 32768.0, INT16_MIN, INT16_MAX)
SATURATING(i32, int32_t, -2147483648.0, 2147483648.0, INT32_MIN, INT32_MAX)
SATURATING(i64, int64_t, -9223372036854775808.0, 9223372036854775808.0, INT64_MIN, INT64_MAX)
SATURATING(u8, uint8_t, 0.0, 256.0, 0, UINT8_MAX)
SATURATING(u16, uint16_t, 0.0, 65536.0, 0, UINT16_MAX)
SATURATING(u32, uint32_t, 0.0, 4294967296.0, 0, UINT32_MAX)
SATURATING(u64, uint64_t, 0.0, 18446744073709551616.0, 0, UINT64_MAX)

INLINE uint8_t truth_f(float x) { return x != 0; }
INLINE uint8_t truth_d(double x) { return x != 0; }
INLINE uint8_t truth_i(int32_t x) { return x != 0; }
INLINE uint8_t truth_l(int64_t x) { return x != 0; }
INLINE uint8_t truth_u(uint64_t x) { return x != 0; }

#define CONVERT(TO, TOT, FROM, FROMT, NATURAL, N, LOAD)                                                        \
  TK_TARGETS static void FROM##_to_##TO(int64_t n, const void *x, int64_t sx, void *out) {                     \
    const FROMT *restrict from = x;                                                                            \
    TOT *restrict to = out;                                                                                    \
    if (sx == 1) {                                                                                             \
      for (int64_t i = 0; i < n; i++) to[i] = TO##_##N((NATURAL)LOAD(from[i]));                                \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) to[i] = TO##_##N((NATURAL)LOAD(from[i * sx]));                           \
    }                                                                                                          \
  }
#define ALL(TO, TOT)                                                                                           \
  CONVERT(TO, TOT, f16, uint16_t, float, f, tk_from_f16)                                                       \
  CONVERT(TO, TOT, bf16, uint16_t, float, f, tk_from_bf16)                                                     \
  CONVERT(TO, TOT, f32, float, float, f, )                                                                     \
  CONVERT(TO, TOT, f64, double, double, d, )                                                                   \
  CONVERT(TO, TOT, i8, int8_t, int32_t, i, )                                                                   \
  CONVERT(TO, TOT, i16, int16_t, int32_t, i, )                                                                 \
  CONVERT(TO, TOT, i32, int32_t, int32_t, i, )                                                                 \
  CONVERT(TO, TOT, i64, int64_t, int64_t, l, )                                                                 \
  CONVERT(TO, TOT, u8, uint8_t, int32_t, i, )                                                                  \
  CONVERT(TO, TOT, u16, uint16_t, int32_t, i, )                                                                \
  CONVERT(TO, TOT, u32, uint32_t, int64_t, l, )                                                                \
  CONVERT(TO, TOT, u64, uint64_t, uint64_t, u, )                                                               \
  CONVERT(TO, TOT, truth,uint8_t, int32_t, i, )
ALL(f16, uint16_t)
ALL(bf16, uint16_t)
ALL(f32, float)
ALL(f64, double)
ALL(i8, int8_t)
ALL(i16, int16_t)
ALL(i32, int32_t)
ALL(i64, int64_t)
ALL(u8, uint8_t)
ALL(u16, uint16_t)
ALL(u32, uint32_t)
ALL(u64, uint64_t)
ALL(truth, uint8_t)

#define FROM(TYPE)                                                                                             \
  {TYPE##_to_f16, TYPE##_to_bf16, TYPE##_to_f32, TYPE##_to_f64, TYPE##_to_i8, TYPE##_to_i16, TYPE##_to_i32,    \
   TYPE##_to_i64, TYPE##_to_u8, TYPE##_to_u16, TYPE##_to_u32, TYPE##_to_u64, TYPE##_to_truth}
void tk_convert(int from, int to, int64_t n, const void *x, int64_t sx, void *out) {
  static void (*const table[TK_TYPE_COUNT][TK_TYPE_COUNT])(int64_t, const void *, int64_t, void *) = {
      FROM(f16), FROM(bf16), FROM(f32), FROM(f64), FROM(i8), FROM(i16), FROM(i32), FROM(i64),
      FROM(u8), FROM(u16), FROM(u32), FROM(u64), FROM(truth)};
  table[from][to](n, x, sx, out);
}
