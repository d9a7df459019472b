#include "CTensorKernels.h"
#include "tk_integer.h"
#include "tk_target.h"
#include <math.h>
#include <string.h>

#define ACCUMULATE(T, S)                                                                                       \
  TK_TARGETS void tk_accumulate_##S(int64_t n, T scale, const T *restrict x, int64_t sx, T *restrict acc) {    \
    if (sx == 1) {                                                                                             \
      for (int64_t i = 0; i < n; i++) acc[i] += scale * x[i];                                                  \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) acc[i] += scale * x[i * sx];                                             \
    }                                                                                                          \
  }
ACCUMULATE(float, f32)
ACCUMULATE(double, f64)

// Four rows in one pass: the sums are read and written once for all of them.
#define ACCUMULATE_ROWS(T, S)                                                                                  \
  TK_TARGETS void tk_accumulate_rows_##S(int64_t n, const T *a, const T *b, const T *c, const T *d,            \
                                         T *restrict acc) {                                                    \
    for (int64_t i = 0; i < n; i++) acc[i] += (a[i] + b[i]) + (c[i] + d[i]);                                   \
  }
ACCUMULATE_ROWS(float, f32)
ACCUMULATE_ROWS(double, f64)

// Adds a row of partial sums to sums that keep every digit, and clears it.
#define CARRY(T, S)                                                                                            \
  TK_TARGETS void tk_carry_##S(int64_t n, T *restrict partial, double *restrict total) {                       \
    for (int64_t i = 0; i < n; i++) {                                                                          \
      total[i] += partial[i];                                                                                  \
      partial[i] = 0;                                                                                          \
    }                                                                                                          \
  }
CARRY(float, f32)
CARRY(double, f64)

// Blocks of partial sums keep the rounding error of a long float sum small: in a block some thirty-two sums run side by side.
// Strided elements come one at a time, and each is added to the sum of all.
#define SUM(T, S)                                                                                              \
  TK_TARGETS double tk_sum_##S(int64_t n, const T *x, int64_t sx) {                                            \
    TK_REASSOCIATE                                                                                             \
    double total = 0;                                                                                          \
    for (int64_t start = 0; start < n; start += 512) {                                                         \
      int64_t end = start + 512 < n ? start + 512 : n;                                                         \
      T partial = 0;                                                                                           \
      if (sx == 1) {                                                                                           \
        for (int64_t i = start; i < end; i++) partial += x[i];                                                 \
      } else {                                                                                                 \
        for (int64_t i = start; i < end; i++) total += x[i * sx];                                              \
      }                                                                                                        \
      total += partial;                                                                                        \
    }                                                                                                          \
    return total;                                                                                              \
  }
SUM(float, f32)
SUM(double, f64)

// One element v of type T joins `total` of type A. A bool counts as 0 or 1, whatever byte stands for true.
#define PLAIN(x) (x)
#define TRUTH(x) ((x) != 0)
// The bits of a half-precision number that is not zero, without its sign.
#define HALF_TRUTH(x) (((x)&0x7fff) != 0)
#define REDUCTION(NAME, T, S, LOAD, A, COMBINE)                                                                \
  TK_TARGETS static void row_##NAME##_##S(int64_t n, const void *vx, int64_t sx, void *out) {                  \
    const T *x = vx;                                                                                           \
    A total = *(A *)out;                                                                                       \
    if (sx == 1) {                                                                                             \
      for (int64_t i = 0; i < n; i++) { A v = LOAD(x[i]); total = (A)(COMBINE); }                              \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) { A v = LOAD(x[i * sx]); total = (A)(COMBINE); }                         \
    }                                                                                                          \
    *(A *)out = total;                                                                                         \
  }                                                                                                            \
  COLUMNS(NAME, T, S, LOAD, A, COMBINE)
#define COLUMNS(NAME, T, S, LOAD, A, COMBINE)                                                                  \
  TK_TARGETS static void columns_##NAME##_##S(int64_t n, const void *vx, int64_t sx, void *vout) {             \
    const T *x = vx;                                                                                           \
    A *restrict out = vout;                                                                                    \
    if (sx == 1) {                                                                                             \
      for (int64_t i = 0; i < n; i++) { A v = LOAD(x[i]), total = out[i]; out[i] = (A)(COMBINE); }             \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) { A v = LOAD(x[i * sx]), total = out[i]; out[i] = (A)(COMBINE); }        \
    }                                                                                                          \
  }
// Floating-point extremes keep NaN, which a loop with one running value does not do in vectors: 64 run side by side.
#define FLOAT_EXTREME(NAME, T, S, COMBINE)                                                                     \
  COLUMNS(NAME, T, S, PLAIN, T, COMBINE)                                                                       \
  TK_TARGETS static void row_##NAME##_##S(int64_t n, const void *vx, int64_t sx, void *out) {                  \
    const T *x = vx;                                                                                           \
    T total = *(T *)out;                                                                                       \
    int64_t done = 0;                                                                                          \
    if (sx == 1 && n >= 128) {                                                                                 \
      T lanes[64];                                                                                             \
      memcpy(lanes, x, sizeof lanes);                                                                          \
      for (done = 64; done + 64 <= n; done += 64) {                                                            \
        for (int i = 0; i < 64; i++) { T v = x[done + i], total = lanes[i]; lanes[i] = (COMBINE); }            \
      }                                                                                                        \
      for (int i = 0; i < 64; i++) { T v = lanes[i]; total = (COMBINE); }                                      \
    }                                                                                                          \
    for (int64_t i = done; i < n; i++) { T v = x[i * sx]; total = (COMBINE); }                                 \
    *(T *)out = total;                                                                                         \
  }
// A search stops at the block that decides it.
#define SEARCH(NAME, T, S, LOAD, WANTED, COMBINE)                                                              \
  COLUMNS(NAME, T, S, LOAD, uint8_t, COMBINE)                                                                  \
  TK_TARGETS static void row_##NAME##_##S(int64_t n, const void *vx, int64_t sx, void *out) {                  \
    const T *x = vx;                                                                                           \
    for (int64_t start = 0; start < n && *(uint8_t *)out != (WANTED); start += 4096) {                         \
      int64_t end = start + 4096 < n ? start + 4096 : n;                                                       \
      uint8_t total = !(WANTED);                                                                               \
      if (sx == 1) {                                                                                           \
        for (int64_t i = start; i < end; i++) { uint8_t v = LOAD(x[i]); total = (COMBINE); }                   \
      } else {                                                                                                 \
        for (int64_t i = start; i < end; i++) { uint8_t v = LOAD(x[i * sx]); total = (COMBINE); }              \
      }                                                                                                        \
      *(uint8_t *)out = total;                                                                                 \
    }                                                                                                          \
  }
#define TRUTHS(T, S, LOAD)                                                                                     \
  SEARCH(any, T, S, LOAD, 1, total | v)                                                                        \
  SEARCH(all, T, S, LOAD, 0, total &v)                                                                         \
  REDUCTION(nonzero, T, S, LOAD, int64_t, total + v)
#define INTEGERS(T, S, LOAD, A)                                                                                \
  REDUCTION(sum, T, S, LOAD, int64_t, (uint64_t)total + (uint64_t)v)                                           \
  REDUCTION(product, T, S, LOAD, int64_t, (uint64_t)total *(uint64_t)v)                                        \
  REDUCTION(largest, T, S, LOAD, A, v > total ? v : total)                                                     \
  REDUCTION(smallest, T, S, LOAD, A, v < total ? v : total)
#define FLOATS(T, S)                                                                                           \
  FLOAT_EXTREME(largest, T, S, total > v || total != total ? total : v)                                        \
  FLOAT_EXTREME(smallest, T, S, total < v || total != total ? total : v)
FLOATS(float, f32)
FLOATS(double, f64)
INTEGERS(int8_t, i8, PLAIN, int8_t)
INTEGERS(int16_t, i16, PLAIN, int16_t)
INTEGERS(int32_t, i32, PLAIN, int32_t)
INTEGERS(int64_t, i64, PLAIN, int64_t)
INTEGERS(uint8_t, u8, PLAIN, uint8_t)
INTEGERS(uint16_t, u16, PLAIN, uint16_t)
INTEGERS(uint32_t, u32, PLAIN, uint32_t)
INTEGERS(uint64_t, u64, PLAIN, uint64_t)
INTEGERS(uint8_t, b8, TRUTH, uint8_t)
TRUTHS(float, f32, TRUTH)
TRUTHS(double, f64, TRUTH)
TRUTHS(uint8_t, u8, TRUTH)
TRUTHS(uint16_t, u16, TRUTH)
TRUTHS(uint32_t, u32, TRUTH)
TRUTHS(uint64_t, u64, TRUTH)
TRUTHS(uint16_t, h16, HALF_TRUTH)

typedef void (*reduction)(int64_t, const void *, int64_t, void *);
#define ONLY_TRUTHS(PREFIX, S)                                                                                 \
  {[TK_REDUCE_ANY] = PREFIX##_any_##S, [TK_REDUCE_ALL] = PREFIX##_all_##S, [TK_REDUCE_NONZERO] = PREFIX##_nonzero_##S}
#define row_sum_f32 NULL
#define row_sum_f64 NULL
#define row_product_f32 NULL
#define row_product_f64 NULL
#define columns_sum_f32 NULL
#define columns_sum_f64 NULL
#define columns_product_f32 NULL
#define columns_product_f64 NULL
// A byte is true or not, whether it counts as a number, with a sign or without, or as a bool; so are wider integers.
#define row_any_b8 row_any_u8
#define row_all_b8 row_all_u8
#define row_nonzero_b8 row_nonzero_u8
#define columns_any_b8 columns_any_u8
#define columns_all_b8 columns_all_u8
#define columns_nonzero_b8 columns_nonzero_u8
#define row_any_i8 row_any_u8
#define row_all_i8 row_all_u8
#define row_nonzero_i8 row_nonzero_u8
#define columns_any_i8 columns_any_u8
#define columns_all_i8 columns_all_u8
#define columns_nonzero_i8 columns_nonzero_u8
#define row_any_i16 row_any_u16
#define row_all_i16 row_all_u16
#define row_nonzero_i16 row_nonzero_u16
#define columns_any_i16 columns_any_u16
#define columns_all_i16 columns_all_u16
#define columns_nonzero_i16 columns_nonzero_u16
#define row_any_i32 row_any_u32
#define row_all_i32 row_all_u32
#define row_nonzero_i32 row_nonzero_u32
#define columns_any_i32 columns_any_u32
#define columns_all_i32 columns_all_u32
#define columns_nonzero_i32 columns_nonzero_u32
#define row_any_i64 row_any_u64
#define row_all_i64 row_all_u64
#define row_nonzero_i64 row_nonzero_u64
#define columns_any_i64 columns_any_u64
#define columns_all_i64 columns_all_u64
#define columns_nonzero_i64 columns_nonzero_u64
#define ROW_f32(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_f32,
#define ROW_f64(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_f64,
#define ROW_i8(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_i8,
#define ROW_i16(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_i16,
#define ROW_i32(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_i32,
#define ROW_i64(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_i64,
#define ROW_u8(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_u8,
#define ROW_u16(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_u16,
#define ROW_u32(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_u32,
#define ROW_u64(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_u64,
#define ROW_b8(NAME, FUNCTION) [TK_REDUCE_##NAME] = row_##FUNCTION##_b8,
#define COLUMNS_f32(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_f32,
#define COLUMNS_f64(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_f64,
#define COLUMNS_i8(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_i8,
#define COLUMNS_i16(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_i16,
#define COLUMNS_i32(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_i32,
#define COLUMNS_i64(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_i64,
#define COLUMNS_u8(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_u8,
#define COLUMNS_u16(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_u16,
#define COLUMNS_u32(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_u32,
#define COLUMNS_u64(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_u64,
#define COLUMNS_b8(NAME, FUNCTION) [TK_REDUCE_##NAME] = columns_##FUNCTION##_b8,
#define TYPES(PREFIX, ENTRY)                                                                                   \
  {[TK_TYPE_F16] = ONLY_TRUTHS(PREFIX, h16), [TK_TYPE_BF16] = ONLY_TRUTHS(PREFIX, h16),                        \
   [TK_TYPE_F32] = {TK_REDUCTIONS(ENTRY##_f32)}, [TK_TYPE_F64] = {TK_REDUCTIONS(ENTRY##_f64)},                 \
   [TK_TYPE_I8] = {TK_REDUCTIONS(ENTRY##_i8)}, [TK_TYPE_I16] = {TK_REDUCTIONS(ENTRY##_i16)},                   \
   [TK_TYPE_I32] = {TK_REDUCTIONS(ENTRY##_i32)}, [TK_TYPE_I64] = {TK_REDUCTIONS(ENTRY##_i64)},                 \
   [TK_TYPE_U8] = {TK_REDUCTIONS(ENTRY##_u8)}, [TK_TYPE_U16] = {TK_REDUCTIONS(ENTRY##_u16)},                   \
   [TK_TYPE_U32] = {TK_REDUCTIONS(ENTRY##_u32)}, [TK_TYPE_U64] = {TK_REDUCTIONS(ENTRY##_u64)},                 \
   [TK_TYPE_BOOL] = {TK_REDUCTIONS(ENTRY##_b8)}}
static const reduction rows[TK_TYPE_COUNT][TK_REDUCE_COUNT] = TYPES(row, ROW);
static const reduction columns[TK_TYPE_COUNT][TK_REDUCE_COUNT] = TYPES(columns, COLUMNS);
_Static_assert(TK_TYPE_COUNT == 13, "a new type needs its loops here");

static const int64_t sizes[TK_TYPE_COUNT] = {2, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1};
static int64_t result_size(int kind, int type) {
  switch (kind) {
  case TK_REDUCE_LARGEST: case TK_REDUCE_SMALLEST: return sizes[type];
  case TK_REDUCE_ANY: case TK_REDUCE_ALL: return 1;
  default: return 8;
  }
}
void tk_reduce_rows(int kind, int type, int64_t count, int64_t step, int64_t n, const void *x, int64_t sx, void *out) {
  reduction reduce = rows[type][kind];
  int64_t size = sizes[type], result = result_size(kind, type);
  for (int64_t i = 0; i < count; i++) reduce(n, (const char *)x + i * step * size, sx, (char *)out + i * result);
}
void tk_reduce_columns(int kind, int type, int64_t count, int64_t step, int64_t n, const void *x, int64_t sx, void *out) {
  reduction reduce = columns[type][kind];
  for (int64_t i = 0; i < count; i++) reduce(n, (const char *)x + i * step * sizes[type], sx, out);
}

#define FILL(T, VALUE)                                                                                         \
  {                                                                                                            \
    T *p = out;                                                                                                \
    for (int64_t i = 0; i < n; i++) p[i] = (VALUE);                                                            \
  }
void tk_reduce_start(int kind, int type, int64_t n, void *out) {
  int largest = kind == TK_REDUCE_LARGEST;
  switch (kind) {
  case TK_REDUCE_SUM: case TK_REDUCE_NONZERO: FILL(int64_t, 0) return;
  case TK_REDUCE_PRODUCT: FILL(int64_t, 1) return;
  case TK_REDUCE_ANY: FILL(uint8_t, 0) return;
  case TK_REDUCE_ALL: FILL(uint8_t, 1) return;
  }
  switch (type) {
  case TK_TYPE_F32: FILL(float, largest ? -INFINITY : INFINITY) return;
  case TK_TYPE_F64: FILL(double, largest ? -INFINITY : INFINITY) return;
  case TK_TYPE_I8: FILL(int8_t, largest ? INT8_MIN : INT8_MAX) return;
  case TK_TYPE_I16: FILL(int16_t, largest ? INT16_MIN : INT16_MAX) return;
  case TK_TYPE_I32: FILL(int32_t, largest ? INT32_MIN : INT32_MAX) return;
  case TK_TYPE_I64: FILL(int64_t, largest ? INT64_MIN : INT64_MAX) return;
  case TK_TYPE_U16: FILL(uint16_t, largest ? 0 : UINT16_MAX) return;
  case TK_TYPE_U32: FILL(uint32_t, largest ? 0 : UINT32_MAX) return;
  case TK_TYPE_U64: FILL(uint64_t, largest ? 0 : UINT64_MAX) return;
  case TK_TYPE_BOOL: FILL(uint8_t, largest ? 0 : 1) return;
  default: FILL(uint8_t, largest ? 0 : UINT8_MAX) return;
  }
}
