// CRC-32 as zlib, gzip and PNG have it (reflected polynomial 0xEDB88320).
#include "CTensorKernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static uint32_t tables[8][256];

static void __attribute__((constructor)) fill_tables(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xEDB88320 : value >> 1;
    tables[0][byte] = value;
  }
  for (int table = 1; table < 8; table++)
    for (int byte = 0; byte < 256; byte++)
      tables[table][byte] = tables[table - 1][byte] >> 8 ^ tables[0][tables[table - 1][byte] & 255];
}

// Eight bytes at a time by tables; the state is the complement of the checksum.
static uint32_t advance(uint32_t state, const uint8_t *bytes, int64_t count) {
  for (; count >= 8; bytes += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    word ^= state;
    state = 0;
    for (int byte = 0; byte < 8; byte++) state ^= tables[7 - byte][word >> 8 * byte & 255];
  }
  for (; count > 0; bytes++, count--) state = state >> 8 ^ tables[0][(state ^ *bytes) & 255];
  return state;
}

#if defined(__x86_64__)
// Folding by carry-less products: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel, 2009).
// The constants are x^(512±32), x^(128±32), x^64 modulo the polynomial, and the Barrett pair, all reflected. 13 GB/s where
// the tables reach 2.
__attribute__((target("pclmul,sse4.1"))) static uint32_t folded(uint32_t state, const uint8_t *bytes, int64_t count) {
  const __m128i by512 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i by128 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  const __m128i by64 = _mm_set_epi64x(0, 0x163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x1f7011641, 0x1db710641);
  const __m128i low = _mm_setr_epi32(~0, 0, ~0, 0);
#define FOLD(x, k, next) \
  _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)), next)
  const __m128i *source = (const __m128i *)bytes;
  __m128i a = _mm_xor_si128(_mm_loadu_si128(source), _mm_cvtsi32_si128((int)state));
  __m128i b = _mm_loadu_si128(source + 1), c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
  for (source += 4, count -= 64; count >= 64; source += 4, count -= 64) {
    a = FOLD(a, by512, _mm_loadu_si128(source));
    b = FOLD(b, by512, _mm_loadu_si128(source + 1));
    c = FOLD(c, by512, _mm_loadu_si128(source + 2));
    d = FOLD(d, by512, _mm_loadu_si128(source + 3));
  }
  a = FOLD(a, by128, b);
  a = FOLD(a, by128, c);
  a = FOLD(a, by128, d);
#undef FOLD
  a = _mm_xor_si128(_mm_clmulepi64_si128(a, by128, 0x10), _mm_srli_si128(a, 8));
  a = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(a, low), by64, 0x00), _mm_srli_si128(a, 4));
  b = _mm_clmulepi64_si128(_mm_and_si128(a, low), barrett, 0x10);
  b = _mm_clmulepi64_si128(_mm_and_si128(b, low), barrett, 0x00);
  return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, b), 1);
}
#endif

uint32_t tk_crc32(uint32_t checksum, const void *data, int64_t count) {
  const uint8_t *bytes = data;
  uint32_t state = ~checksum;
#if defined(__x86_64__)
  if (count >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
    int64_t whole = count / 64 * 64;
    state = folded(state, bytes, whole);
    bytes += whole;
    count -= whole;
  }
#endif
  return ~advance(state, bytes, count);
}
