// Discrete Fourier transforms of planes of real and imaginary parts. Plans, scratch memory and threads are Swift's business.
//
// Several transforms lie side by side: element j of transform q is x[j * lanes + q]. Only the forward direction exists, with
// e^(-2 pi i j k / n): a transform with the two planes exchanged, before and after, is the other one.
#pragma once
#include <stdint.h>

// One pass of a Stockham transform, which splits sequences of `radix * m` elements into `radix` of m elements each.
typedef struct {
  int64_t radix, m;
  // For every j from 1 to radix - 1 the m cosines and then the m sines of the angles -2 pi j p / (radix m).
  const void *twiddles;
  // The radix cosines and then the radix sines of the angles 2 pi j / radix; used by odd radices.
  const void *roots;
} tk_fft_pass;

#define TK_DECLARE_FFT(T, S)                                                                                   \
  /* Transforms of n elements, all passes: y = scale DFT(x). `scratch` has room for 2 * n * lanes elements; x and y do \
     not overlap. */                                                                                           \
  void tk_fft_run_##S(const tk_fft_pass *passes, int64_t count, int64_t n, int64_t lanes, T scale, const T *xr,  \
                      const T *xi, T *yr, T *yi, T *scratch);                                                  \
  /* y[j][q] = w[j] x[j][q] for complex numbers; y may be x. */                                                \
  void tk_fft_multiply_##S(int64_t n, int64_t lanes, const T *wr, const T *wi, const T *xr, const T *xi, T *yr,  \
                           T *yi);                                                                             \
  /* x[i] *= factor */                                                                                         \
  void tk_fft_scale_##S(int64_t n, T factor, T *x);                                                            \
  /* y[j * lanes + q] = x[j * row + q * lane] for j < valid, and 0 from there to n. */                         \
  void tk_fft_gather_##S(int64_t n, int64_t valid, int64_t lanes, const T *x, int64_t row, int64_t lane, T *y);  \
  /* y[j * row + q * lane] = x[j * lanes + q] for j < valid, and 0 from there to n. */                         \
  void tk_fft_scatter_##S(int64_t n, int64_t valid, int64_t lanes, const T *x, T *y, int64_t row, int64_t lane); \
  /* The h + 1 lowest frequencies of 2h real numbers from the transform z of h pairs of them (even elements as real, odd \
     ones as imaginary parts); w[k] = e^(-pi i k / h) for k <= h / 2. The first and the last are multiplied by `ends`, \
     those between by `middle`. */                                                                             \
  void tk_fft_unpack_##S(int64_t h, int64_t lanes, const T *wr, const T *wi, T ends, T middle, const T *zr,    \
                         const T *zi, T *yr, T *yi);                                                           \
  /* The inverse of that up to a factor of 2 h: z whose inverse transform has the even elements as real, the odd ones as \
     imaginary parts. */                                                                                       \
  void tk_fft_pack_##S(int64_t h, int64_t lanes, const T *wr, const T *wi, T ends, T middle, const T *xr,      \
                       const T *xi, T *zr, T *zi);                                                             \
  /* All n frequencies (n odd) of a real sequence from the (n + 1) / 2 lowest. */                              \
  void tk_fft_mirror_##S(int64_t n, int64_t lanes, T ends, T middle, const T *xr, const T *xi, T *yr, T *yi);
TK_DECLARE_FFT(float, f32)
TK_DECLARE_FFT(double, f64)
