// Loops over the elements under windows, of convolutions and poolings. In C because these loops over single elements are what a
// debug build of Swift takes a hundred times as long for.
#pragma once
#include <stdint.h>

// The sizes of a convolution; the output's height is that of the rows asked for.
typedef struct {
  int64_t input_height, input_width, kernel_height, kernel_width, output_width;
  int64_t stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
} tk_windows;

// gather: the input under the kernel for `rows` rows of the output from `row` on, as a matrix of taps (channel, kernel row,
// kernel column) by positions; zero outside of the input. scatter adds such a matrix to the elements it was gathered from.
// largest: for windows over the same rows, whose columns lie one after the other and end where `ends` says, the place
// row * width + column of the largest element, the first of equal ones; a NaN counts as the largest.
// take, add_at: out[i] = x[place[i]] and acc[place[i]] += x[i].
#define TK_DECLARE_WINDOWS(T, S)                                                                               \
  void tk_gather_columns_##S(const tk_windows *w, int64_t channels, int64_t row, int64_t rows, const T *input, \
                             T *columns);                                                                      \
  void tk_scatter_columns_##S(const tk_windows *w, int64_t channels, int64_t row, int64_t rows,                \
                              const T *columns, T *input);                                                     \
  void tk_largest_places_##S(const T *x, int64_t width, int64_t rows, const int32_t *row, int64_t windows,     \
                             const int32_t *ends, const int32_t *column, int32_t *out);                        \
  void tk_take_##S(int64_t n, const T *x, const int32_t *place, T *out);                                       \
  void tk_add_at_##S(int64_t n, const T *x, const int32_t *place, T *acc);

TK_DECLARE_WINDOWS(float, f32)
TK_DECLARE_WINDOWS(double, f64)

// Convolutions of Float32 without columns, where there is tk_has_packed_product. Planes are copies of the input for `rows` rows
// of the output from `row` on, with zeros around them: tk_plane_count numbers.
int64_t tk_plane_count(const tk_windows *w, int64_t channels, int64_t rows);
// Where in the planes the first window has its taps (channel, kernel row, kernel column).
void tk_plane_offsets(const tk_windows *w, int64_t channels, int64_t rows, int32_t *offset);
void tk_fill_planes_f32(const tk_windows *w, int64_t channels, int64_t row, int64_t rows, const float *input,
                        float *out);
// The weight [outputs, taps] as tk_plane_convolution_f32 wants it, outputs * taps numbers and 16 that it may write after.
void tk_pack_taps_f32(int64_t outputs, int64_t taps, const float *weight, float *out);
// out[o * plane + window] = bias[o] + the sum over taps; bias may be NULL.
void tk_plane_convolution_f32(const tk_windows *w, int64_t outputs, int64_t taps, int64_t rows, const float *weight,
                              const float *bias, const float *planes, const int32_t *offset, float *out,
                              int64_t plane);
// The gradient [outputs, windows of the rows] laid out as windows are in the planes: tk_plane_gradient_count numbers, zero where
// there is no window.
int64_t tk_plane_gradient_count(const tk_windows *w, int64_t outputs, int64_t rows);
void tk_fill_plane_gradient_f32(const tk_windows *w, int64_t outputs, int64_t rows, const float *gradient,
                                int64_t plane, float *out);
// sums[outputs, taps] += the sum over windows of gradient times input, for pictures whose gradients and planes, each of the
// count above, lie one after the other.
void tk_plane_weight_gradient_f32(const tk_windows *w, int64_t outputs, int64_t channels, int64_t rows, int64_t pictures,
                                  const float *gradient, const float *planes, const int32_t *offset, float *sums);
