#include "CTensorKernels.h"
#include "tk_target.h"
#include <math.h>

// Counted instead of left early, so that the loop is vectorised.
#define ALL_CLOSE(T, S)                                                                                        \
  TK_TARGETS int tk_all_close_##S(int64_t n, const T *x, int64_t sx, const T *y, int64_t sy, double relative,  \
                                  double absolute) {                                                           \
    int64_t far = 0;                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                          \
      double a = sx == 1 ? x[i] : x[i * sx], b = sy == 1 ? y[i] : y[i * sy];                                   \
      double distance = fabs(a - b);                                                                           \
      int near = (distance <= absolute + relative * fabs(b)) & (distance < (double)INFINITY);                  \
      far += !(near | (a == b));                                                                               \
    }                                                                                                          \
    return far == 0;                                                                                           \
  }
ALL_CLOSE(float, f32)
ALL_CLOSE(double, f64)
