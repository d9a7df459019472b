// Integer arithmetic that wraps around and never traps. Shared by the C files only.
#pragma once
#include <stdint.h>

// 1/a^-b is cut to an integer where the exponent is negative: 0 unless a is 1 or -1.
static inline int64_t tk_integer_power(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  uint64_t r = 1, base = (uint64_t)a;
  for (; b; b >>= 1, base *= base)
    if (b & 1) r *= base;
  return (int64_t)r;
}
static inline uint64_t tk_unsigned_power(uint64_t a, uint64_t b) {
  uint64_t r = 1;
  for (; b; b >>= 1, a *= a)
    if (b & 1) r *= a;
  return r;
}

#define TK_SIGNED_REMAINDER(T, S)                                                                              \
  static inline T remainder_of_##S(T a, T b) {                                                                 \
    if (b == 0 || b == -1) return 0;                                                                           \
    T r = a % b;                                                                                               \
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;                                                           \
  }                                                                                                            \
  static inline T floor_quotient_##S(T a, T b) {                                                               \
    if (b == 0) return 0;                                                                                      \
    if (b == -1) return (T)(0 - (uint64_t)a);                                                                  \
    return a / b - (a % b != 0 && (a < 0) != (b < 0));                                                         \
  }
TK_SIGNED_REMAINDER(int8_t, i8)
TK_SIGNED_REMAINDER(int16_t, i16)
TK_SIGNED_REMAINDER(int32_t, i32)
TK_SIGNED_REMAINDER(int64_t, i64)

#define TK_UNSIGNED_REMAINDER(T, S)                                                                            \
  static inline T remainder_of_##S(T a, T b) { return b == 0 ? 0 : a % b; }                                    \
  static inline T floor_quotient_##S(T a, T b) { return b == 0 ? 0 : a / b; }
TK_UNSIGNED_REMAINDER(uint16_t, u16)
TK_UNSIGNED_REMAINDER(uint32_t, u32)
TK_UNSIGNED_REMAINDER(uint64_t, u64)
// Quotients of bytes are those of Floats, cut: no quotient is nearer to a whole number that it is not than 1/255. Unlike a
// division of integers that runs in vectors.
static inline uint8_t floor_quotient_u8(uint8_t a, uint8_t b) {
  return b == 0 ? 0 : (uint8_t)(int32_t)((float)a / (float)(b == 0 ? 1 : b));
}
static inline uint8_t remainder_of_u8(uint8_t a, uint8_t b) {
  return b == 0 ? 0 : (uint8_t)(a - floor_quotient_u8(a, b) * b);
}
