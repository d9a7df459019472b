import Checkpoint
import Foundation

/// The tokenizer in the metadata of a GGUF file: byte-level BPE with GPT-2's, `smollm`'s or Qwen2's rule for
/// words; nothing is done to the text before it, as in llama.cpp.
struct TokenizerGGUF {
  var vocabulary: any Vocabulary
  var added: [AddedTokens.Token] = []
  var bos: Int32
  var eos: Int32
  var pad: Int32?
  /// `<image>`, or the last control token that is none of these and in no chat template, or a row without a
  /// token.
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
    case "qwen2": splitter = ByteLevelSplitter(rule: .qwen2)
    case "gpt-2", "gpt2", "default": splitter = ByteLevelSplitter()
    case let other:
      throw TokenizerError.unsupported(
        file: name, found: "tokenizer.ggml.pre \(other)", expected: "smollm, qwen2 or gpt-2")
    }
    func unsupported(_ key: String, _ found: String, _ expected: String) -> TokenizerError {
      .unsupported(file: name, found: "tokenizer.ggml.\(key) \(found)", expected: expected)
    }
    let pieces = try list("tokens").map { token in
      guard let text = token.asString else { throw unsupported("tokens", "with no text", "texts") }
      return text
    }
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
    let kinds = try file.metadata["tokenizer.ggml.token_type"] == nil ? [] : list("token_type")
    guard kinds.isEmpty || kinds.count == pieces.count else {
      throw unsupported("token_type", "of \(kinds.count) tokens", "one for each of \(pieces.count)")
    }
    for (id, kind) in kinds.enumerated() {
      guard let kind = kind.asInt, kind == 3 || kind == 4 else { continue }
      added.append(.init(text: pieces[id], id: Int32(id), isSpecial: kind == 3))
    }
    func id(_ key: String) throws -> Int32? {
      guard let value = file.metadata["tokenizer.ggml.\(key)_token_id"] else { return nil }
      guard let id = value.asInt, (0..<pieces.count).contains(id) else {
        throw unsupported("\(key)_token_id", JSONValue(value).brief, "an id below \(pieces.count)")
      }
      return Int32(id)
    }
    guard let bos = try id("bos") else { throw TokenizerError.missingToken(file: name, token: "bos") }
    guard let eos = try id("eos") else { throw TokenizerError.missingToken(file: name, token: "eos") }
    self.bos = bos
    self.eos = eos
    pad = try id("padding")
    let used = [bos, eos, pad, try id("unknown")]
    // Those that chat templates write have a use; a row that no token has is as good.
    let written = Set(ChatTemplate.all.flatMap(\.marks))
    let unused = kinds.lastIndex { $0.asInt == 5 }.map { Int32($0) }
    spare =
      added.first { $0.text == Tokenizer.imageMark }?.id
      ?? added.last { $0.isSpecial && !used.contains($0.id) && !written.contains($0.text) }?.id ?? unused
    switch file.metadata["tokenizer.ggml.add_bos_token"] {
    case nil: addsBOS = false
    case .boolean(let adds)?: addsBOS = adds
    case let other?:
      throw unsupported("add_bos_token", JSONValue(other).brief, "true or false")
    }
  }
}
