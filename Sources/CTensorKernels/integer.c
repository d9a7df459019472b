#include "CTensorKernels.h"
#include "tk_integer.h"
#include "tk_target.h"

// Operations of one operand that integers have of their own; U is unsigned, so that the smallest number wraps around.
#define UNARY(T, S, NAME, EXPR)                                                                                \
  TK_TARGETS static void NAME##_##S(int64_t n, const void *vx, int64_t sx, void *vout) {                       \
    const T *px = vx;                                                                                          \
    T *restrict out = vout;                                                                                    \
    for (int64_t i = 0; i < n; i++) { T x = px[i * sx]; out[i] = (T)(EXPR); }                                  \
  }
#define UNARIES(T, S, U)                                                                                       \
  UNARY(T, S, neg, 0 - (U)x)                                                                                   \
  UNARY(T, S, abs, x > 0 ? (U)x : 0 - (U)x)                                                                    \
  UNARY(T, S, sign, (x > 0) - (x < 0))                                                                         \
  UNARY(T, S, relu, x > 0 ? x : 0)
UNARIES(int8_t, i8, uint32_t)
UNARIES(int16_t, i16, uint32_t)
UNARIES(int32_t, i32, uint32_t)
UNARIES(int64_t, i64, uint64_t)
#define UNSIGNED_UNARIES(T, S, U)                                                                              \
  UNARY(T, S, neg, 0 - (U)x)                                                                                   \
  UNARY(T, S, abs, x)                                                                                          \
  UNARY(T, S, sign, x > 0)                                                                                     \
  UNARY(T, S, relu, x)
UNSIGNED_UNARIES(uint8_t, u8, uint32_t)
UNSIGNED_UNARIES(uint16_t, u16, uint32_t)
UNSIGNED_UNARIES(uint32_t, u32, uint32_t)
UNSIGNED_UNARIES(uint64_t, u64, uint64_t)

#define ENTRY_i8(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_i8,
#define ENTRY_i16(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_i16,
#define ENTRY_i32(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_i32,
#define ENTRY_i64(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_i64,
#define ENTRY_u8(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_u8,
#define ENTRY_u16(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_u16,
#define ENTRY_u32(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_u32,
#define ENTRY_u64(NAME, FUNCTION) [TK_INTEGER_##NAME] = FUNCTION##_u64,
void tk_integer_unary(int op, int type, int64_t n, const void *x, int64_t sx, void *out) {
  static void (*const table[TK_TYPE_COUNT][TK_INTEGER_COUNT])(int64_t, const void *, int64_t, void *) = {
      [TK_TYPE_I8] = {TK_INTEGER_OPERATIONS(ENTRY_i8)},
      [TK_TYPE_I16] = {TK_INTEGER_OPERATIONS(ENTRY_i16)},
      [TK_TYPE_I32] = {TK_INTEGER_OPERATIONS(ENTRY_i32)},
      [TK_TYPE_I64] = {TK_INTEGER_OPERATIONS(ENTRY_i64)},
      [TK_TYPE_U8] = {TK_INTEGER_OPERATIONS(ENTRY_u8)},
      [TK_TYPE_U16] = {TK_INTEGER_OPERATIONS(ENTRY_u16)},
      [TK_TYPE_U32] = {TK_INTEGER_OPERATIONS(ENTRY_u32)},
      [TK_TYPE_U64] = {TK_INTEGER_OPERATIONS(ENTRY_u64)},
      [TK_TYPE_BOOL] = {TK_INTEGER_OPERATIONS(ENTRY_u8)}};
  table[type][op](n, x, sx, out);
}

// Blocks of b that stay in the second cache are gone through for every row of a.
#define PRODUCT(T, S, U, MULTIPLY_ADD)                                                                         \
  TK_TARGETS static void product_##S(int64_t m, int64_t n, int64_t k, const T *a, int64_t lda, const T *b,     \
                                     int64_t ldb, T *restrict c, int64_t ldc) {                                \
    for (int64_t j0 = 0; j0 < n; j0 += 512) {                                                                  \
      int64_t width = n - j0 < 512 ? n - j0 : 512;                                                             \
      for (int64_t p0 = 0; p0 < k; p0 += 64) {                                                                 \
        int64_t end = p0 + 64 < k ? p0 + 64 : k;                                                               \
        for (int64_t i = 0; i < m; i++) {                                                                      \
          T *restrict sums = c + i * ldc + j0;                                                                 \
          for (int64_t p = p0; p < end; p++) {                                                                 \
            U x = (U)a[i * lda + p];                                                                           \
            const T *row = b + p * ldb + j0;                                                                   \
            for (int64_t j = 0; j < width; j++) { U sum = (U)sums[j], y = (U)row[j]; sums[j] = (T)(MULTIPLY_ADD); } \
          }                                                                                                    \
        }                                                                                                      \
      }                                                                                                        \
    }                                                                                                          \
  }
// The low bits of sums and products are the same with and without a sign: one loop serves both types of a size.
PRODUCT(uint8_t, u8, uint32_t, sum + x *y)
PRODUCT(uint16_t, u16, uint32_t, sum + x *y)
PRODUCT(uint32_t, u32, uint32_t, sum + x *y)
PRODUCT(uint64_t, u64, uint64_t, sum + x *y)
PRODUCT(uint8_t, b8, uint32_t, sum | (x != 0 && y != 0))

void tk_integer_product(int type, int64_t m, int64_t n, int64_t k, const void *a, int64_t lda, const void *b, int64_t ldb,
                        void *c, int64_t ldc) {
  switch (type) {
  case TK_TYPE_I16: case TK_TYPE_U16: product_u16(m, n, k, a, lda, b, ldb, c, ldc); break;
  case TK_TYPE_I32: case TK_TYPE_U32: product_u32(m, n, k, a, lda, b, ldb, c, ldc); break;
  case TK_TYPE_I64: case TK_TYPE_U64: product_u64(m, n, k, a, lda, b, ldb, c, ldc); break;
  case TK_TYPE_BOOL: product_b8(m, n, k, a, lda, b, ldb, c, ldc); break;
  default: product_u8(m, n, k, a, lda, b, ldb, c, ldc); break;
  }
}
