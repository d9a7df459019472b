#include "CMemoryStream.h"

#if defined(__x86_64__)
#define TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TARGETS
#endif

TARGETS static float sum(const float *a, int64_t n) {
#pragma clang fp reassociate(on)
  float total = 0;
#pragma clang loop interleave_count(8)
  for (int64_t i = 0; i < n; i++) total += a[i];
  return total;
}

TARGETS static void one_to_one(const float *restrict a, float *restrict x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = a[i] + 1;
}

TARGETS static void two_to_one(const float *restrict a, const float *restrict b, float *restrict x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = a[i] + b[i];
}

TARGETS static void three_to_two(const float *restrict a, const float *restrict b, const float *restrict c,
                                 float *restrict x, float *restrict y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float first = a[i] + b[i];
    x[i] = first;
    y[i] = first + c[i];
  }
}

// As an optimizer does: three of the four arrays are changed in place.
TARGETS static void four_to_three(float *restrict a, float *restrict b, float *restrict c, const float *restrict d,
                                  int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float total = a[i] + b[i] + c[i] + d[i];
    a[i] = b[i] = c[i] = total;
  }
}

float memory_stream(int reads, float *const *from, int writes, float *const *to, int64_t begin, int64_t end) {
  int64_t n = end - begin;
  switch (reads * 10 + writes) {
    case 10: return sum(from[0] + begin, n);
    case 11: one_to_one(from[0] + begin, to[0] + begin, n); return 0;
    case 21: two_to_one(from[0] + begin, from[1] + begin, to[0] + begin, n); return 0;
    case 32:
      three_to_two(from[0] + begin, from[1] + begin, from[2] + begin, to[0] + begin, to[1] + begin, n);
      return 0;
    case 43: four_to_three(from[0] + begin, from[1] + begin, from[2] + begin, from[3] + begin, n); return 0;
    default: return -1;
  }
}
