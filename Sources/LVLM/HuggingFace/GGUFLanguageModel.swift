import Checkpoint
import Foundation
import Tensor

extension TextConfiguration {
  /// The shape of the decoder in a GGUF file: LLaMA's, or Qwen2's.
  ///
  /// - Throws: ``ModelConfigurationError`` with the file and every key that is missing or not computed here.
  public init(gguf file: GGUFFile, tokenizer: Tokenizer) throws {
    var checks = ConfigurationChecks()
    let architecture = file.metadata["general.architecture"]?.asString
    let family = architecture.flatMap(GGUFKeys.family)
    checks.require(
      family != nil, "general.architecture", found: "\(architecture ?? "nothing")",
      expected: "llama or qwen2")
    let prefix = architecture ?? "llama"
    func integer(_ key: String, default fallback: Int? = nil) -> Int {
      let stated = file.metadata["\(prefix).\(key)"]
      let value = stated == nil ? fallback : stated?.asInt
      checks.require(
        value != nil, "\(prefix).\(key)", found: stated == nil ? "nothing" : "another value",
        expected: "a whole number")
      return value ?? 1
    }
    let heads = integer("attention.head_count")
    let width = integer("embedding_length")
    let size = integer("attention.key_length", default: width / max(heads, 1))
    let rotated = integer("rope.dimension_count", default: size)
    checks.require(
      rotated == size, "\(prefix).rope.dimension_count", found: "\(rotated)",
      expected: "the head size (\(size))")
    let valueSize = integer("attention.value_length", default: size)
    checks.require(
      valueSize == size, "\(prefix).attention.value_length", found: "\(valueSize)",
      expected: "the head size (\(size))")
    let epsilon = file.metadata["\(prefix).attention.layer_norm_rms_epsilon"]?.asDouble
    checks.require(
      epsilon != nil, "\(prefix).attention.layer_norm_rms_epsilon", found: "nothing", expected: "a number")
    self.init(
      vocabularySize: file.entry("token_embd.weight")?.shape.first ?? tokenizer.vocabularySize,
      hiddenSize: width,
      intermediateSize: integer("feed_forward_length"), hiddenLayerCount: integer("block_count"),
      attentionHeadCount: heads, keyValueHeadCount: integer("attention.head_count_kv", default: heads),
      headSize: size, contextLength: integer("context_length"), rmsNormEpsilon: epsilon ?? 1e-5,
      ropeTheta: file.metadata["\(prefix).rope.freq_base"]?.asDouble ?? 10_000,
      ropeScaling: GGUFKeys.scaling(file.metadata, prefix).scaling,
      tiesWordEmbeddings: file.entry("output.weight") == nil,
      hasAttentionBias: family == .qwen2 || file.entry("blk.0.attn_output.bias") != nil,
      hasPerceptronBias: file.entry("blk.0.ffn_down.bias") != nil, bosTokenID: Int(tokenizer.bosID),
      eosTokenID: Int(tokenizer.eosID), padTokenID: Int(tokenizer.padID), family: family ?? .llama)
    if family != nil { GGUFWeights.check(self, file, pieces: tokenizer.pieceCount, prefix, &checks) }
    // Another architecture has keys of its own, which say nothing more.
    let problems = checks.problems + (family == nil ? [] : GGUFKeys.problems(in: file, prefix))
    guard problems.isEmpty else { throw ModelConfigurationError(file: file.url.path, problems: problems) }
  }
}

extension VisionLanguageModel {
  /// The language model of a GGUF file. Its vision tower is the smallest there can be and is never asked
  /// anything.
  ///
  /// - Parameter weights: how its matrices are kept; anything but Float32 freezes the model.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError``.
  public static func languageModel(
    from file: GGUFFile, tokenizer: Tokenizer, weights: WeightStorage = .float32
  ) throws -> VisionLanguageModel {
    var generator = RandomGenerator(seed: 0)
    return try VisionLanguageModel(
      vision: smallestTower, visionFeatureLayer: -1, languageModel: file, tokenizer: tokenizer,
      weights: weights, using: &generator)
  }

  /// The shape that ``languageModel(from:tokenizer:weights:)`` gives the language model of a GGUF file.
  ///
  /// - Throws: ``ModelConfigurationError``.
  static func languageModelShape(of file: GGUFFile, tokenizer: Tokenizer) throws -> LlavaConfiguration {
    LlavaConfiguration(
      vision: smallestTower, text: try TextConfiguration(gguf: file, tokenizer: tokenizer),
      imageTokenIndex: Int(tokenizer.imageID), visionFeatureLayer: -1)
  }

  /// The vision tower of a language model alone.
  private static var smallestTower: VisionConfiguration {
    VisionConfiguration(
      hiddenSize: 2, intermediateSize: 2, hiddenLayerCount: 1, attentionHeadCount: 1, imageSize: 1,
      patchSize: 1, projectionSize: 2)
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
        visionFeatureLayer: visionFeatureLayer), using: &generator, awaitsDecoder: true)
    try takeDecoder(of: file, text, storage: weights)
    TensorRuntime.trim()
  }

  /// Replaces the decoder's weights by those of a file; anything but Float32 freezes it.
  ///
  /// - Throws: ``ModelDirectoryError`` with everything that is missing, unexpected or of another shape, and
  ///   for a file of which nothing is quantised where that was asked for.
  func takeDecoder(of file: GGUFFile, _ text: TextConfiguration, storage: WeightStorage) throws {
    let isQuantized = file.entries.contains { $0.encoding.blockEncoding != nil }
    guard storage != .quantized || isQuantized else {
      throw ModelDirectoryError(
        file: file.url.path,
        unusable: ["its weights (none is quantised, expected matrices in blocks such as Q8_0 or Q4_K)"])
    }
    try decoder.takeWeights(of: file, text, storage: storage)
    let isConstant = decoder.modules().contains { $0 is QuantizedLinear || $0 is QuantizedEmbedding }
    if isConstant || decoder.namedParameters().contains(where: { $0.parameter.dtype != .float32 }) {
      decoder.setTrainable(false)
    }
  }
}
