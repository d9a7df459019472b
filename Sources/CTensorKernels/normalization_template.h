TK_TARGETS void NAME(layer_norm)(const T *x, const T *w, const T *b, T epsilon, T *y, T *mean, T *rstd, int64_t rows,
                                 int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    T sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    T m = sum / (T)n, squares = 0;
    for (int64_t i = 0; i < n; i++) squares += (x[i] - m) * (x[i] - m);
    T s = (T)1 / SQRT(squares / (T)n + epsilon);
    mean[r] = m;
    rstd[r] = s;
    if (w != NULL && b != NULL) {
      for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * s * w[i] + b[i];
    } else if (w != NULL) {
      for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * s * w[i];
    } else {
      for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * s;
      if (b != NULL) {
        for (int64_t i = 0; i < n; i++) y[i] += b[i];
      }
    }
  }
}

// With h = (x - mean) rstd and g = dy w: dx = rstd (g - mean(g) - h mean(g h)).
TK_TARGETS void NAME(layer_norm_backward)(const T *x, const T *w, const T *mean, const T *rstd, const T *dy, T *dx,
                                          T *dw, T *db, int64_t rows, int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
    T m = mean[r], s = rstd[r], sum = 0, dot = 0;
    if (w != NULL) {
      for (int64_t i = 0; i < n; i++) {
        T g = dy[i] * w[i];
        sum += g;
        dot += g * (x[i] - m);
      }
    } else {
      for (int64_t i = 0; i < n; i++) {
        sum += dy[i];
        dot += dy[i] * (x[i] - m);
      }
    }
    if (dw != NULL) {
      for (int64_t i = 0; i < n; i++) dw[i] += dy[i] * ((x[i] - m) * s);
    }
    if (db != NULL) {
      for (int64_t i = 0; i < n; i++) db[i] += dy[i];
    }
    T a = sum / (T)n, c = dot * s * s / (T)n;
    if (w != NULL) {
      for (int64_t i = 0; i < n; i++) dx[i] = s * (dy[i] * w[i] - a - (x[i] - m) * c);
    } else {
      for (int64_t i = 0; i < n; i++) dx[i] = s * (dy[i] - a - (x[i] - m) * c);
    }
  }
}

TK_TARGETS void NAME(rms_norm)(const T *x, const T *w, T epsilon, T *y, T *rstd, int64_t rows, int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    T squares = 0;
    for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
    T s = (T)1 / SQRT(squares / (T)n + epsilon);
    rstd[r] = s;
    if (w != NULL) {
      for (int64_t i = 0; i < n; i++) y[i] = x[i] * s * w[i];
    } else {
      for (int64_t i = 0; i < n; i++) y[i] = x[i] * s;
    }
  }
}

// With g = dy w: dx = rstd (g - x rstd^2 mean(g x)).
TK_TARGETS void NAME(rms_norm_backward)(const T *x, const T *w, const T *rstd, const T *dy, T *dx, T *dw,
                                        int64_t rows, int64_t n) {
  TK_REASSOCIATE
  for (int64_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
    T s = rstd[r], dot = 0;
    if (w != NULL) {
      for (int64_t i = 0; i < n; i++) dot += dy[i] * w[i] * x[i];
    } else {
      for (int64_t i = 0; i < n; i++) dot += dy[i] * x[i];
    }
    if (dw != NULL) {
      for (int64_t i = 0; i < n; i++) dw[i] += dy[i] * (x[i] * s);
    }
    T c = dot * s * s / (T)n;
    if (w != NULL) {
      for (int64_t i = 0; i < n; i++) dx[i] = s * (dy[i] * w[i] - x[i] * c);
    } else {
      for (int64_t i = 0; i < n; i++) dx[i] = s * (dy[i] - x[i] * c);
    }
  }
}
