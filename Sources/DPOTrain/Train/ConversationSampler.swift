import LVLM
import MultiImageData
import Records
import Tensor

/// Draws the conversations of supervised training: several questions about one picture, and a share with
/// several pictures, shown as the formats of a run show them, in which every question names the picture it is
/// about, but for stated shares that compare two of them or ask which one fits.
///
/// A record of several turns is one conversation of all of them, as in LLaVA's training; where a record has
/// one, further questions about its picture are drawn from a source that knows their answers.
///
/// A pure function of the seed and the step.
public struct ConversationSampler: Sendable {
  private let source: any QuestionSource
  private let settings: SupervisedSettings
  private let sampler: RecordSampler
  private let generator: RandomGenerator
  private let options: CompositionOptions
  private let draw: FormatDraw
  private let pairs: FormatDraw
  private let levelDraw: LevelDraw
  private let firstComposedStep: Int
  private let lastPairStep: Int

  /// - Precondition: The split `sft` has a record.
  /// - Parameter options: sizes of canvases.
  /// - Throws: ``DataError`` when conversations about several pictures are asked for and the records show
  ///   fewer, or when pictures are to be compared and found of which the source knows nothing.
  public init(
    source: any QuestionSource, settings: SupervisedSettings, options: CompositionOptions = .init(),
    sampler: RecordSampler, seed: UInt64
  ) throws {
    self.options = options
    draw = FormatDraw(formats: settings.composed.weights, source: source)
    pairs = FormatDraw(formats: settings.composed.pairs, source: source)
    levelDraw = LevelDraw(source: source, settings: settings.composed)
    let most = settings.composed.shown.map(\.count).max() ?? 1
    let found = FormatDraw.distinctPictures(of: source, upTo: most)
    guard found >= most else {
      throw DataError(
        file: "data source \(source.name)",
        problem: "the records of the split sft show \(found) different pictures; sft.composed needs \(most)")
    }
    if let (level, _) = settings.composed.levelShares.first, source.factWords.isEmpty {
      throw DataError(
        file: "data source \(source.name)",
        problem: "knows nothing of its pictures by which they can be compared or found; sft.composed."
          + "\(level.name) needs it")
    }
    self.source = source
    self.settings = settings
    self.sampler = sampler
    generator = RandomGenerator(seed: seed, stream: 0x434F_4E56)
    firstComposedStep = Int((settings.composed.start * Double(settings.maxSteps)).rounded())
    lastPairStep = Int((settings.composed.pairsUntil * Double(settings.maxSteps)).rounded())
  }

  /// The conversations of a step, counted from 0.
  public func conversations(ofStep step: Int) throws -> [Conversation] {
    let own = generator.split(UInt64(step))
    return try sampler.records(ofStep: step).enumerated().map { slot, index in
      var random = own.split(UInt64(slot))
      let record = try source.record(.sft, index)
      let share = step >= firstComposedStep && !draw.formats.isEmpty ? settings.composed.share : 0
      return random.uniform() < share
        ? try composed(record, step < lastPairStep ? pairs : draw, using: &random)
        : try single(record, using: &random)
    }
  }

  private func single(
    _ record: SingleImageRecord, using random: inout RandomGenerator
  ) throws -> Conversation {
    var turns =
      [Conversation.Turn(question: record.prompt, answer: record.answer)]
      + source.trainedTurns(of: record).map { .init(question: $0.question, answer: $0.answer) }
    while turns.count < settings.questionsPerImage {
      guard let (question, answer) = try question(about: record.image, using: &random) else { break }
      turns.append(.init(question: question, answer: answer))
    }
    return Conversation(id: record.id, pictures: [.source(record.image)], turns: turns)
  }

  private func composed(
    _ record: SingleImageRecord, _ draw: FormatDraw, using random: inout RandomGenerator
  ) throws -> Conversation {
    let (kind, count) = draw.format(using: &random)
    let levels = levelDraw.levels(kind, count: settings.composed.questions - 1, using: &random)
    var images =
      levels.contains { $0 != nil }
      ? levelDraw.images(beginning: record.image, count: count, levels: levels, draw, using: &random)
      : draw.images(beginning: record.image, count: count, using: &random)
    let place = kind == .pictureInPicture ? 0 : random.integer(below: count)
    images.swapAt(0, place)
    var turns: [Conversation.Turn] = []
    func add(_ question: String, _ answer: String, target: Int, using random: inout RandomGenerator) {
      let phrases = PromptRewriting.centrePhrases
      let phrase = kind == .pictureInPicture ? phrases[random.integer(below: phrases.count)] : ""
      let whole = PromptRewriting.prompt(
        question, kind: kind, target: target + 1, count: count, phrase: phrase)
      let block = PromptRewriting.imageBlock(kind, count: count)
      turns.append(
        .init(question: turns.isEmpty ? whole : String(whole.dropFirst(block.count)), answer: answer))
    }
    add(record.question, record.answer, target: place, using: &random)
    for turn in source.trainedTurns(of: record) {
      add(turn.question, turn.answer, target: place, using: &random)
    }
    while turns.count < settings.composed.questions {
      if turns.count <= levels.count, let level = levels[turns.count - 1],
        let (question, answer) = levelDraw.turn(level, about: images, using: &random)
      {
        turns.append(.init(question: question, answer: answer))
        continue
      }
      let target = kind == .pictureInPicture ? 0 : random.integer(below: count)
      guard let (question, answer) = try question(about: images[target], using: &random) else { break }
      add(question, answer, target: target, using: &random)
    }
    return Conversation(
      id: ([record.id] + images.filter { $0.path != record.image.path }.map(\.path)).joined(separator: "+"),
      pictures: kind == .sequence
        ? images.map(Picture.source)
        : [.composed(ComposedPicture(kind, sources: images, options: options))], turns: turns)
  }

  /// A question of another record that can be asked about `image`, with as many yes as no among the answers
  /// as the records have; `nil` where the source cannot tell or none was found.
  private func question(
    about image: ImageReference, using random: inout RandomGenerator
  ) throws -> (question: String, answer: String)? {
    guard source.answersAboutAnyImage else { return nil }
    let count = source.count(of: .sft)
    var wanted: (family: String, answer: String)?
    for _ in 0..<200 {
      let other = try source.record(.sft, random.integer(below: count))
      if let wanted, other.family != wanted.family { continue }
      guard let answer = source.answer(to: other.question, about: image) else { continue }
      if let wanted, wanted.answer != answer { continue }
      if wanted == nil, let own = source.answer(to: other.question, about: other.image),
        ["yes", "no"].contains(AnswerText.normalized(own)), answer != own
      {
        wanted = (other.family, own)
        continue
      }
      let worded = source.wordedAnswer(to: other.question, about: image, using: &random)
      return (other.question, worded ?? answer)
    }
    return nil
  }
}
