import Tensor

/// Answers that grow together while prompts come and go: a prompt joins those under way as soon as there is
/// room, and leaves when its answer is done.
///
/// An answer is what ``Generator/generate(_:imageFeatures:maxNewTokens:sampling:attentionLayer:onText:)``
/// gives for its prompt alone, to rounding. Use it from one task at a time, as its model.
public final class ContinuousBatch {
  /// A prompt, and how its answer is to be made.
  public struct Request {
    /// The prompt; its completions are ignored.
    public var prompt: PackedExample
    /// Tokens at most, eos included.
    public var maxNewTokens: Int
    /// How they are chosen.
    public var sampling: Sampling
    /// Texts that end the answer besides the generator's.
    public var stops: [String]
    /// The decoder layer whose image attention is kept, if any.
    public var attentionLayer: Int?
    /// Called with the next piece of the answer as soon as no later token can change it.
    public var onText: ((String) -> Void)?

    /// A prompt.
    public init(
      _ prompt: PackedExample, maxNewTokens: Int, sampling: Sampling = .greedy, stops: [String] = [],
      attentionLayer: Int? = nil, onText: ((String) -> Void)? = nil
    ) {
      self.prompt = prompt
      self.maxNewTokens = maxNewTokens
      self.sampling = sampling
      self.stops = stops
      self.attentionLayer = attentionLayer
      self.onText = onText
    }

    /// Tokens that it needs room for: the last of an answer is never read.
    var tokens: Int { prompt.promptIDs.count + maxNewTokens - 1 }
  }

  private let generator: Generator
  private let session: GenerationSession
  /// Answers at a time, at most.
  public let rows: Int
  /// Tokens of all prompts and answers together, at most.
  public let tokens: Int
  private var kept: GenerationSession.Kept?

  /// A batch without answers.
  ///
  /// - Parameters:
  ///   - rows: answers at a time, at most.
  ///   - tokens: tokens of their prompts and answers together, at most.
  public init(_ generator: Generator, rows: Int, tokens: Int) {
    tensorRequire(
      rows > 0 && tokens > 0, "ContinuousBatch", "rows and tokens must be positive, found \(rows), \(tokens)")
    self.generator = generator
    self.rows = rows
    self.tokens = tokens
    let text = generator.model.configuration.text
    session = GenerationSession(
      model: generator.model, tokenizer: generator.tokenizer, capacity: tokens, rows: rows,
      mostKeys: text.stretchesContext ? tokens : min(tokens, text.contextLength))
  }

  /// Answers under way.
  public var count: Int { session.active.count }

  /// Tokens that one prompt and its answer may have together.
  public var longest: Int {
    let text = generator.model.configuration.text
    return text.stretchesContext ? tokens : min(tokens, text.contextLength)
  }

  /// How many of the first of some requests there is room for now.
  public func fitting(_ requests: [Request]) -> Int {
    session.fitting(requests.prefix(max(0, rows - count)).map(\.tokens))
  }

  /// Reads prompts and chooses the first token of their answers.
  ///
  /// - Parameters:
  ///   - requests: no more than ``fitting(_:)`` says.
  ///   - imageFeatures: of all pictures that the prompts point to.
  /// - Returns: a name for each answer; one that is done already is not under way.
  /// - Throws: ``PackingError`` for a malformed prompt, ``PromptError/tooLong(tokens:context:prompt:)`` for
  ///   one that is longer than ``longest`` with its answer.
  public func add(_ requests: [Request], imageFeatures: ImageFeatures) throws -> [Int] {
    guard !requests.isEmpty else { return [] }
    let (batch, settings) = try prepared(requests, imageFeatures)
    kept = nil
    return noGradient { session.add(batch, settings, imageFeatures: imageFeatures) }
  }

  /// As ``add(_:imageFeatures:)``, for the next question of a conversation whose last answer
  /// ``finishKeeping(_:)`` gave: what is in the cache of it is not read again.
  public func continuing(_ request: Request, imageFeatures: ImageFeatures) throws -> Int {
    let (batch, settings) = try prepared([request], imageFeatures)
    return noGradient {
      defer { kept = nil }
      guard let kept else { return session.add(batch, settings, imageFeatures: imageFeatures)[0] }
      return session.add(batch, settings[0], imageFeatures: imageFeatures, after: kept)
    }
  }

  private func prepared(
    _ requests: [Request], _ imageFeatures: ImageFeatures
  ) throws -> (PackedBatch, [GenerationSession.Settings]) {
    for request in requests {
      tensorRequire(request.maxNewTokens > 0, "ContinuousBatch", "maxNewTokens must be positive")
      let count = request.prompt.promptIDs.count + request.maxNewTokens
      guard count <= longest else {
        throw PromptError.tooLong(
          tokens: count, context: longest, prompt: generator.tokenizer.decode(request.prompt.promptIDs))
      }
    }
    let batch = try PackedBatch(
      requests.map { PackedExample(promptIDs: $0.prompt.promptIDs, images: $0.prompt.images) },
      sharesPrefix: true, imageTokenID: Int32(generator.model.configuration.imageTokenIndex),
      features: imageFeatures.layout)
    return (
      batch,
      requests.map { request in
        var sampling = request.sampling
        sampling.generator = sampling.generator.split(0)
        let stops = generator.stops + request.stops.filter { !$0.isEmpty }
        return .init(
          maxNewTokens: request.maxNewTokens, sampling: sampling,
          stops: stops, stopIDs: generator.stopIDs(stops),
          stopsAtEnd: generator.stopsAtEnd, attentionLayer: request.attentionLayer, onText: request.onText)
      }
    )
  }

  /// Gives every answer under way its next token.
  /// - Returns: those that are done with it.
  public func step() -> [Int] {
    let before = session.active
    noGradient { session.step() }
    let after = Set(session.active)
    return before.filter { !after.contains($0) }
  }

  /// Whether an answer is still under way.
  public func isUnderWay(_ id: Int) -> Bool { session.active.contains(id) }

  /// Tokens of an answer so far.
  public func tokenCount(of id: Int) -> Int { session.tokenCount(of: id) }

  /// An answer, done or not; it leaves the batch.
  public func finish(_ id: Int) -> GeneratedAnswer { session.finish(id) }

  /// As ``finish(_:)``, for a conversation that goes on with ``continuing(_:imageFeatures:)``.
  public func finishKeeping(_ id: Int) -> GeneratedAnswer { session.finish(id) { self.kept = $0 } }
}
