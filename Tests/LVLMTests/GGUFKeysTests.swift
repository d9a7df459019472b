import Checkpoint
import Foundation
import LVLM
import TestSupport
import Testing

/// Metadata of GGUF files that changes results is computed or refused by name.
@Suite struct GGUFKeysTests {
  private enum Value {
    case real(Float)
    case number(UInt32)
    case flag(Bool)
    case text(String)
  }

  /// The tiny file with further keys in front of its own.
  private func file(_ keys: [(String, Value)], in folder: URL) throws -> URL {
    var bytes = [UInt8](try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf")))
    func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }
    var added: [UInt8] = []
    for (key, value) in keys {
      added += text(key)
      switch value {
      case .real(let number): added += little(UInt32(6)) + little(number.bitPattern)
      case .number(let number): added += little(UInt32(4)) + little(number)
      case .flag(let flag): added += little(UInt32(7)) + [flag ? 1 : 0]
      case .text(let value): added += little(UInt32(8)) + text(value)
      }
    }
    // Tensors lie at multiples of 32 bytes: a name of the right length keeps them there.
    let filler = text("general.name") + little(UInt32(8))
    let rest = (added.count + filler.count + 8) % 32
    added += filler + text(String(repeating: "x", count: (32 - rest) % 32))
    let count = bytes[16..<24].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    bytes.replaceSubrange(16..<24, with: little(count + UInt64(keys.count) + 1))
    bytes.insert(contentsOf: added, at: 24)
    let url = folder.appending(component: "model.gguf")
    try Data(bytes).write(to: url)
    return url
  }

  private func message(_ keys: [(String, Value)]) throws -> String {
    try Fixtures.withTemporaryDirectory { folder in
      let url = try file(keys, in: folder)
      do {
        return "no error; " + (try PretrainedModel.load(from: url)).notes.joined(separator: "; ")
      } catch { return "\(error)" }
    }
  }

  @Test func whatChangesResultsIsRefused() throws {
    let refused: [(String, Value)] = [
      ("llama.rope.scaling.factor", .real(-4)), ("llama.rope.scaling.type", .text("longrope")),
      ("llama.rope.scaling.type", .number(1)), ("llama.rope.scale_linear", .text("2")),
      ("llama.rope.scaling.attn_factor", .real(0.5)), ("llama.expert_count", .number(8)),
      ("llama.attention.sliding_window", .number(4)),
      ("llama.attention.scale", .real(0.5)), ("llama.logit_scale", .real(0.5)),
      ("llama.residual_scale", .real(0.5)),
      ("llama.embedding_scale", .real(12)), ("llama.attn_logit_softcapping", .real(50)),
      ("llama.attention.clamp_kqv", .real(8)),
      ("llama.use_parallel_residual", .flag(true)), ("llama.attention.causal", .flag(false)),
      ("llama.tensor_data_layout", .text("x")),
      ("llama.some_new_key", .number(1)), ("tokenizer.ggml.add_eos_token", .flag(true)),
      ("tokenizer.ggml.add_space_prefix", .flag(true)),
      ("tokenizer.ggml.eot_token_id", .number(7)), ("tokenizer.ggml.some_new_key", .flag(true)),
      ("split.count", .number(2)),
      ("adapter.type", .text("lora")), ("clip.has_vision_encoder", .flag(true)),
      ("tokenizer.chat_template", .text("{{ messages }}")),
      ("llama.attention.value_length", .number(3)),
    ]
    for (key, value) in refused {
      let words = try message([(key, value)])
      let named = key.hasPrefix("llama.rope.scal") ? "llama.rope.scaling" : key
      #expect(words.contains("model.gguf: \(named)") && words.contains(": found"), "\(key): \(words)")
    }
  }

  @Test func whatIsHarmlessIsTaken() throws {
    let words = try message([
      ("general.author", .text("x")), ("general.quantization_version", .number(2)),
      ("llama.vocab_size", .number(380)),
      ("llama.rope.scaling.type", .text("none")), ("llama.rope.scaling.factor", .real(4)),
      ("llama.expert_count", .number(0)), ("llama.attention.value_length", .number(8)),
      ("tokenizer.ggml.add_space_prefix", .flag(false)), ("tokenizer.ggml.eot_token_id", .number(2)),
      ("quantize.imatrix.file", .text("x")), ("split.count", .number(1)), ("llama.logit_scale", .real(0)),
    ])
    #expect(words.hasPrefix("no error"), "\(words)")
    #expect(
      try message([("llama.rope.scaling.type", .text("linear")), ("llama.rope.scaling.factor", .real(1))])
        .hasPrefix("no error"))
  }

  @Test func whatTheVocabularySaysOfItself() throws {
    let ids = ["tokenizer.ggml.padding_token_id", "tokenizer.ggml.unknown_token_id"]
    for key in ids + ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.bos_token_id"] {
      try Fixtures.withTemporaryDirectory { folder in
        var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
        file.set(key, 1 << 20)
        let url = folder.appending(component: "model.gguf")
        try file.encoded().write(to: url)
        let error = #expect(throws: TokenizerError.self) { try PretrainedModel.load(from: url) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("found \(key) 1048576, expected an id below"))
      }
    }
    for (key, words) in [
      ("tokenizer.ggml.token_type", "tokenizer.ggml.token_type of 2 tokens, expected one for each"),
      ("tokenizer.ggml.tokens", "tokenizer.ggml.tokens with no text"),
      ("tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_bos_token"),
    ] {
      try Fixtures.withTemporaryDirectory { folder in
        var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
        file.values.removeAll { $0.key == key }
        let array = [UInt32(5), 2, 0, 1, 1].flatMap { value in
          withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        file.values.append(.init(key: key, type: 9, bytes: Data(array)))
        let url = folder.appending(component: "model.gguf")
        try file.encoded().write(to: url)
        let error = #expect(throws: TokenizerError.self) { try PretrainedModel.load(from: url) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
      }
    }
  }

  @Test func aMissingRuleForWordsIsTold() throws {
    try Fixtures.withTemporaryDirectory { folder in
      var bytes = try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf"))
      let range = try #require(bytes.range(of: Data("tokenizer.ggml.pre".utf8)))
      bytes.replaceSubrange(range, with: Data("general.ggml.text1".utf8))
      let url = folder.appending(component: "model.gguf")
      try bytes.write(to: url)
      #expect(try PretrainedModel.load(from: url).notes.contains { $0.contains("no tokenizer.ggml.pre") })
    }
  }
}
