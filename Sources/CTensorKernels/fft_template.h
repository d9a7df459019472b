// Stockham's transform of mixed radix (Cochran et al., "What is the fast Fourier transform?", 1967): every pass reads the
// sequence x[p + m j][q] and writes y[radix p + j][q], so that the result comes out in order, and q, the innermost index, runs
// over the transforms side by side and over what earlier passes have split.

// An element of a result: (re + i im), times a twiddle factor or, in the last pass, times the scale.
INLINE void LOCAL(store)(T re, T im, T wr, T wi, T *yr, T *yi) {
  *yr = re * wr - im * wi;
  *yi = re * wi + im * wr;
}

// The four results of elements that lie `step` apart.
INLINE void LOCAL(four)(const T *xr, const T *xi, int64_t step, T re[4], T im[4]) {
  T ar = xr[0], br = xr[step], cr = xr[2 * step], dr = xr[3 * step];
  T ai = xi[0], bi = xi[step], ci = xi[2 * step], di = xi[3 * step];
  T sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci;
  T ur = br + dr, ui = bi + di, vr = br - dr, vi = bi - di;
  re[0] = sr + ur, im[0] = si + ui;
  re[1] = tr + vi, im[1] = ti - vr;
  re[2] = sr - ur, im[2] = si - ui;
  re[3] = tr - vi, im[3] = ti + vr;
}

INLINE void LOCAL(two)(const T *xr, const T *xi, int64_t step, T re[2], T im[2]) {
  re[0] = xr[0] + xr[step], im[0] = xi[0] + xi[step];
  re[1] = xr[0] - xr[step], im[1] = xi[0] - xi[step];
}

// The results for an odd radix: the j-th and the last but j share their products.
INLINE void LOCAL(odd)(const int radix, const T *c, const T *s, const T *xr, const T *xi, int64_t step, T *re, T *im) {
  T ar[4], ai[4], br[4], bi[4];
  T x0r = xr[0], x0i = xi[0], total_r = x0r, total_i = x0i;
  _Pragma("unroll") for (int j = 1; j <= radix / 2; j++) {
    int64_t near = j * step, far = (radix - j) * step;
    ar[j] = xr[near] + xr[far], ai[j] = xi[near] + xi[far];
    br[j] = xr[near] - xr[far], bi[j] = xi[near] - xi[far];
    total_r += ar[j], total_i += ai[j];
  }
  re[0] = total_r, im[0] = total_i;
  _Pragma("unroll") for (int k = 1; k <= radix / 2; k++) {
    T er = x0r, ei = x0i, fr = 0, fi = 0;
    _Pragma("unroll") for (int j = 1; j <= radix / 2; j++) {
      int angle = j * k % radix;
      er += c[angle] * ar[j], ei += c[angle] * ai[j];
      fr += s[angle] * bi[j], fi += s[angle] * br[j];
    }
    re[k] = er + fr, im[k] = ei - fi;
    re[radix - k] = er - fr, im[radix - k] = ei + fi;
  }
}

INLINE void LOCAL(butterfly)(const int radix, const T *c, const T *s, const T *xr, const T *xi, int64_t step, T *re,
                             T *im) {
  if (radix == 4) LOCAL(four)(xr, xi, step, re, im);
  else if (radix == 2) LOCAL(two)(xr, xi, step, re, im);
  else LOCAL(odd)(radix, c, s, xr, xi, step, re, im);
}

// A pass over s lanes at every p.
INLINE void LOCAL(pass)(const int radix, int64_t m, const int64_t s, const T *w, const T *c, const T *sine, const T *xr,
                        const T *xi, T *yr, T *yi) {
  for (int64_t p = 0; p < m; p++) {
    T wr[7], wi[7];
    _Pragma("unroll") for (int k = 1; k < radix; k++) wr[k] = w[(2 * k - 2) * m + p], wi[k] = w[(2 * k - 1) * m + p];
    const T *fromr = xr + p * s, *fromi = xi + p * s;
    T *tor = yr + p * radix * s, *toi = yi + p * radix * s;
    LANES_LOOP for (int64_t q = 0; q < s; q++) {
      T re[7], im[7];
      LOCAL(butterfly)(radix, c, sine, fromr + q, fromi + q, m * s, re, im);
      tor[q] = re[0], toi[q] = im[0];
      _Pragma("unroll") for (int k = 1; k < radix; k++)
        LOCAL(store)(re[k], im[k], wr[k], wi[k], tor + k * s + q, toi + k * s + q);
    }
  }
}

// The first pass of a single transform: there is one lane, and the loop runs over p.
INLINE void LOCAL(first)(const int radix, int64_t m, const T *w, const T *c, const T *sine, const T *xr, const T *xi, T *yr,
                         T *yi) {
  LANES_LOOP for (int64_t p = 0; p < m; p++) {
    T re[7], im[7];
    LOCAL(butterfly)(radix, c, sine, xr + p, xi + p, m, re, im);
    yr[radix * p] = re[0], yi[radix * p] = im[0];
    _Pragma("unroll") for (int k = 1; k < radix; k++)
      LOCAL(store)(re[k], im[k], w[(2 * k - 2) * m + p], w[(2 * k - 1) * m + p], yr + radix * p + k, yi + radix * p + k);
  }
}

// The last pass needs no twiddles, and multiplies by the scale in their place.
INLINE void LOCAL(last)(const int radix, int64_t s, T scale, const T *c, const T *sine, const T *xr, const T *xi, T *yr,
                        T *yi) {
  LANES_LOOP for (int64_t q = 0; q < s; q++) {
    T re[7], im[7];
    LOCAL(butterfly)(radix, c, sine, xr + q, xi + q, s, re, im);
    _Pragma("unroll") for (int k = 0; k < radix; k++) yr[k * s + q] = re[k] * scale, yi[k * s + q] = im[k] * scale;
  }
}

INLINE void LOCAL(with_radix)(const int radix, const tk_fft_pass *pass, int64_t s, T scale, const T *xr, const T *xi, T *yr,
                              T *yi) {
  T c[7], sine[7];
  if (radix % 2)
    for (int j = 0; j < radix; j++) c[j] = ((const T *)pass->roots)[j], sine[j] = ((const T *)pass->roots)[radix + j];
  const T *w = pass->twiddles;
  int64_t m = pass->m;
  if (m == 1) LOCAL(last)(radix, s, scale, c, sine, xr, xi, yr, yi);
  else if (s == 1) LOCAL(first)(radix, m, w, c, sine, xr, xi, yr, yi);
  // A known number of lanes is a vector, without a loop around it.
  else if (radix == 4 && s == 4) LOCAL(pass)(radix, m, 4, w, c, sine, xr, xi, yr, yi);
  else if (radix == 4 && s == 16) LOCAL(pass)(radix, m, 16, w, c, sine, xr, xi, yr, yi);
  else LOCAL(pass)(radix, m, s, w, c, sine, xr, xi, yr, yi);
}

TK_TARGETS static void LOCAL(power_of_two)(const tk_fft_pass *pass, int64_t s, T scale, const T *xr, const T *xi, T *yr,
                                           T *yi) {
  if (pass->radix == 4) LOCAL(with_radix)(4, pass, s, scale, xr, xi, yr, yi);
  else LOCAL(with_radix)(2, pass, s, scale, xr, xi, yr, yi);
}

TK_TARGETS static void LOCAL(small_prime)(const tk_fft_pass *pass, int64_t s, T scale, const T *xr, const T *xi, T *yr,
                                          T *yi) {
  if (pass->radix == 3) LOCAL(with_radix)(3, pass, s, scale, xr, xi, yr, yi);
  else if (pass->radix == 5) LOCAL(with_radix)(5, pass, s, scale, xr, xi, yr, yi);
  else LOCAL(with_radix)(7, pass, s, scale, xr, xi, yr, yi);
}

// Any other prime, with as many products as the square of it.
TK_TARGETS static void LOCAL(prime)(const tk_fft_pass *pass, int64_t s, T scale, const T *xr, const T *xi, T *yr, T *yi) {
  const int64_t radix = pass->radix, m = pass->m, step = m * s;
  const T *c = pass->roots, *sine = c + radix, *w = pass->twiddles;
  for (int64_t p = 0; p < m; p++) {
    const T *fromr = xr + p * s, *fromi = xi + p * s;
    for (int64_t k = 0; k < radix; k++) {
      T *tor = yr + (p * radix + k) * s, *toi = yi + (p * radix + k) * s;
      T wr = m == 1 ? scale : k == 0 ? 1 : w[(2 * k - 2) * m + p];
      T wi = m == 1 || k == 0 ? 0 : w[(2 * k - 1) * m + p];
      memcpy(tor, fromr, s * sizeof(T)), memcpy(toi, fromi, s * sizeof(T));
      for (int64_t j = 1, angle = 0; j < radix; j++) {
        angle = angle + k < radix ? angle + k : angle + k - radix;
        T cosine = c[angle], sign = sine[angle];
        const T *br = fromr + j * step, *bi = fromi + j * step;
        LANES_LOOP for (int64_t q = 0; q < s; q++) {
          tor[q] += cosine * br[q] + sign * bi[q];
          toi[q] += cosine * bi[q] - sign * br[q];
        }
      }
      LANES_LOOP for (int64_t q = 0; q < s; q++) {
        T re = tor[q], im = toi[q];
        LOCAL(store)(re, im, wr, wi, tor + q, toi + q);
      }
    }
  }
}

void NAME(run)(const tk_fft_pass *passes, int64_t count, int64_t n, int64_t lanes, T scale, const T *xr, const T *xi, T *yr,
               T *yi, T *scratch) {
  // A transform of one number has no pass.
  if (count == 0)
    for (int64_t q = 0; q < lanes; q++) yr[q] = xr[q] * scale, yi[q] = xi[q] * scale;
  int64_t s = lanes;
  for (int64_t i = 0; i < count; i++) {
    // The last pass must end in y.
    int64_t to_result = (count - i) % 2;
    T *tor = to_result ? yr : scratch, *toi = to_result ? yi : scratch + n * lanes;
    const tk_fft_pass *pass = passes + i;
    if (pass->radix == 2 || pass->radix == 4) LOCAL(power_of_two)(pass, s, scale, xr, xi, tor, toi);
    else if (pass->radix <= 7) LOCAL(small_prime)(pass, s, scale, xr, xi, tor, toi);
    else LOCAL(prime)(pass, s, scale, xr, xi, tor, toi);
    s *= pass->radix;
    xr = tor, xi = toi;
  }
}

TK_TARGETS void NAME(multiply)(int64_t n, int64_t lanes, const T *wr, const T *wi, const T *xr, const T *xi, T *yr, T *yi) {
  if (lanes == 1) {
    LANES_LOOP for (int64_t j = 0; j < n; j++) {
      T re = xr[j], im = xi[j];
      LOCAL(store)(re, im, wr[j], wi[j], yr + j, yi + j);
    }
    return;
  }
  for (int64_t j = 0; j < n; j++) {
    int64_t row = j * lanes;
    T c = wr[j], s = wi[j];
    LANES_LOOP for (int64_t q = 0; q < lanes; q++) {
      T re = xr[row + q], im = xi[row + q];
      LOCAL(store)(re, im, c, s, yr + row + q, yi + row + q);
    }
  }
}

TK_TARGETS void NAME(scale)(int64_t n, T factor, T *x) {
  for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

TK_TARGETS void NAME(gather)(int64_t n, int64_t valid, int64_t lanes, const T *x, int64_t row, int64_t lane, T *y) {
  if (lane == 1) {
    for (int64_t j = 0; j < valid; j++) memcpy(y + j * lanes, x + j * row, lanes * sizeof(T));
  } else if (lanes == 1 && row == 1) {
    memcpy(y, x, valid * sizeof(T));
  } else if (lanes == 1 && row == 2) {
    LANES_LOOP for (int64_t j = 0; j < valid; j++) y[j] = x[2 * j];
  } else {
    for (int64_t j = 0; j < valid; j++)
      for (int64_t q = 0; q < lanes; q++) y[j * lanes + q] = x[j * row + q * lane];
  }
  if (valid < n) memset(y + valid * lanes, 0, (n - valid) * lanes * sizeof(T));
}

TK_TARGETS void NAME(scatter)(int64_t n, int64_t valid, int64_t lanes, const T *x, T *y, int64_t row, int64_t lane) {
  if (lane == 1) {
    for (int64_t j = 0; j < valid; j++) memcpy(y + j * row, x + j * lanes, lanes * sizeof(T));
  } else if (lanes == 1) {
    LANES_LOOP for (int64_t j = 0; j < valid; j++) y[j * row] = x[j];
  } else {
    for (int64_t q = 0; q < lanes; q++)
      for (int64_t j = 0; j < valid; j++) y[j * row + q * lane] = x[j * lanes + q];
  }
  for (int64_t j = valid; j < n; j++)
    for (int64_t q = 0; q < lanes; q++) y[j * row + q * lane] = 0;
}

// A frequency k and the one that mirrors it, h - k.
INLINE void LOCAL(unpack_pair)(T wr, T wi, T factor, T ar, T ai, T br, T bi, T *nearr, T *neari, T *farr, T *fari) {
  T half = factor / 2;
  T er = ar + br, ei = ai - bi, or = ai + bi, oi = br - ar;
  T tr = or * wr - oi * wi, ti = or * wi + oi * wr;
  *farr = half * (er - tr), *fari = half * (ti - ei);
  *nearr = half * (er + tr), *neari = half * (ei + ti);
}

TK_TARGETS void NAME(unpack)(int64_t h, int64_t lanes, const T *wr, const T *wi, T ends, T middle, const T *zr, const T *zi,
                             T *yr, T *yi) {
  for (int64_t q = 0; q < lanes; q++) {
    T re = zr[q], im = zi[q];
    yr[q] = ends * (re + im), yi[q] = 0;
    yr[h * lanes + q] = ends * (re - im), yi[h * lanes + q] = 0;
  }
  int64_t half = (h - 1) / 2;
  if (lanes == 1) {
    LANES_LOOP for (int64_t k = 1; k <= half; k++)
      LOCAL(unpack_pair)(wr[k], wi[k], middle, zr[k], zi[k], zr[h - k], zi[h - k], yr + k, yi + k, yr + h - k, yi + h - k);
  } else {
    for (int64_t k = 1; k <= half; k++) {
      int64_t a = k * lanes, b = (h - k) * lanes;
      T c = wr[k], s = wi[k];
      LANES_LOOP for (int64_t q = 0; q < lanes; q++)
        LOCAL(unpack_pair)(c, s, middle, zr[a + q], zi[a + q], zr[b + q], zi[b + q], yr + a + q, yi + a + q, yr + b + q,
                           yi + b + q);
    }
  }
  // A quarter of the circle: the frequency that mirrors itself.
  if (h % 2 == 0 && h > 0)
    for (int64_t q = h / 2 * lanes; q < (h / 2 + 1) * lanes; q++) yr[q] = middle * zr[q], yi[q] = -middle * zi[q];
}

INLINE void LOCAL(pack_pair)(T wr, T wi, T factor, T ar, T ai, T br, T bi, T *nearr, T *neari, T *farr, T *fari) {
  T er = factor * (ar + br), ei = factor * (ai - bi), dr = factor * (ar - br), di = factor * (ai + bi);
  T or = dr * wr + di * wi, oi = di * wr - dr * wi;
  *farr = er + oi, *fari = or - ei;
  *nearr = er - oi, *neari = ei + or;
}

TK_TARGETS void NAME(pack)(int64_t h, int64_t lanes, const T *wr, const T *wi, T ends, T middle, const T *xr, const T *xi,
                           T *zr, T *zi) {
  for (int64_t q = 0; q < lanes; q++) {
    T first = ends * xr[q], end = ends * xr[h * lanes + q];
    zr[q] = first + end, zi[q] = first - end;
  }
  int64_t half = (h - 1) / 2;
  if (lanes == 1) {
    LANES_LOOP for (int64_t k = 1; k <= half; k++)
      LOCAL(pack_pair)(wr[k], wi[k], middle, xr[k], xi[k], xr[h - k], xi[h - k], zr + k, zi + k, zr + h - k, zi + h - k);
  } else {
    for (int64_t k = 1; k <= half; k++) {
      int64_t a = k * lanes, b = (h - k) * lanes;
      T c = wr[k], s = wi[k];
      LANES_LOOP for (int64_t q = 0; q < lanes; q++)
        LOCAL(pack_pair)(c, s, middle, xr[a + q], xi[a + q], xr[b + q], xi[b + q], zr + a + q, zi + a + q, zr + b + q,
                         zi + b + q);
    }
  }
  if (h % 2 == 0 && h > 0)
    for (int64_t q = h / 2 * lanes; q < (h / 2 + 1) * lanes; q++) zr[q] = 2 * middle * xr[q], zi[q] = -2 * middle * xi[q];
}

TK_TARGETS void NAME(mirror)(int64_t n, int64_t lanes, T ends, T middle, const T *xr, const T *xi, T *yr, T *yi) {
  for (int64_t q = 0; q < lanes; q++) yr[q] = ends * xr[q], yi[q] = 0;
  for (int64_t k = 1; k <= n / 2; k++) {
    int64_t a = k * lanes, b = (n - k) * lanes;
    for (int64_t q = 0; q < lanes; q++) {
      T re = middle * xr[a + q], im = middle * xi[a + q];
      yr[a + q] = re, yi[a + q] = im;
      yr[b + q] = re, yi[b + q] = -im;
    }
  }
}
