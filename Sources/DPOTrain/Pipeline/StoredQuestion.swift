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
        records.map {
          StoredQuestion(
            id: $0.id, images: $0.images.map(placed), prompt: $0.prompt, groundTruth: $0.answer,
            family: $0.family, record: $0)
        },
        rows.map {
          StoredQuestion(
            id: $0.id, images: [placed($0.image)], prompt: $0.prompt, groundTruth: $0.answer,
            family: $0.family)
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
