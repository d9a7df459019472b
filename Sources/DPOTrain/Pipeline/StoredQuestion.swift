import Foundation

/// A question on file, about one image or a composition: a candidate of the selection, or held out.
struct StoredQuestion {
  var id: String
  var images: [String]
  var prompt: String
  var groundTruth: String
  var family: String
  /// `nil` for a single image.
  var record: ComposedRecord?
  /// The file it is in, with its line.
  var file = ""

  /// How the images are shown.
  var kind: QuestionKind { record?.kind.questionKind ?? .single }

  /// The two files of a folder, by name.
  struct Files {
    var composed: String
    var single: String

    /// All questions of a folder.
    /// - Parameter place: gives the path of an image whose path is relative to the folder.
    func read(_ folder: URL, place: (String) -> String) throws -> (
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
            file: "\(folder.appendingPathComponent(composed).path):\(number + 1)")
        },
        rows.enumerated().map { number, row in
          StoredQuestion(
            id: row.id, images: [placed(row.image)], prompt: row.prompt, groundTruth: row.answer,
            family: row.family, file: "\(folder.appendingPathComponent(single).path):\(number + 1)")
        }
      )
    }
  }
}

extension CompositionKind {
  /// The kind of question it makes.
  var questionKind: QuestionKind {
    switch self {
    case .sequence: .sequence
    case .grid: .grid
    case .pictureInPicture: .picInPic
    }
  }
}
