TK_TARGETS void NAME(adam)(T *restrict p, const T *restrict g, T *restrict m, T *restrict v, T *restrict largest,
                           int64_t n, double rate, double beta1, double beta2, double epsilon, double coupled_decay,
                           double decoupled_decay, double correction1, double correction2, double gradient_scale) {
  const T decay = (T)(1.0 - rate * decoupled_decay), l2 = (T)coupled_decay, b1 = (T)beta1, b2 = (T)beta2;
  const T c1 = (T)(1.0 - beta1), c2 = (T)(1.0 - beta2), step = (T)(rate / correction1), eps = (T)epsilon;
  const T scale = (T)gradient_scale, root = (T)(1.0 / sqrt(correction2));
// One loop without branches for each combination of the parts that are optional.
#define ADAM_LOOP(GRADIENT, SECOND)                                    \
  for (int64_t i = 0; i < n; i++) {                                    \
    T gradient = GRADIENT;                                             \
    T first = m[i] = b1 * m[i] + c1 * gradient;                        \
    T second = v[i] = b2 * v[i] + c2 * (gradient * gradient);          \
    SECOND;                                                            \
    p[i] = p[i] * decay - step * (first / (SQRT(second) * root + eps)); \
  }
  if (largest) {
    ADAM_LOOP(g[i] * scale + l2 * p[i], second = largest[i] = second > largest[i] ? second : largest[i])
  } else if (l2 != 0) {
    ADAM_LOOP(g[i] * scale + l2 * p[i], )
  } else {
    ADAM_LOOP(g[i] * scale, )
  }
#undef ADAM_LOOP
}

TK_TARGETS void NAME(sgd)(T *restrict p, const T *restrict g, T *restrict buffer, int64_t n, double rate,
                          double momentum, double dampening, int nesterov, double weight_decay,
                          double gradient_scale) {
  const T step = (T)rate, l2 = (T)weight_decay, scale = (T)gradient_scale, keep = (T)momentum;
  const T fresh = (T)(1.0 - dampening);
  if (!buffer) {
    for (int64_t i = 0; i < n; i++) p[i] -= step * (g[i] * scale + l2 * p[i]);
  } else {
    for (int64_t i = 0; i < n; i++) {
      T gradient = g[i] * scale + l2 * p[i];
      T velocity = keep * buffer[i] + fresh * gradient;
      buffer[i] = velocity;
      p[i] -= step * (nesterov ? gradient + keep * velocity : velocity);
    }
  }
}

TK_TARGETS void NAME(rmsprop)(T *restrict p, const T *restrict g, T *restrict square, T *restrict average,
                              T *restrict buffer, int64_t n, double rate, double smoothing, double epsilon,
                              double momentum, double weight_decay, double gradient_scale) {
  const T step = (T)rate, a = (T)smoothing, c = (T)(1.0 - smoothing), eps = (T)epsilon, keep = (T)momentum;
  const T l2 = (T)weight_decay, scale = (T)gradient_scale;
  for (int64_t i = 0; i < n; i++) {
    T gradient = g[i] * scale + l2 * p[i];
    T spread = square[i] = a * square[i] + c * (gradient * gradient);
    if (average) {
      T mean = average[i] = a * average[i] + c * gradient;
      spread -= mean * mean;
      spread = spread > 0 ? spread : 0;
    }
    T change = gradient / (SQRT(spread) + eps);
    if (buffer) change = buffer[i] = keep * buffer[i] + change;
    p[i] -= step * change;
  }
}

TK_TARGETS void NAME(adagrad)(T *restrict p, const T *restrict g, T *restrict sum, int64_t n, double rate,
                              double epsilon, double weight_decay, double gradient_scale) {
  const T step = (T)rate, eps = (T)epsilon, l2 = (T)weight_decay, scale = (T)gradient_scale;
  for (int64_t i = 0; i < n; i++) {
    T gradient = g[i] * scale + l2 * p[i];
    T total = sum[i] = sum[i] + gradient * gradient;
    p[i] -= step * (gradient / (SQRT(total) + eps));
  }
}

TK_TARGETS void NAME(lion)(T *restrict p, const T *restrict g, T *restrict m, int64_t n, double rate, double beta1,
                           double beta2, double weight_decay, double gradient_scale) {
  const T step = (T)rate, decay = (T)(1.0 - rate * weight_decay), b1 = (T)beta1, c1 = (T)(1.0 - beta1);
  const T b2 = (T)beta2, c2 = (T)(1.0 - beta2), scale = (T)gradient_scale;
  for (int64_t i = 0; i < n; i++) {
    T gradient = g[i] * scale;
    T direction = b1 * m[i] + c1 * gradient;
    T sign = (T)((direction > 0) - (direction < 0));
    m[i] = b2 * m[i] + c2 * gradient;
    p[i] = p[i] * decay - step * sign;
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
