import Foundation
import LVLM
import TestSupport
import Testing

/// The files beside a vocabulary: what they say is computed or refused by name.
@Suite struct TokenizerFilesTests: ModelCopies {
  private static let configuration = "tokenizer_config.json"

  /// transformers takes the map's word; here two words are an error.
  @Test func specialTokensInTwoFiles() throws {
    try withCopy { folder in
      for name in ["</s>", "<pad>"] {
        for value in [name as Any, ["content": name, "lstrip": false]] {
          try write(["eos_token": value], "special_tokens_map.json", folder)
          let words = message(folder)
          if name == "</s>" {
            #expect(words.hasPrefix("no error"), "\(words)")
          } else {
            #expect(
              words.contains(
                "tokenizer_config.json and special_tokens_map.json (eos_token is \"</s>\" in one and \"<pad>\" in the other"
              ), "\(words)")
          }
        }
      }
      // Said by the map alone, it is the end of an answer, and config.json says another.
      try edit(Self.configuration, folder) { $0["eos_token"] = nil }
      try FileManager.default.removeItem(at: folder.appending(component: "tokenizer.model"))
      #expect(
        message(folder).contains("text_config.eos_token_id: found 2, expected 331, the tokenizer's"),
        "\(message(folder))")
    }
  }

  @Test(arguments: [
    ("bos_token", "[1, 2]"), ("eos_token", "0.5"), ("pad_token", #"{"special": true}"#),
    ("sp_model_kwargs", #"{"enable_sampling": true}"#),
  ])
  func valuesThatAreNone(_ key: String, _ value: String) throws {
    try withCopy { folder in
      let parsed = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
      try edit(Self.configuration, folder) { $0[key] = parsed }
      #expect(message(folder).contains("tokenizer_config.json: \(key): found"), "\(message(folder))")
    }
  }

  @Test(arguments: ["lstrip", "rstrip", "single_word"]) func flagsOfAddedTokens(_ flag: String) throws {
    try withCopy { folder in
      try edit(Self.configuration, folder) {
        $0["added_tokens_decoder"] = ["330": ["content": "<image>", flag: true]]
      }
      let words = message(folder)
      #expect(words.contains("added_tokens_decoder.330.\(flag): found true for <image>"), "\(words)")
    }
  }

  @Test(arguments: [
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "processor_config.json", "preprocessor_config.json", "chat_template.json",
    "model.safetensors.index.json", "tokenizer.json",
  ])
  func everyFileIsAnObject(_ name: String) throws {
    for text in ["7", "\"x\"", "[1]", "null", "", "{\"a\": 1, \"a\": 2}"] {
      try withCopy { folder in
        try Data(text.utf8).write(to: folder.appending(component: name))
        let words = message(folder)
        #expect(words.contains(name) && words.contains("found"), "\(text): \(words)")
      }
    }
  }

  /// A byte order mark and line ends of Windows change nothing in any file.
  @Test func byteOrderMarks() throws {
    try withCopy { folder in
      let source = try PretrainedModel.load(from: folder, template: .plain)
      let saved = folder.appending(component: "saved")
      try source.save(to: saved, shardBytes: 40_000)
      let expected = try answer(try PretrainedModel.load(from: saved))
      let names = try FileManager.default.contentsOfDirectory(atPath: saved.path)
      for name in names where name.hasSuffix(".json") || name.hasSuffix(".jinja") {
        let file = saved.appending(component: name)
        let text = try String(contentsOf: file, encoding: .utf8)
        let changed = name.hasSuffix(".json") ? text.replacing("\n", with: "\r\n") : text
        try (Data([0xEF, 0xBB, 0xBF]) + Data(changed.utf8)).write(to: file)
      }
      #expect(names.contains("model.safetensors.index.json"))
      #expect(try answer(try PretrainedModel.load(from: saved)) == expected)
    }
  }

  /// What the model's pieces cannot spell, as Hugging Face's tokenizers have it.
  @Test func charactersWithoutAPiece() throws {
    let text = "a 图x图図"
    let rows: [(bytes: Bool?, fuses: Bool?, unknown: String?, ids: [Int32])] = [
      (true, false, nil, [263, 275, 232, 158, 193, 322, 232, 158, 193, 232, 158, 182]),
      (false, true, nil, [263, 275, 322]), (false, true, "<unk>", [263, 275, 0, 322, 0]),
      (false, false, "<unk>", [263, 275, 0, 322, 0, 0]), (nil, nil, "<unk>", [263, 275, 0, 322, 0, 0]),
    ]
    for row in rows {
      try withCopy { folder in
        try edit("tokenizer.json", section: "model", folder) { model in
          model["byte_fallback"] = row.bytes
          model["fuse_unk"] = row.fuses
          model["unk_token"] = row.unknown
        }
        let json = try Tokenizer(contentsOf: folder.appending(component: "tokenizer.json"))
        #expect(try json.encode(text) == row.ids, "\(row)")
      }
    }
  }

  @Test func anotherMarkForBlanks() throws {
    try withCopy { folder in
      let file = folder.appending(component: "tokenizer.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      try edit("tokenizer.json", section: "pre_tokenizer", folder) { $0["replacement"] = "_" }
      #expect(message(folder).contains("tokenizer.model and tokenizer.json (\""), "\(message(folder))")
      try Data(text.utf8).write(to: file)
      try edit("tokenizer.json", folder) { json in
        json["normalizer"] = ["type": "Prepend", "prepend": "\u{2581}"]
        json["added_tokens"] = (json["added_tokens"] as? [[String: Any]])?.map { token in
          token.merging(["normalized": true]) { $1 }
        }
      }
      #expect(message(folder).contains("added_tokens <unk> with normalized"), "\(message(folder))")
    }
  }
}
