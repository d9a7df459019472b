import LVLM
import Tensor

/// Several turns with one model, as its chat template has them: earlier questions with their pictures and
/// answers stand before every new one, and what was read of them once is not read again.
public final class ChatSession {
  /// How answers are made.
  public struct Settings {
    /// Tokens of an answer at most; fewer where the context ends before.
    public var maxNewTokens = 256
    /// How they are chosen; every turn has a stream of chance of its own.
    public var sampling = Sampling.greedy
    /// Texts that end an answer besides the template's.
    public var stops: [String] = []
    /// Takes the place of the template's own system message.
    public var system: String?

    /// Greedy answers of up to 256 tokens.
    public init() {}
  }

  /// A conversation that has no room for another question.
  public struct TooLong: Error, CustomStringConvertible {
    /// Tokens of all turns up to where the answer would begin.
    public var tokens: Int
    /// Tokens that the model reads at most.
    public var context: Int

    public var description: String {
      "the conversation has \(tokens) tokens with this question, and the model reads at most \(context)"
    }
  }

  private let loaded: PretrainedModel
  private let settings: Settings
  private let batch: ContinuousBatch
  /// Turns so far; questions have their `<image>` marks.
  public private(set) var history: [(question: String, answer: String)] = []
  private var pictures: [RGBImage] = []
  private var waiting: [RGBImage] = []
  private var features: ImageFeatures
  private var turns: UInt64 = 0
  /// Tokens that answers had.
  public private(set) var answered = 0
  /// Tokens of the last prompt, and how many of them were read for it.
  public private(set) var prompt = 0

  /// Tokens of a conversation for which there is room at most, whatever the context.
  private static let longest = 32_768

  /// An empty conversation.
  /// - Throws: `PromptError`.
  public init(_ loaded: PretrainedModel, _ settings: Settings = Settings()) throws {
    self.loaded = loaded
    self.settings = settings
    batch = ContinuousBatch(
      Generator(
        model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop, stops: settings.stops),
      rows: 1, tokens: min(loaded.encoder.contextLength, Self.longest))
    features = try loaded.imageFeatures([])
  }

  /// Pictures that the next question shows.
  public var waitingCount: Int { waiting.count }

  /// Shows a picture with the next question.
  /// - Throws: `ImageError` where no model of the kind can show it.
  public func show(_ picture: RGBImage, named file: String) throws {
    guard loaded.processor != nil else {
      throw ImageError(file: file, reason: .cannotBeShown("a language model without a vision tower"))
    }
    _ = try grid(picture, named: file, isAlone: pictures.isEmpty && waiting.isEmpty)
    waiting.append(picture)
  }

  /// Forgets all turns and pictures.
  public func reset() throws {
    history = []
    pictures = []
    waiting = []
    features = try loaded.imageFeatures([])
  }

  private func grid(_ picture: RGBImage, named file: String, isAlone: Bool) throws -> FeatureGrid {
    try loaded.encoder.geometry.grid(
      of: file, width: picture.width, height: picture.height, isAlone: isAlone)
  }

  /// Asks a question with the pictures that wait.
  ///
  /// - Parameters:
  ///   - text: the question.
  ///   - isStopped: looked at before every token; the answer ends there and counts as far as it came.
  ///   - onText: called with every piece of the answer.
  /// - Returns: the answer; one without text is no turn of the conversation.
  /// - Throws: ``TooLong``, `PromptError` or `ImageError`, which leave the conversation as it was.
  public func ask(
    _ text: String, isStopped: () -> Bool = { false }, onText: @escaping (String) -> Void = { _ in }
  ) throws -> GeneratedAnswer {
    let question =
      text.contains(Tokenizer.imageMark)
      ? text : String(repeating: Tokenizer.imageMark + "\n", count: waiting.count) + text
    let shown = pictures + waiting
    let grids = try shown.enumerated().map { index, picture in
      try grid(picture, named: "picture \(index + 1)", isAlone: shown.count == 1)
    }
    let example: PackedExample
    do {
      example = try loaded.encoder.example(
        system: settings.system, history: history, question: question, images: Array(shown.indices),
        grids: grids, room: 1)
    } catch PromptError.tooLong(let tokens, _, _) {
      throw TooLong(tokens: tokens - 1, context: batch.longest)
    }
    prompt = example.promptIDs.count
    let room = batch.longest - prompt
    guard room > 0 else { throw TooLong(tokens: prompt, context: batch.longest) }
    let features = try features(of: shown)
    var sampling = settings.sampling
    sampling.generator = sampling.generator.split(turns)
    let id = try batch.continuing(
      .init(
        example, maxNewTokens: min(settings.maxNewTokens, room), sampling: sampling, onText: onText),
      imageFeatures: features)
    while batch.isUnderWay(id), !isStopped() { _ = batch.step() }
    let answer = batch.finishKeeping(id)
    turns += 1
    answered += answer.ids.count
    guard answer.text.contains(where: { !$0.isWhitespace }) else { return answer }
    history.append((question, answer.text))
    (pictures, waiting, self.features) = (shown, [], features)
    return answer
  }

  /// Features of all pictures; of those that were shown before they are there already, unless they were
  /// looked at as the only one.
  private func features(of shown: [RGBImage]) throws -> ImageFeatures {
    if shown.count == pictures.count { return features }
    let isKnown = !pictures.isEmpty && (loaded.encoder.geometry.fixed != nil || pictures.count > 1)
    guard isKnown else { return try loaded.imageFeatures(shown) }
    let more = Array(shown[pictures.count...])
    let new = try loaded.imageFeatures(more, isAlone: more.map { _ in false })
    return ImageFeatures(
      Tensor.concatenated([features.rows, new.rows], axis: 0),
      layout: FeatureLayout(features.layout.grids + new.layout.grids))
  }
}
