/// Shape of a decoder built as LLaMA's; the keys, and the values taken for absent ones, are those of the
/// configuration class of its family in Hugging Face's transformers.
public struct TextConfiguration: Codable, Equatable, Sendable {
  /// What the decoder is called, which decides its biases and what absent keys mean.
  public var family: TextFamily
  /// Rows of the embedding and of the head.
  public var vocabularySize: Int
  /// Width of the decoder.
  public var hiddenSize: Int
  /// Width inside the gated perceptron of a block.
  public var intermediateSize: Int
  /// Number of blocks.
  public var hiddenLayerCount: Int
  /// Query heads of an attention.
  public var attentionHeadCount: Int
  /// Key and value heads; each serves `attentionHeadCount / keyValueHeadCount` query heads.
  public var keyValueHeadCount: Int
  /// Width of one head.
  public var headSize: Int
  /// Tokens that a sequence may have.
  public var contextLength: Int
  /// Epsilon of the root-mean-square norms.
  public var rmsNormEpsilon: Double
  /// Base of the rotary angles.
  public var ropeTheta: Double
  /// How rotary angles are changed for long contexts.
  public var ropeScaling: RotaryScaling
  /// Whether the head is the transposed embedding.
  public var tiesWordEmbeddings: Bool
  /// Biases in the projections of queries, keys and values, and in LLaMA's of what they attend to.
  public var hasAttentionBias: Bool
  /// Biases in the perceptron.
  public var hasPerceptronBias: Bool
  /// Activation of the gate; only `silu` is known to this decoder.
  public var activation: Activation
  /// Token that begins a sequence.
  public var bosTokenID: Int
  /// Token that ends an answer.
  public var eosTokenID: Int
  /// Padding token, if the configuration names one.
  public var padTokenID: Int?
  /// Width of the second path that every matrix has for rows of pictures, nil without one.
  public var partialRank: Int?
  /// The numerator of that path's scale.
  public var partialAlpha = 1.0

  /// A decoder; the defaults are Vicuna-7B v1.5, the decoder of LLaVA-1.5-7B.
  ///
  /// - Parameters:
  ///   - keyValueHeadCount: `attentionHeadCount` when nil.
  ///   - headSize: `hiddenSize / attentionHeadCount` when nil.
  ///   - hasAttentionBias: as the family has it when nil.
  public init(
    vocabularySize: Int = 32_000, hiddenSize: Int = 4096, intermediateSize: Int = 11_008,
    hiddenLayerCount: Int = 32, attentionHeadCount: Int = 32, keyValueHeadCount: Int? = nil,
    headSize: Int? = nil, contextLength: Int = 4096, rmsNormEpsilon: Double = 1e-5,
    ropeTheta: Double = 10_000, ropeScaling: RotaryScaling = .none, tiesWordEmbeddings: Bool = false,
    hasAttentionBias: Bool? = nil, hasPerceptronBias: Bool = false, bosTokenID: Int = 1,
    eosTokenID: Int = 2, padTokenID: Int? = nil, family: TextFamily = .llama, partialRank: Int? = nil,
    partialAlpha: Double = 1
  ) {
    self.family = family
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.hiddenLayerCount = hiddenLayerCount
    self.attentionHeadCount = attentionHeadCount
    self.keyValueHeadCount = keyValueHeadCount ?? attentionHeadCount
    self.headSize = headSize ?? hiddenSize / max(attentionHeadCount, 1)
    self.contextLength = contextLength
    self.rmsNormEpsilon = rmsNormEpsilon
    self.ropeTheta = ropeTheta
    self.ropeScaling = ropeScaling
    self.tiesWordEmbeddings = tiesWordEmbeddings
    self.hasAttentionBias = hasAttentionBias ?? (family == .qwen2)
    self.hasPerceptronBias = hasPerceptronBias
    activation = .silu
    self.bosTokenID = bosTokenID
    self.eosTokenID = eosTokenID
    self.padTokenID = padTokenID
    self.partialRank = partialRank
    self.partialAlpha = partialAlpha
  }

  enum CodingKeys: String, CodingKey {
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case hiddenLayerCount = "num_hidden_layers"
    case attentionHeadCount = "num_attention_heads"
    case keyValueHeadCount = "num_key_value_heads"
    case headSize = "head_dim"
    case contextLength = "max_position_embeddings"
    case rmsNormEpsilon = "rms_norm_eps"
    case ropeTheta = "rope_theta"
    case ropeParameters = "rope_parameters"
    case ropeScaling = "rope_scaling"
    case tiesWordEmbeddings = "tie_word_embeddings"
    case hasAttentionBias = "attention_bias"
    case hasPerceptronBias = "mlp_bias"
    case activation = "hidden_act"
    case bosTokenID = "bos_token_id"
    case eosTokenID = "eos_token_id"
    case padTokenID = "pad_token_id"
    case modelType = "model_type"
    case slidingWindow = "sliding_window"
    case usesSlidingWindow = "use_sliding_window"
    case maxWindowLayers = "max_window_layers"
    case layerTypes = "layer_types"
  }

  /// Reads the section. The base of the rotary angles may stand in `rope_parameters`, in `rope_scaling`, or
  /// beside them as `rope_theta`; a scaling that ``RotaryScaling`` does not have is an error.
  public init(from decoder: any Decoder) throws {
    let section = try ConfigurationSection(decoder, keyedBy: CodingKeys.self)
    family = TextFamily.read(section, at: .modelType)
    let usual = family.defaults
    vocabularySize = section.value(.vocabularySize, default: usual.vocabularySize)
    hiddenSize = section.value(.hiddenSize, default: usual.hiddenSize)
    intermediateSize = section.value(.intermediateSize, default: usual.intermediateSize)
    hiddenLayerCount = section.value(.hiddenLayerCount, default: usual.hiddenLayerCount)
    attentionHeadCount = section.value(.attentionHeadCount, default: usual.attentionHeadCount)
    keyValueHeadCount = section.value(
      .keyValueHeadCount, default: family == .llama ? attentionHeadCount : usual.keyValueHeadCount)
    headSize = section.value(.headSize, default: hiddenSize / max(attentionHeadCount, 1))
    contextLength = section.value(.contextLength, default: usual.contextLength)
    rmsNormEpsilon = section.value(.rmsNormEpsilon, default: usual.rmsNormEpsilon)
    tiesWordEmbeddings = section.value(.tiesWordEmbeddings, default: false)
    hasAttentionBias =
      family == .llama ? section.value(.hasAttentionBias, default: false) : usual.hasAttentionBias
    hasPerceptronBias = family == .llama ? section.value(.hasPerceptronBias, default: false) : false
    activation = section.value(.activation, default: .silu)
    bosTokenID = section.value(.bosTokenID, default: usual.bosTokenID)
    eosTokenID = family.endToken(section, .eosTokenID) ?? usual.eosTokenID
    padTokenID = section.optional(.padTokenID)
    family.checkWindow(section, layers: hiddenLayerCount, context: contextLength)

    let rope = RotaryParameters.read(
      section, .ropeParameters, .ropeScaling, theta: .ropeTheta, context: contextLength)
    (ropeTheta, ropeScaling) = (rope.theta ?? 10_000, rope.scaling ?? .none)
    try section.finish()
  }

  /// Writes every key, the rotary base and scaling in the places of all releases.
  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(family, forKey: .modelType)
    try keys.encode(vocabularySize, forKey: .vocabularySize)
    try keys.encode(hiddenSize, forKey: .hiddenSize)
    try keys.encode(intermediateSize, forKey: .intermediateSize)
    try keys.encode(hiddenLayerCount, forKey: .hiddenLayerCount)
    try keys.encode(attentionHeadCount, forKey: .attentionHeadCount)
    try keys.encode(keyValueHeadCount, forKey: .keyValueHeadCount)
    try keys.encode(headSize, forKey: .headSize)
    try keys.encode(contextLength, forKey: .contextLength)
    try keys.encode(rmsNormEpsilon, forKey: .rmsNormEpsilon)
    try keys.encode(ropeTheta, forKey: .ropeTheta)
    try keys.encode(RotaryParameters(ropeScaling, theta: ropeTheta), forKey: .ropeParameters)
    if ropeScaling != .none {
      try keys.encode(RotaryParameters(forOldReleases: ropeScaling), forKey: .ropeScaling)
    }
    try keys.encode(tiesWordEmbeddings, forKey: .tiesWordEmbeddings)
    switch family {
    case .llama:
      try keys.encode(hasAttentionBias, forKey: .hasAttentionBias)
      try keys.encode(hasPerceptronBias, forKey: .hasPerceptronBias)
    case .qwen2:
      try keys.encode(false, forKey: .usesSlidingWindow)
      try keys.encodeNil(forKey: .slidingWindow)
    case .mistral:
      try keys.encodeNil(forKey: .slidingWindow)
    case .internlm2: break
    }
    try keys.encode(activation, forKey: .activation)
    try keys.encode(bosTokenID, forKey: .bosTokenID)
    try keys.encode(eosTokenID, forKey: .eosTokenID)
    try keys.encodeIfPresent(padTokenID, forKey: .padTokenID)
  }

  func check(_ checks: inout ConfigurationChecks) {
    func name(_ key: CodingKeys) -> String { "text_config.\(key.rawValue)" }
    checks.positive(vocabularySize, upTo: 1 << 24, name(.vocabularySize))
    checks.positive(hiddenSize, name(.hiddenSize))
    checks.positive(intermediateSize, name(.intermediateSize))
    checks.positive(hiddenLayerCount, upTo: 1 << 12, name(.hiddenLayerCount))
    checks.positive(attentionHeadCount, name(.attentionHeadCount))
    checks.positive(keyValueHeadCount, name(.keyValueHeadCount))
    checks.positive(contextLength, upTo: 1 << 30, name(.contextLength))
    checks.positive(rmsNormEpsilon, name(.rmsNormEpsilon))
    checks.positive(ropeTheta, name(.ropeTheta))
    checks.require(
      family == .llama || hasAttentionBias == (family == .qwen2) && !hasPerceptronBias,
      name(.hasAttentionBias), with: name(.modelType), found: "other biases",
      expected: "those of \(family.rawValue)")
    do throws(RotaryParameters.Problem) {
      _ = try RotaryParameters(ropeScaling).scaling(context: contextLength)
    } catch {
      checks.require(false, name(.ropeParameters), found: error.found, expected: error.expected)
    }
    checks.multiple(
      attentionHeadCount, of: keyValueHeadCount, named: "num_key_value_heads", name(.attentionHeadCount))
    checks.require(
      headSize > 0 && headSize <= 1 << 18 && headSize % 2 == 0, name(.headSize),
      with: name(.hiddenSize), name(.attentionHeadCount), found: "\(headSize)",
      expected: "a positive even integer")
    checks.require(
      activation == .silu, name(.activation), found: "\"\(activation.rawValue)\"", expected: "\"silu\"")
    if let padTokenID {
      // Below 0 it counts from the end, as an index in Python does.
      checks.require(
        padTokenID < vocabularySize && padTokenID >= -vocabularySize, name(.padTokenID),
        with: name(.vocabularySize), found: "\(padTokenID)", expected: "an id below \(vocabularySize)")
    }
    for (key, id) in [(CodingKeys.bosTokenID, bosTokenID), (.eosTokenID, eosTokenID)] {
      checks.require(
        id >= 0 && id < vocabularySize, name(key), with: name(.vocabularySize), found: "\(id)",
        expected: "an id below \(vocabularySize)")
    }
  }
}
