import Checkpoint
import Foundation

/// The tokenizer in the metadata of a GGUF file: byte-level BPE with GPT-2's or `smollm`'s rule for words.
struct TokenizerGGUF {
  var vocabulary: any Vocabulary
  var added: [AddedTokens.Token] = []
  var bos: Int32
  var eos: Int32
  var pad: Int32?
  /// The last control token that is none of these.
  var spare: Int32?
  /// Whether a sequence begins with bos.
  var addsBOS: Bool

  init(_ file: GGUFFile) throws {
    let name = file.url.path
    func text(_ key: String) -> String? { file.metadata["tokenizer.ggml.\(key)"]?.asString }
    func list(_ key: String) throws -> [GGUFValue] {
      guard let values = file.metadata["tokenizer.ggml.\(key)"]?.asArray else {
        throw TokenizerError.unsupported(
          file: name, found: "no tokenizer.ggml.\(key)", expected: "a list")
      }
      return values
    }
    guard text("model") == "gpt2" else {
      throw TokenizerError.unsupported(
        file: name, found: "tokenizer.ggml.model \(text("model") ?? "nothing")",
        expected: "gpt2 (byte-level BPE)")
    }
    let splitter: ByteLevelSplitter
    switch text("pre") ?? "default" {
    case "smollm": splitter = ByteLevelSplitter(isolatesDigits: true)
    case "gpt-2", "gpt2", "default": splitter = ByteLevelSplitter(isolatesDigits: false)
    case let other:
      throw TokenizerError.unsupported(
        file: name, found: "tokenizer.ggml.pre \(other)", expected: "smollm or gpt-2")
    }
    let pieces = try list("tokens").map { $0.asString ?? "" }
    let merges = try list("merges").map { entry in
      guard let pair = BytePairMerges.pair(entry.asString ?? "") else {
        throw TokenizerError.unsupported(
          file: name, found: "a merge \"\(entry.asString ?? "")\"",
          expected: "two pieces with a space between them")
      }
      return pair
    }
    vocabulary = try ByteLevelVocabulary(pieces: pieces, merges: merges, splitter: splitter, file: name)
    // llama.cpp's kinds of tokens: 3 is control, 4 is added by the user.
    for (id, kind) in (file.metadata["tokenizer.ggml.token_type"]?.asArray ?? []).enumerated() {
      guard let kind = kind.asInt, kind == 3 || kind == 4, id < pieces.count else { continue }
      added.append(.init(text: pieces[id], id: Int32(id), isSpecial: kind == 3))
    }
    func id(_ key: String) -> Int32? {
      file.metadata["tokenizer.ggml.\(key)_token_id"]?.asInt.flatMap {
        (0..<pieces.count).contains($0) ? Int32($0) : nil
      }
    }
    guard let bos = id("bos"), let eos = id("eos") else {
      throw TokenizerError.missingToken(file: name, token: id("bos") == nil ? "bos" : "eos")
    }
    self.bos = bos
    self.eos = eos
    pad = id("padding")
    let used = [bos, eos, pad, id("unknown")]
    spare = added.last { $0.isSpecial && !used.contains($0.id) }?.id
    addsBOS = file.metadata["tokenizer.ggml.add_bos_token"] == .boolean(true)
  }
}
