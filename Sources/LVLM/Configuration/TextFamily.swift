/// The families of language models that this decoder computes: pre-norm blocks with rotary positions, grouped
/// keys and a gated perceptron. Raw values are transformers' `model_type`.
public enum TextFamily: String, Codable, CaseIterable, Sendable {
  /// LLaMA, Vicuna, SmolLM2; biases where the configuration says so.
  case llama
  /// Mistral; no biases.
  case mistral
  /// Qwen2 and Qwen2.5; biases in the projections of queries, keys and values.
  case qwen2
  /// InternLM2, the decoder of InternLM-XComposer2.5; no biases, queries, keys and values in one matrix.
  case internlm2

  /// The family that a section names, LLaMA where it names none.
  static func read<Key>(_ section: ConfigurationSection<Key>, at key: Key) -> TextFamily {
    guard let name: String = section.optional(key) else { return .llama }
    // InternLM2 is only known as a part of its own kind of model.
    let sections = allCases.filter { $0 != .internlm2 }
    if let family = sections.first(where: { $0.rawValue == name }) { return family }
    let known = sections.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    section.note(key, found: "\"\(name)\"", expected: "one of \(known)")
    return .llama
  }

  /// What absent keys mean: the defaults of `LlamaConfig`, `MistralConfig` and `Qwen2Config`; for InternLM2,
  /// whose files say everything, the published InternLM-XComposer2.5-7B.
  var defaults: TextConfiguration {
    switch self {
    case .llama: TextConfiguration(contextLength: 2048, rmsNormEpsilon: 1e-6)
    case .mistral:
      TextConfiguration(
        intermediateSize: 14_336, keyValueHeadCount: 8, contextLength: 131_072, rmsNormEpsilon: 1e-6,
        family: self)
    case .qwen2:
      TextConfiguration(
        vocabularySize: 151_936, intermediateSize: 22_016, contextLength: 32_768, rmsNormEpsilon: 1e-6,
        family: self)
    case .internlm2:
      TextConfiguration(
        vocabularySize: 92_544, intermediateSize: 14_336, keyValueHeadCount: 8, contextLength: 24_576,
        ropeTheta: 1_000_000, ropeScaling: .dynamic(factor: 2), padTokenID: 2, family: self,
        partialRank: 256, partialAlpha: 256)
    }
  }

  /// The end of an answer, which `Qwen2Config` knows none for.
  func endToken<Key>(_ section: ConfigurationSection<Key>, _ key: Key) -> Int? {
    let stated: Int? = section.optional(key)
    if stated == nil, self == .qwen2, !section.keys.contains(key) {
      section.note(key, found: "nothing", expected: "the token that ends an answer")
    }
    return stated
  }

  /// Notes a window beyond which tokens would not be seen: attention here sees all tokens before.
  func checkWindow(
    _ section: ConfigurationSection<TextConfiguration.CodingKeys>, layers: Int, context: Int
  ) {
    let types: [String] = section.value(.layerTypes, default: [])
    if let other = types.first(where: { $0 != "full_attention" }) {
      section.note(.layerTypes, found: "\"\(other)\"", expected: "\"full_attention\" alone")
      return
    }
    let window: Int?
    switch self {
    case .llama, .internlm2: window = nil
    case .mistral:
      // `MistralConfig` has a window where the file says nothing.
      window = section.keys.contains(.slidingWindow) ? section.optional(.slidingWindow) : 4096
    case .qwen2:
      let isUsed =
        section.value(.usesSlidingWindow, default: false)
        && section.value(.maxWindowLayers, default: 28) < layers && types.isEmpty
      window = isUsed ? section.value(.slidingWindow, default: 4096) : nil
    }
    if let window, window < context {
      section.note(
        .slidingWindow, found: section.keys.contains(.slidingWindow) ? "\(window)" : "nothing, which is 4096",
        expected: "null, or at least max_position_embeddings (\(context)): no window is computed here")
    }
  }

  /// Keys that its configuration class has beside LLaMA's.
  var keys: KnownKeys {
    switch self {
    case .llama, .internlm2: KnownKeys()
    case .mistral:
      // Biases of LLaMA, which this class does not know.
      KnownKeys(computed: ["sliding_window", "layer_types"], harmless: ["attention_bias", "mlp_bias"])
    case .qwen2:
      KnownKeys(
        computed: ["sliding_window", "use_sliding_window", "max_window_layers", "layer_types"],
        harmless: ["attention_bias", "mlp_bias", "use_mrope"])
    }
  }
}
