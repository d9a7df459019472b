TK_TARGETS void NAME(swiglu)(const T *gate, const T *up, T *y, int64_t n) {
  ELEMENTWISE
  for (int64_t i = 0; i < n; i++) y[i] = gate[i] * SIGMOID(gate[i]) * up[i];
}

TK_TARGETS void NAME(swiglu_backward)(const T *gate, const T *up, const T *dy, T *d_gate, T *d_up, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    T g = gate[i], s = SIGMOID(g), d = dy[i], u = up[i];
    d_gate[i] = d * u * (s * ((T)1 + g * ((T)1 - s)));
    d_up[i] = d * (g * s);
  }
}

TK_TARGETS void NAME(rotary)(const T *x, int64_t x_stride, T *y, const int32_t *positions, const T *cosine,
                             const T *sine, int64_t tokens, int64_t heads, int64_t dim, T direction) {
  int64_t half = dim / 2;
  for (int64_t t = 0; t < tokens; t++, x += x_stride, y += heads * dim) {
    const T *c = cosine + positions[t] * half, *s = sine + positions[t] * half;
    for (int64_t h = 0; h < heads; h++) {
      const T *a = x + h * dim, *b = a + half;
      T *p = y + h * dim, *q = p + half;
      for (int64_t i = 0; i < half; i++) {
        T u = a[i], v = b[i], turn = direction * s[i];
        p[i] = u * c[i] - v * turn;
        q[i] = v * c[i] + u * turn;
      }
    }
  }
}
