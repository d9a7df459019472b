// Includes TK_TEMPLATE twice: with T = float and the functions of tk_math.h, then with T = double and libm's.
#include <math.h>

#include "CTensorKernels.h"
#include "tk_math.h"
#include "tk_target.h"

TK_INLINE double tk_sigmoid_f64(double x) { return 1.0 / (1.0 + exp(-x)); }

#define T float
#define LANES 16
#define NAME(x) tk_##x##_f32
#define EXP_NONPOSITIVE(x) tk_exp_nonpositive(x)
#define LOG(x) logf(x)
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define SIGMOID(x) tk_sigmoidf(x)
#define TANH(x) tk_tanhf(x)
// Before a loop whose arrays are the same or do not overlap: without it, a result in the place of an argument is computed
// one number at a time, as libm's functions are anyway.
#define ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")
#include TK_TEMPLATE
#undef T
#undef LANES
#undef NAME
#undef EXP_NONPOSITIVE
#undef LOG
#undef SQRT
#undef SIGMOID
#undef TANH
#undef ELEMENTWISE

#define T double
#define LANES 8
#define NAME(x) tk_##x##_f64
#define EXP_NONPOSITIVE(x) exp(x)
#define LOG(x) log(x)
#define SQRT(x) __builtin_elementwise_sqrt(x)
#define SIGMOID(x) tk_sigmoid_f64(x)
#define TANH(x) tanh(x)
#define ELEMENTWISE
#include TK_TEMPLATE
