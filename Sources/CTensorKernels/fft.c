#include <string.h>

#include "CTensorKernels.h"
#include "tk_target.h"

#define INLINE static inline __attribute__((always_inline))
// Before the loops over transforms: none of their arrays overlap.
#define LANES_LOOP _Pragma("clang loop vectorize(assume_safety)")

#define T float
#define NAME(x) tk_fft_##x##_f32
#define LOCAL(x) x##_f32
#include "fft_template.h"
#undef T
#undef NAME
#undef LOCAL

#define T double
#define NAME(x) tk_fft_##x##_f64
#define LOCAL(x) x##_f64
#include "fft_template.h"
