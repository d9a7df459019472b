// Elementary functions without branches, so that a loop over them becomes SIMD code. C files only.
// Largest errors in ulp, dense sample of all floats: expf 1.1, logf 0.8, log1pf 1.5, expm1f 2.4, softplusf 1.9, tanhf 1.4,
// sigmoidf 2.7, erff 1.1, powf 0.51, atan2f 1.6. Infinities, NaN, denormals and signs of zero are those of libm; the table
// of special values tests that.
#pragma once
#include <stdint.h>
#include <string.h>

#define TK_INLINE static inline __attribute__((always_inline))

TK_INLINE uint32_t tk_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

TK_INLINE float tk_float(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

TK_INLINE float tk_absf(float x) { return tk_float(tk_bits(x) & 0x7fffffffu); }
TK_INLINE float tk_copysignf(float magnitude, float sign) {
  return tk_float((tk_bits(magnitude) & 0x7fffffffu) | (tk_bits(sign) & 0x80000000u));
}

// e^x = 2^n e^r with |r| <= ln2/2; returns e^r (Cephes expf's polynomial) and leaves n in the low bits of *power.
TK_INLINE float tk_exp_reduced(float x, uint32_t *power) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  float t = x * 1.44269504f + magic;
  float n = t - magic;
  float r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  *power = tk_bits(t);
  return p * (r * r) + r + 1.0f;
}

// e^x for x < 89.5. Two scalings, so that results below 2^-126 are rounded once.
TK_INLINE float tk_exp_below(float x) {
  x = x < -104.0f ? -104.0f : x;
  uint32_t n;
  float p = tk_exp_reduced(x, &n);
  uint32_t half = (n << 22) & 0xff800000u;  // n / 2 rounded down, in the place of the exponent
  return p * tk_float(half + 0x3f800000u) * tk_float((n << 23) - half + 0x3f800000u);
}

TK_INLINE float tk_expf(float x) { return tk_exp_below(x > 89.0f ? 89.0f : x); }

// For arguments <= 0 (a maximum was subtracted): one scaling, results below 2^-126 become zero.
TK_INLINE float tk_exp_nonpositive(float x) {
  x = x < -126.0f ? -126.0f : x;
  uint32_t n;
  float p = tk_exp_reduced(x, &n);
  int32_t k = (int32_t)(n - 0x4b400000u);
  k = k < -127 ? -127 : k;
  return p * tk_float((uint32_t)(k + 127) << 23);
}

// x = 2^k m with m in [0.7, 1.4); the polynomial is Cephes logf's.
TK_INLINE float tk_logf(float x) {
  int tiny = x < 1.17549435e-38f;
  float scaled = tiny ? x * 8388608.0f : x;
  uint32_t shifted = tk_bits(scaled) - 0x3f330000u;
  float k = (float)((int32_t)shifted >> 23) - (tiny ? 23.0f : 0.0f);
  float f = tk_float((shifted & 0x007fffffu) + 0x3f330000u) - 1.0f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float square = f * f;
  float y = p * f * square;
  y = y + k * -2.12194440e-4f;
  y = y - 0.5f * square;
  float result = f + y;
  result = result + k * 0.693359375f;
  result = x > 3.4028234e38f ? x : result;
  result = x == 0.0f ? -__builtin_inff() : result;
  return x < 0.0f || x != x ? __builtin_nanf("") : result;
}

TK_INLINE float tk_log1pf(float x) {
  float u = 1.0f + x;
  float result = tk_logf(u) - ((u - 1.0f) - x) / u;
  result = x > 3.4028234e38f ? x : result;
  result = x == -1.0f ? -__builtin_inff() : result;
  return x == 0.0f ? x : result;
}

TK_INLINE float tk_expm1f(float x) {
  float u = tk_expf(x);
  float minus = u - 1.0f;
  float result = minus * (x / tk_logf(u));
  result = u == 1.0f ? x : result;
  result = minus == -1.0f ? -1.0f : result;
  return u > 3.4028234e38f ? u : result;
}

TK_INLINE float tk_sigmoidf(float x) {
  float e = tk_exp_below(-tk_absf(x));
  float s = 1.0f / (1.0f + e);
  return x < 0.0f ? e * s : s;
}

TK_INLINE float tk_softplusf(float x) { return (x > 0.0f ? x : 0.0f) + tk_log1pf(tk_exp_below(-tk_absf(x))); }

// Odd polynomial (Cephes tanhf) near zero, 1 - 2 / (e^2|x| + 1) elsewhere.
TK_INLINE float tk_tanhf(float x) {
  float a = tk_absf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float near = p * z * a + a;
  float far = 1.0f - 2.0f / (tk_expf(2.0f * a) + 1.0f);
  return tk_copysignf(a < 0.625f ? near : far, x);
}

// Two ranges, after N. Juffa.
TK_INLINE float tk_erff(float x) {
  float t = tk_absf(x), s = x * x;
  float p = -1.72853470e-5f * t + 3.83197126e-4f;
  float u = -3.88396438e-3f * t + 2.42546219e-2f;
  p = p * s + u;
  p = p * t - 1.06777877e-1f;
  p = p * t - 6.34846687e-1f;
  p = p * t - 1.28717512e-1f;
  p = p * t - t;
  float far = tk_copysignf(1.0f - tk_expf(p), x);
  float q = -5.96761703e-4f;
  q = q * s + 4.99119423e-3f;
  q = q * s - 2.67681349e-2f;
  q = q * s + 1.12819925e-1f;
  q = q * s - 3.76125336e-1f;
  q = q * s + 1.28379166e-1f;
  float near = q * x + x;
  return t > 0.927734375f ? (t > 4.0f ? tk_copysignf(1.0f, x) : far) : near;
}

// The normal distribution's lower tail Φ(-a) for 0 <= a <= 6.5 as 2^q(a), zero at 6.5; within 5e-8.
TK_INLINE float tk_normal_tailf(float a) {
  float q = 1.4051831e-7f;
  q = q * a - 3.63699587e-6f;
  q = q * a + 3.67902649e-5f;
  q = q * a - 1.56081893e-4f;
  q = q * a - 2.26381657e-4f;
  q = q * a + 7.1865879e-3f;
  q = q * a - 5.25798053e-2f;
  q = q * a - 4.59182113e-1f;
  q = q * a - 1.15110815f;
  q = q * a - 0.99999994f;
  const float magic = 12582912.0f;
  float t = q + magic;
  float r = q - (t - magic);
  float p = 1.53533620e-4f;
  p = p * r + 1.33988739e-3f;
  p = p * r + 9.61843692e-3f;
  p = p * r + 5.55033237e-2f;
  p = p * r + 2.40226477e-1f;
  p = p * r + 6.93147182e-1f;
  p = p * r + 1.0f;
  float tail = tk_float(tk_bits(p) + (tk_bits(t) << 23));
  return a >= 6.5f ? 0.0f : tail;
}

// x Φ(x) = max(x, 0) - |x| Φ(-|x|): nothing cancels for negative x. Minus infinity gives NaN, as PyTorch's product does.
TK_INLINE float tk_geluf(float x) {
  float a = tk_absf(x);
  a = a > 6.5f ? 6.5f : a;
  return (x < 0.0f ? 0.0f * x : x) - a * tk_normal_tailf(a);
}

// Φ(x) + x φ(x), NaN at both infinities as in PyTorch: with h = φ(a) / Φ(-a), the slope at -a is Φ(-a) (1 - a h), and a h is close to a polynomial.
TK_INLINE float tk_gelu_slopef(float x) {
  float a = tk_absf(x);
  a = a > 6.5f ? 6.5f : a;
  float h = 1.06550499e-6f;
  h = h * a - 2.35510106e-5f;
  h = h * a + 2.00737864e-4f;
  h = h * a - 7.15302129e-4f;
  h = h * a - 6.95635448e-4f;
  h = h * a + 1.98870394e-2f;
  h = h * a - 1.09353691e-1f;
  h = h * a - 6.36545897e-1f;
  h = h * a - 7.97889709e-1f;
  float slope = tk_normal_tailf(a) * (h * a + 1.0f);
  return (x < 0.0f ? slope : 1.0f - slope) + 0.0f * x;
}

TK_INLINE uint64_t tk_double_bits(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

TK_INLINE double tk_double(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

// To the nearest integer, for |x| < 2^51.
TK_INLINE double tk_rounded(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

// log2 of a double that is zero or comes from a float: 2^k m with m in [√½, √2) and the series of artanh((m - 1) / (m + 1)),
// within 2^-39.
TK_INLINE double tk_log2_wide(double x) {
  uint64_t u = tk_double_bits(x);
  uint64_t e = (u + 0x00095f6200000000u) >> 52;  // k + 1023
  double m = tk_double(u - (e << 52) + 0x3ff0000000000000u);
  double k = tk_double(e | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
  double s = (m - 1) / (m + 1), z = s * s;
  double p = 0.22195308321368668;
  p = p * z + 0.26230818925253880;
  p = p * z + 0.32059889797532520;
  p = p * z + 0.41219858311113240;
  p = p * z + 0.57707801635558530;
  p = p * z + 0.96179669392597550;
  p = p * z + 2.88539008177792700;
  double result = k + s * p;
  result = x == 0 ? -__builtin_inf() : result;
  return x - x == 0 ? result : x;
}

// 2^x for |x| <= 200, within 2^-32.
TK_INLINE double tk_exp2_wide(double x) {
  double t = x + 6755399441055744.0;
  double f = x - (t - 6755399441055744.0);
  double p = 1.3215486790144307e-6;
  p = p * f + 1.5252733804059841e-5;
  p = p * f + 1.5403530393381606e-4;
  p = p * f + 1.3333558146428443e-3;
  p = p * f + 9.6181291076284770e-3;
  p = p * f + 5.5504108664821580e-2;
  p = p * f + 0.24022650695910072;
  p = p * f + 0.69314718055994530;
  p = p * f + 1.0;
  return p * tk_double((tk_double_bits(t) << 52) + 0x3ff0000000000000u);
}

// x^y as 2^(y log2 |x|) in doubles, so that the result is rounded once, with the special cases of IEEE 754's pow.
TK_INLINE float tk_powf(float x, float y) {
  double a = tk_absf(x), b = y;
  double z = b * tk_log2_wide(a);
  z = ((a == 1) & (y == y)) ? 0 : z;
  z = z < -200 ? -200 : z;
  z = z > 200 ? 200 : z;
  float result = (float)tk_exp2_wide(z);
  // Beyond 2^25 every float is an even integer.
  double c = b < -33554432.0 ? -33554432.0 : b;
  c = c > 33554432.0 ? 33554432.0 : c;
  int whole = tk_rounded(c) == c, odd = whole & (tk_rounded(0.5 * c) != 0.5 * c);
  uint32_t sign = odd ? tk_bits(x) & 0x80000000u : 0;
  result = tk_float(tk_bits(result) ^ sign);
  result = ((x < 0) & (x >= -3.40282347e38f) & !whole) ? __builtin_nanf("") : result;
  return ((y == 0) | (x == 1)) ? 1.0f : result;
}

// The angle of the point (x, y): an odd polynomial in the smaller coordinate over the larger one (least relative error on
// [0, 1], 1.7e-8), then its octant.
TK_INLINE float tk_atan2f(float y, float x) {
  float a = tk_absf(y), b = tk_absf(x);
  float large = a > b ? a : b, small = a > b ? b : a;
  float q = small / large;
  q = large == 0 ? 0 : q;
  q = small > 3.40282347e38f ? 1 : q;
  float t = q * q;
  float p = 2.92066252e-3f;
  p = p * t - 1.63678136e-2f;
  p = p * t + 4.32116836e-2f;
  p = p * t - 7.55220056e-2f;
  p = p * t + 1.06659986e-1f;
  p = p * t - 1.42110541e-1f;
  p = p * t + 1.99937731e-1f;
  p = p * t - 3.33331525e-1f;
  float r = q + q * (t * p);
  // π and its half in two parts.
  r = a > b ? 1.57079637f - (r + 4.37113883e-8f) : r;
  r = tk_bits(x) >> 31 ? 3.14159274f - (r + 8.74227766e-8f) : r;
  r = ((x != x) | (y != y)) ? __builtin_nanf("") : r;
  return tk_copysignf(r, y);
}
