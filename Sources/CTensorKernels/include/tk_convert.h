// Conversions between element types, and products that read a matrix in half precision.
#pragma once
#include <stdint.h>

enum {
  TK_TYPE_F16, TK_TYPE_BF16, TK_TYPE_F32, TK_TYPE_F64, TK_TYPE_I8, TK_TYPE_I16, TK_TYPE_I32, TK_TYPE_I64, TK_TYPE_U8,
  TK_TYPE_U16, TK_TYPE_U32, TK_TYPE_U64, TK_TYPE_BOOL, TK_TYPE_COUNT
};

// out[i] = x[i * sx] in another type. To a floating-point type: nearest, ties to even, in one rounding. From floating
// point to integers: towards zero, saturating, NaN becomes 0. Between integers: the low bits.
void tk_convert(int from, int to, int64_t n, const void *x, int64_t sx, void *out);

// c = alpha a wᵀ + beta c for a few rows of a [m, k] and a large w [n, k]; the second and third read w in bfloat16 and float16.
void tk_small_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, const float *w,
                          int64_t ldw, float beta, float *c, int64_t ldc);
void tk_small_product_bf16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                           const uint16_t *w, int64_t ldw, float beta, float *c, int64_t ldc);
void tk_small_product_f16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                          const uint16_t *w, int64_t ldw, float beta, float *c, int64_t ldc);

// c = alpha a b + beta c for a [m, k] of few rows or few columns, whose elements lie `row` and `step` apart, and b [k, n].
void tk_thin_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t row, int64_t step,
                         const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

// Whether this library was compiled with optimisation: its products lose against OpenBLAS otherwise.
int tk_is_optimized(void);
// Whether the functions whose names say packed exist on this processor (AVX-512) and in this build; elsewhere they do
// nothing.
int tk_has_packed_product(void);
// Columns per panel of a packed b; rows of a per block, a multiple of which every thread should have; and the most terms of
// a sum that are added in one go.
enum { TK_PACKED_COLUMNS = 32, TK_PACKED_ROWS = 224, TK_PACKED_TERMS = 512 };
// Packs b [k, n], or b [n, k] when transposed, into panels of columns: out [n / 32 rounded up, k, 32].
void tk_pack_columns_f32(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, float *out);
// c = alpha a b + beta c for a [m, k], or a [k, m] when transposed, and a packed b [k, n]. The scratch memory holds
// (min(m, 224) k + 16) numbers.
void tk_packed_product_f32(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                           const float *b, float beta, float *c, int64_t ldc, float *scratch);

// The same with a and b rounded to bfloat16 (values below Float32's smallest normal one to zero) and sums in Float32: by which
// instructions this processor can, if by any. Terms are filled up with zeros to a multiple of TK_BF16_TERMS.
enum { TK_BF16_NONE = 0, TK_BF16_PAIRS = 1, TK_BF16_TILES = 2, TK_BF16_TERMS = 32 };
int tk_bf16_product(void);
// For tests of the others: nothing beyond this kind from here on.
void tk_limit_bf16_product(int kind);
// out [n / 32 rounded up, k / 2 rounded up to 16, 32, 2].
void tk_pack_columns_bf16(int64_t n, int64_t k, const float *b, int64_t ldb, int transposed, uint16_t *out);
// The scratch memory holds tk_packed_bf16_scratch(m, k) numbers.
int64_t tk_packed_bf16_scratch(int64_t m, int64_t k);
void tk_packed_product_bf16(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda, int transposed,
                            const uint16_t *b, float beta, float *c, int64_t ldc, uint16_t *scratch);

// c = silu(a gate) (a up) with the bits of two products and an activation, for packed gate and up [k, n] of any k. The scratch
// memory holds tk_packed_gated_scratch(m, k) numbers.
int64_t tk_packed_gated_scratch(int64_t m, int64_t k);
void tk_packed_gated_product_f32(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *gate,
                                 const float *up, float *c, int64_t ldc, float *scratch);

// Attention of `heads` heads that share their keys and values, o = softmax(scale q kᵀ) v: q and o [rows, heads, dim], k and v
// [columns, dim], lse [rows, heads] the log-sum-exp of the scaled scores; distances are from row to row. Row 0 sees the
// first `visible` columns, each further row one more, up to all. Scratch memory of so many numbers.
int64_t tk_packed_attention_scratch(int64_t columns, int64_t dim);
void tk_packed_attention_f32(int64_t heads, int64_t rows, int64_t columns, int64_t dim, int64_t visible, float scale,
                             const float *q, int64_t ldq, const float *k, int64_t ldk, const float *v, int64_t ldv,
                             float *o, int64_t ldo, float *lse, int64_t ld_lse, float *scratch);

// out [m, n] = p [m, k] v [k, n] for a few rows of p, such as attention's probabilities times values.
void tk_weighted_rows_f32(int64_t m, int64_t n, int64_t k, const float *p, int64_t ldp, const float *v, int64_t ldv,
                          float *out, int64_t ldo);

// Matrices in quantised blocks as GGUF files have them, with the numbers of ggml's types. What is in a block:
// block_formats_template.h.
enum {
  TK_BLOCK_Q4_0 = 2,
  TK_BLOCK_Q4_1 = 3,
  TK_BLOCK_Q5_0 = 6,
  TK_BLOCK_Q5_1 = 7,
  TK_BLOCK_Q8_0 = 8,
  TK_BLOCK_Q2_K = 10,
  TK_BLOCK_Q3_K = 11,
  TK_BLOCK_Q4_K = 12,
  TK_BLOCK_Q5_K = 13,
  TK_BLOCK_Q6_K = 14,
  TK_BLOCK_Q8_K = 15,
  TK_BLOCK_IQ4_NL = 20,
  TK_BLOCK_IQ4_XS = 23,
  TK_BLOCK_MXFP4 = 39
};

// Values and bytes of one block.
int64_t tk_block_length(int encoding);
int64_t tk_block_size(int encoding);
// The values of n blocks, one block after the other.
void tk_expand_blocks(int encoding, int64_t n, const uint8_t *blocks, float *out);
// The n blocks that come closest to finite numbers, one block after the other; 0 for a type that nothing is rounded to here.
int tk_round_blocks(int encoding, int64_t n, const float *x, uint8_t *blocks);
// Whether the values of n blocks are finite.
int tk_blocks_are_finite(int encoding, int64_t n, const uint8_t *blocks);
// c = alpha a wᵀ + beta c for a few rows of a [m, k] and w [n, k] in blocks, ldw bytes from row to row; k is a multiple of
// a block's length.
void tk_block_product(int encoding, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                      const uint8_t *w, int64_t ldw, float beta, float *c, int64_t ldc);
