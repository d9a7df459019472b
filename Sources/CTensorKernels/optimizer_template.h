TK_TARGETS void NAME(adamw)(T *restrict p, const T *restrict g, T *restrict m, T *restrict v, int64_t n, double rate,
                            double beta1, double beta2, double epsilon, double weight_decay, double correction1,
                            double correction2, double gradient_scale) {
  const T decay = (T)(1.0 - rate * weight_decay), b1 = (T)beta1, c1 = (T)(1.0 - beta1), b2 = (T)beta2;
  const T c2 = (T)(1.0 - beta2), step = (T)(rate / correction1), eps = (T)epsilon, scale = (T)gradient_scale;
  const T root = (T)(1.0 / sqrt(correction2));
  for (int64_t i = 0; i < n; i++) {
    T gradient = g[i] * scale;
    T first = b1 * m[i] + c1 * gradient;
    T second = b2 * v[i] + c2 * (gradient * gradient);
    m[i] = first;
    v[i] = second;
    p[i] = p[i] * decay - step * (first / (SQRT(second) * root + eps));
  }
}

TK_TARGETS double NAME(sum_squares)(const T *x, int64_t n) {
  TK_REASSOCIATE
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {
    int64_t end = begin + 4096 < n ? begin + 4096 : n;
    T sum = 0;
    for (int64_t i = begin; i < end; i++) sum += x[i] * x[i];
    total += (double)sum;
  }
  return total;
}

TK_TARGETS void NAME(scatter_add_rows)(T *destination, int64_t destination_stride, const T *source,
                                       int64_t source_stride, const int64_t *index, int64_t count, int64_t n) {
  for (int64_t r = 0; r < count; r++) {
    T *d = destination + index[r] * destination_stride;
    const T *s = source + r * source_stride;
    for (int64_t i = 0; i < n; i++) d[i] += s[i];
  }
}
