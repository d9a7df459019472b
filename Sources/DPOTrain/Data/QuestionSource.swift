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

  /// The answer to a question about any picture of the source; `nil` when the question does not apply to it
  /// ("what color is the circle?" about a triangle) or when the source cannot know.
  func answer(to question: String, about image: ImageReference) -> String?

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
    return other != record.answer
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
  func record(_ split: DataSplit, _ index: Int, of source: String) -> SingleImageRecord {
    guard let records = self[split], records.indices.contains(index) else {
      tensorFailure("\(source)", "no record \(index) in \(split.rawValue)")
    }
    return records[index]
  }
}
