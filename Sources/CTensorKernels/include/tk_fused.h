// Fused row kernels in single and double precision. Rows are contiguous, `n` is their length; pointers to outputs
// may equal the input they replace unless said otherwise. One thread each: callers split the rows.
#pragma once
#include <stdint.h>

#define TK_DECLARE_FUSED(T, S)                                                                                     \
  /* y = softmax(x), log softmax(x), and one log-sum-exp per row. */                                               \
  void tk_softmax_##S(const T *x, T *y, int64_t rows, int64_t n);                                                  \
  void tk_log_softmax_##S(const T *x, T *y, int64_t rows, int64_t n);                                              \
  void tk_log_sum_exp_##S(const T *x, T *y, int64_t rows, int64_t n);                                              \
  /* dx = y (dy - sum(dy y)); dx = dy - exp(y) sum(dy). */                                                         \
  void tk_softmax_backward_##S(const T *y, const T *dy, T *dx, int64_t rows, int64_t n);                           \
  void tk_log_softmax_backward_##S(const T *y, const T *dy, T *dx, int64_t rows, int64_t n);                       \
                                                                                                                   \
  /* Attention: s [rows, columns] with row stride ld holds query-key products. Row i sees its first                \
     min(columns, visible + i) entries (visible: count of row 0). s becomes probabilities of scale * s, zero where  \
     not visible; lse[i * lse_stride] their log-sum-exp. */                                                        \
  void tk_attention_softmax_##S(T *s, int64_t ld, int64_t rows, int64_t columns, int64_t visible, T scale, T *lse, \
                                int64_t lse_stride);                                                               \
  /* s: products in, probabilities out. dp: gradient of the probabilities in, of the products out. */              \
  void tk_attention_softmax_backward_##S(T *s, T *dp, int64_t ld, int64_t rows, int64_t columns, int64_t visible,  \
                                         T scale, const T *lse, int64_t lse_stride, const T *o, const T *d_o,      \
                                         int64_t o_stride, int64_t dim);                                           \
                                                                                                                   \
  /* One more block of logits [rows, n] (row stride ld) of a log-sum-exp kept as maximum[] and sum[]. */           \
  void tk_log_sum_exp_update_##S(const T *logits, int64_t ld, int64_t rows, int64_t n, T *maximum, T *sum);        \
  /* logits become d(log p of target)/d(logits) * g[row] = g (onehot - exp(logits - lse)); target counts from      \
     `first`, the vocabulary index of column 0. */                                                                 \
  void tk_target_gradient_##S(T *logits, int64_t ld, int64_t rows, int64_t n, const T *lse, const T *g,            \
                              const int32_t *target, int64_t first);                                               \
                                                                                                                   \
  /* lse = ln sum e^x, loss = (1 - smoothing) (lse - x[target]) + smoothing (lse - mean(x)) for each row, and the    \
     gradient of the loss times g;                                                                                   \
     rows with a negative target count nowhere. */                                                                   \
  void tk_cross_entropy_##S(const T *x, T *lse, const int64_t *target, T *loss, int64_t rows, int64_t n,       \
                            T smoothing);                                                                            \
  void tk_cross_entropy_backward_##S(const T *x, const T *lse, const int64_t *target, const T *g, T *dx,             \
                                     int64_t rows, int64_t n, T smoothing);                                          \
                                                                                                                     \
  /* y = (x - mean) rstd w + b; w and b may be NULL. mean and rstd: one per row. */                                \
  void tk_layer_norm_##S(const T *x, const T *w, const T *b, T epsilon, T *y, T *mean, T *rstd, int64_t rows,      \
                         int64_t n);                                                                               \
  /* dw and db (each may be NULL) are added to. */                                                                 \
  void tk_layer_norm_backward_##S(const T *x, const T *w, const T *mean, const T *rstd, const T *dy, T *dx, T *dw, \
                                  T *db, int64_t rows, int64_t n);                                                 \
  /* y = x rstd w with rstd = (mean(x^2) + epsilon)^-1/2. */                                                       \
  void tk_rms_norm_##S(const T *x, const T *w, T epsilon, T *y, T *rstd, int64_t rows, int64_t n);                 \
  void tk_rms_norm_backward_##S(const T *x, const T *w, const T *rstd, const T *dy, T *dx, T *dw, int64_t rows,    \
                                int64_t n);                                                                        \
                                                                                                                   \
  /* Half-split rotary embedding of x [tokens, heads, dim], row stride of a token x_stride, y contiguous.          \
     cosine and sine: [positions, dim / 2]; direction -1 turns back (the gradient). */                             \
  void tk_rotary_##S(const T *x, int64_t x_stride, T *y, const int32_t *positions, const T *cosine, const T *sine, \
                     int64_t tokens, int64_t heads, int64_t dim, T direction);                                     \
                                                                                                                   \
  /* y = silu(gate) up and both gradients. */                                                                      \
  void tk_swiglu_##S(const T *gate, const T *up, T *y, int64_t n);                                                 \
  void tk_swiglu_backward_##S(const T *gate, const T *up, const T *dy, T *d_gate, T *d_up, int64_t n);             \
                                                                                                                   \
  /* One step of a recurrent layer for rows of states, x from the input and y from the state before, gates side by \
     side; kept holds 5 (LSTM) or 4 (GRU) widths of a row for the gradients. */                                    \
  void tk_lstm_step_##S(const T *x, const T *y, const T *before, T *hidden, T *cell, T *kept, int64_t rows,        \
                        int64_t width);                                                                            \
  void tk_lstm_step_backward_##S(const T *kept, const T *before, const T *d_hidden, const T *d_cell, T *d_sum,     \
                                 T *d_before, int64_t rows, int64_t width);                                        \
  void tk_gru_step_##S(const T *x, const T *y, const T *before, T *hidden, T *kept, int64_t rows, int64_t width);  \
  void tk_gru_step_backward_##S(const T *kept, const T *before, const T *d_hidden, T *d_x, T *d_y, T *d_before,    \
                                int64_t rows, int64_t width);                                                      \
                                                                                                                   \
  /* One step of an optimizer; gradient_scale multiplies g first, correction1/2 = 1 - beta^step. State pointers      \
     that may be NULL switch their part of the rule off: largest (AMSGrad), buffer (momentum), average (centred      \
     RMSprop). */                                                                                                    \
  void tk_adam_##S(T *p, const T *g, T *m, T *v, T *largest, int64_t n, double rate, double beta1, double beta2,    \
                   double epsilon, double coupled_decay, double decoupled_decay, double correction1,                \
                   double correction2, double gradient_scale);                                                      \
  void tk_sgd_##S(T *p, const T *g, T *buffer, int64_t n, double rate, double momentum, double dampening,           \
                  int nesterov, double weight_decay, double gradient_scale);                                        \
  void tk_rmsprop_##S(T *p, const T *g, T *square, T *average, T *buffer, int64_t n, double rate, double smoothing, \
                      double epsilon, double momentum, double weight_decay, double gradient_scale);                 \
  void tk_adagrad_##S(T *p, const T *g, T *sum, int64_t n, double rate, double epsilon, double weight_decay,        \
                      double gradient_scale);                                                                       \
  void tk_lion_##S(T *p, const T *g, T *m, int64_t n, double rate, double beta1, double beta2, double weight_decay, \
                   double gradient_scale);                                                                          \
  double tk_sum_squares_##S(const T *x, int64_t n);

TK_DECLARE_FUSED(float, f32)
TK_DECLARE_FUSED(double, f64)
