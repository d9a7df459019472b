#include "CTensorKernels.h"
#include "tk_integer.h"
#include "tk_math.h"
#include "tk_target.h"
#include <math.h>
#include <string.h>

// One loop per operation and type. LOAD makes 0 and 1 of a bool, whatever byte stands for true.
#define PLAIN(x) (x)
#define TRUTH(x) ((uint8_t)((x) != 0))
#define BINARY(T, S, LOAD, NAME, RESULT, EXPR)                                                                 \
  TK_TARGETS static void NAME##_##S(int64_t n, const void *va, int64_t sa, const void *vb, int64_t sb,         \
                                    void *vout) {                                                              \
    const T *pa = va, *pb = vb;                                                                                \
    RESULT *restrict out = vout;                                                                               \
    if (sa == 1 && sb == 1) {                                                                                  \
      for (int64_t i = 0; i < n; i++) { T a = LOAD(pa[i]), b = LOAD(pb[i]); out[i] = (RESULT)(EXPR); }         \
    } else if (sa == 1 && sb == 0) {                                                                           \
      T b = LOAD(*pb);                                                                                         \
      for (int64_t i = 0; i < n; i++) { T a = LOAD(pa[i]); out[i] = (RESULT)(EXPR); }                          \
    } else if (sa == 0 && sb == 1) {                                                                           \
      T a = LOAD(*pa);                                                                                         \
      for (int64_t i = 0; i < n; i++) { T b = LOAD(pb[i]); out[i] = (RESULT)(EXPR); }                          \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                        \
        T a = LOAD(pa[i * sa]), b = LOAD(pb[i * sb]);                                                          \
        out[i] = (RESULT)(EXPR);                                                                               \
      }                                                                                                        \
    }                                                                                                          \
  }

// The remainder has the sign of the divisor, as Python's; the floor quotient fits it. A quotient that is zero has the sign of
// the division.
#define REMAINDER(T, S, FMOD, ROUND, SIGNED)                                                                   \
  static inline T remainder_of_##S(T a, T b) {                                                                 \
    T r = FMOD(a, b);                                                                                          \
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;                                                           \
  }                                                                                                            \
  static inline T floor_quotient_##S(T a, T b) {                                                               \
    if (b == 0) return a / b;                                                                                  \
    T r = FMOD(a, b);                                                                                          \
    T q = SIGNED(ROUND((a - r) / b) - (T)((r != 0) & ((b < 0) != (r < 0))), a);                                \
    return b < 0 ? -q : q;                                                                                     \
  }
REMAINDER(float, f32, fmodf, __builtin_rintf, copysignf)
REMAINDER(double, f64, fmod, __builtin_rint, copysign)

#define FLOAT_BINARIES(T, S, POW, ATAN2)                                                                       \
  BINARY(T, S, PLAIN, add, T, a + b)                                                                           \
  BINARY(T, S, PLAIN, sub, T, a - b)                                                                           \
  BINARY(T, S, PLAIN, mul, T, a *b)                                                                            \
  BINARY(T, S, PLAIN, div, T, a / b)                                                                           \
  BINARY(T, S, PLAIN, pow, T, POW(a, b))                                                                       \
  BINARY(T, S, PLAIN, max, T, a > b || a != a ? a : b)                                                         \
  BINARY(T, S, PLAIN, min, T, a < b || a != a ? a : b)                                                         \
  BINARY(T, S, PLAIN, remainder, T, remainder_of_##S(a, b))                                                    \
  BINARY(T, S, PLAIN, floordiv, T, floor_quotient_##S(a, b))                                                   \
  BINARY(T, S, PLAIN, arctan2, T, ATAN2(a, b))
FLOAT_BINARIES(float, f32, tk_powf, tk_atan2f)
FLOAT_BINARIES(double, f64, pow, atan2)

// Integers wrap around on overflow, as NumPy's do; what is divided by zero is 0. U is wide enough not to promote to a signed
// type. Division and angles are those of floating-point numbers: integers have none.
// One exponent for all is taken apart once: a block of elements is squared and multiplied together.
#define POWER(T, S, U)                                                                                         \
  TK_TARGETS static void pow_##S(int64_t n, const void *va, int64_t sa, const void *vb, int64_t sb, void *vout) { \
    const T *a = va;                                                                                           \
    T *restrict out = vout;                                                                                    \
    int64_t exponent = (int64_t) * (const T *)vb;                                                              \
    if (sb != 0 || exponent < 0) {                                                                             \
      any_pow_##S(n, va, sa, vb, sb, vout);                                                                    \
      return;                                                                                                  \
    }                                                                                                          \
    for (int64_t start = 0; start < n; start += 512) {                                                         \
      int64_t length = n - start < 512 ? n - start : 512;                                                      \
      T square[512];                                                                                           \
      for (int64_t i = 0; i < length; i++) { square[i] = a[(start + i) * sa]; out[start + i] = 1; }            \
      for (int64_t rest = exponent; rest; rest >>= 1) {                                                        \
        if (rest & 1)                                                                                          \
          for (int64_t i = 0; i < length; i++) out[start + i] = (T)((U)out[start + i] * (U)square[i]);         \
        if (rest > 1)                                                                                          \
          for (int64_t i = 0; i < length; i++) square[i] = (T)((U)square[i] * (U)square[i]);                   \
      }                                                                                                        \
    }                                                                                                          \
  }
#define INTEGER_BINARIES(T, S, U, ANY_POWER)                                                                   \
  BINARY(T, S, PLAIN, add, T, (U)a + (U)b)                                                                     \
  BINARY(T, S, PLAIN, sub, T, (U)a - (U)b)                                                                     \
  BINARY(T, S, PLAIN, mul, T, (U)a *(U)b)                                                                      \
  BINARY(T, S, PLAIN, any_pow, T, ANY_POWER(a, b))                                                             \
  POWER(T, S, U)                                                                                               \
  BINARY(T, S, PLAIN, max, T, a > b ? a : b)                                                                   \
  BINARY(T, S, PLAIN, min, T, a < b ? a : b)                                                                   \
  BINARY(T, S, PLAIN, remainder, T, remainder_of_##S(a, b))                                                    \
  BINARY(T, S, PLAIN, floordiv, T, floor_quotient_##S(a, b))
INTEGER_BINARIES(int8_t, i8, uint32_t, tk_integer_power)
INTEGER_BINARIES(int16_t, i16, uint32_t, tk_integer_power)
INTEGER_BINARIES(int32_t, i32, uint32_t, tk_integer_power)
INTEGER_BINARIES(int64_t, i64, uint64_t, tk_integer_power)
INTEGER_BINARIES(uint8_t, u8, uint32_t, tk_integer_power)
INTEGER_BINARIES(uint16_t, u16, uint32_t, tk_integer_power)
INTEGER_BINARIES(uint32_t, u32, uint32_t, tk_integer_power)
INTEGER_BINARIES(uint64_t, u64, uint64_t, tk_unsigned_power)

// The same on 0 and 1, where every result but 0 is true.
#define BOOL_BINARY(NAME, EXPR) BINARY(uint8_t, b8, TRUTH, NAME, uint8_t, EXPR)
BOOL_BINARY(add, a | b)
BOOL_BINARY(sub, a ^ b)
BOOL_BINARY(mul, a &b)
BOOL_BINARY(pow, a | !b)
BOOL_BINARY(max, a | b)
BOOL_BINARY(min, a &b)
BOOL_BINARY(remainder, 0)
BOOL_BINARY(floordiv, a &b)

#define COMPARISONS(T, S, LOAD)                                                                                \
  BINARY(T, S, LOAD, eq, uint8_t, a == b)                                                                      \
  BINARY(T, S, LOAD, ne, uint8_t, a != b)                                                                      \
  BINARY(T, S, LOAD, lt, uint8_t, a < b)                                                                       \
  BINARY(T, S, LOAD, le, uint8_t, a <= b)                                                                      \
  BINARY(T, S, LOAD, gt, uint8_t, a > b)                                                                       \
  BINARY(T, S, LOAD, ge, uint8_t, a >= b)
COMPARISONS(float, f32, PLAIN)
COMPARISONS(double, f64, PLAIN)
COMPARISONS(int8_t, i8, PLAIN)
COMPARISONS(int16_t, i16, PLAIN)
COMPARISONS(int32_t, i32, PLAIN)
COMPARISONS(int64_t, i64, PLAIN)
COMPARISONS(uint8_t, u8, PLAIN)
COMPARISONS(uint16_t, u16, PLAIN)
COMPARISONS(uint32_t, u32, PLAIN)
COMPARISONS(uint64_t, u64, PLAIN)
COMPARISONS(uint8_t, b8, TRUTH)

typedef void (*loop)(int64_t, const void *, int64_t, const void *, int64_t, void *);
#define div_i8 NULL
#define arctan2_i8 NULL
#define div_i16 NULL
#define arctan2_i16 NULL
#define div_i32 NULL
#define arctan2_i32 NULL
#define div_i64 NULL
#define arctan2_i64 NULL
#define div_u8 NULL
#define arctan2_u8 NULL
#define div_u16 NULL
#define arctan2_u16 NULL
#define div_u32 NULL
#define arctan2_u32 NULL
#define div_u64 NULL
#define arctan2_u64 NULL
#define div_b8 NULL
#define arctan2_b8 NULL
#define ENTRY_f32(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_f32,
#define ENTRY_f64(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_f64,
#define ENTRY_i8(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_i8,
#define ENTRY_i16(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_i16,
#define ENTRY_i32(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_i32,
#define ENTRY_i64(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_i64,
#define ENTRY_u8(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_u8,
#define ENTRY_u16(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_u16,
#define ENTRY_u32(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_u32,
#define ENTRY_u64(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_u64,
#define ENTRY_b8(NAME, FUNCTION) [TK_##NAME] = FUNCTION##_b8,
#define TYPES(LIST)                                                                                            \
  {[TK_TYPE_F32] = {LIST(ENTRY_f32)}, [TK_TYPE_F64] = {LIST(ENTRY_f64)}, [TK_TYPE_I8] = {LIST(ENTRY_i8)},      \
   [TK_TYPE_I16] = {LIST(ENTRY_i16)}, [TK_TYPE_I32] = {LIST(ENTRY_i32)}, [TK_TYPE_I64] = {LIST(ENTRY_i64)},    \
   [TK_TYPE_U8] = {LIST(ENTRY_u8)}, [TK_TYPE_U16] = {LIST(ENTRY_u16)}, [TK_TYPE_U32] = {LIST(ENTRY_u32)},      \
   [TK_TYPE_U64] = {LIST(ENTRY_u64)}, [TK_TYPE_BOOL] = {LIST(ENTRY_b8)}}
static const loop binaries[TK_TYPE_COUNT][TK_BINARY_COUNT] = TYPES(TK_BINARY_OPERATIONS);
static const loop comparisons[TK_TYPE_COUNT][TK_COMPARE_COUNT] = TYPES(TK_COMPARISONS);
_Static_assert(TK_TYPE_COUNT == 13, "a new type needs its loops here");

static const int64_t sizes[TK_TYPE_COUNT] = {2, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1};

// So many elements are converted at a time; they and their results stay in the first cache.
enum { BLOCK = 1024 };
typedef struct { _Alignas(64) char bytes[BLOCK * 8]; } block;

// One operand as blocks of another type. A value that is repeated is converted once; what lies where the output does is copied
// before it is overwritten.
typedef struct {
  const char *x;
  int type, wanted, is_output;
  int64_t stride;
  block *room;
} operand;
static operand operand_of(const void *x, int type, int64_t stride, int wanted, block *room) {
  if (type != wanted && stride == 0) {
    tk_convert(type, wanted, 1, x, 1, room->bytes);
    return (operand){room->bytes, wanted, wanted, 0, 0, room};
  }
  return (operand){x, type, wanted, 0, stride, room};
}
static const void *operand_at(operand o, int64_t start, int64_t n, int64_t *stride) {
  const char *x = o.x + start * o.stride * sizes[o.type];
  *stride = o.stride;
  if (o.type == o.wanted && !o.is_output) return x;
  if (o.type == o.wanted && o.stride == 1) {
    memcpy(o.room->bytes, x, n * sizes[o.type]);
    return o.room->bytes;
  }
  tk_convert(o.type, o.wanted, n, x, o.stride, o.room->bytes);
  *stride = 1;
  return o.room->bytes;
}

static void in_blocks(loop body, int type, int computed, int result, int64_t n, const void *a, int ta, int64_t sa,
                      const void *b, int tb, int64_t sb, char *out) {
  if (ta == type && tb == type && computed == result && a != out) {
    body(n, a, sa, b, sb, out);
    return;
  }
  block first, second, third;
  operand x = operand_of(a, ta, sa, type, &first), y = operand_of(b, tb, sb, type, &second);
  x.is_output = a == out;
  for (int64_t start = 0; start < n; start += BLOCK) {
    int64_t length = n - start < BLOCK ? n - start : BLOCK, sx, sy;
    const void *px = operand_at(x, start, length, &sx), *py = operand_at(y, start, length, &sy);
    char *target = out + start * sizes[result];
    body(length, px, sx, py, sy, computed == result ? target : third.bytes);
    if (computed != result) tk_convert(computed, result, length, third.bytes, 1, target);
  }
}
static void in_rows(loop body, int type, int computed, int result, int64_t rows, int64_t n, tk_rows a, tk_rows b,
                    char *out, int64_t row) {
  const char *x = a.x, *y = b.x;
  // Of several rows nearly all are of the type that is computed: nothing but the loop itself is called for each.
  if (a.type == type && b.type == type && computed == result && x != out) {
    for (int64_t i = 0; i < rows; i++) body(n, x + i * a.row, a.stride, y + i * b.row, b.stride, out + i * row);
    return;
  }
  for (int64_t i = 0; i < rows; i++)
    in_blocks(body, type, computed, result, n, x + i * a.row, a.type, a.stride, y + i * b.row, b.type, b.stride,
              out + i * row);
}
void tk_binary(int op, int type, int result, int64_t rows, int64_t n, tk_rows a, tk_rows b, void *out, int64_t row) {
  in_rows(binaries[type][op], type, type, result, rows, n, a, b, out, row);
}
void tk_compare(int op, int type, int64_t rows, int64_t n, tk_rows a, tk_rows b, uint8_t *out, int64_t row) {
  in_rows(comparisons[type][op], type, TK_TYPE_BOOL, TK_TYPE_BOOL, rows, n, a, b, (char *)out, row);
}

#define SELECT(T)                                                                                              \
  TK_TARGETS static void select_##T(int64_t n, const uint8_t *c, int64_t sc, const void *va, int64_t sa,       \
                                    const void *vb, int64_t sb, void *vout) {                                  \
    const T *a = va, *b = vb;                                                                                  \
    T *restrict out = vout;                                                                                    \
    if (sc == 1 && sa == 1 && sb == 1) {                                                                       \
      for (int64_t i = 0; i < n; i++) { T x = a[i], y = b[i]; out[i] = c[i] ? x : y; }                         \
    } else if (sc == 1 && sa == 0 && sb == 1) {                                                                \
      T x = *a;                                                                                                \
      for (int64_t i = 0; i < n; i++) { T y = b[i]; out[i] = c[i] ? x : y; }                                   \
    } else if (sc == 1 && sa == 1 && sb == 0) {                                                                \
      T y = *b;                                                                                                \
      for (int64_t i = 0; i < n; i++) { T x = a[i]; out[i] = c[i] ? x : y; }                                   \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) out[i] = c[i * sc] ? a[i * sa] : b[i * sb];                              \
    }                                                                                                          \
  }
SELECT(uint8_t)
SELECT(uint16_t)
SELECT(uint32_t)
SELECT(uint64_t)

void tk_select(int type, int64_t n, const uint8_t *c, int64_t sc, const void *a, int ta, int64_t sa, const void *b,
               int tb, int64_t sb, void *out) {
  int64_t size = sizes[type];
  block first, second;
  operand x = operand_of(a, ta, sa, type, &first), y = operand_of(b, tb, sb, type, &second);
  int64_t step = x.type == type && y.type == type ? n : BLOCK;
  for (int64_t start = 0; start < n; start += step) {
    int64_t length = n - start < step ? n - start : step, sx, sy;
    const void *px = operand_at(x, start, length, &sx), *py = operand_at(y, start, length, &sy);
    const uint8_t *pc = c + start * sc;
    char *target = (char *)out + start * size;
    switch (size) {
    case 1: select_uint8_t(length, pc, sc, px, sx, py, sy, target); break;
    case 2: select_uint16_t(length, pc, sc, px, sx, py, sy, target); break;
    case 4: select_uint32_t(length, pc, sc, px, sx, py, sy, target); break;
    default: select_uint64_t(length, pc, sc, px, sx, py, sy, target); break;
    }
  }
}

#define FILL(T)                                                                                                \
  TK_TARGETS static void fill_##T(int64_t n, const uint8_t *c, int64_t sc, const void *value, void *vout) {    \
    T *out = vout, v = *(const T *)value;                                                                      \
    if (sc == 1) {                                                                                             \
      for (int64_t i = 0; i < n; i++) { T old = out[i]; out[i] = c[i] ? v : old; }                             \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) { T old = out[i]; out[i] = c[i * sc] ? v : old; }                        \
    }                                                                                                          \
  }
FILL(uint8_t)
FILL(uint16_t)
FILL(uint32_t)
FILL(uint64_t)
void tk_fill_where(int size, int64_t n, const uint8_t *c, int64_t sc, const void *value, void *out) {
  switch (size) {
  case 1: fill_uint8_t(n, c, sc, value, out); break;
  case 2: fill_uint16_t(n, c, sc, value, out); break;
  case 4: fill_uint32_t(n, c, sc, value, out); break;
  default: fill_uint64_t(n, c, sc, value, out); break;
  }
}

#define CLAMP(T, S)                                                                                            \
  TK_TARGETS static void clamp_##S(int64_t n, const void *vx, int64_t sx, const void *vlow, const void *vhigh, \
                                   void *vout) {                                                               \
    const T *x = vx;                                                                                           \
    T *restrict out = vout;                                                                                    \
    T low = *(const T *)vlow, high = *(const T *)vhigh;                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                          \
      T v = x[i * sx];                                                                                         \
      T raised = v >= low || v != v ? v : low;                                                                 \
      out[i] = raised <= high || raised != raised ? raised : high;                                             \
    }                                                                                                          \
  }
CLAMP(float, f32)
CLAMP(double, f64)
CLAMP(int8_t, i8)
CLAMP(int16_t, i16)
CLAMP(int32_t, i32)
CLAMP(int64_t, i64)
CLAMP(uint8_t, u8)
CLAMP(uint16_t, u16)
CLAMP(uint32_t, u32)
CLAMP(uint64_t, u64)
void tk_clamp(int type, int result, int64_t n, const void *x, int tx, int64_t sx, const void *low, const void *high,
              void *out) {
  block first, second;
  operand o = operand_of(x, tx, sx, type, &first);
  int64_t step = o.type == type && result == type ? n : BLOCK;
  for (int64_t start = 0; start < n; start += step) {
    int64_t length = n - start < step ? n - start : step, stride;
    const void *part = operand_at(o, start, length, &stride);
    char *target = (char *)out + start * sizes[result], *room = result == type ? target : second.bytes;
    switch (type) {
    case TK_TYPE_F32: clamp_f32(length, part, stride, low, high, room); break;
    case TK_TYPE_F64: clamp_f64(length, part, stride, low, high, room); break;
    case TK_TYPE_I8: clamp_i8(length, part, stride, low, high, room); break;
    case TK_TYPE_I16: clamp_i16(length, part, stride, low, high, room); break;
    case TK_TYPE_I32: clamp_i32(length, part, stride, low, high, room); break;
    case TK_TYPE_I64: clamp_i64(length, part, stride, low, high, room); break;
    case TK_TYPE_U16: clamp_u16(length, part, stride, low, high, room); break;
    case TK_TYPE_U32: clamp_u32(length, part, stride, low, high, room); break;
    case TK_TYPE_U64: clamp_u64(length, part, stride, low, high, room); break;
    default: clamp_u8(length, part, stride, low, high, room); break;
    }
    if (result != type) tk_convert(type, result, length, room, 1, target);
  }
}
