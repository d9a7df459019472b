import Checkpoint
import Foundation

extension Tokenizer {
  /// What ``writeJSON(of:to:)`` writes.
  package static let jsonNames = ["tokenizer.json", "tokenizer_config.json"]

  /// Writes ``files(of:)``.
  /// - Throws: as that, or ``TokenizerError`` for a file that cannot be written.
  package static func writeJSON(of file: GGUFFile, to directory: URL) throws {
    for (name, bytes) in try files(of: file) {
      let url = directory.appending(component: name)
      do {
        try AtomicFile.write(bytes, to: url)
      } catch {
        throw TokenizerError.unwritable(file: url.path, reason: error.localizedDescription)
      }
    }
  }

  /// The tokenizer of a GGUF file as the files of a directory, with the same ids: `tokenizer.json` and
  /// `tokenizer_config.json`, of SentencePiece `tokenizer.model`.
  ///
  /// The control token that pictures take the id of (see ``init(gguf:)``) is called `<image>` in byte-level
  /// BPE; where there is none, `<image>` is added behind the pieces.
  /// - Throws: ``TokenizerError`` for a kind of vocabulary that is not computed here, or that such files
  ///   cannot state.
  package static func files(of file: GGUFFile) throws -> [String: Data] {
    let gguf = try TokenizerGGUF(file)
    let rows = file.entry("token_embd.weight")?.shape.first ?? 0
    if let model = try gguf.directoryModel(rows: rows, name: file.url.path) {
      return [TokenizerFiles.modelName: model]
    }
    func list(_ key: String) -> [String] {
      (file.metadata["tokenizer.ggml.\(key)"]?.asArray ?? []).map { $0.asString ?? "" }
    }
    var pieces = list("tokens")
    var added = gguf.added
    if let spare = gguf.spare {
      pieces[Int(spare)] = imageMark
      added.removeAll { $0.id == spare }
      added.append(.init(text: imageMark, id: spare, isSpecial: true))
    } else {
      added.append(.init(text: imageMark, id: Int32(pieces.count), isSpecial: true))
    }
    let bytes: [String: Any] = [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    ]
    guard let pre = GGUFPreTokenizer(named: file.metadata["tokenizer.ggml.pre"]?.asString ?? "default"),
      file.metadata["tokenizer.ggml.model"]?.asString == "gpt2"
    else {
      throw TokenizerError.unsupported(
        file: file.url.path,
        found: "tokenizer.ggml.model \(file.metadata["tokenizer.ggml.model"]?.asString ?? "nothing")",
        expected: "gpt2 or llama: a directory has no file for it here")
    }
    let steps = pre.steps
    let frame = beginning(pieces[Int(gguf.bos)], Int(gguf.bos))
    let json: [String: Any] = [
      "version": "1.0", "truncation": NSNull(), "padding": NSNull(), "normalizer": NSNull(),
      "added_tokens": added.sorted { $0.id < $1.id }.map { token -> [String: Any] in
        [
          "id": Int(token.id), "content": token.text, "single_word": false, "lstrip": false, "rstrip": false,
          "normalized": false, "special": token.isSpecial,
        ]
      },
      "pre_tokenizer": steps.count == 1 ? steps[0] : ["type": "Sequence", "pretokenizers": steps],
      "post_processor": gguf.addsBOS ? frame : NSNull(),
      "decoder": bytes,
      "model": [
        "type": "BPE", "dropout": NSNull(), "unk_token": NSNull(), "continuing_subword_prefix": NSNull(),
        "end_of_word_suffix": NSNull(), "fuse_unk": false, "byte_fallback": false,
        "ignore_merges": pre.joinsWholeWords,
        "vocab": vocabularyMark,
        "merges": list("merges"),
      ] as [String: Any],
    ]
    let names: [String: Any] = [
      "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": pieces[Int(gguf.bos)],
      "eos_token": pieces[Int(gguf.eos)], "pad_token": gguf.pad.map { pieces[Int($0)] } ?? padMark,
      "clean_up_tokenization_spaces": false,
    ]
    return [
      jsonNames[0]: try Self.json(json, pieces: pieces),
      jsonNames[1]: try JSONSerialization.data(
        withJSONObject: names, options: [.sortedKeys, .withoutEscapingSlashes]),
    ]
  }
}
