import Foundation
import MultiImageData

/// The composed prompts of a run as its pairs show them: which picture of a pair is asked about, and where on
/// it. Pairs of other origin are not among them.
package struct PairOrigins {
  private let questions: [[String]: StoredQuestion]
  /// Sequences by what they ask and their pictures in any order.
  private let sequences: [[String]: ComposedRecord]

  /// Of the run's `compose` stage; of none where there is nothing.
  /// - Throws: ``DataError`` of its files.
  package init(ofRun directory: URL) throws {
    let records = directory.appendingPathComponent("compose/\(ComposeStage.records)")
    self.init(
      FileManager.default.fileExists(atPath: records.path)
        ? try StoredQuestion.candidates(ofRun: directory) : [])
  }

  /// Of some questions.
  package init(_ all: [StoredQuestion]) {
    questions = Dictionary(all.map { ([$0.prompt] + $0.images, $0) }) { first, _ in first }
    sequences = Dictionary(
      all.compactMap { question in
        guard let record = question.record, record.kind == .sequence else { return nil }
        return (Self.key(question.prompt, question.images), record)
      }
    ) { first, _ in first }
  }

  /// What a pair shows and asks, a sequence in its order of the pictures; `nil` of a single image, and of a
  /// pair that is not known.
  package func record(of pair: PreferencePair) -> ComposedRecord? {
    if let question = questions[[pair.prompt] + pair.images] { return question.record }
    guard let target = PromptRewriting.target(in: pair.prompt),
      var record = sequences[Self.key(pair.prompt, pair.images)], (1...record.count).contains(target)
    else { return nil }
    (record.target, record.images, record.prompt) = (target, pair.images, pair.prompt)
    return record
  }

  /// Places of the pictures that a pair asks about, two where it compares them; `nil` where it has several
  /// and nobody knows which.
  package func asked(of pair: PreferencePair) -> [Int]? {
    pair.images.count == 1 ? [0] : record(of: pair).map { $0.asked.map { $0 - 1 } }
  }

  /// Why the settings cannot be applied to a pair; `nil` where they can.
  package func problem(of pair: PreferencePair, _ settings: RunConfiguration.Train) -> String? {
    let isKnown = questions[[pair.prompt] + pair.images] != nil || record(of: pair) != nil
    if settings.attentionWeight > 0, !isKnown {
      return "train.attention_weight needs to know the picture that is asked about, found no prompt of "
        + "compose/ with the text and pictures of this pair"
    }
    if settings.imageWeight > 0, asked(of: pair) == nil {
      return "train.image_weight needs to know which of \(pair.images.count) pictures is asked about, found "
        + "no prompt of compose/ with the text and pictures of this pair"
    }
    return nil
  }

  /// The prompt without the number of the picture, and the pictures.
  private static func key(_ prompt: String, _ images: [String]) -> [String] {
    [prompt.replacing(/In Image\d+/, with: "In Image", maxReplacements: 1)] + images.sorted()
  }
}
