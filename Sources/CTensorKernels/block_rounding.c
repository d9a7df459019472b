#include <math.h>

#include "CTensorKernels.h"
#include "tk_blocks.h"
#include "tk_target.h"

// Numbers as quantised blocks, by ggml's reference quantisers (quantize_row_q8_0_ref and quantize_row_q4_0_ref in
// ggml-quants.c), with the bits of the `gguf` package's quants.quantize.

INLINE void put_half(uint8_t *out, float x) {
  uint16_t bits = tk_to_f16(x);
  memcpy(out, &bits, 2);
}

// The number that a scale is divided into, 0 for a block of zeros and for scales so small that there is none: their half is 0
// too.
INLINE float inverse(float scale) {
  float result = scale == 0 ? 0 : 1 / scale;
  return isinf(result) ? 0 : result;
}

// The largest size in a block of finite numbers: without a sign their bits are in the order of the numbers, and the largest of
// integers is found a vector at a time.
INLINE float largest_size(const float *x) {
  uint32_t largest = 0;
  for (int i = 0; i < 32; i++) {
    uint32_t size = tk_bits(x[i]) & 0x7FFFFFFFu;
    largest = size > largest ? size : largest;
  }
  return tk_float(largest);
}

TK_TARGETS static void round_q8_0(int64_t n, const float *x, uint8_t *out) {
  for (int64_t b = 0; b < n; b++, x += 32, out += 34) {
    float largest = largest_size(x);
    float scale = largest / 127, factor = inverse(scale);
    put_half(out, scale);
    // Halves away from zero, as roundf: numbers are below 128.
    for (int i = 0; i < 32; i++) {
      float value = x[i] * factor, whole = truncf(value);
      whole += fabsf(value - whole) >= 0.5f ? copysignf(1, value) : 0;
      out[2 + i] = (uint8_t)(int8_t)whole;
    }
  }
}

TK_TARGETS static void round_q4_0(int64_t n, const float *x, uint8_t *out) {
  for (int64_t b = 0; b < n; b++, x += 32, out += 18) {
    float largest = largest_size(x), extreme = 0;
    // The first of that size, with its sign; 0 in a block of zeros, whose signs do not count.
    for (int i = 31; i >= 0 && largest > 0; i--) extreme = fabsf(x[i]) == largest ? x[i] : extreme;
    float scale = extreme / -8, factor = inverse(scale);
    put_half(out, scale);
    uint8_t numbers[32];
    for (int i = 0; i < 32; i++) {
      // Two roundings: in a statement of its own the product is not fused with the sum. From 0.5 to 16.5.
      float product = x[i] * factor;
      int number = (int)(product + 8.5f);
      numbers[i] = (uint8_t)(number > 15 ? 15 : number);
    }
    for (int i = 0; i < 16; i++) out[2 + i] = (uint8_t)(numbers[i] | numbers[i + 16] << 4);
  }
}

int tk_round_blocks(int encoding, int64_t n, const float *x, uint8_t *blocks) {
  switch (encoding) {
    case TK_BLOCK_Q8_0: round_q8_0(n, x, blocks); return 1;
    case TK_BLOCK_Q4_0: round_q4_0(n, x, blocks); return 1;
    default: return 0;
  }
}
