// float16 and bfloat16 as stored, in integer operations that vectorise on every target.
#pragma once
#include <stdint.h>

static inline __attribute__((always_inline)) uint32_t tk_bits(float x) {
  union { float f; uint32_t u; } v = {.f = x};
  return v.u;
}
static inline __attribute__((always_inline)) float tk_float(uint32_t x) {
  union { uint32_t u; float f; } v = {.u = x};
  return v.f;
}

static inline __attribute__((always_inline)) float tk_from_bf16(uint16_t h) { return tk_float((uint32_t)h << 16); }

// Nearest, ties to even; a NaN keeps its sign and a set mantissa bit.
static inline __attribute__((always_inline)) uint16_t tk_to_bf16(float x) {
  uint32_t u = tk_bits(x);
  uint32_t rounded = (u + 0x7FFF + ((u >> 16) & 1)) >> 16;
  return (uint16_t)(x != x ? (u >> 16) | 0x40 : rounded);
}

// The exponent is moved by a multiplication, which also puts subnormal values right.
static inline __attribute__((always_inline)) float tk_from_f16(uint16_t h) {
  uint32_t magnitude = (uint32_t)(h & 0x7FFF) << 13;
  uint32_t u = tk_bits(tk_float(magnitude) * 0x1p112f);
  u |= magnitude >= 0x0F800000 ? 0x7F800000 : 0;
  return tk_float(u | (uint32_t)(h & 0x8000) << 16);
}

// Nearest, ties to even. Below the normal range the addition of 0.5 leaves the rounded mantissa in the low bits.
static inline __attribute__((always_inline)) uint16_t tk_to_f16(float x) {
  uint32_t u = tk_bits(x), sign = u & 0x80000000u;
  u ^= sign;
  uint32_t subnormal = tk_bits(tk_float(u) + 0.5f) - 0x3F000000;
  uint32_t normal = (u - 0x38000000 + 0xFFF + ((u >> 13) & 1)) >> 13;
  uint32_t large = u > 0x7F800000 ? 0x7E00 : 0x7C00;
  uint32_t h = u >= 0x47800000 ? large : u < 0x38800000 ? subnormal : normal;
  return (uint16_t)(h | sign >> 16);
}

// A double as a float rounded to odd: rounding that again to fewer bits is the same as rounding the double once.
static inline __attribute__((always_inline)) float tk_odd_float(double x) {
  float f = (float)x;
  uint32_t u = tk_bits(f);
  double back = (double)f, magnitude = x < 0 ? -x : x, found = back < 0 ? -back : back;
  uint32_t inexact = back != x && x == x && (u & 0x7F800000) != 0x7F800000;
  uint32_t down = inexact & (found > magnitude);
  return tk_float((u - down) | inexact);
}

// An integer as a double that remembers the digits it lost in its last bit.
static inline __attribute__((always_inline)) double tk_odd_double(int64_t x) {
  int64_t sticky = (x & ~(int64_t)0x7FF) | ((x & 0x7FF) != 0 ? 0x400 : 0);
  int large = x >= ((int64_t)1 << 53) || x <= -((int64_t)1 << 53);
  return (double)(large ? sticky : x);
}
static inline __attribute__((always_inline)) double tk_odd_unsigned(uint64_t x) {
  uint64_t sticky = (x & ~(uint64_t)0xFFF) | ((x & 0xFFF) != 0 ? 0x800 : 0);
  return (double)(x >= (uint64_t)1 << 53 ? sticky : x);
}
