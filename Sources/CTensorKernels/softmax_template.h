typedef T NAME(vector) __attribute__((ext_vector_type(LANES), aligned(sizeof(T))));

TK_INLINE T NAME(row_maximum)(const T *x, int64_t n) {
  T result = x[0];
  int64_t i = 0;
  if (n >= LANES) {
    NAME(vector) m = *(const NAME(vector) *)x;
    for (i = LANES; i + LANES <= n; i += LANES) {
      NAME(vector) v = *(const NAME(vector) *)(x + i);
      m = v > m ? v : m;
    }
    for (int l = 0; l < LANES; l++) result = m[l] > result ? m[l] : result;
  }
  for (; i < n; i++) result = x[i] > result ? x[i] : result;
  return result;
}

// y = exp(scale (x - maximum)); returns the sum.
TK_INLINE T NAME(exponentials)(const T *x, T *y, int64_t n, T maximum, T scale) {
  TK_REASSOCIATE
  T sum = 0;
  for (int64_t i = 0; i < n; i++) {
    T e = EXP_NONPOSITIVE(scale * (x[i] - maximum));
    y[i] = e;
    sum += e;
  }
  return sum;
}

TK_INLINE T NAME(exponential_sum)(const T *x, int64_t n, T maximum) {
  TK_REASSOCIATE
  T sum = 0;
  for (int64_t i = 0; i < n; i++) sum += EXP_NONPOSITIVE(x[i] - maximum);
  return sum;
}

TK_TARGETS void NAME(softmax)(const T *x, T *y, int64_t rows, int64_t n) {
  if (n == 0) return;
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    T scale = (T)1 / NAME(exponentials)(x, y, n, NAME(row_maximum)(x, n), 1);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
  }
}

TK_TARGETS void NAME(log_softmax)(const T *x, T *y, int64_t rows, int64_t n) {
  if (n == 0) return;
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    T maximum = NAME(row_maximum)(x, n);
    T log_sum = LOG(NAME(exponential_sum)(x, n, maximum));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - maximum) - log_sum;
  }
}

TK_TARGETS void NAME(log_sum_exp)(const T *x, T *y, int64_t rows, int64_t n) {
  for (int64_t r = 0; r < rows; r++, x += n) {
    if (n == 0) {
      y[r] = -(T)INFINITY;
      continue;
    }
    T maximum = NAME(row_maximum)(x, n);
    y[r] = maximum - maximum == 0 ? maximum + LOG(NAME(exponential_sum)(x, n, maximum)) : maximum;
  }
}

TK_TARGETS void NAME(softmax_backward)(const T *y, const T *dy, T *dx, int64_t rows, int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, y += n, dy += n, dx += n) {
    T dot = 0;
    for (int64_t i = 0; i < n; i++) dot += y[i] * dy[i];
    for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - dot);
  }
}

TK_TARGETS void NAME(log_softmax_backward)(const T *y, const T *dy, T *dx, int64_t rows, int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, y += n, dy += n, dx += n) {
    T sum = 0;
    for (int64_t i = 0; i < n; i++) sum += dy[i];
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] - EXP_NONPOSITIVE(y[i]) * sum;
  }
}

TK_TARGETS void NAME(attention_softmax)(T *s, int64_t ld, int64_t rows, int64_t columns, int64_t visible, T scale,
                                        T *lse, int64_t lse_stride) {
  for (int64_t r = 0; r < rows; r++, s += ld) {
    int64_t n = visible + r < columns ? visible + r : columns;
    T maximum = NAME(row_maximum)(s, n);
    T sum = NAME(exponentials)(s, s, n, maximum, scale);
    T inverse = (T)1 / sum;
    for (int64_t i = 0; i < n; i++) s[i] *= inverse;
    for (int64_t i = n; i < columns; i++) s[i] = 0;
    lse[r * lse_stride] = scale * maximum + LOG(sum);
  }
}

TK_TARGETS void NAME(attention_softmax_backward)(T *s, T *dp, int64_t ld, int64_t rows, int64_t columns,
                                                 int64_t visible, T scale, const T *lse, int64_t lse_stride,
                                                 const T *o, const T *d_o, int64_t o_stride, int64_t dim) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, s += ld, dp += ld, o += o_stride, d_o += o_stride) {
    int64_t n = visible + r < columns ? visible + r : columns;
    T l = lse[r * lse_stride], dot = 0;
    for (int64_t i = 0; i < dim; i++) dot += o[i] * d_o[i];
    for (int64_t i = 0; i < n; i++) {
      T exponent = scale * s[i] - l;
      T p = EXP_NONPOSITIVE(exponent);
      s[i] = p;
      dp[i] = scale * p * (dp[i] - dot);
    }
    for (int64_t i = n; i < columns; i++) {
      s[i] = 0;
      dp[i] = 0;
    }
  }
}

TK_TARGETS void NAME(log_sum_exp_update)(const T *logits, int64_t ld, int64_t rows, int64_t n, T *maximum, T *sum) {
  if (n == 0) return;
  for (int64_t r = 0; r < rows; r++, logits += ld) {
    T m = NAME(row_maximum)(logits, n);
    if (m < maximum[r]) m = maximum[r];
    T kept = sum[r] == 0 ? 0 : sum[r] * EXP_NONPOSITIVE(maximum[r] - m);
    sum[r] = kept + NAME(exponential_sum)(logits, n, m);
    maximum[r] = m;
  }
}

TK_TARGETS void NAME(target_gradient)(T *logits, int64_t ld, int64_t rows, int64_t n, const T *lse, const T *g,
                                      const int32_t *target, int64_t first) {
  for (int64_t r = 0; r < rows; r++, logits += ld) {
    T scale = -g[r], l = lse[r];
    for (int64_t i = 0; i < n; i++) logits[i] = scale * EXP_NONPOSITIVE(logits[i] - l);
    int64_t hit = target[r] - first;
    if (hit >= 0 && hit < n) logits[hit] += g[r];
  }
}

// The largest logit is subtracted before the logarithm of the sum is added: their own sum has lost the digits of a small loss.
TK_TARGETS void NAME(cross_entropy)(const T *x, T *lse, const int64_t *target, T *loss, int64_t rows, int64_t n,
                                    T smoothing) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, x += n) {
    T maximum = n == 0 ? 0 : NAME(row_maximum)(x, n);
    T log_sum = LOG(NAME(exponential_sum)(x, n, maximum));
    lse[r] = maximum + log_sum;
    if (target[r] < 0) {
      loss[r] = 0;
      continue;
    }
    loss[r] = ((T)1 - smoothing) * (log_sum - (x[target[r]] - maximum));
    if (smoothing == 0) continue;
    T sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] - maximum;
    loss[r] += smoothing * (log_sum - sum / (T)n);
  }
}

TK_TARGETS void NAME(cross_entropy_backward)(const T *x, const T *lse, const int64_t *target, const T *g, T *dx,
                                             int64_t rows, int64_t n, T smoothing) {
  for (int64_t r = 0; r < rows; r++, x += n, dx += n) {
    T scale = target[r] < 0 ? 0 : g[r], l = lse[r], spread = smoothing / (T)n;
    if (scale == 0) {
      for (int64_t i = 0; i < n; i++) dx[i] = 0;
      continue;
    }
    for (int64_t i = 0; i < n; i++) dx[i] = scale * (EXP_NONPOSITIVE(x[i] - l) - spread);
    dx[target[r]] -= scale * ((T)1 - smoothing);
  }
}
