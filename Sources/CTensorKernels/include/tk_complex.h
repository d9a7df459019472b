// Functions of complex numbers whose parts lie apart.
#pragma once
#include <stdint.h>

enum {
  TK_COMPLEX_EXP, TK_COMPLEX_EXPM1, TK_COMPLEX_LOG, TK_COMPLEX_LOG1P, TK_COMPLEX_SQRT,
  TK_COMPLEX_SIN, TK_COMPLEX_COS, TK_COMPLEX_TAN, TK_COMPLEX_ASIN, TK_COMPLEX_ACOS, TK_COMPLEX_ATAN,
  TK_COMPLEX_SINH, TK_COMPLEX_COSH, TK_COMPLEX_TANH, TK_COMPLEX_ASINH, TK_COMPLEX_ACOSH, TK_COMPLEX_ATANH,
  TK_COMPLEX_COUNT
};

// out[i] = f(re[i] + im[i] i): computed in double precision and rounded once, with the array API's results for zeros of either
// sign, infinities and NaN, which are C99's (Annex G) but for a sign of tanh.
void tk_complex_unary_f32(int32_t function, int64_t n, const float *re, const float *im, float *out_re, float *out_im);
void tk_complex_unary_f64(int32_t function, int64_t n, const double *re, const double *im, double *out_re, double *out_im);
