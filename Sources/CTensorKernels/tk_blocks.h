// Vectors of sixteen for what is stored in quantised blocks, and the two steps that a processor may have an instruction
// for. Vectors of floats are not passed to functions: how depends on the processor a function is compiled for.
#pragma once
#include <stdint.h>
#include <string.h>

#include "tk_half.h"

typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t numbers __attribute__((ext_vector_type(16)));
typedef uint8_t bytes __attribute__((ext_vector_type(16), aligned(1)));
typedef int8_t signed_bytes __attribute__((ext_vector_type(16), aligned(1)));
#define INLINE static inline __attribute__((always_inline))

INLINE float half_portable(const uint8_t *h) {
  uint16_t bits;
  memcpy(&bits, h, 2);
  return tk_from_f16(bits);
}

// table[index] for each of sixteen indices below 16.
INLINE signed_bytes lookup_portable(signed_bytes table, bytes index) {
  int8_t values[16];
  uint8_t indices[16];
  memcpy(values, &table, 16);
  memcpy(indices, &index, 16);
  signed_bytes found;
  for (int i = 0; i < 16; i++) found[i] = values[indices[i]];
  return found;
}

#if defined(__x86_64__) && defined(__ELF__)
INLINE float half_native(const uint8_t *h) {
  _Float16 x;
  memcpy(&x, h, 2);
  return (float)x;
}

__attribute__((target("ssse3"))) INLINE signed_bytes lookup_native(signed_bytes table, bytes index) {
  typedef char plain_bytes __attribute__((vector_size(16)));
  return (signed_bytes)__builtin_ia32_pshufb128((plain_bytes)table, (plain_bytes)index);
}
#endif
