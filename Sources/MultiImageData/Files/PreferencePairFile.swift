import Foundation
import Records

/// One chosen/rejected pair in MIA-DPO's format: `id, image, prompt, chosen, rejected, gt`, and where it has
/// them `system, history, rejected_image`, which are our own.
public struct PreferencePair: Sendable, Equatable {
  /// A question that was asked before, and the answer it got.
  public struct Exchange: Sendable, Equatable {
    /// The user's turn, with an `<image>` for every picture that is shown in it.
    public var question: String
    /// The answer, without pictures.
    public var answer: String

    /// Creates an exchange.
    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  /// The record's name; a number in the file becomes its digits.
  public var id: String
  /// The clean pictures, in the order of the marks in the questions of `history` and then in `prompt`.
  public var images: [String]
  /// The user's turn with one `<image>` for every picture that is not shown in `history`.
  public var prompt: String
  /// The ground truth.
  public var chosen: String
  /// The model's wrong answer.
  public var rejected: String
  /// The same as `chosen`.
  public var groundTruth: String
  /// Keys that are not part of the format, kept in order and written last.
  public var extra: [OrderedJSON.Member]
  /// What the model is told before the conversation.
  public var system: String?
  /// The turns before `prompt`.
  public var history: [Exchange]
  /// The pictures that the rejected answer belongs to, as many as `images`; `nil` where they are the same.
  public var rejectedImages: [String]?

  /// Creates a pair; the ground truth is the chosen answer unless given.
  public init(
    id: String, images: [String], prompt: String, chosen: String, rejected: String,
    groundTruth: String? = nil,
    extra: [OrderedJSON.Member] = [], system: String? = nil, history: [Exchange] = [],
    rejectedImages: [String]? = nil
  ) {
    self.id = id
    self.images = images
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.groundTruth = groundTruth ?? chosen
    self.extra = extra
    self.system = system
    self.history = history
    self.rejectedImages = rejectedImages == images ? nil : rejectedImages
  }

  /// The format a pair must have had in a mixed file: `In Image<k>` and several pictures is a sequence, with
  /// one picture a grid, everything else picture-in-picture.
  public var recoveredKind: CompositionKind {
    prompt.firstMatch(of: /In Image\d+/) == nil ? .pictureInPicture : images.count > 1 ? .sequence : .grid
  }

  init(_ json: OrderedJSON, fallbackID: String) throws(RecordProblem) {
    guard case .object(let members) = json else {
      throw RecordProblem("expected an object, found \(json.kind)")
    }
    func text(_ key: String) throws(RecordProblem) -> String {
      guard let value = json[key: key] else { throw RecordProblem("has no \"\(key)\"") }
      guard let text = value.text else {
        throw RecordProblem("\"\(key)\": expected a string, found \(value.kind)")
      }
      guard !text.allSatisfy(\.isWhitespace) else { throw RecordProblem("\"\(key)\" is empty") }
      return text
    }
    switch json[key: "id"] {
    case nil, .null: id = fallbackID
    case .string(let text): id = text
    case .integer(let number): id = String(number)
    case .some(let other):
      throw RecordProblem("\"id\": expected a string or a whole number, found \(other.kind)")
    }
    images = try LLaVARecord.paths(json[key: "image"])
    prompt = try text("prompt").replacing(ImageMark.placeholder, with: ImageMark.text)
    chosen = try text("chosen")
    rejected = try text("rejected")
    groundTruth = [nil, .null].contains(json[key: "gt"]) ? chosen : try text("gt")
    extra = members.filter { !Self.keys.contains($0.key) }
    system = try Self.system(json[key: "system"])
    history = try Self.history(json[key: "history"])
    let others = try Self.rejectedImages(json[key: "rejected_image"])
    rejectedImages = others == images ? nil : others
    if let problem = markProblem ?? compositionProblem { throw RecordProblem(problem) }
  }

  /// What contradicts the format that the pair must have had.
  var compositionProblem: String? {
    let kind = recoveredKind
    // Pictures of earlier turns are not among those that a composed prompt numbers.
    guard history.isEmpty, kind != .pictureInPicture, let target = PromptRewriting.target(in: prompt) else {
      return nil
    }
    let most = kind.allowedCounts.max() ?? 0
    if kind == .sequence, images.count > most {
      return "has \(images.count) images; a sequence has at most \(most)"
    }
    let count = kind == .sequence ? images.count : most
    guard !(1...count).contains(target) else { return nil }
    return kind == .sequence
      ? "asks about Image\(target), but has \(count) images"
      : "asks about Image\(target); a grid has at most \(most) pictures"
  }

  static let keys = [
    "id", "image", "prompt", "chosen", "rejected", "gt", "system", "history", "rejected_image",
  ]

  /// The pair as an object with its keys in the format's order.
  /// - Parameter placeholder: what stands for a picture in questions.
  public func json(placeholder: String = ImageMark.text) -> OrderedJSON {
    let prompt = prompt.replacing(ImageMark.text, with: placeholder)
    return .object(
      [
        .init("id", .string(id)), .init("image", .array(images.map(OrderedJSON.string))),
        .init("prompt", .string(prompt)), .init("chosen", .string(chosen)),
        .init("rejected", .string(rejected)), .init("gt", .string(groundTruth)),
      ] + conversationMembers(placeholder: placeholder) + extra)
  }
}

/// Files of MIA-DPO pairs.
public enum PreferencePairFile {
  /// Reads a JSON list or JSONL file; `image` may be a string or a list, both placeholders are accepted and
  /// become `<image>`.
  /// - Parameters:
  ///   - imageFolder: what pictures' paths are relative to; where it is given, every picture must exist.
  ///   - broken: takes the error of a record that cannot be used, in place of the record; throws it by
  ///     default.
  /// - Throws: ``DataError`` naming file, line and record.
  public static func read(
    _ path: String, imageFolder: String? = nil, broken: (DataError) throws -> Void = { throw $0 }
  ) throws -> [PreferencePair] {
    try readLines(path, imageFolder: imageFolder, broken: broken).map(\.pair)
  }

  /// Reads as ``read(_:imageFolder:broken:)``; every pair comes with the line it begins in.
  package static func readLines(
    _ path: String, imageFolder: String? = nil, broken: (DataError) throws -> Void = { throw $0 }
  ) throws -> [(pair: PreferencePair, line: Int)] {
    var pairs: [(pair: PreferencePair, line: Int)] = []
    try JSONRecordFile.forEach(path, broken: broken) { json, number, line in
      do throws(RecordProblem) {
        let pair = try PreferencePair(json, fallbackID: String(number))
        if let imageFolder,
          let missing = (pair.images + (pair.rejectedImages ?? [])).first(where: {
            !FileManager.default.fileExists(atPath: FilePath.join(imageFolder, $0))
          })
        {
          throw RecordProblem("image \"\(missing)\" does not exist in \(imageFolder)")
        }
        pairs.append((pair, line))
      } catch {
        try broken(DataError(error, in: json, file: path, line: line, number: number))
      }
    }
    return pairs
  }

  /// Writes pairs: one a line where the file's name contains `jsonl`, otherwise as the released files are, a
  /// list indented by four spaces with non-ASCII characters escaped. The file is replaced only when all is
  /// written.
  ///
  /// Every pair gets the format's own keys; ``RecordFile`` keeps a file as it was.
  /// - Throws: ``DataError`` naming the file.
  public static func write(
    _ pairs: [PreferencePair], to path: String, placeholder: String = ImageMark.text
  ) throws(DataError) {
    try RecordFile(
      records: pairs.map { $0.json(placeholder: placeholder) }, style: .forFile(named: path)
    ).write(to: path)
  }
}
