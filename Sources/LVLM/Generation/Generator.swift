import Tensor

/// Answers prompts in batches: every prompt is read once, then all answers grow together, token by token.
///
/// Prompts may differ in length and in number of pictures. Nothing is padded, a finished answer leaves the
/// batch, and an answer does not depend on the company it was computed in beyond rounding.
public struct Generator {
  /// The model that answers.
  public let model: VisionLanguageModel
  /// Turns ids into text.
  public let tokenizer: Tokenizer
  /// Texts that end an answer besides eos; left out of it.
  public var stops: [String]
  /// Tokens that end an answer besides eos: those of the stop texts that are special, which no text shows.
  func stopIDs(_ stops: [String]) -> Set<Int32> {
    Set(stops.compactMap { stop in tokenizer.specialTexts.contains(stop) ? tokenizer.id(of: stop) : nil })
  }
  /// Whether eos ends an answer; a comparison token by token goes on.
  package var stopsAtEnd = true
  /// Called with the logits that choose the next tokens, `[unfinished answers, vocabulary]`.
  package var onLogits: ((Tensor) -> Void)?

  /// A generator.
  ///
  /// - Parameters:
  ///   - stop: a text that ends an answer, such as a template's.
  ///   - stops: further ones.
  public init(model: VisionLanguageModel, tokenizer: Tokenizer, stop: String? = nil, stops: [String] = []) {
    self.model = model
    self.tokenizer = tokenizer
    self.stops = ([stop].compactMap(\.self) + stops).filter { !$0.isEmpty }
  }

  /// Answers `prompts`.
  ///
  /// - Parameters:
  ///   - prompts: examples; their completions are ignored.
  ///   - imageFeatures: of all pictures that the prompts point to.
  ///   - maxNewTokens: tokens of an answer at most, eos included.
  ///   - sampling: how tokens are chosen.
  ///   - attentionLayer: the decoder layer whose image attention is kept, if any.
  ///   - onText: called with the index of a prompt and the next piece of its answer as soon as no later token
  ///     can change it; the pieces of an answer add up to its text.
  /// - Returns: one answer per prompt.
  /// - Throws: ``PackingError`` for a malformed prompt,
  ///   ``PromptError/noRoom(tokens:room:context:prompt:)`` for one that leaves no room for `maxNewTokens`.
  public func generate(
    _ prompts: [PackedExample], imageFeatures: ImageFeatures, maxNewTokens: Int, sampling: Sampling = .greedy,
    attentionLayer: Int? = nil, onText: ((_ prompt: Int, _ text: String) -> Void)? = nil
  ) throws -> [GeneratedAnswer] {
    try generate(
      prompts, imageFeatures: imageFeatures, maxNewTokens: maxNewTokens, samplings: [sampling],
      attentionLayer: attentionLayer, onText: onText)[0]
  }

  /// Answers `prompts` in several ways, one after the other; every prompt is read once. Each answer is what
  /// ``generate(_:imageFeatures:maxNewTokens:sampling:attentionLayer:onText:)`` gives by itself.
  ///
  /// - Parameter samplings: how tokens are chosen, of each way.
  /// - Returns: for each way one answer per prompt.
  /// - Throws: as that one.
  public func generate(
    _ prompts: [PackedExample], imageFeatures: ImageFeatures, maxNewTokens: Int, samplings: [Sampling],
    attentionLayer: Int? = nil, onText: ((_ prompt: Int, _ text: String) -> Void)? = nil
  ) throws -> [[GeneratedAnswer]] {
    tensorRequire(
      (1...1 << 30).contains(maxNewTokens), "Generator",
      "maxNewTokens must be from 1 to \(1 << 30), found \(maxNewTokens)")
    let configuration = model.configuration
    let context = configuration.text.stretchesContext ? .max : configuration.text.contextLength
    for prompt in prompts where prompt.promptIDs.count + maxNewTokens > context {
      throw PromptError.noRoom(
        tokens: prompt.promptIDs.count, room: maxNewTokens, context: context,
        prompt: tokenizer.decode(prompt.promptIDs))
    }
    guard !prompts.isEmpty, !samplings.isEmpty else { return samplings.map { _ in [] } }
    let batch = try PackedBatch(
      prompts.map { PackedExample(promptIDs: $0.promptIDs, images: $0.images) }, sharesPrefix: true,
      imageTokenID: Int32(configuration.imageTokenIndex), features: imageFeatures.layout)
    return noGradient {
      let session = GenerationSession(
        model: model, tokenizer: tokenizer,
        capacity: prompts.reduce(0) { $0 + $1.promptIDs.count + maxNewTokens - 1 }, rows: prompts.count,
        mostKeys: (prompts.map(\.promptIDs.count).max() ?? 0) + maxNewTokens)
      session.onLogits = onLogits
      let ids = stopIDs(stops)
      let settings = samplings.map { sampling in
        prompts.indices.map { index in
          var sampling = sampling
          sampling.generator = sampling.generator.split(UInt64(index))
          return GenerationSession.Settings(
            maxNewTokens: maxNewTokens, sampling: sampling, stops: stops, stopIDs: ids,
            stopsAtEnd: stopsAtEnd, attentionLayer: attentionLayer,
            onText: onText.map { onText in { onText(index, $0) } })
        }
      }
      let (answers, hidden) = session.read(batch, settings[0], imageFeatures: imageFeatures)
      return settings.map { settings in
        session.restart(answers, settings, after: hidden)
        while !session.active.isEmpty { session.step() }
        return answers.map { session.answer($0) }
      }
    }
  }
}
