import Foundation
public import LVLM
import MultiImageData
import Records

/// The public easy-VQA data set (Victor Zhou, MIT): pictures of one coloured shape, drawn by another program
/// than ``ShapeScenes``, with questions and one-word answers.
///
/// A folder has `train/questions.json` and `test/questions.json`, lists of
/// `[question, answer, picture number]`, with picture `n` in `images/n.png` beside them. The train questions
/// are ``DataSplit/sft``, the test questions ``DataSplit/test``.
public struct EasyVQA: QuestionSource {
  /// The folder of the data set.
  public let folder: String
  private let records: [DataSplit: [SingleImageRecord]]

  /// The names of the parts that the data set has.
  private static let parts: [(split: DataSplit, name: String)] = [(.sft, "train"), (.test, "test")]

  /// Reads the questions of both parts; of the pictures, those of the test part must exist.
  /// - Throws: ``DataError`` naming file, line and question.
  public init(folder: String) throws {
    self.folder = folder
    var records: [DataSplit: [SingleImageRecord]] = [:]
    for (split, name) in Self.parts {
      records[split] = try Self.read(name, split, in: folder)
    }
    self.records = records
  }

  private static func read(_ part: String, _ split: DataSplit, in folder: String) throws
    -> [SingleImageRecord]
  {
    let path = FilePath.join(folder, part + "/questions.json")
    guard FileManager.default.fileExists(atPath: path) else {
      throw DataError(file: path, problem: "no such file; scripts/easy-vqa downloads the data set")
    }
    var records: [SingleImageRecord] = []
    var known: Set<Int> = []
    try JSONRecordFile.forEach(path) { json, number, line in
      func problem(_ text: String) -> DataError {
        DataError(file: "\(path):\(line)", record: String(number), problem: text)
      }
      guard case .array(let fields) = json, fields.count == 3, let question = fields[0].text,
        let answer = fields[1].text, case .integer(let picture) = fields[2]
      else {
        throw problem("expected [\"question\", \"answer\", picture number], found \(json.line.prefix(80))")
      }
      guard !AnswerText.normalized(question).isEmpty else { throw problem("the question is empty") }
      guard !AnswerText.normalized(answer).isEmpty else { throw problem("the answer is empty") }
      let image = "\(part)/images/\(picture).png"
      if split == .test, known.insert(picture).inserted,
        !FileManager.default.fileExists(atPath: FilePath.join(folder, image))
      {
        throw problem("image \"\(image)\" does not exist in \(folder)")
      }
      records.append(
        SingleImageRecord(
          id: "\(part)-\(paddedNumber(number, 5))",
          image: ImageReference(path: image, split: split, index: picture), question: question,
          answer: answer,
          family: EasyVQAFamily(question: question, answer: answer).rawValue))
    }
    guard !records.isEmpty else { throw DataError(file: path, problem: "has no questions") }
    return records
  }

  public var name: String { "easy-vqa" }
  public var families: [String] { EasyVQAFamily.allCases.map(\.rawValue) }
  public var answersAboutAnyImage: Bool { false }

  public func count(of split: DataSplit) -> Int { records[split]?.count ?? 0 }

  public func record(_ split: DataSplit, _ index: Int) -> SingleImageRecord {
    records.record(split, index, of: name)
  }

  public func image(_ split: DataSplit, _ index: Int) -> ImageReference { record(split, index).image }

  /// Reads the picture.
  /// - Throws: `ImageError` naming the file.
  public func image(for reference: ImageReference) throws -> RGBImage {
    try RGBImage(contentsOf: FilePath.join(folder, reference.path))
  }

  /// `nil`: only the questions of the file have answers.
  public func answer(to question: String, about image: ImageReference) -> String? { nil }
}

/// Kinds of easy-VQA's questions.
public enum EasyVQAFamily: String, Codable, CaseIterable, Sendable {
  /// What color is the shape?
  case colour = "color"
  /// What color is the circle?
  case colourOfShape = "color_of_shape"
  /// What shape is present?
  case shape
  /// What is the red shape?
  case shapeOfColour = "shape_of_color"
  /// A question that is worded as no generated scene asks, and is not answered with yes or no.
  case otherOpen = "other"
  /// Is there a red shape?
  case hasColour = "yes_no_color"
  /// Is there a circle?
  case hasShape = "yes_no_shape"
  /// Is there not a red shape?
  case hasNotColour = "yes_no_color_negated"
  /// Is there not a circle?
  case hasNotShape = "yes_no_shape_negated"
  /// A question that is worded as no generated scene asks, answered with yes or no.
  case otherYesNo = "yes_no_other"

  /// The family of a question; the answer decides only where the wording is unknown.
  public init(question: String, answer: String) {
    switch ShapeQuestion(question) {
    case .colour(let shape): self = shape == nil ? .colour : .colourOfShape
    case .shape(let colour): self = colour == nil ? .shape : .shapeOfColour
    case .hasColour(_, let negated): self = negated ? .hasNotColour : .hasColour
    case .hasShape(_, let negated): self = negated ? .hasNotShape : .hasShape
    case .describe: self = .otherOpen
    case nil: self = ["yes", "no"].contains(AnswerText.normalized(answer)) ? .otherYesNo : .otherOpen
    }
  }

  /// Whether the answer is a colour or a shape: what a guess without looking seldom hits.
  public var isOpen: Bool {
    switch self {
    case .colour, .colourOfShape, .shape, .shapeOfColour, .otherOpen: true
    case .hasColour, .hasShape, .hasNotColour, .hasNotShape, .otherYesNo: false
    }
  }

  /// Whether generated scenes ask such questions, negated ones only with `data.negations`.
  public var isGenerated: Bool { self != .otherOpen && self != .otherYesNo }

  /// Whether a yes/no question is asked in the negative.
  public var isNegated: Bool { self == .hasNotColour || self == .hasNotShape }

  /// The name printed in tables.
  public var title: String {
    switch self {
    case .colour: "what color is the shape?"
    case .colourOfShape: "what color is the circle?"
    case .shape: "what shape is present?"
    case .shapeOfColour: "what is the red shape?"
    case .otherOpen, .otherYesNo: "other wordings"
    case .hasColour: "is there a red shape?"
    case .hasShape: "is there a circle?"
    case .hasNotColour: "is there not a red shape?"
    case .hasNotShape: "is there not a circle?"
    }
  }
}
