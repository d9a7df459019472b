import Records
import Tensor

public import LVLM

/// Pictures with questions and answers, in splits that share no picture, with random access.
///
/// Everything is a pure function of the source's parameters, the split and the index, so any stage can ask
/// for any record at any time, from any thread, and a resumed run sees the same data.
public protocol QuestionSource: Sendable {
  /// A short name, for reports and ids: `shapes`, `fashion`, `emoji`, `llava`.
  var name: String { get }

  /// The question families this source asks, in a fixed order.
  var families: [String] { get }

  /// Whether ``answer(to:about:)`` knows the answer to a question asked about another picture.
  ///
  /// Where it does, the companions of a composed picture are drawn so that each of them answers the question
  /// differently. Where it does not (captions, photographs), any other picture may be a companion.
  var answersAboutAnyImage: Bool { get }

  /// The number of records in a split.
  func count(of split: DataSplit) -> Int

  /// The record at `index` of `split`.
  /// - Precondition: `0 <= index < count(of: split)`.
  func record(_ split: DataSplit, _ index: Int) throws -> SingleImageRecord

  /// The reference of the picture at `index` of `split`, without drawing or reading it.
  func image(_ split: DataSplit, _ index: Int) -> ImageReference

  /// The picture itself.
  /// - Throws: an `ImageError` naming the file when it comes from a file that cannot be used.
  func image(for reference: ImageReference) throws -> RGBImage

  /// The answer to a question about any picture of the source, in its shortest wording: two pictures answer a
  /// question alike where these are the same. `nil` when the question does not apply to the picture ("what
  /// color is the circle?" about a triangle) or when the source cannot know.
  func answer(to question: String, about image: ImageReference) -> String?

  /// The wordings of that answer from which the ground truth is drawn, in a fixed order; none where there is
  /// none.
  func answerWordings(to question: String, about image: ImageReference) -> [String]

  /// What answers can claim about a picture, attribute by attribute (`color`: `blue`); `nil` where nobody
  /// knows.
  func facts(of image: ImageReference) -> [String: String]?

  /// Grades answers by what they claim; `nil` where the source's answers can only be compared as text.
  var grader: (any AnswerGrader)? { get }

  /// The words in which pictures are compared and found, of every part; none where the source knows nothing
  /// of its pictures.
  var factWords: [FactWords] { get }

  /// The turns after a record's first one that supervised training learns too.
  func trainedTurns(of record: SingleImageRecord) -> [SingleImageRecord.Turn]

  /// Where a record is written, for messages: a file with a line, or the source's name.
  func place(of record: SingleImageRecord) -> String

  /// Whether a picture may stand beside the record's picture in a multi-image prompt.
  func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool

  /// The part of the source a picture comes from; one name for all pictures of a source that has no parts.
  func collection(of image: ImageReference) -> String

  /// Where the picture is already a file, its absolute path; `nil` when it exists only in memory.
  func file(of reference: ImageReference) -> String?

  /// What the source leaves out of its file, for people: empty when nothing is.
  var omissions: [String] { get }

  /// The records of its file that cannot be used, which are among the omissions.
  var badRecords: [DataError] { get }

  /// How many records of its file could be used, where that is more than the splits are given; `nil` where
  /// there is none.
  var available: Int? { get }
}

extension QuestionSource {
  /// Any other picture, and where answers are known only one that answers the same question differently.
  public func isCompanion(_ image: ImageReference, of record: SingleImageRecord) -> Bool {
    guard image.path != record.image.path else { return false }
    guard answersAboutAnyImage else { return true }
    guard let other = answer(to: record.question, about: image) else { return false }
    return other != answer(to: record.question, about: record.image)
  }

  /// The shortest wording alone.
  public func answerWordings(to question: String, about image: ImageReference) -> [String] {
    answer(to: question, about: image).map { [$0] } ?? []
  }

  /// `nil`: nothing is known of the pictures but the answers on file.
  public func facts(of image: ImageReference) -> [String: String]? { nil }

  /// `nil`: answers are compared as text.
  public var grader: (any AnswerGrader)? { nil }

  /// One wording of the answer to a question, each with the same probability; `nil` where there is no answer.
  /// A single wording is taken without drawing.
  public func wordedAnswer(
    to question: String, about image: ImageReference, using generator: inout RandomGenerator
  ) -> String? {
    let wordings = answerWordings(to: question, about: image)
    return wordings.count > 1 ? wordings[generator.integer(below: wordings.count)] : wordings.first
  }

  /// None: the source has single questions.
  public func trainedTurns(of record: SingleImageRecord) -> [SingleImageRecord.Turn] { [] }

  /// `data source NAME`.
  public func place(of record: SingleImageRecord) -> String { "data source \(name)" }

  /// The source's own name: it has no parts.
  public func collection(of image: ImageReference) -> String { name }

  /// `nil`: the pictures of this source are not files.
  public func file(of reference: ImageReference) -> String? { nil }

  /// Every record can be used.
  public var badRecords: [DataError] { [] }

  /// There is no file of records.
  public var available: Int? { nil }

  /// Nothing is left out.
  public var omissions: [String] { [] }
}

extension [DataSplit: [SingleImageRecord]] {
  /// A record of a source that keeps its records in memory.
  /// - Precondition: the split has so many.
  package func record(_ split: DataSplit, _ index: Int, of source: String) -> SingleImageRecord {
    guard let records = self[split], records.indices.contains(index) else {
      tensorFailure("\(source)", "no record \(index) in \(split.rawValue)")
    }
    return records[index]
  }
}

extension QuestionSource {
  /// None: its pictures are not compared.
  public var factWords: [FactWords] { [] }

  /// What is known of a picture, with the words for it; `nil` where nobody can compare it.
  package func knownFacts(of image: ImageReference) -> (facts: [String: String], words: FactWords)? {
    guard let facts = facts(of: image), let words = factWords.words(for: facts) else { return nil }
    return (facts, words)
  }
}
