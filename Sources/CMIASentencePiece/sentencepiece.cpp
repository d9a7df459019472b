#include "CMIASentencePiece.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

using sentencepiece::SentencePieceProcessor;
using sentencepiece::SentencePieceTrainer;
using sentencepiece::util::Status;

struct csp_processor {
  SentencePieceProcessor processor;
};

namespace {

void *copied(const void *bytes, size_t length) {
  char *copy = static_cast<char *>(std::malloc(length + 1));
  if (copy == nullptr) return nullptr;
  if (length > 0) std::memcpy(copy, bytes, length);
  copy[length] = 0;
  return copy;
}

void report(char **error, const std::string &message) {
  if (error != nullptr) *error = static_cast<char *>(copied(message.data(), message.size()));
}

/// Runs `body`, which returns a Status, and turns whatever goes wrong into a message.
template <typename Body>
bool guarded(char **error, Body body) {
  try {
    const Status status = body();
    if (status.ok()) return true;
    const std::string message = status.ToString();
    report(error, message.empty() ? "not a SentencePiece model" : message);
  } catch (const std::exception &exception) {
    report(error, exception.what());
  } catch (...) {
    report(error, "unknown C++ exception");
  }
  return false;
}

class Texts : public sentencepiece::SentenceIterator {
 public:
  Texts(const char *const *texts, const size_t *lengths, size_t count)
      : texts_(texts), lengths_(lengths), count_(count) {
    load();
  }
  bool done() const override { return index_ >= count_; }
  void Next() override {
    ++index_;
    load();
  }
  const std::string &value() const override { return value_; }
  Status status() const override { return Status(); }

 private:
  void load() {
    if (index_ < count_) value_.assign(texts_[index_], lengths_[index_]);
  }

  const char *const *texts_;
  const size_t *lengths_;
  size_t count_;
  size_t index_ = 0;
  std::string value_;
};

}  // namespace

extern "C" {

csp_processor *csp_open(const char *bytes, size_t length, char **error) {
  std::unique_ptr<csp_processor> processor;
  const bool opened = guarded(error, [&] {
    processor = std::make_unique<csp_processor>();
    return processor->processor.LoadFromSerializedProto({bytes, length});
  });
  return opened ? processor.release() : nullptr;
}

void csp_close(csp_processor *processor) { delete processor; }

void csp_release(void *memory) { std::free(memory); }

int32_t csp_piece_count(const csp_processor *processor) { return processor->processor.GetPieceSize(); }
int32_t csp_unknown_id(const csp_processor *processor) { return processor->processor.unk_id(); }
int32_t csp_bos_id(const csp_processor *processor) { return processor->processor.bos_id(); }
int32_t csp_eos_id(const csp_processor *processor) { return processor->processor.eos_id(); }
int32_t csp_pad_id(const csp_processor *processor) { return processor->processor.pad_id(); }

int32_t csp_piece_to_id(const csp_processor *processor, const char *piece, size_t length) {
  return processor->processor.PieceToId({piece, length});
}

const char *csp_id_to_piece(const csp_processor *processor, int32_t id, size_t *length) {
  if (id < 0 || id >= processor->processor.GetPieceSize()) return nullptr;
  const std::string &piece = processor->processor.IdToPiece(id);
  *length = piece.size();
  return piece.data();
}

bool csp_encode(const csp_processor *processor, const char *text, size_t length, int32_t **ids, size_t *count,
                char **error) {
  return guarded(error, [&] {
    std::vector<int> encoded;
    const Status status = processor->processor.Encode({text, length}, &encoded);
    if (!status.ok()) return status;
    *ids = static_cast<int32_t *>(copied(encoded.data(), encoded.size() * sizeof(int32_t)));
    *count = encoded.size();
    return status;
  });
}

bool csp_decode(const csp_processor *processor, const int32_t *ids, size_t count, char **text, size_t *length,
                char **error) {
  return guarded(error, [&] {
    std::string decoded;
    const Status status = processor->processor.Decode(std::vector<int>(ids, ids + count), &decoded);
    if (!status.ok()) return status;
    *text = static_cast<char *>(copied(decoded.data(), decoded.size()));
    *length = decoded.size();
    return status;
  });
}

bool csp_train(const char *const *texts, const size_t *lengths, size_t count, csp_training_options options,
               char **bytes, size_t *length, char **error) {
  return guarded(error, [&] {
    size_t longest = 10;  // the smallest bound that the trainer takes
    for (size_t i = 0; i < count; ++i) longest = std::max(longest, lengths[i]);
    const std::unordered_map<std::string, std::string> arguments = {
        {"model_type", "bpe"},
        {"vocab_size", std::to_string(options.vocabulary_size)},
        {"hard_vocab_limit", "false"},
        {"character_coverage", std::to_string(options.character_coverage)},
        {"byte_fallback", "true"},
        {"user_defined_symbols", options.symbols},
        {"split_digits", "true"},
        {"allow_whitespace_only_pieces", "true"},
        {"normalization_rule_name", "identity"},
        {"remove_extra_whitespaces", "false"},
        {"add_dummy_prefix", "true"},
        {"unk_id", "0"},
        {"bos_id", "1"},
        {"eos_id", "2"},
        {"pad_id", "-1"},
        {"num_threads", "1"},
        {"input_sentence_size", "0"},
        {"shuffle_input_sentence", "false"},
        {"max_sentence_length", std::to_string(longest)},
        {"minloglevel", "2"},
    };
    Texts iterator(texts, lengths, count);
    std::string model;
    const Status status = SentencePieceTrainer::Train(arguments, &iterator, &model);
    if (!status.ok()) return status;
    *bytes = static_cast<char *>(copied(model.data(), model.size()));
    *length = model.size();
    return status;
  });
}

}  // extern "C"
