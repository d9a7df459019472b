// Includes TK_TEMPLATE twice: with T = float and the functions of tk_math.h, then with T = double and libm's.
#include <math.h>

#include "CTensorKernels.h"
#include "tk_math.h"
#include "tk_target.h"

TK_INLINE double tk_sigmoid_f64(double x) { return 1.0 / (1.0 + exp(-x)); }
TK_INLINE double tk_silu_slope_f64(double x) {
  double s = tk_sigmoid_f64(x);
  return s * (1.0 + x * (1.0 - s));
}
TK_INLINE double tk_quick_gelu_slope_f64(double x) {
  double s = tk_sigmoid_f64(1.702 * x);
  return s * (1.0 + 1.702 * x * (1.0 - s));
}
TK_INLINE double tk_gelu_slope_f64(double x) {
  return 0.5 * (1.0 + erf(x * M_SQRT1_2)) + x * 0.3989422804014327 * exp(-0.5 * x * x);
}
TK_INLINE double tk_gelu_tanh_f64_value(double x) {
  return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}
TK_INLINE double tk_gelu_tanh_slope_f64(double x) {
  double t = tanh(0.7978845608028654 * (x + 0.044715 * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x);
}

#define T float
#define LANES 16
#define NAME(x) tk_##x##_f32
#define EXP_NONPOSITIVE(x) tk_exp_nonpositive(x)
#define EXP(x) tk_expf(x)
#define LOG(x) logf(x)
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define SIGMOID(x) tk_sigmoidf(x)
#define SILU_SLOPE(x) tk_silu_slopef(x)
#define GELU(x) tk_geluf(x)
#define GELU_SLOPE(x) tk_gelu_slopef(x)
#define GELU_TANH(x) tk_gelu_tanhf(x)
#define GELU_TANH_SLOPE(x) tk_gelu_tanh_slopef(x)
#define QUICK_GELU_SLOPE(x) tk_quick_gelu_slopef(x)
#include TK_TEMPLATE
#undef T
#undef LANES
#undef NAME
#undef EXP_NONPOSITIVE
#undef EXP
#undef LOG
#undef SQRT
#undef SIGMOID
#undef SILU_SLOPE
#undef GELU
#undef GELU_SLOPE
#undef GELU_TANH
#undef GELU_TANH_SLOPE
#undef QUICK_GELU_SLOPE

#define T double
#define LANES 8
#define NAME(x) tk_##x##_f64
#define EXP_NONPOSITIVE(x) exp(x)
#define EXP(x) exp(x)
#define LOG(x) log(x)
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define SIGMOID(x) tk_sigmoid_f64(x)
#define SILU_SLOPE(x) tk_silu_slope_f64(x)
#define GELU(x) (0.5 * (x) * (1.0 + erf((x) * M_SQRT1_2)))
#define GELU_SLOPE(x) tk_gelu_slope_f64(x)
#define GELU_TANH(x) tk_gelu_tanh_f64_value(x)
#define GELU_TANH_SLOPE(x) tk_gelu_tanh_slope_f64(x)
#define QUICK_GELU_SLOPE(x) tk_quick_gelu_slope_f64(x)
#include TK_TEMPLATE
