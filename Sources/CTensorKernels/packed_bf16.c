#include "packed_tiles.h"

// The packed product of packed_product.c with both matrices rounded to bfloat16 while they are packed, and sums in Float32: what
// PyTorch calls float32 matmul precision "medium". Two terms lie side by side in one word, as the instructions want
// them, and rows of a in order, filled up with zeros to whole tiles. Tiles of the matrix extension (AMX) where the processor
// and the system have them, else AVX-512's dot products of pairs.
//
// An element is one sum over k in an order that k alone decides, as there; the two kinds of instructions round differently.

#if defined(TK_HAS_PACKED) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAIRS = TK_BF16_TERMS / 2, TILE_ROWS = 16 };

static pthread_once_t looked = PTHREAD_ONCE_INIT;
static int found = TK_BF16_NONE;

// The processor's features, and whether the system lets this process use the registers of the matrix extension.
static void look(void) {
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
  unsigned a, b, c, d;
  if (!__builtin_cpu_supports("x86-64-v4") || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & 1u << 5)) return;
  found = TK_BF16_PAIRS;
  int has_tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << 22) && (d & 1u << 24);
  if (has_tiles && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0) found = TK_BF16_TILES;
}

static int most = TK_BF16_TILES;

int tk_bf16_product(void) {
  pthread_once(&looked, look);
  return SMALLER(found, most);
}

void tk_limit_bf16_product(int kind) { most = kind; }

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512bf16"), min_vector_width(512))), apply_to = function)

static int64_t padded(int64_t k) { return (k + TK_BF16_TERMS - 1) / TK_BF16_TERMS * TK_BF16_TERMS; }

// Sixteen of x and sixteen of y, in turn.
INLINE __m512i in_turn(__m512 x, __m512 y) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20,
                                         4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(y, x));
}

INLINE __m512 some(const float *x, int64_t count) {
  if (count >= 16) return _mm512_loadu_ps(x);
  return count <= 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), x);
}

// out[l] holds terms 2l and 2l + 1 of `lines` lines of x, for one run of TK_BF16_TERMS terms of which `terms` are there.
INLINE void turn_pairs(int64_t lines, int64_t terms, const float *x, int64_t ldx, lanes *out) {
  for (int i = 0; i < 16; i++) {
    out[i] = 0;
    if (i >= lines) continue;
    out[i] = (lanes)_mm512_cvtne2ps_pbh(some(x + i * ldx + 16, terms - 16), some(x + i * ldx, terms));
  }
  transpose(out);
}

void tk_pack_columns_bf16(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, uint16_t *out) {
  for (int64_t j = 0; j < n; j += PANEL_COLUMNS) {
    int64_t columns = SMALLER(PANEL_COLUMNS, n - j);
    for (int64_t l = 0; l < k; l += TK_BF16_TERMS, out += PANEL_COLUMNS * TK_BF16_TERMS) {
      int64_t terms = SMALLER(TK_BF16_TERMS, k - l);
      for (int half = 0; half < 2; half++) {
        uint16_t *to = out + 32 * half;
        int64_t there = columns - 16 * half;
        if (transposed) {
          lanes v[16];
          turn_pairs(SMALLER(16, there), terms, b + (j + 16 * half) * ldb + l, ldb, v);
          for (int64_t p = 0; p < PAIRS; p++) *(lanes *)(to + p * 2 * PANEL_COLUMNS) = v[p];
          continue;
        }
        const float *x = b + l * ldb + j + 16 * half;
        for (int64_t p = 0; p < PAIRS; p++, x += 2 * ldb) {
          __m512 first = 2 * p < terms ? some(x, there) : _mm512_setzero_ps();
          __m512 second = 2 * p + 1 < terms ? some(x + ldb, there) : _mm512_setzero_ps();
          _mm512_storeu_si512(to + p * 2 * PANEL_COLUMNS, in_turn(first, second));
        }
      }
    }
  }
}

// Rows of a one after the other, each with its terms in order and zeros after the last; whole tiles of rows.
static void pack_rows_bf16(int64_t m, int64_t k, const float *a, int64_t lda, int transposed, uint16_t *out) {
  int64_t length = padded(k), rows = (m + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
  if (!transposed) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t l = 0; l < length; l += 32) {
        const float *x = a + i * lda + l;
        __m512bh pairs = _mm512_cvtne2ps_pbh(some(x + 16, k - l - 16), some(x, k - l));
        _mm512_storeu_si512(out + i * length + l, (__m512i)pairs);
      }
    }
  } else {
    for (int64_t l = 0; l < length; l += 32) {
      for (int64_t i = 0; i < m; i += 16) {
        int64_t there = SMALLER(16, m - i);
        lanes v[16];
        for (int64_t p = 0; p < 16; p++) {
          const float *x = a + (l + 2 * p) * lda + i;
          __m512 first = l + 2 * p < k ? some(x, there) : _mm512_setzero_ps();
          __m512 second = l + 2 * p + 1 < k ? some(x + lda, there) : _mm512_setzero_ps();
          v[p] = (lanes)in_turn(first, second);
        }
        transpose(v);
        for (int64_t r = 0; r < there; r++) *(lanes *)(out + (i + r) * length + l) = v[r];
      }
    }
  }
  __builtin_memset(out + m * length, 0, (size_t)((rows - m) * length) * sizeof *out);
}

// c [rows, columns] = alpha total + beta c, total having 32 columns.
INLINE void keep(int64_t rows, int64_t columns, float alpha, const float *total, float beta, float *c, int64_t ldc) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j += 16) {
      __mmask16 mask = (__mmask16)(columns - j >= 16 ? 0xffff : (1u << (columns - j)) - 1);
      __m512 x = _mm512_mul_ps(_mm512_set1_ps(alpha), _mm512_loadu_ps(total + i * PANEL_COLUMNS + j));
      float *out = c + i * ldc + j;
      if (beta != 0) x = _mm512_fmadd_ps(_mm512_set1_ps(beta), _mm512_maskz_loadu_ps(mask, out), x);
      _mm512_mask_storeu_ps(out, mask, x);
    }
  }
}

// Up to twelve rows by 32 columns with dot products of pairs.
enum { PAIR_ROWS = 12 };
#define PAIR_TILE(ROWS)                                                                                     \
  __attribute__((noinline)) static void pairs##ROWS(int64_t length, const uint16_t *a, const uint16_t *b, float *out) {    \
    __m512 total[ROWS][2];                                                                                  \
    EACH r = 0; r < ROWS; r++) total[r][0] = total[r][1] = _mm512_setzero_ps();                             \
    for (int64_t l = 0; l < length; l += 2, b += 2 * PANEL_COLUMNS) {                                       \
      __m512bh left = (__m512bh)_mm512_loadu_si512(b), right = (__m512bh)_mm512_loadu_si512(b + 32);        \
      EACH r = 0; r < ROWS; r++) {                                                                          \
        __m512bh x = (__m512bh)_mm512_set1_epi32(*(const int *)(a + r * length + l));                       \
        total[r][0] = _mm512_dpbf16_ps(total[r][0], x, left);                                               \
        total[r][1] = _mm512_dpbf16_ps(total[r][1], x, right);                                              \
      }                                                                                                     \
    }                                                                                                       \
    EACH r = 0; r < ROWS; r++) {                                                                            \
      _mm512_storeu_ps(out + r * PANEL_COLUMNS, total[r][0]);                                               \
      _mm512_storeu_ps(out + r * PANEL_COLUMNS + 16, total[r][1]);                                          \
    }                                                                                                       \
  }
PAIR_TILE(4) PAIR_TILE(12)

static void by_pairs(int64_t m, int64_t n, int64_t length, float alpha, const uint16_t *a, const uint16_t *b, float beta,
                     float *c, int64_t ldc) {
  float total[PAIR_ROWS * PANEL_COLUMNS];
  for (int64_t j = 0; j < n; j += PANEL_COLUMNS) {
    // Rows are filled up to a multiple of sixteen, so four more than m are there.
    for (int64_t i = 0; i < m;) {
      int64_t rows = m - i > 4 && (i + PAIR_ROWS <= (m + 15) / 16 * 16) ? PAIR_ROWS : 4;
      (rows == 4 ? pairs4 : pairs12)(length, a + i * length, b + j * length, total);
      keep(SMALLER(rows, m - i), SMALLER(PANEL_COLUMNS, n - j), alpha, total, beta, c + i * ldc + j, ldc);
      i += rows;
    }
  }
}

#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16"), min_vector_width(512))), apply_to = function)

typedef struct {
  uint8_t palette, start, zero[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} TileSizes;

// Sixteen or thirty-two rows by 32 columns with tiles: four of sums, two of a, two of b.
INLINE void tile_sums(int is_pair, int64_t length, const uint16_t *a, const uint16_t *b, float *out) {
  int64_t stride = 2 * length;
  _tile_zero(0);
  _tile_zero(1);
  if (is_pair) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t l = 0; l < length; l += TK_BF16_TERMS, b += PANEL_COLUMNS * TK_BF16_TERMS) {
    _tile_loadd(6, b, 4 * PANEL_COLUMNS);
    _tile_loadd(7, b + 32, 4 * PANEL_COLUMNS);
    _tile_loadd(4, a + l, stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!is_pair) continue;
    _tile_loadd(5, a + TILE_ROWS * length + l, stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, out, 4 * PANEL_COLUMNS);
  _tile_stored(1, out + 16, 4 * PANEL_COLUMNS);
  if (!is_pair) return;
  _tile_stored(2, out + TILE_ROWS * PANEL_COLUMNS, 4 * PANEL_COLUMNS);
  _tile_stored(3, out + TILE_ROWS * PANEL_COLUMNS + 16, 4 * PANEL_COLUMNS);
}

static void by_tiles(int64_t m, int64_t n, int64_t length, float alpha, const uint16_t *a, const uint16_t *b, float beta,
                     float *c, int64_t ldc) {
  float total[2 * TILE_ROWS * PANEL_COLUMNS];
  TileSizes sizes = {.palette = 1};
  for (int i = 0; i < 8; i++) {
    sizes.bytes[i] = 64;
    sizes.rows[i] = TILE_ROWS;
  }
  _tile_loadconfig(&sizes);
  for (int64_t j = 0; j < n; j += PANEL_COLUMNS) {
    for (int64_t i = 0; i < m; i += 2 * TILE_ROWS) {
      int64_t rows = SMALLER(2 * TILE_ROWS, m - i);
      if (rows > TILE_ROWS) {
        tile_sums(1, length, a + i * length, b + j * length, total);
      } else {
        tile_sums(0, length, a + i * length, b + j * length, total);
      }
      keep(rows, SMALLER(PANEL_COLUMNS, n - j), alpha, total, beta, c + i * ldc + j, ldc);
    }
  }
  _tile_release();
}

#pragma clang attribute pop

int64_t tk_packed_bf16_scratch(int64_t m, int64_t k) {
  int64_t rows = SMALLER(m, TK_PACKED_ROWS);
  return (rows + TILE_ROWS) * ((k + TK_BF16_TERMS - 1) / TK_BF16_TERMS * TK_BF16_TERMS);
}

void tk_packed_product_bf16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                            const uint16_t *b, float beta, float *c, int64_t ldc, uint16_t *scratch) {
  int has_tiles = tk_bf16_product() == TK_BF16_TILES;
  int64_t length = (k + TK_BF16_TERMS - 1) / TK_BF16_TERMS * TK_BF16_TERMS;
  for (int64_t first = 0; first < m; first += TK_PACKED_ROWS) {
    int64_t rows = SMALLER(TK_PACKED_ROWS, m - first);
    pack_rows_bf16(rows, k, a + (transposed ? first : first * lda), lda, transposed, scratch);
    (has_tiles ? by_tiles : by_pairs)(rows, n, length, alpha, scratch, b, beta, c + first * ldc, ldc);
  }
}

#else

int tk_bf16_product(void) { return TK_BF16_NONE; }
void tk_limit_bf16_product(int kind) {}
void tk_pack_columns_bf16(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, uint16_t *out) {}
int64_t tk_packed_bf16_scratch(int64_t m, int64_t k) { return 0; }
void tk_packed_product_bf16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                            const uint16_t *b, float beta, float *c, int64_t ldc, uint16_t *scratch) {}

#endif
