import Foundation
import Records

/// A question on file, about one image or a composition: a candidate of the selection, or held out.
package struct StoredQuestion {
  package var id: String
  package var images: [String]
  package var prompt: String
  package var groundTruth: String
  package var family: String
  /// `nil` for a single image.
  package var record: ComposedRecord?
  /// What answers can claim about the picture that is asked about; `nil` where nobody knows.
  package var facts: [String: String]?
  /// The file it is in, with its line.
  package var file = ""

  /// Creates a question.
  package init(
    id: String, images: [String], prompt: String, groundTruth: String, family: String,
    record: ComposedRecord? = nil, facts: [String: String]? = nil, file: String = ""
  ) {
    self.id = id
    self.images = images
    self.prompt = prompt
    self.groundTruth = groundTruth
    self.family = family
    self.record = record
    self.facts = facts
    self.file = file
  }

  /// The question as the source asks it.
  var question: String {
    record?.question ?? prompt.replacing(ImageMark.text, with: "").trimmingASCIIWhitespace()
  }

  /// How the images are shown, and what is asked about them.
  package var kind: QuestionKind { record.map { $0.kind.questionKind($0.level) } ?? .single }

  /// A sequence's question with every picture one place on, the last one first, and the new names of pictures
  /// in the prompt and in the ground truth; `nil` for other kinds.
  package var permuted: StoredQuestion? {
    guard var record, record.kind == .sequence, record.count > 1 else { return nil }
    record = record.turned
    var other = self
    other.images = [images[images.count - 1]] + images.dropLast()
    other.prompt = record.prompt
    if record.level != nil {
      (other.groundTruth, other.facts) = (
        groundTruth.renamingPictures { $0 % record.count + 1 }, record.facts
      )
    }
    other.record = record
    return other
  }

  /// The two files of a folder, by name.
  package struct Files {
    package var composed: String
    package var single: String

    package init(composed: String, single: String) {
      self.composed = composed
      self.single = single
    }

    /// All questions of a folder.
    /// - Parameter place: gives the path of an image whose path is relative to the folder.
    package func read(_ folder: URL, place: (String) -> String) throws -> (
      composed: [StoredQuestion], single: [StoredQuestion]
    ) {
      func placed(_ path: String) -> String { path.hasPrefix("/") ? path : place(path) }
      let records = try ComposedRecordFile.read(folder.appendingPathComponent(composed))
      let rows: [SingleQuestions.Row] = try RowFile.read(from: folder.appendingPathComponent(single))
      return (
        records.enumerated().map { number, record in
          StoredQuestion(
            id: record.id, images: record.images.map(placed), prompt: record.prompt,
            groundTruth: record.answer, family: record.family, record: record,
            facts: record.facts,
            file: "\(folder.appendingPathComponent(composed).path):\(number + 1)")
        },
        rows.enumerated().map { number, row in
          StoredQuestion(
            id: row.id, images: [placed(row.image)], prompt: row.prompt, groundTruth: row.answer,
            family: row.family, facts: row.facts,
            file: "\(folder.appendingPathComponent(single).path):\(number + 1)")
        }
      )
    }
  }
}
