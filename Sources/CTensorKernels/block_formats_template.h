// Included once per processor level: TARGET is its attribute, S the suffix, HALF reads a half-precision number, LOOKUP
// sixteen entries of a table of sixteen. Each function expands one block, in the order in which the file has its bytes.
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define BLOCK(NAME) INLINE TARGET void JOIN(NAME, S)(const uint8_t *block, float *out)

// A half times the whole numbers of a format has 24 bits at most: products are exact and a sum is rounded once, whether or
// not the compiler contracts the two.
#define LOAD(bytes_at) __builtin_convertvector(*(const bytes *)(bytes_at), numbers)
#define LOAD_SIGNED(bytes_at) __builtin_convertvector(*(const signed_bytes *)(bytes_at), numbers)
#define STORE(place, whole, scale) *(lanes *)(place) = __builtin_convertvector(whole, lanes) * (scale)
#define STORE_LESS(place, whole, scale, less) \
  *(lanes *)(place) = __builtin_convertvector(whole, lanes) * (scale) - (less)
#define STORE_MORE(place, whole, scale, more) \
  *(lanes *)(place) = __builtin_convertvector(whole, lanes) * (scale) + (more)

// d (q - 8)
BLOCK(q4_0) {
  numbers q = LOAD(block + 2);
  float d = HALF(block);
  STORE(out, (q & 15) - 8, d);
  STORE(out + 16, (q >> 4) - 8, d);
}

// d q + m
BLOCK(q4_1) {
  numbers q = LOAD(block + 4);
  float d = HALF(block), m = HALF(block + 2);
  STORE_MORE(out, q & 15, d, m);
  STORE_MORE(out + 16, q >> 4, d, m);
}

// d (q - 16), the fifth bits in a word of their own
BLOCK(q5_0) {
  numbers q = LOAD(block + 6), place = PLACES, high = (numbers)word(block + 2);
  float d = HALF(block);
  STORE(out, (q & 15 | (high >> place & 1) << 4) - 16, d);
  STORE(out + 16, (q >> 4 | (high >> (place + 16) & 1) << 4) - 16, d);
}

// d q + m
BLOCK(q5_1) {
  numbers q = LOAD(block + 8), place = PLACES, high = (numbers)word(block + 4);
  float d = HALF(block), m = HALF(block + 2);
  STORE_MORE(out, q & 15 | (high >> place & 1) << 4, d, m);
  STORE_MORE(out + 16, q >> 4 | (high >> (place + 16) & 1) << 4, d, m);
}

// d q
BLOCK(q8_0) {
  float d = HALF(block);
  STORE(out, LOAD_SIGNED(block + 2), d);
  STORE(out + 16, LOAD_SIGNED(block + 18), d);
}

// d s q - m t, with four bits of scale s and minimum t for sixteen values
BLOCK(q2_k) {
  const uint8_t *scales = block, *q = block + 16;
  float d = HALF(block + 80), m = HALF(block + 82);
  for (int g = 0; g < 16; g++) {
    numbers two = LOAD(q + g / 8 * 32 + g % 2 * 16) >> (g / 2 % 4 * 2) & 3;
    STORE_LESS(out + 16 * g, two, d * (float)(scales[g] & 15), m * (float)(scales[g] >> 4));
  }
}

// d (s - 32) q, where the third bit of q says that 4 is not to be taken off
BLOCK(q3_k) {
  const uint8_t *mask = block, *q = block + 32, *scales = block + 96;
  float d = HALF(block + 108);
  for (int g = 0; g < 16; g++) {
    int scale = (g < 8 ? scales[g] & 15 : scales[g - 8] >> 4) | (scales[8 + g % 4] >> g / 4 * 2 & 3) << 4;
    numbers two = LOAD(q + g / 8 * 32 + g % 2 * 16) >> (g / 2 % 4 * 2) & 3;
    numbers third = LOAD(mask + g % 2 * 16) >> (g / 2) & 1;
    STORE(out + 16 * g, two + (third << 2) - 4, d * (float)(scale - 32));
  }
}

// d s q - m t, with six bits of s and t for 32 values
BLOCK(q4_k) {
  const uint8_t *scales = block + 4, *q = block + 16;
  float d = HALF(block), m = HALF(block + 2);
  for (int g = 0; g < 8; g++) {
    float scale = d * (float)six_bits(scales, g), less = m * (float)six_bits_of_minimum(scales, g);
    for (int i = 0; i < 32; i += 16) {
      STORE_LESS(out + 32 * g + i, LOAD(q + g / 2 * 32 + i) >> (g % 2 * 4) & 15, scale, less);
    }
  }
}

// As q4_k, with a fifth bit.
BLOCK(q5_k) {
  const uint8_t *scales = block + 4, *high = block + 16, *q = block + 48;
  float d = HALF(block), m = HALF(block + 2);
  for (int g = 0; g < 8; g++) {
    float scale = d * (float)six_bits(scales, g), less = m * (float)six_bits_of_minimum(scales, g);
    for (int i = 0; i < 32; i += 16) {
      numbers four = LOAD(q + g / 2 * 32 + i) >> (g % 2 * 4) & 15, fifth = LOAD(high + i) >> g & 1;
      STORE_LESS(out + 32 * g + i, four | fifth << 4, scale, less);
    }
  }
}

// d s (q - 32), with a signed byte of scale s for sixteen values
BLOCK(q6_k) {
  const uint8_t *low = block, *high = block + 128;
  const int8_t *scales = (const int8_t *)(block + 192);
  float d = HALF(block + 208);
  for (int g = 0; g < 16; g++) {
    int group = g / 2 % 4, part = g % 2 * 16;
    numbers four = LOAD(low + g / 8 * 64 + group % 2 * 32 + part) >> (group / 2 * 4) & 15;
    numbers two = LOAD(high + g / 8 * 32 + part) >> (group * 2) & 3;
    STORE(out + 16 * g, (four | two << 4) - 32, d * (float)scales[g]);
  }
}

// d q with d in Float32; sums of sixteen q follow, which serve products of whole numbers
BLOCK(q8_k) {
  float d;
  memcpy(&d, block, 4);
  for (int i = 0; i < 256; i += 16) STORE(out + i, LOAD_SIGNED(block + 4 + i), d);
}

// d times an entry of a table
BLOCK(iq4_nl) {
  float d = HALF(block);
  bytes q = *(const bytes *)(block + 2);
  signed_bytes low = LOOKUP(UNEVEN, q & 15), high = LOOKUP(UNEVEN, q >> 4);
  STORE(out, __builtin_convertvector(low, numbers), d);
  STORE(out + 16, __builtin_convertvector(high, numbers), d);
}

// d (s - 32) times an entry of the same table, with six bits of s for 32 values
BLOCK(iq4_xs) {
  const uint8_t *low_scales = block + 4;
  float d = HALF(block);
  int high_scales = block[2] | block[3] << 8;
  for (int g = 0; g < 8; g++) {
    int s = (low_scales[g / 2] >> g % 2 * 4 & 15) | (high_scales >> 2 * g & 3) << 4;
    float scale = d * (float)(s - 32);
    bytes q = *(const bytes *)(block + 8 + 16 * g);
    signed_bytes low = LOOKUP(UNEVEN, q & 15), high = LOOKUP(UNEVEN, q >> 4);
    STORE(out + 32 * g, __builtin_convertvector(low, numbers), scale);
    STORE(out + 32 * g + 16, __builtin_convertvector(high, numbers), scale);
  }
}

// 2^(e - 128) times twice an E2M1 number; the smallest two powers are subnormal
BLOCK(mxfp4) {
  uint32_t e = block[0];
  float d = tk_float(e < 2 ? 0x00200000u << e : (e - 1) << 23);
  bytes q = *(const bytes *)(block + 1);
  signed_bytes low = LOOKUP(TWICE_E2M1, q & 15), high = LOOKUP(TWICE_E2M1, q >> 4);
  STORE(out, __builtin_convertvector(low, numbers), d);
  STORE(out + 16, __builtin_convertvector(high, numbers), d);
}

#define ROW(CODE, NAME, LENGTH, SIZE, SCALE, MINIMUM)                                                 \
  TARGET static void JOIN(expand_##NAME, S)(int64_t n, const uint8_t *blocks, float *out) {           \
    for (int64_t b = 0; b < n; b++, blocks += SIZE, out += LENGTH) JOIN(NAME, S)(blocks, out);        \
  }
EACH_FORMAT(ROW)
#undef ROW

#undef STORE_MORE
#undef STORE_LESS
#undef STORE
#undef LOAD_SIGNED
#undef LOAD
#undef BLOCK
#undef JOIN
#undef JOIN_
#undef TARGET
#undef S
#undef HALF
#undef LOOKUP
