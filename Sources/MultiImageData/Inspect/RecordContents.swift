import Foundation
import Records

/// What a record of any format shows and says, with the pictures' marks as `<image>`.
public struct RecordContents: Sendable, Equatable {
  /// What a text of a record is.
  public enum Role: String, CaseIterable, Sendable {
    /// A person's turn of a conversation.
    case question
    /// The model's turn, or the ground truth of a composed prompt.
    case answer
    /// The prompt of a pair or of a composed record.
    case prompt
    /// The better answer of a pair.
    case chosen
    /// The worse answer of a pair.
    case rejected
  }

  /// One text.
  public struct Passage: Sendable, Equatable {
    /// What it is.
    public var role: Role
    /// The text.
    public var text: String
  }

  /// Which keys it has.
  public var format: RecordFormat
  /// Its name; a number in the file becomes its digits.
  public var id: String
  /// The pictures' paths.
  public var images: [String]
  /// All texts in order.
  public var passages: [Passage]
  /// How pictures were put together; `nil` for a question about a picture as it came, or about none.
  public var kind: CompositionKind?

  /// Reads and checks a record.
  /// - Throws: a text that says what was found and what was expected.
  init(_ json: OrderedJSON, fallbackID: String) throws(RecordProblem) {
    guard case .object = json else { throw RecordProblem("expected an object, found \(json.kind)") }
    guard let format = RecordFormat(json) else {
      throw RecordProblem("has neither \"conversations\" nor \"chosen\" and \"rejected\"")
    }
    self.format = format
    switch format {
    case .conversation:
      let record = try LLaVARecord(json, fallbackID: fallbackID)
      (id, images) = (record.id, record.images)
      passages = record.turns.map { Passage(role: $0.isHuman ? .question : .answer, text: $0.text) }
      kind = Self.kind(ofTurn: record.turns[0].text, imageCount: images.count)
    case .pair:
      let pair = try PreferencePair(json, fallbackID: fallbackID)
      (id, images) = (pair.id, pair.images)
      for (name, text) in [("chosen", pair.chosen), ("rejected", pair.rejected)]
      where ImageMark.count(in: text) > 0 {
        throw RecordProblem("\"\(name)\" has an \(ImageMark.text) mark, expected none")
      }
      guard pair.sameAnswersProblem == nil else {
        throw RecordProblem("\"chosen\" and \"rejected\" are the same, expected two answers")
      }
      // Pictures of earlier turns are not among those that a prompt puts together.
      kind = Self.kind(ofTurn: pair.prompt, imageCount: ImageMark.count(in: pair.prompt))
      passages =
        pair.history.flatMap {
          [Passage(role: .question, text: $0.question), Passage(role: .answer, text: $0.answer)]
        } + [
          Passage(role: .prompt, text: pair.prompt), Passage(role: .chosen, text: pair.chosen),
          Passage(role: .rejected, text: pair.rejected),
        ]
    case .composed:
      let record = try ComposedRecord(checking: json)
      (id, images, kind) = (record.id, record.images, record.kind)
      passages = [
        Passage(role: .prompt, text: record.prompt), Passage(role: .answer, text: record.answer),
      ]
    }
  }

  /// How the pictures of a conversation or pair were put together: MIA-DPO's rule, but only phrases of its
  /// grammar make a picture in a picture. By its own rule, everything that names no image is one; questions
  /// about single pictures, which mixed files also hold, would count as such.
  private static func kind(ofTurn text: String, imageCount: Int) -> CompositionKind? {
    if PromptRewriting.target(in: text) != nil { return imageCount > 1 ? .sequence : .grid }
    if imageCount > 1, text.hasPrefix(PromptRewriting.sequenceBlock(count: imageCount)) { return .sequence }
    let question = PromptRewriting.withoutMarks(text)
    return imageCount == 1 && PromptRewriting.namesCentre(question) ? .pictureInPicture : nil
  }
}
