import LVLM
import Tensor

/// Draws the conversations of supervised training: several questions about one picture, and a share with two
/// pictures in which every question names the picture it is about.
///
/// A record of several turns is one conversation of all of them, as in LLaVA's training; where a record has
/// one, further questions about its picture are drawn from a source that knows their answers.
///
/// A pure function of the seed and the step.
public struct ConversationSampler: Sendable {
  private let source: any QuestionSource
  private let settings: RunConfiguration.SFT
  private let sampler: RecordSampler
  private let generator: RandomGenerator
  private let firstTwoImageStep: Int

  /// - Precondition: The split `sft` has a record.
  /// - Throws: ``DataError`` when conversations about two pictures are asked for and all records show the same one.
  public init(
    source: any QuestionSource, settings: RunConfiguration.SFT, sampler: RecordSampler, seed: UInt64
  ) throws {
    let first = source.image(.sft, 0)
    if settings.twoImageShare > 0,
      !(1..<source.count(of: .sft)).contains(where: { source.image(.sft, $0).path != first.path })
    {
      throw DataError(
        file: "data source \(source.name)",
        problem: "every record of the split sft shows \(first.path); "
          + "sft.two_image_share \(settings.twoImageShare) needs a second picture")
    }
    self.source = source
    self.settings = settings
    self.sampler = sampler
    generator = RandomGenerator(seed: seed, stream: 0x434F_4E56)
    firstTwoImageStep = Int((settings.twoImageStart * Double(settings.maxSteps)).rounded())
  }

  /// The conversations of a step, counted from 0.
  public func conversations(ofStep step: Int) throws -> [Conversation] {
    let own = generator.split(UInt64(step))
    return try sampler.records(ofStep: step).enumerated().map { slot, index in
      var random = own.split(UInt64(slot))
      let record = try source.record(.sft, index)
      let share = step >= firstTwoImageStep ? settings.twoImageShare : 0
      return random.uniform() < share
        ? try pair(record, using: &random) : try single(record, using: &random)
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

  private func pair(
    _ record: SingleImageRecord, using random: inout RandomGenerator
  ) throws -> Conversation {
    var other = record.image
    while other.path == record.image.path {
      other = source.image(.sft, random.integer(below: source.count(of: .sft)))
    }
    let place = random.integer(below: 2)
    let images = place == 0 ? [record.image, other] : [other, record.image]
    var turns =
      [turn(record.question, record.answer, target: place + 1, isFirst: true)]
      + source.trainedTurns(of: record).map {
        turn($0.question, $0.answer, target: place + 1, isFirst: false)
      }
    while turns.count < settings.questionsPerPair {
      let target = random.integer(below: 2)
      guard let (question, answer) = try question(about: images[target], using: &random) else { break }
      turns.append(turn(question, answer, target: target + 1, isFirst: false))
    }
    return Conversation(
      id: record.id + "+" + other.path, pictures: images.map(Picture.source), turns: turns)
  }

  private func turn(_ question: String, _ answer: String, target: Int, isFirst: Bool) -> Conversation.Turn {
    let whole = PromptRewriting.prompt(question, kind: .sequence, target: target, count: 2)
    let text = isFirst ? whole : String(whole.dropFirst(PromptRewriting.sequenceBlock(count: 2).count))
    return .init(question: text, answer: answer)
  }

  /// A question of another record that can be asked about `image`, with as many yes as no among the answers as
  /// the records have; `nil` where the source cannot tell or none was found.
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
