#include "CTensorKernels.h"
#include "tk_target.h"
#include <string.h>

// The run of output columns whose input column, `output * stride + shift`, lies inside of the input.
static int64_t first_inside(const tk_windows *w, int64_t shift) {
  return shift >= 0 ? 0 : (-shift + w->stride_x - 1) / w->stride_x;
}
static int64_t end_inside(const tk_windows *w, int64_t shift) {
  int64_t room = w->input_width - 1 - shift;
  if (room < 0) return 0;
  int64_t end = room / w->stride_x + 1;
  return end < w->output_width ? end : w->output_width;
}

// Every run of output columns under a tap of the window, channel by channel: `count` elements that lie `inside`
// of the plane, `run` on in the tap's rows.
#define EACH_RUN(...)                                                                                          \
  for (int64_t c = 0; c < channels; c++, input += plane)                                                       \
    for (int64_t y = 0; y < w->kernel_height; y++)                                                             \
      for (int64_t x = 0; x < w->kernel_width; x++, tap += width) {                                            \
        int64_t shift = x * w->dilation_x - w->padding_x;                                                      \
        int64_t low = first_inside(w, shift), count = end_inside(w, shift) - low;                              \
        for (int64_t r = 0; r < rows && count > 0; r++) {                                                      \
          int64_t line = (row + r) * w->stride_y - w->padding_y + y * w->dilation_y;                           \
          if (line < 0 || line >= w->input_height) continue;                                                   \
          int64_t inside = line * w->input_width + low * w->stride_x + shift, run = r * w->output_width + low; \
          __VA_ARGS__                                                                                          \
        }                                                                                                      \
      }

#define WINDOWS(T, S)                                                                                          \
  TK_TARGETS static void copy_run_##S(int64_t n, const T *restrict x, int64_t step, T *restrict out) {         \
    for (int64_t i = 0; i < n; i++) out[i] = x[i * step];                                                      \
  }                                                                                                            \
  TK_TARGETS static void add_run_##S(int64_t n, const T *restrict x, T *restrict acc, int64_t step) {          \
    if (step == 1) {                                                                                           \
      for (int64_t i = 0; i < n; i++) acc[i] += x[i];                                                          \
    } else {                                                                                                   \
      for (int64_t i = 0; i < n; i++) acc[i * step] += x[i];                                                   \
    }                                                                                                          \
  }                                                                                                            \
  void tk_gather_columns_##S(const tk_windows *w, int64_t channels, int64_t row, int64_t rows, const T *input, \
                             T *columns) {                                                                     \
    const int64_t width = rows * w->output_width, plane = w->input_height * w->input_width;                    \
    memset(columns, 0, sizeof(T) * (size_t)(channels * w->kernel_height * w->kernel_width * width));           \
    T *tap = columns;                                                                                          \
    EACH_RUN(if (w->stride_x == 1) memcpy(tap + run, input + inside, sizeof(T) * (size_t)count);               \
             else copy_run_##S(count, input + inside, w->stride_x, tap + run);)                                \
  }                                                                                                            \
  void tk_scatter_columns_##S(const tk_windows *w, int64_t channels, int64_t row, int64_t rows,                \
                              const T *columns, T *input) {                                                    \
    const int64_t width = rows * w->output_width, plane = w->input_height * w->input_width;                    \
    const T *tap = columns;                                                                                    \
    EACH_RUN(add_run_##S(count, tap + run, input + inside, w->stride_x);)                                      \
  }                                                                                                            \
  void tk_largest_places_##S(const T *x, int64_t width, int64_t rows, const int32_t *row, int64_t windows,     \
                             const int32_t *ends, const int32_t *column, int32_t *out) {                       \
    int32_t begin = 0;                                                                                         \
    for (int64_t w = 0; w < windows; begin = ends[w], w++) {                                                   \
      int64_t best = row[0] * width + column[begin];                                                           \
      T largest = x[best];                                                                                     \
      for (int64_t r = 0; r < rows; r++)                                                                       \
        for (int32_t c = begin; c < ends[w]; c++) {                                                            \
          int64_t place = row[r] * width + column[c];                                                          \
          T value = x[place];                                                                                  \
          if (value > largest || value != value) {                                                             \
            best = place;                                                                                      \
            largest = value;                                                                                   \
          }                                                                                                    \
        }                                                                                                      \
      out[w] = (int32_t)best;                                                                                  \
    }                                                                                                          \
  }                                                                                                            \
  void tk_take_##S(int64_t n, const T *x, const int32_t *place, T *out) {                                      \
    for (int64_t i = 0; i < n; i++) out[i] = x[place[i]];                                                      \
  }                                                                                                            \
  void tk_add_at_##S(int64_t n, const T *x, const int32_t *place, T *acc) {                                    \
    for (int64_t i = 0; i < n; i++) acc[place[i]] += x[i];                                                     \
  }
WINDOWS(float, f32)
WINDOWS(double, f64)
