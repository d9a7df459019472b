#include "CTensorKernels.h"
#include "tk_blocks.h"

// What a quantised type is: its code, the function that expands one block, values and bytes of a block, and the offsets
// of a half-precision scale and minimum, -1 for none. A new type is a row here, its code in tk_convert.h and a function in
// block_formats_template.h.
#define EACH_FORMAT(ROW)                       \
  ROW(Q4_0, q4_0, 32, 18, 0, -1)               \
  ROW(Q4_1, q4_1, 32, 20, 0, 2)                \
  ROW(Q5_0, q5_0, 32, 22, 0, -1)               \
  ROW(Q5_1, q5_1, 32, 24, 0, 2)                \
  ROW(Q8_0, q8_0, 32, 34, 0, -1)               \
  ROW(Q2_K, q2_k, 256, 84, 80, 82)             \
  ROW(Q3_K, q3_k, 256, 110, 108, -1)           \
  ROW(Q4_K, q4_k, 256, 144, 0, 2)              \
  ROW(Q5_K, q5_k, 256, 176, 0, 2)              \
  ROW(Q6_K, q6_k, 256, 210, 208, -1)           \
  ROW(Q8_K, q8_k, 256, 292, -1, -1)            \
  ROW(IQ4_NL, iq4_nl, 32, 18, 0, -1)           \
  ROW(IQ4_XS, iq4_xs, 256, 136, 0, -1)         \
  ROW(MXFP4, mxfp4, 32, 17, -1, -1)

static const signed_bytes UNEVEN = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const signed_bytes TWICE_E2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
static const numbers PLACES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

INLINE int32_t word(const uint8_t *p) {
  int32_t bits;
  memcpy(&bits, p, 4);
  return bits;
}

// Eight scales and eight minima of six bits in twelve bytes: four of each in the low bits of the first eight bytes, the
// others' low four bits in the last four bytes and their upper two above the first ones.
INLINE int six_bits(const uint8_t *s, int i) { return i < 4 ? s[i] & 63 : (s[i + 4] & 15) | s[i - 4] >> 6 << 4; }
INLINE int six_bits_of_minimum(const uint8_t *s, int i) { return i < 4 ? s[i + 4] & 63 : s[i + 4] >> 4 | s[i] >> 6 << 4; }

#define TARGET
#define S portable
#define HALF half_portable
#define LOOKUP lookup_portable
#include "block_formats_template.h"

#if defined(__x86_64__) && defined(__ELF__)
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define S v3
#define HALF half_native
#define LOOKUP lookup_native
#include "block_formats_template.h"
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define S v4
#define HALF half_native
#define LOOKUP lookup_native
#include "block_formats_template.h"
#define EXPANSIONS(NAME) {expand_##NAME##_portable, expand_##NAME##_v3, expand_##NAME##_v4}
static int level(void) {
  return __builtin_cpu_supports("x86-64-v4") ? 2 : __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
}
#else
#define EXPANSIONS(NAME) {expand_##NAME##_portable}
static int level(void) { return 0; }
#endif

static const struct {
  int32_t length, size;
  int32_t halves[2];
  void (*expand[3])(int64_t, const uint8_t *, float *);
} formats[] = {
#define ROW(CODE, NAME, LENGTH, SIZE, SCALE, MINIMUM) \
  [TK_BLOCK_##CODE] = {LENGTH, SIZE, {SCALE, MINIMUM}, EXPANSIONS(NAME)},
    EACH_FORMAT(ROW)
#undef ROW
};

int64_t tk_block_length(int encoding) { return formats[encoding].length; }
int64_t tk_block_size(int encoding) { return formats[encoding].size; }

void tk_expand_blocks(int encoding, int64_t n, const uint8_t *blocks, float *out) {
  formats[encoding].expand[level()](n, blocks, out);
}

int tk_blocks_are_finite(int encoding, int64_t n, const uint8_t *blocks) {
  int size = formats[encoding].size, length = formats[encoding].length;
  const int32_t *halves = formats[encoding].halves;
  if (halves[0] < 0) {
    float values[256];
    uint32_t found = 0;
    for (int64_t b = 0; b < n; b++, blocks += size) {
      tk_expand_blocks(encoding, 1, blocks, values);
      for (int i = 0; i < length; i++) found |= (tk_bits(values[i]) & 0x7F800000) == 0x7F800000;
    }
    return !found;
  }
  // Multiples of finite halves, whole numbers of a few bits, are finite.
  int second = halves[1] < 0 ? halves[0] : halves[1], found = 0;
  for (int64_t b = 0; b < n; b++, blocks += size) {
    uint16_t scale, minimum;
    memcpy(&scale, blocks + halves[0], 2);
    memcpy(&minimum, blocks + second, 2);
    found |= (scale & 0x7C00) == 0x7C00 || (minimum & 0x7C00) == 0x7C00;
  }
  return !found;
}
