#include "packed_tiles.h"

#include <math.h>
#include <string.h>

#include "tk_math.h"

// Attention by the tiles of the packed product. Scores stand upright, keys by thirty-two queries: the softmax of sixteen queries
// is arithmetic on vectors without sums across them, and the probabilities lie as the tiles read their second operand.
//
// What a query gets depends on the keys it sees and their order alone, whatever the other queries are.

#ifdef TK_HAS_PACKED

int64_t tk_packed_attention_scratch(int64_t columns, int64_t dim) {
  return 2 * (columns * dim + 16) + PANEL_COLUMNS * (2 * dim + 16 + columns + PANEL_ROWS);
}

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)

typedef int32_t places __attribute__((ext_vector_type(16)));

// Scores of sixteen queries in s [limit, 32] become exp(scale (score - maximum)), zero where a key is not seen. The first
// query sees `visible` keys, the next one more.
static void exponentials(int64_t limit, int64_t visible, float scale, float *restrict s, float *restrict maximum,
                         float *restrict sum) {
  const places place = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int64_t common = SMALLER(limit, visible);
  lanes most = *(const lanes *)s, total = 0;
  for (int64_t c = 1; c < common; c++) {
    lanes x = *(const lanes *)(s + c * PANEL_COLUMNS);
    most = x > most ? x : most;
  }
  for (int64_t c = common; c < limit; c++) {
    lanes x = *(const lanes *)(s + c * PANEL_COLUMNS);
    most = ((place > (int32_t)(c - visible)) & (x > most)) ? x : most;
  }
  *(lanes *)maximum = most;
  for (int64_t c = 0; c < limit; c++) {
    float *row = s + c * PANEL_COLUMNS;
    _Pragma("clang loop vectorize_width(16)")
    for (int i = 0; i < 16; i++) row[i] = tk_exp_nonpositive(scale * (row[i] - maximum[i]));
    lanes *x = (lanes *)row;
    if (c >= common) *x = place > (int32_t)(c - visible) ? *x : 0;
    total += *x;
  }
  *(lanes *)sum = total;
}

// out[q * ldo + d] = x[d, q] / sum[q] for up to sixteen queries.
static void write_queries(int64_t queries, int64_t dim, const float *x, const float *sum, float *out, int64_t ldo) {
  lanes inverse = 1 / *(const lanes *)sum;
  for (int64_t d = 0; d < dim; d += 16) {
    lanes v[16];
    for (int i = 0; i < 16; i++) v[i] = *(const lanes *)(x + (d + i) * PANEL_COLUMNS) * inverse;
    transpose(v);
    if (queries == 16 && d + 16 <= dim) {
      for (int i = 0; i < 16; i++) *(lanes *)(out + i * ldo + d) = v[i];
    } else {
      for (int64_t i = 0; i < queries; i++) {
        memcpy(out + i * ldo + d, &v[i], SMALLER(16, dim - d) * sizeof(float));
      }
    }
  }
}

void tk_packed_attention_f32(int64_t heads, int64_t rows, int64_t columns, int64_t dim, int64_t visible, float scale,
                             const float *q, int64_t ldq, const float *k, int64_t ldk, const float *v, int64_t ldv,
                             float *o, int64_t ldo, float *lse, int64_t ld_lse, float *scratch) {
  float *keys = scratch, *values = keys + columns * dim + 16, *queries = values + columns * dim + 16;
  float *mixed = queries + PANEL_COLUMNS * dim, *scores = mixed + PANEL_COLUMNS * (dim + 16);
  int64_t panels = (columns + PANEL_ROWS - 1) / PANEL_ROWS, height = (columns + panels - 1) / panels;
  pack_rows(columns, dim, height, k, ldk, 0, keys);
  int64_t parts = (dim + PANEL_ROWS - 1) / PANEL_ROWS, part = (dim + parts - 1) / parts;
  pack_rows(dim, columns, part, v, ldv, 1, values);

  for (int64_t first = 0; first < rows; first += PANEL_COLUMNS) {
    int64_t count = SMALLER(PANEL_COLUMNS, rows - first), wide = count > 16;
    int64_t limit = SMALLER(columns, visible + first + count - 1);
    for (int64_t h = 0; h < heads; h++) {
      const float *x = q + first * ldq + h * dim;
      tk_pack_columns_f32(count, dim, x, ldq, 1, queries);
      for (int64_t i = 0; i < limit; i += height) {
        tk_tiles[SMALLER(height, columns - i) - 1][wide](dim, 1, keys + i * dim, queries, 0,
                                                         scores + i * PANEL_COLUMNS, PANEL_COLUMNS);
      }

      float maximum[PANEL_COLUMNS], sum[PANEL_COLUMNS];
      for (int64_t half = 0; half <= wide; half++) {
        exponentials(limit, visible + first + 16 * half, scale, scores + 16 * half, maximum + 16 * half,
                     sum + 16 * half);
      }
      for (int64_t i = 0; i < count; i++) {
        lse[(first + i) * ld_lse + h] = scale * maximum[i] + logf(sum[i]);
      }

      for (int64_t c = 0; c < limit; c += TK_PACKED_TERMS) {
        for (int64_t d = 0; d < dim; d += part) {
          int64_t height = SMALLER(part, dim - d);
          tk_tiles[height - 1][wide](SMALLER(TK_PACKED_TERMS, limit - c), 1, values + d * columns + c * height,
                                     scores + c * PANEL_COLUMNS, c > 0, mixed + d * PANEL_COLUMNS, PANEL_COLUMNS);
        }
      }
      for (int64_t half = 0; half <= wide; half++) {
        write_queries(SMALLER(16, count - 16 * half), dim, mixed + 16 * half, sum + 16 * half,
                      o + (first + 16 * half) * ldo + h * dim, ldo);
      }
    }
  }
}

#pragma clang attribute pop

#else

int64_t tk_packed_attention_scratch(int64_t columns, int64_t dim) { return 0; }
void tk_packed_attention_f32(int64_t heads, int64_t rows, int64_t columns, int64_t dim, int64_t visible, float scale,
                             const float *q, int64_t ldq, const float *k, int64_t ldk, const float *v, int64_t ldv,
                             float *o, int64_t ldo, float *lse, int64_t ld_lse, float *scratch) {}

#endif
