#include "CTensorKernels.h"
#include <complex.h>
#include <math.h>

typedef double _Complex number;
typedef number (*function)(number);

// Built of parts: a + b * I would multiply an infinite b with the zero in I, and make a NaN of it.
static number of_parts(double re, double im) {
  union { double parts[2]; number value; } joined = {{re, im}};
  return joined.value;
}

static number exp_less_one(number z) {
  double x = creal(z), y = cimag(z);
  if (!isfinite(x) || !isfinite(y)) {
    number power = cexp(z);
    return of_parts(creal(power) - 1, cimag(power));
  }
  // (e^x − 1) cos y − (1 − cos y): nothing is left of e^x cos y − 1 near zero.
  double half = sin(y / 2);
  // Plus a zero: that of −0 is +0, as e^z − 1 is.
  return of_parts(expm1(x) * cos(y) - 2 * half * half + 0.0, y == 0 ? y : exp(x) * sin(y));
}

// C99's zero at an infinite real part has the sign of sin 2y; the array API's is that of y, as for every other y.
static number tangent(number z) {
  double x = creal(z), y = cimag(z);
  return isinf(x) && isfinite(y) ? of_parts(copysign(1, x), copysign(0, y)) : ctanh(z);
}

static number log_of_one_more(number z) {
  double x = creal(z), y = cimag(z);
  if (!isfinite(x) || !isfinite(y) || fabs(x) > 0x1p500 || fabs(y) > 0x1p500) return clog(of_parts(1 + x, y));
  // |1 + z|² − 1; far from one it is the logarithm of the length itself that is exact.
  double more = x * (x + 2) + y * y;
  double size = fabs(more) < 0.5 ? log1p(more) / 2 : log(hypot(1 + x, y));
  return of_parts(size, atan2(y, 1 + x));
}

static const function functions[TK_COMPLEX_COUNT] = {
  [TK_COMPLEX_EXP] = cexp, [TK_COMPLEX_EXPM1] = exp_less_one, [TK_COMPLEX_LOG] = clog,
  [TK_COMPLEX_LOG1P] = log_of_one_more, [TK_COMPLEX_SQRT] = csqrt,
  [TK_COMPLEX_SIN] = csin, [TK_COMPLEX_COS] = ccos, [TK_COMPLEX_TAN] = ctan,
  [TK_COMPLEX_ASIN] = casin, [TK_COMPLEX_ACOS] = cacos, [TK_COMPLEX_ATAN] = catan,
  [TK_COMPLEX_SINH] = csinh, [TK_COMPLEX_COSH] = ccosh, [TK_COMPLEX_TANH] = tangent,
  [TK_COMPLEX_ASINH] = casinh, [TK_COMPLEX_ACOSH] = cacosh, [TK_COMPLEX_ATANH] = catanh,
};

#define UNARY(T, S)                                                                                            \
  void tk_complex_unary_##S(int32_t which, int64_t n, const T *re, const T *im, T *out_re, T *out_im) {        \
    function f = functions[which];                                                                             \
    for (int64_t i = 0; i < n; i++) {                                                                          \
      number w = f(of_parts(re[i], im[i]));                                                                    \
      out_re[i] = (T)creal(w);                                                                                 \
      out_im[i] = (T)cimag(w);                                                                                 \
    }                                                                                                          \
  }

UNARY(float, f32)
UNARY(double, f64)
