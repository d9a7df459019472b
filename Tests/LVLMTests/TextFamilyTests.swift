import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Language models that are not LLaMA's and are built like it.
@Suite struct TextFamilyTests {
  private static func read(_ text: String) throws -> LlavaConfiguration {
    try Fixtures.withTemporaryDirectory { folder in
      let file = folder.appending(component: "config.json")
      let whole = #"{"vision_config": {}, "image_token_index": 3, "text_config": \#(text)}"#
      try Data(whole.utf8).write(to: file)
      return try LlavaConfiguration.read(from: file)
    }
  }

  private static func problems(_ text: String) -> [String] {
    do {
      _ = try read(text)
      return []
    } catch {
      return (error as? ModelConfigurationError)?.problems.map { "\($0.key): \($0.found)" } ?? ["\(error)"]
    }
  }

  /// The decoder of `qwen2/` behind a vision tower with random weights.
  private static func model() throws -> LlavaModel {
    let text = try read(String(contentsOf: Fixtures.url("qwen2/text_config.json"), encoding: .utf8)).text
    var configuration = TinyModel.configuration
    (configuration.text, configuration.imageTokenIndex) = (text, 403)
    let model = try TinyModel.make(configuration)
    var parameters = Dictionary(uniqueKeysWithValues: model.namedParameters().map { ($0.name, $0.parameter) })
    for (name, tensor) in try SafeTensorsFile(reading: Fixtures.url("qwen2/model.safetensors")).tensors() {
      let found = parameters.removeValue(forKey: name)
      let parameter = try #require(found, "\(name)")
      try #require(parameter.shape == tensor.shape)
      parameter.tensor = tensor
    }
    #expect(parameters.keys.allSatisfy { !$0.hasPrefix("language_model.") })
    return model
  }

  private static func golden() throws -> Golden { try Golden(at: Fixtures.url("qwen2/qwen2.h5")) }

  @Test func statesAndLikelihoods() throws {
    let (model, golden) = (try Self.model(), try Self.golden())
    for group in ["text0", "img1"] {
      let ids = try golden.integers("\(group)/input_ids")
      // Pictures are made by another model: the embeddings come in as if all tokens were of pictures.
      let rows = try golden.tensor("\(group)/hidden/0").reshaped([ids.count, 48])
      let features = ImageFeatures(rows, layout: FeatureLayout([FeatureGrid(rows: 1, columns: ids.count)]))
      let example =
        group == "text0"
        ? PackedExample(promptIDs: ids)
        : PackedExample(promptIDs: Array(repeating: 403, count: ids.count), images: [0])
      let batch = try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: 403, features: features.layout)
      try noGradient {
        let states = model.allHiddenStates(batch, imageFeatures: features)
        #expect(states.count == 4)
        for (index, state) in states.enumerated() {
          try golden.expect(state, is: "\(group)/hidden/\(index)")
        }
        let hidden = states[3]
        try golden.expect(
          targetLogProbabilities(
            hidden: hidden.slice(axis: 0, 0..<ids.count - 1), weight: model.decoder.headWeight,
            targets: Array(ids[1...])), is: "\(group)/token_logps")
        let tail = try golden.file.read("\(group)/tail_logits").shape[1]
        try golden.expect(
          model.decoder.logits(hidden.slice(axis: 0, ids.count - tail..<ids.count)),
          is: "\(group)/tail_logits")
      }
    }
  }

  /// Token by token, where biases take the fast path's way.
  @Test func answers() throws {
    let (model, golden) = (try Self.model(), try Self.golden())
    let ids = try golden.integers("text0/input_ids")
    let tokenizer = try Tokenizer(contentsOf: Fixtures.url("qwen2/tokenizer.json"))
    let prompt = PackedExample(promptIDs: Array(ids[..<28]))
    let answer = try Generator(model: model, tokenizer: tokenizer).generate(
      [prompt], imageFeatures: ImageFeatures(.zeros([0, 48]), layout: FeatureLayout([])), maxNewTokens: 16)[0]
    let expected = try golden.integers("text0/greedy_new_tokens")
    #expect(answer.ids == Array(expected.prefix(answer.ids.count)) && answer.ids.count > 3)
  }

  @Test func savedAndLoaded() throws {
    let model = try Self.model()
    #expect(model.configuration.text.family == .qwen2 && model.configuration.text.hasAttentionBias)
    let names = model.namedParameters().map(\.name).filter { $0.hasSuffix("_proj.bias") }
    #expect(names.count { $0.contains("language_model") } == 9 && !names.contains { $0.contains(".o_proj.") })
    let counted = model.decoder.namedParameters().reduce(0) { $0 + $1.parameter.shape.reduce(1, *) }
    #expect(model.configuration.text.blockWeightCount * 3 + 416 * 48 + 48 == counted)
    try Fixtures.withTemporaryDirectory { folder in
      try model.save(to: folder)
      let again = try LlavaModel.load(from: folder)
      #expect(try again.configuration.json() == model.configuration.json())
      for (one, other) in zip(model.namedParameters(), again.namedParameters()) {
        #expect(
          one.name == other.name
            && one.parameter.tensor.array(of: Float.self) == other.parameter.tensor.array(of: Float.self))
      }
    }
  }

  @Test func whatAbsentKeysMean() throws {
    let mistral = try Self.read(
      #"{"model_type": "mistral", "sliding_window": null, "vocab_size": 32001}"#
    ).text
    #expect(mistral.intermediateSize == 14_336 && mistral.keyValueHeadCount == 8 && !mistral.hasAttentionBias)
    #expect(mistral.contextLength == 131_072 && mistral.rmsNormEpsilon == 1e-6 && mistral.family == .mistral)
    let qwen = try Self.read(#"{"model_type": "qwen2", "eos_token_id": 5, "use_sliding_window": false}"#).text
    #expect(qwen.vocabularySize == 151_936 && qwen.intermediateSize == 22_016 && qwen.hasAttentionBias)
    #expect(qwen.contextLength == 32_768 && qwen.keyValueHeadCount == 32 && qwen.eosTokenID == 5)
    // What LLaMA's class reads, these do not know.
    #expect(
      try !Self.read(#"{"model_type": "mistral", "sliding_window": null, "attention_bias": true}"#)
        .text.hasAttentionBias)
    for text in [mistral, qwen] {
      var configuration = TinyModel.configuration
      configuration.text = text
      try Fixtures.withTemporaryDirectory { folder in
        let file = folder.appending(component: "config.json")
        try configuration.json().write(to: file)
        #expect(try LlavaConfiguration.read(from: file) == configuration)
      }
    }
  }

  @Test func whatIsNotComputedIsRefusedByName() {
    let window = "text_config.sliding_window"
    for (text, expected) in [
      (#"{"model_type": "mistral"}"#, ["\(window): nothing, which is 4096"]),
      (#"{"model_type": "mistral", "sliding_window": 64}"#, ["\(window): 64"]),
      (#"{"model_type": "mistral", "sliding_window": 64, "max_position_embeddings": 64}"#, []),
      (#"{"model_type": "qwen2", "eos_token_id": 2, "sliding_window": 64}"#, []),
      (
        #"{"model_type": "qwen2", "eos_token_id": 2, "sliding_window": 64, "use_sliding_window": true}"#,
        ["\(window): 64"]
      ),
      (
        #"""
        {"model_type": "qwen2", "eos_token_id": 2, "sliding_window": 64, "use_sliding_window": true,
         "max_window_layers": 32}
        """#, []
      ),
      (
        #"""
        {"model_type": "qwen2", "eos_token_id": 2, "layer_types": ["full_attention", "sliding_attention"]}
        """#,
        ["text_config.layer_types: \"sliding_attention\""]
      ),
      (#"{"model_type": "qwen2"}"#, ["text_config.eos_token_id: nothing"]),
      (#"{"model_type": "qwen2", "eos_token_id": 2, "qk_norm": true}"#, ["text_config.qk_norm: true"]),
      (#"{"sliding_window": 64, "vocab_size": 32001}"#, ["\(window): 64"]),
      (#"{"model_type": "phi3", "vocab_size": 32001}"#, ["text_config.model_type: \"phi3\""]),
    ] { #expect(Self.problems(text) == expected, "\(text)") }
  }

  /// The same decoder as llama.cpp's converter would write it.
  private static func gguf(_ change: (inout EditedGGUF) -> Void = { _ in }) throws -> Data {
    var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    (file.values, file.infos, file.data) = ([], [], Data())
    func bytes(_ value: some FixedWidthInteger) -> Data {
      withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }
    func text(_ text: String) -> Data { bytes(UInt64(text.utf8.count)) + Data(text.utf8) }
    func list(_ type: UInt32, _ elements: [Data]) -> Data {
      bytes(type) + bytes(UInt64(elements.count)) + elements.reduce(Data(), +)
    }
    func put(_ key: String, _ type: UInt32, _ bytes: Data) {
      file.values.append(.init(key: key, type: type, bytes: bytes))
    }
    put("general.architecture", 8, text("qwen2"))
    for (key, value) in [
      ("context_length", 4096), ("embedding_length", 48), ("block_count", 3), ("feed_forward_length", 88),
      ("attention.head_count", 6), ("attention.head_count_kv", 2),
    ] { put("qwen2.\(key)", 4, bytes(UInt32(value))) }
    put("qwen2.rope.freq_base", 6, bytes(Float(1_000_000).bitPattern))
    put("qwen2.attention.layer_norm_rms_epsilon", 6, bytes(Float(1e-6).bitPattern))
    let json = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: Fixtures.url("qwen2/tokenizer.json")))
        as? [String: Any])
    let model = try #require(json["model"] as? [String: Any])
    var tokens = [String](repeating: "", count: 416)
    var kinds = [Int32](repeating: 1, count: 416)
    for (piece, id) in try #require(model["vocab"] as? [String: Int]) { tokens[id] = piece }
    for token in try #require(json["added_tokens"] as? [[String: Any]]) {
      let id = try #require(token["id"] as? Int)
      (tokens[id], kinds[id]) = (try #require(token["content"] as? String), 3)
    }
    for id in tokens.indices where tokens[id].isEmpty { (tokens[id], kinds[id]) = ("[PAD\(id)]", 5) }
    put("tokenizer.ggml.model", 8, text("gpt2"))
    put("tokenizer.ggml.pre", 8, text("qwen2"))
    put("tokenizer.ggml.tokens", 9, list(8, tokens.map(text)))
    put("tokenizer.ggml.token_type", 9, list(5, kinds.map(bytes)))
    let merges = try #require(model["merges"] as? [Any]).map { entry in
      entry as? String ?? (entry as? [String] ?? []).joined(separator: " ")
    }
    put("tokenizer.ggml.merges", 9, list(8, merges.map(text)))
    for (key, id) in [("bos", 400), ("eos", 402), ("padding", 400)] {
      put("tokenizer.ggml.\(key)_token_id", 4, bytes(UInt32(id)))
    }
    put("tokenizer.ggml.add_bos_token", 7, Data([0]))
    let names = [
      ("self_attn.", "attn_"), ("q_proj", "q"), ("k_proj", "k"), ("v_proj", "v"), ("o_proj", "output"),
      ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
      ("post_attention_layernorm", "ffn_norm"), ("input_layernorm", "attn_norm"),
      ("language_model.model.", ""), ("layers.", "blk."), ("embed_tokens", "token_embd"),
    ]
    for (name, tensor) in try SafeTensorsFile(reading: Fixtures.url("qwen2/model.safetensors")).tensors() {
      var theirs = names.reduce(name) { $0.replacing($1.0, with: $1.1) }
      if theirs == "norm.weight" { theirs = "output_norm.weight" }
      file.infos.append(
        .init(
          name: theirs, extents: tensor.shape.reversed().map(UInt64.init), type: 0,
          offset: UInt64(file.data.count)))
      file.data.append(tensor.array(of: Float.self).withUnsafeBytes { Data($0) })
      file.data.append(Data(count: (32 - file.data.count % 32) % 32))
    }
    change(&file)
    return file.encoded()
  }

  @Test func ggufFiles() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let place = folder.appending(component: "model.gguf")
      try Self.gguf().write(to: place)
      let loaded = try PretrainedModel.load(from: place, template: .plain)
      let text = loaded.model.configuration.text
      #expect(text.family == .qwen2 && text.hasAttentionBias && text.tiesWordEmbeddings)
      #expect(text.ropeTheta == 1e6 && !loaded.tokenizer.addsBOS && loaded.tokenizer.imageID == 403)
      let golden = try Self.golden()
      let ids = try golden.integers("text0/input_ids")
      let batch = try PackedBatch(
        [PackedExample(promptIDs: ids)], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID)
      try noGradient {
        let hidden = loaded.model.hiddenStates(batch, imageFeatures: try loaded.imageFeatures([]))
        try golden.expect(hidden, is: "text0/hidden/3")
        try golden.expect(
          targetLogProbabilities(
            hidden: hidden.slice(axis: 0, 0..<ids.count - 1), weight: loaded.model.decoder.headWeight,
            targets: Array(ids[1...])), is: "text0/token_logps")
      }
      let whole = try Tokenizer(contentsOf: Fixtures.url("qwen2/tokenizer.json"))
      for text in ["I don't know: 12 (or 345)?\n\n Yes", "a  b"] {
        #expect(try loaded.tokenizer.encode(text) == whole.encode(text), "\(text)")
      }
      try Tokenizer.writeJSON(of: GGUFFile(reading: place), to: folder)
      let written = try Tokenizer(
        json: Data(contentsOf: folder.appending(component: "tokenizer.json")), bos: "<|endoftext|>",
        eos: "<|im_end|>")
      #expect(try written.encode("I don't know: 12\n") == whole.encode("I don't know: 12\n"))
      #expect(written.imageID == loaded.tokenizer.imageID)

      try Self.gguf { $0.values[0].bytes = Data([5, 0, 0, 0, 0, 0, 0, 0]) + Data("phi33".utf8) }.write(
        to: place)
      let error = #expect(throws: (any Error).self) {
        try PretrainedModel.load(from: place, template: .plain)
      }
      #expect("\(error!)".contains("expected llama or qwen2"), "\(error!)")
    }
  }

  private struct Cases: Decodable {
    struct Case: Decodable {
      var text: String
      var ids: [Int32]
      var decode: String
      var decode_skip_special: String
    }
    var cases: [Case]
  }

  @Test func vocabulary() throws {
    let tokenizer = try Tokenizer(contentsOf: Fixtures.url("qwen2/tokenizer.json"))
    let cases = try JSONDecoder().decode(
      Cases.self, from: Data(contentsOf: Fixtures.url("qwen2/tokenizer_cases.json"))
    ).cases
    #expect(cases.count > 20)
    for item in cases {
      let ids = try tokenizer.encode(parsingTokens: item.text)
      #expect(ids == item.ids, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(ids, showsSpecialTokens: true) == item.decode, "\(item.text.debugDescription)")
      #expect(tokenizer.decode(ids) == item.decode_skip_special, "\(item.text.debugDescription)")
    }
  }

  /// The rule's alternatives one by one.
  @Test(arguments: [
    ("don't DON'T x'ſo", ["don", "'t", " DON", "'T", " x", "'ſ", "o"]),
    ("12 345a", ["1", "2", " ", "3", "4", "5", "a"]),
    ("(hello) \"x\"", ["(hello", ")", " \"", "x", "\""]), ("a\tb\u{00A0}c", ["a", "\tb", "\u{00A0}c"]),
    ("a  b   \n\n  c", ["a", " ", " b", "   \n\n", " ", " c"]),
    ("end.\r\nnext!\n", ["end", ".\r\n", "next", "!\n"]),
    ("x   ", ["x", "   "]), (" \n", [" \n"]), ("  7", [" ", " ", "7"]), ("", []),
  ])
  func words(_ text: String, _ expected: [String]) {
    #expect(ByteLevelSplitter(rule: .qwen2).words(text) == expected)
  }

  @Test func otherRulesAreRefused() throws {
    let json = try String(contentsOf: Fixtures.url("qwen2/tokenizer.json"), encoding: .utf8)
    for (from, to, expected) in [
      (#"|\\p{N}|"#, #"|\\p{Han}|"#, "pre_tokenizer.pretokenizers[0].pattern"),
      (#""Isolated""#, #""Sometimes""#, "pre_tokenizer.pretokenizers[0].behavior"),
      (#""NFC""#, #""NFX""#, "normalizer.type NFX"),
    ] {
      let other = json.replacing(from, with: to)
      try #require(other != json, "\(from)")
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(json: Data(other.utf8)) }
      #expect("\(error!)".contains(expected), "\(error!)")
    }
  }
}
