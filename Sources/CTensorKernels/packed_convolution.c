#include "packed_tiles.h"
#include "tk_windows.h"
#include <string.h>

// Convolutions without columns. The input is copied once, with its zeros around it, and with windows that move by s rows or
// columns into s planes of every s-th. Then all elements under one tap of the window, for all windows of several rows, lie
// one after the other, a fixed distance from those under another tap: they are the rows of b that tiles of packed_product.c
// multiply, where they are. At the end of each row of windows some are computed that there are none of, and dropped.

#ifdef TK_HAS_PACKED

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)

// As a tile of packed_product.c, b at `offset` of each tap.
#define TILE(ROWS, COLUMNS)                                                                                    \
  __attribute__((noinline)) static void tile##ROWS##_##COLUMNS(int64_t k, const float *a, const float *x,      \
                                                               const int32_t *offset, float *out) {            \
    lanes total[ROWS][COLUMNS];                                                                                \
    EACH r = 0; r < ROWS; r++) {                                                                               \
      EACH j = 0; j < COLUMNS; j++) total[r][j] = 0;                                                           \
    }                                                                                                          \
    for (int64_t l = 0; l < k; l++, a += ROWS) {                                                               \
      const float *b = x + offset[l];                                                                          \
      lanes v[COLUMNS];                                                                                        \
      EACH j = 0; j < COLUMNS; j++) v[j] = *(const lanes *)(b + 16 * j);                                       \
      EACH r = 0; r < ROWS; r++) {                                                                             \
        lanes y;                                                                                               \
        __asm__("vbroadcastss %1, %0" : "=v"(y) : "m"(a[r]));                                                  \
        EACH j = 0; j < COLUMNS; j++) total[r][j] += y * v[j];                                                 \
      }                                                                                                        \
    }                                                                                                          \
    EACH r = 0; r < ROWS; r++) {                                                                               \
      EACH j = 0; j < COLUMNS; j++) *(lanes *)(out + r * PANEL_COLUMNS + 16 * j) = total[r][j];                \
    }                                                                                                          \
  }
EACH_ROW_COUNT(ONE_AND_TWO)

typedef void PlaneTile(int64_t k, const float *a, const float *x, const int32_t *offset, float *out);
#define ENTRY(ROWS) {tile##ROWS##_1, tile##ROWS##_2},
static PlaneTile *const tiles[PANEL_ROWS][2] = {EACH_ROW_COUNT(ENTRY)};

static int64_t plane_width(const tk_windows *w) {
  return w->output_width + (w->kernel_width - 1) * w->dilation_x / w->stride_x;
}
static int64_t plane_height(const tk_windows *w, int64_t rows) {
  return rows + (w->kernel_height - 1) * w->dilation_y / w->stride_y;
}

int64_t tk_plane_count(const tk_windows *w, int64_t channels, int64_t rows) {
  // A tile reads whole vectors beyond the last window.
  return channels * w->stride_y * w->stride_x * plane_height(w, rows) * plane_width(w) + PANEL_COLUMNS;
}

void tk_plane_offsets(const tk_windows *w, int64_t channels, int64_t rows, int32_t *offset) {
  int64_t width = plane_width(w), plane = plane_height(w, rows) * width;
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < w->kernel_height; i++)
      for (int64_t j = 0; j < w->kernel_width; j++) {
        int64_t y = i * w->dilation_y, x = j * w->dilation_x;
        int64_t number = (c * w->stride_y + y % w->stride_y) * w->stride_x + x % w->stride_x;
        *offset++ = (int32_t)(number * plane + y / w->stride_y * width + x / w->stride_x);
      }
}

void tk_fill_planes_f32(const tk_windows *w, int64_t channels, int64_t row, int64_t rows, const float *input,
                        float *out) {
  int64_t width = plane_width(w), height = plane_height(w, rows), stride = w->stride_x;
  for (int64_t c = 0; c < channels; c++, input += w->input_height * w->input_width)
    for (int64_t y = 0; y < w->stride_y; y++)
      for (int64_t x = 0; x < stride; x++) {
        int64_t shift = x - w->padding_x;
        int64_t low = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
        int64_t end = w->input_width - 1 - shift < 0 ? 0 : (w->input_width - 1 - shift) / stride + 1;
        if (low > width) low = width;
        if (end > width) end = width;
        if (end < low) end = low;
        for (int64_t r = 0; r < height; r++, out += width) {
          int64_t line = (row + r) * w->stride_y + y - w->padding_y;
          if (line < 0 || line >= w->input_height) {
            memset(out, 0, sizeof(float) * (size_t)width);
            continue;
          }
          const float *source = input + line * w->input_width + shift;
          for (int64_t i = 0; i < low; i++) out[i] = 0;
          if (stride == 1) {
            memcpy(out + low, source + low, sizeof(float) * (size_t)(end - low));
          } else {
            for (int64_t i = low; i < end; i++) out[i] = source[i * stride];
          }
          for (int64_t i = end; i < width; i++) out[i] = 0;
        }
      }
  memset(out, 0, sizeof(float) * PANEL_COLUMNS);
}

static int64_t panel_height(int64_t outputs) {
  int64_t panels = (outputs + PANEL_ROWS - 1) / PANEL_ROWS;
  return (outputs + panels - 1) / panels;
}

void tk_pack_taps_f32(int64_t outputs, int64_t taps, const float *weight, float *out) {
  pack_rows(outputs, taps, panel_height(outputs), weight, taps, 0, out);
}

// A run of windows of one row: where it lies in a tile and in the output.
typedef struct {
  int64_t from, to, count;
} run;

INLINE void place_run(int64_t n, const float *x, float added, float *out) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) *(lanes *)(out + i) = *(const lanes *)(x + i) + added;
  if (i < n) {
    __mmask16 mask = (__mmask16)((1u << (n - i)) - 1);
    _mm512_mask_storeu_ps(out + i, mask, _mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(added)));
  }
}

void tk_plane_convolution_f32(const tk_windows *w, int64_t outputs, int64_t taps, int64_t rows, const float *weight,
                              const float *bias, const float *planes, const int32_t *offset, float *out,
                              int64_t plane) {
  int64_t width = plane_width(w), positions = (rows - 1) * width + w->output_width;
  int64_t height = panel_height(outputs);
  // Panels of the weight that stay in the second cache while the planes pass by.
  int64_t group = (1 << 16) / (height * taps) * height;
  if (group < height) group = height;
  float tile[PANEL_ROWS * PANEL_COLUMNS + 16];
  for (int64_t top = 0; top < outputs; top += group) {
    int64_t bottom = SMALLER(outputs, top + group);
    for (int64_t j = 0; j < positions; j += PANEL_COLUMNS) {
      int64_t count = SMALLER(PANEL_COLUMNS, positions - j);
      run runs[PANEL_COLUMNS];
      int64_t parts = 0;
      for (int64_t position = j; position < j + count;) {
        int64_t row = position / width, column = position - row * width;
        if (column >= w->output_width) {
          position = (row + 1) * width;
          continue;
        }
        int64_t length = SMALLER(w->output_width - column, j + count - position);
        runs[parts++] = (run){position - j, row * w->output_width + column, length};
        position += length;
      }
      if (parts == 0) continue;
      for (int64_t i = top; i < bottom; i += height) {
        int64_t lines = SMALLER(height, outputs - i);
        tiles[lines - 1][count > 16](taps, weight + i * taps, planes + j, offset, tile);
        for (int64_t r = 0; r < lines; r++) {
          float added = bias ? bias[i + r] : 0;
          float *target = out + (i + r) * plane;
          for (int64_t p = 0; p < parts; p++)
            place_run(runs[p].count, tile + r * PANEL_COLUMNS + runs[p].from, added, target + runs[p].to);
        }
      }
    }
  }
}

static int64_t row_positions(const tk_windows *w, int64_t rows) {
  int64_t positions = (rows - 1) * plane_width(w) + w->output_width;
  return (positions + 15) / 16 * 16;
}

int64_t tk_plane_gradient_count(const tk_windows *w, int64_t outputs, int64_t rows) {
  return outputs * row_positions(w, rows);
}

void tk_fill_plane_gradient_f32(const tk_windows *w, int64_t outputs, int64_t rows, const float *gradient,
                                int64_t plane, float *out) {
  int64_t width = plane_width(w), positions = row_positions(w, rows);
  for (int64_t o = 0; o < outputs; o++, gradient += plane, out += positions) {
    memset(out, 0, sizeof(float) * (size_t)positions);
    for (int64_t r = 0; r < rows; r++)
      memcpy(out + r * width, gradient + r * w->output_width, sizeof(float) * (size_t)w->output_width);
  }
}

// Sums of ROWS outputs by COLUMNS taps: sixteen of each at a time, and these added at the end.
enum { SUM_ROWS = 4, SUM_COLUMNS = 6 };
#define SUM_TILE(ROWS, COLUMNS)                                                                                \
  __attribute__((noinline)) static void sum##ROWS##_##COLUMNS(                                                 \
      int64_t pictures, int64_t n, const float *g, int64_t g_picture, const float *x, int64_t x_picture,       \
      const int32_t *offset, float *out, int64_t taps) {                                                       \
    lanes total[ROWS][COLUMNS];                                                                                \
    EACH r = 0; r < ROWS; r++) {                                                                               \
      EACH j = 0; j < COLUMNS; j++) total[r][j] = 0;                                                           \
    }                                                                                                          \
    for (int64_t p = 0; p < pictures; p++, g += g_picture, x += x_picture) {                                   \
      for (int64_t i = 0; i < n; i += 16) {                                                                    \
        lanes v[ROWS];                                                                                         \
        EACH r = 0; r < ROWS; r++) v[r] = *(const lanes *)(g + r * n + i);                                     \
        EACH j = 0; j < COLUMNS; j++) {                                                                        \
          lanes y = *(const lanes *)(x + offset[j] + i);                                                       \
          EACH r = 0; r < ROWS; r++) total[r][j] += v[r] * y;                                                  \
        }                                                                                                      \
      }                                                                                                        \
    }                                                                                                          \
    EACH r = 0; r < ROWS; r++) {                                                                               \
      EACH j = 0; j < COLUMNS; j++) out[r * taps + j] += _mm512_reduce_add_ps((__m512)total[r][j]);            \
    }                                                                                                          \
  }
#define EACH_COLUMN_COUNT(ROWS)                                                                                \
  SUM_TILE(ROWS, 1) SUM_TILE(ROWS, 2) SUM_TILE(ROWS, 3) SUM_TILE(ROWS, 4) SUM_TILE(ROWS, 5) SUM_TILE(ROWS, 6)
EACH_COLUMN_COUNT(1) EACH_COLUMN_COUNT(2) EACH_COLUMN_COUNT(3) EACH_COLUMN_COUNT(4)

typedef void SumTile(int64_t pictures, int64_t n, const float *g, int64_t g_picture, const float *x, int64_t x_picture,
                     const int32_t *offset, float *out, int64_t taps);
#define SUM_ENTRY(ROWS) {sum##ROWS##_1, sum##ROWS##_2, sum##ROWS##_3, sum##ROWS##_4, sum##ROWS##_5, sum##ROWS##_6},
static SumTile *const sum_tiles[SUM_ROWS][SUM_COLUMNS] = {SUM_ENTRY(1) SUM_ENTRY(2) SUM_ENTRY(3) SUM_ENTRY(4)};

void tk_plane_weight_gradient_f32(const tk_windows *w, int64_t outputs, int64_t channels, int64_t rows, int64_t pictures,
                                  const float *gradient, const float *planes, const int32_t *offset, float *sums) {
  int64_t taps = channels * w->kernel_height * w->kernel_width, n = row_positions(w, rows);
  int64_t g_picture = outputs * n, x_picture = tk_plane_count(w, channels, rows);
  for (int64_t t = 0; t < taps; t += SUM_COLUMNS) {
    int64_t columns = SMALLER(SUM_COLUMNS, taps - t);
    for (int64_t o = 0; o < outputs; o += SUM_ROWS) {
      int64_t lines = SMALLER(SUM_ROWS, outputs - o);
      sum_tiles[lines - 1][columns - 1](pictures, n, gradient + o * n, g_picture, planes, x_picture, offset + t,
                                        sums + o * taps + t, taps);
    }
  }
}

#pragma clang attribute pop

#else

int64_t tk_plane_count(const tk_windows *w, int64_t channels, int64_t rows) { return 0; }
void tk_plane_offsets(const tk_windows *w, int64_t channels, int64_t rows, int32_t *offset) {}
void tk_fill_planes_f32(const tk_windows *w, int64_t channels, int64_t row, int64_t rows, const float *input,
                        float *out) {}
void tk_pack_taps_f32(int64_t outputs, int64_t taps, const float *weight, float *out) {}
void tk_plane_convolution_f32(const tk_windows *w, int64_t outputs, int64_t taps, int64_t rows, const float *weight,
                              const float *bias, const float *planes, const int32_t *offset, float *out,
                              int64_t plane) {}
int64_t tk_plane_gradient_count(const tk_windows *w, int64_t outputs, int64_t rows) { return 0; }
void tk_fill_plane_gradient_f32(const tk_windows *w, int64_t outputs, int64_t rows, const float *gradient,
                                int64_t plane, float *out) {}
void tk_plane_weight_gradient_f32(const tk_windows *w, int64_t outputs, int64_t channels, int64_t rows, int64_t pictures,
                                  const float *gradient, const float *planes, const int32_t *offset, float *sums) {}

#endif
