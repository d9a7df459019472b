// Gates of a row stand side by side, each `width` long: input, forget, cell and output; reset, update and new.
TK_TARGETS void NAME(lstm_step)(const T *x, const T *y, const T *before, T *hidden, T *cell, T *kept, int64_t rows,
                                int64_t width) {
  int64_t w = width;
  for (int64_t r = 0; r < rows; r++, x += 4 * w, y += 4 * w, before += w, hidden += w, cell += w, kept += 5 * w) {
    ELEMENTWISE
    for (int64_t i = 0; i < w; i++) {
      T in = SIGMOID(x[i] + y[i]), forget = SIGMOID(x[w + i] + y[w + i]);
      T new = TANH(x[2 * w + i] + y[2 * w + i]), out = SIGMOID(x[3 * w + i] + y[3 * w + i]);
      T c = forget * before[i] + in * new, bent = TANH(c);
      kept[i] = in;
      kept[w + i] = forget;
      kept[2 * w + i] = new;
      kept[3 * w + i] = out;
      kept[4 * w + i] = bent;
      cell[i] = c;
      hidden[i] = out * bent;
    }
  }
}

TK_TARGETS void NAME(lstm_step_backward)(const T *kept, const T *before, const T *d_hidden, const T *d_cell, T *d_sum,
                                         T *d_before, int64_t rows, int64_t width) {
  int64_t w = width;
  for (int64_t r = 0; r < rows; r++, kept += 5 * w, before += w, d_hidden += w, d_cell += w, d_sum += 4 * w, d_before += w) {
    ELEMENTWISE
    for (int64_t i = 0; i < w; i++) {
      T in = kept[i], forget = kept[w + i], new = kept[2 * w + i], out = kept[3 * w + i], bent = kept[4 * w + i];
      T d = d_hidden[i], c = d_cell[i] + d * out * ((T)1 - bent * bent);
      d_sum[i] = c * new * (in * ((T)1 - in));
      d_sum[w + i] = c * before[i] * (forget * ((T)1 - forget));
      d_sum[2 * w + i] = c * in * ((T)1 - new * new);
      d_sum[3 * w + i] = d * bent * (out * ((T)1 - out));
      d_before[i] = c * forget;
    }
  }
}

TK_TARGETS void NAME(gru_step)(const T *x, const T *y, const T *before, T *hidden, T *kept, int64_t rows, int64_t width) {
  int64_t w = width;
  for (int64_t r = 0; r < rows; r++, x += 3 * w, y += 3 * w, before += w, hidden += w, kept += 4 * w) {
    ELEMENTWISE
    for (int64_t i = 0; i < w; i++) {
      T reset = SIGMOID(x[i] + y[i]), update = SIGMOID(x[w + i] + y[w + i]), inner = y[2 * w + i];
      T new = TANH(x[2 * w + i] + reset * inner);
      kept[i] = reset;
      kept[w + i] = update;
      kept[2 * w + i] = new;
      kept[3 * w + i] = inner;
      hidden[i] = new + update * (before[i] - new);
    }
  }
}

TK_TARGETS void NAME(gru_step_backward)(const T *kept, const T *before, const T *d_hidden, T *d_x, T *d_y, T *d_before,
                                        int64_t rows, int64_t width) {
  int64_t w = width;
  for (int64_t r = 0; r < rows; r++, kept += 4 * w, before += w, d_hidden += w, d_x += 3 * w, d_y += 3 * w, d_before += w) {
    ELEMENTWISE
    for (int64_t i = 0; i < w; i++) {
      T reset = kept[i], update = kept[w + i], new = kept[2 * w + i], inner = kept[3 * w + i], d = d_hidden[i];
      T d_new = d * ((T)1 - update) * ((T)1 - new * new);
      T d_update = d * (before[i] - new) * (update * ((T)1 - update));
      T d_reset = d_new * inner * (reset * ((T)1 - reset));
      d_x[i] = d_y[i] = d_reset;
      d_x[w + i] = d_y[w + i] = d_update;
      d_x[2 * w + i] = d_new;
      d_y[2 * w + i] = d_new * reset;
      d_before[i] = d * update;
    }
  }
}
