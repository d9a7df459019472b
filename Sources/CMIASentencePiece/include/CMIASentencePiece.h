// A C face of libsentencepiece. Every failure, also a thrown C++ exception, comes back as a message in
// `*error` (release it with csp_release); nothing else is then returned.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded vocabulary. Encoding and decoding may run on several threads at once.
typedef struct csp_processor csp_processor;

/// Opens the bytes of a `tokenizer.model`; NULL and `*error` when they are not one.
csp_processor *csp_open(const char *bytes, size_t length, char **error);
void csp_close(csp_processor *processor);

/// Frees what the functions below hand out.
void csp_release(void *memory);

int32_t csp_piece_count(const csp_processor *processor);
int32_t csp_unknown_id(const csp_processor *processor);
int32_t csp_bos_id(const csp_processor *processor);
int32_t csp_eos_id(const csp_processor *processor);
int32_t csp_pad_id(const csp_processor *processor);

/// Id of a piece, the unknown id when there is none.
int32_t csp_piece_to_id(const csp_processor *processor, const char *piece, size_t length);
/// UTF-8 of a piece, owned by the processor; NULL when `id` is out of range.
const char *csp_id_to_piece(const csp_processor *processor, int32_t id, size_t *length);

/// Ids of a text, without bos or eos.
bool csp_encode(const csp_processor *processor, const char *text, size_t length, int32_t **ids, size_t *count,
                char **error);
/// Text of ids; ids out of range are an error.
bool csp_decode(const csp_processor *processor, const int32_t *ids, size_t count, char **text, size_t *length,
                char **error);

/// What a new BPE vocabulary shall be: byte fallback, identity normalisation, dummy prefix, split digits,
/// ids 0, 1, 2 = unknown, bos, eos.
typedef struct csp_training_options {
  /// Upper bound of the number of pieces; a small corpus gives fewer.
  int32_t vocabulary_size;
  /// Share of the characters of the corpus that get a piece of their own; the others are spelled in bytes.
  double character_coverage;
  /// Texts that are one piece each wherever they stand, with commas between them; may be empty.
  const char *symbols;
} csp_training_options;

/// Trains on texts held in memory, on one thread, and returns the bytes of a `tokenizer.model`.
bool csp_train(const char *const *texts, const size_t *lengths, size_t count, csp_training_options options,
               char **bytes, size_t *length, char **error);

#ifdef __cplusplus
}
#endif
