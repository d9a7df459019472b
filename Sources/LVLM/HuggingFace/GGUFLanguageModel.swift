import Checkpoint
import Foundation
import Tensor

extension TextConfiguration {
  /// The shape of the LLaMA decoder in a GGUF file.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and every key that is missing or not computed here.
  public init(gguf file: GGUFFile, tokenizer: Tokenizer) throws {
    var checks = ConfigurationChecks()
    let architecture = file.metadata["general.architecture"]?.asString
    checks.require(
      architecture == "llama", "general.architecture", found: "\(architecture ?? "nothing")",
      expected: "llama")
    func integer(_ key: String, default fallback: Int? = nil) -> Int {
      let value = file.metadata["llama.\(key)"]?.asInt ?? fallback
      checks.require(value != nil, "llama.\(key)", found: "nothing", expected: "a whole number")
      return value ?? 1
    }
    let heads = integer("attention.head_count")
    let width = integer("embedding_length")
    let size = integer("attention.key_length", default: width / max(heads, 1))
    let rotated = integer("rope.dimension_count", default: size)
    checks.require(
      rotated == size, "llama.rope.dimension_count", found: "\(rotated)", expected: "the head size (\(size))")
    let epsilon = file.metadata["llama.attention.layer_norm_rms_epsilon"]?.asDouble
    checks.require(
      epsilon != nil, "llama.attention.layer_norm_rms_epsilon", found: "nothing", expected: "a number")
    self.init(
      vocabularySize: file.entry("token_embd.weight")?.shape.first ?? tokenizer.vocabularySize,
      hiddenSize: width,
      intermediateSize: integer("feed_forward_length"), hiddenLayerCount: integer("block_count"),
      attentionHeadCount: heads, keyValueHeadCount: integer("attention.head_count_kv", default: heads),
      headSize: size, contextLength: integer("context_length"), rmsNormEpsilon: epsilon ?? 1e-5,
      ropeTheta: file.metadata["llama.rope.freq_base"]?.asDouble ?? 10_000,
      tiesWordEmbeddings: file.entry("output.weight") == nil, bosTokenID: Int(tokenizer.bosID),
      eosTokenID: Int(tokenizer.eosID), padTokenID: Int(tokenizer.padID))
    // Another architecture has keys of its own, which say nothing more.
    let problems = checks.problems + (architecture == "llama" ? GGUFKeys.problems(in: file) : [])
    guard problems.isEmpty else { throw ModelConfigurationError(file: file.url.path, problems: problems) }
  }
}

extension LlavaModel {
  /// The language model of a GGUF file. Its vision tower is the smallest there can be and is never asked anything.
  ///
  /// - Parameter weights: how its matrices are kept; anything but Float32 freezes the model.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError``.
  public static func languageModel(
    from file: GGUFFile, tokenizer: Tokenizer, weights: WeightStorage = .float32
  ) throws -> LlavaModel {
    let vision = VisionConfiguration(
      hiddenSize: 2, intermediateSize: 2, hiddenLayerCount: 1, attentionHeadCount: 1, imageSize: 1,
      patchSize: 1, projectionSize: 2)
    var generator = RandomGenerator(seed: 0)
    return try LlavaModel(
      vision: vision, visionFeatureLayer: -1, languageModel: file, tokenizer: tokenizer, weights: weights,
      using: &generator)
  }

  /// The language model of a GGUF file behind a vision tower and a projector with random weights.
  ///
  /// - Parameter weights: how the decoder's matrices are kept; anything but Float32 freezes it.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError``.
  public convenience init(
    vision: VisionConfiguration, visionFeatureLayer: Int, languageModel file: GGUFFile, tokenizer: Tokenizer,
    weights: WeightStorage = .float32, using generator: inout RandomGenerator
  ) throws {
    let text = try TextConfiguration(gguf: file, tokenizer: tokenizer)
    try self.init(
      LlavaConfiguration(
        vision: vision, text: text, imageTokenIndex: Int(tokenizer.imageID),
        visionFeatureLayer: visionFeatureLayer), using: &generator)
    let isQuantized = file.entries.contains { $0.encoding.blockEncoding != nil }
    guard weights != .quantized || isQuantized else {
      throw ModelDirectoryError(
        file: file.url.path,
        unusable: ["its weights (none is quantised, expected Q8_0, Q4_0 or Q4_1 matrices)"])
    }
    let keepsBlocks = isQuantized && (weights == .auto || weights == .quantized)
    try decoder.load(file, text, keepsBlocks: keepsBlocks)
    if keepsBlocks || weights == .bfloat16 { decoder.setTrainable(false) }
    if weights == .bfloat16 { storeFrozenWeights(as: .bfloat16) }
  }
}

extension LlamaDecoder {
  /// Names in GGUF files and here; `#` stands for the block.
  private static let names: [(theirs: String, ours: String)] = [
    ("token_embd.", "model.embed_tokens."), ("output_norm.", "model.norm."), ("output.", "lm_head."),
    ("blk.#.attn_norm.", "model.layers.#.input_layernorm."),
    ("blk.#.ffn_norm.", "model.layers.#.post_attention_layernorm."),
    ("blk.#.attn_q.", "model.layers.#.self_attn.q_proj."),
    ("blk.#.attn_k.", "model.layers.#.self_attn.k_proj."),
    ("blk.#.attn_v.", "model.layers.#.self_attn.v_proj."),
    ("blk.#.attn_output.", "model.layers.#.self_attn.o_proj."),
    ("blk.#.ffn_gate.", "model.layers.#.mlp.gate_proj."), ("blk.#.ffn_up.", "model.layers.#.mlp.up_proj."),
    ("blk.#.ffn_down.", "model.layers.#.mlp.down_proj."),
  ]

  private static func canonical(_ name: String) -> String? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let block = parts.count > 2 && parts[0] == "blk" ? String(parts[1]) : nil
    for (theirs, ours) in names {
      let prefix = theirs.replacing("#", with: block ?? "#")
      if name.hasPrefix(prefix) {
        return ours.replacing("#", with: block ?? "#") + name.dropFirst(prefix.count)
      }
    }
    return nil
  }

  /// Replaces all weights by those of a GGUF file; quantised ones are expanded to Float32 unless `keepsBlocks`.
  ///
  /// - Throws: ``ModelDirectoryError`` with everything that is missing, unexpected or of another shape.
  func load(_ file: GGUFFile, _ configuration: TextConfiguration, keepsBlocks: Bool) throws {
    var error = ModelDirectoryError(file: file.url.path)
    let own = Dictionary(uniqueKeysWithValues: namedParameters().map { ($0.name, $0.parameter) })
    var missing = Set(own.keys)
    var quantized: [ObjectIdentifier: QuantizedMatrix] = [:]
    for entry in file.entries {
      guard let name = Self.canonical(entry.name), let parameter = own[name] else {
        error.unexpected.append(entry.name)
        continue
      }
      missing.remove(name)
      guard entry.shape == parameter.shape else {
        error.wrongShapes.append("\(entry.name): found \(entry.shape), expected \(parameter.shape)")
        continue
      }
      let isInterleaved = name.contains(".q_proj.") || name.contains(".k_proj.")
      func ordered(_ rows: Tensor) -> Tensor {
        isInterleaved ? Self.halfSplit(rows, headSize: configuration.headSize) : rows
      }
      let tensor = try file.tensor(entry.name).to(.float32)
      if !tensor.sum().item().isFinite { error.unusable.append("\(entry.name) (not all values are finite)") }
      if keepsBlocks, let encoding = entry.encoding.blockEncoding, entry.shape.count == 2 {
        quantized[ObjectIdentifier(parameter)] = QuantizedMatrix(
          encoding, blocks: ordered(try file.blocks(entry.name)))
      } else {
        parameter.tensor = ordered(tensor)
      }
    }
    error.missing = missing.sorted()
    guard error.isEmpty else { throw error }
    keep(quantized)
  }

  /// Puts quantised matrices in the places of the weights they belong to.
  private func keep(_ matrices: [ObjectIdentifier: QuantizedMatrix]) {
    func replacement(_ linear: Linear) -> Linear {
      matrices[ObjectIdentifier(linear.weight)].map { QuantizedLinear($0, bias: linear.bias) } ?? linear
    }
    replaceLinears { replacement($1) }
    head = head.map(replacement)
    if let table = matrices[ObjectIdentifier(embedding.weight)] { embedding = QuantizedEmbedding(table) }
  }

  /// Rows of queries and keys stored for rotary pairs of neighbours, in the order for pairs of halves.
  private static func halfSplit(_ weight: Tensor, headSize: Int) -> Tensor {
    let shape = weight.shape
    let columns = weight.count / shape[0]
    return
      weight.reshaped([shape[0] / headSize, headSize / 2, 2, columns]).permuted([0, 2, 1, 3]).reshaped(shape)
  }
}
