// Pictures of 8-bit samples scaled with fixed-point weights.
#pragma once
#include <stdint.h>

// Fractional bits of a weight.
enum { TK_RESAMPLE_PRECISION = 22 };

// out [rows, width]: out[y][i] = the sum over t < counts[y] of in[starts[y] + t][i] * weights[y * stride + t], rounded to the
// nearest integer and clamped to a byte. The sum must fit 32 bits.
void tk_resample_rows(int64_t rows, int64_t width, const uint8_t *in, const int32_t *starts, const int32_t *counts,
                      const int32_t *weights, int64_t stride, uint8_t *out);

// out [rows, new_columns, channels] from in [rows, columns, channels], every column of channels as a row of
// tk_resample_rows. Strips of rows are turned so that columns are contiguous, in `scratch` of
// TK_RESAMPLE_STRIP * channels * (columns + new_columns) bytes.
enum { TK_RESAMPLE_STRIP = 64 };
void tk_resample_columns(int64_t rows, int64_t columns, int64_t channels, const uint8_t *in, int64_t new_columns,
                         const int32_t *starts, const int32_t *counts, const int32_t *weights, int64_t stride,
                         uint8_t *scratch, uint8_t *out);
