import Foundation

/// One chosen/rejected pair in MIA-DPO's format: `id, image, prompt, chosen, rejected, gt`.
public struct PreferencePair: Sendable, Equatable {
  /// The record's name; a number in the file becomes its digits.
  public var id: String
  /// The clean pictures, in prompt order.
  public var images: [String]
  /// The user's turn with one `<image>` for every picture.
  public var prompt: String
  /// The ground truth.
  public var chosen: String
  /// The model's wrong answer.
  public var rejected: String
  /// The same as `chosen`.
  public var groundTruth: String
  /// Keys that are not part of the format, kept in order and written after `gt`.
  public var extra: [OrderedJSON.Member]

  /// Creates a pair; the ground truth is the chosen answer unless given.
  public init(
    id: String, images: [String], prompt: String, chosen: String, rejected: String,
    groundTruth: String? = nil,
    extra: [OrderedJSON.Member] = []
  ) {
    self.id = id
    self.images = images
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.groundTruth = groundTruth ?? chosen
    self.extra = extra
  }

  /// The format a pair must have had in a mixed file: `In Image<k>` and several pictures is a sequence, with one
  /// picture a grid, everything else picture-in-picture.
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
      guard !text.trimmingASCIIWhitespace().isEmpty else { throw RecordProblem("\"\(key)\" is empty") }
      return text
    }
    switch json[key: "id"] {
    case nil: id = fallbackID
    case .string(let text): id = text
    case .integer(let number): id = String(number)
    case .some(let other):
      throw RecordProblem("\"id\": expected a string or a whole number, found \(other.kind)")
    }
    images = try LLaVARecord.paths(json[key: "image"])
    prompt = try text("prompt").replacing(ImageMark.placeholder, with: ImageMark.text)
    chosen = try text("chosen")
    rejected = try text("rejected")
    groundTruth = json[key: "gt"] == nil ? chosen : try text("gt")
    extra = members.filter { !Self.keys.contains($0.key) }
    let marks = ImageMark.count(in: prompt)
    guard marks == images.count else {
      throw RecordProblem(
        "has \(marks) \(ImageMark.text) marks for \(images.count) images; expected one mark for each image")
    }
  }

  private static let keys = ["id", "image", "prompt", "chosen", "rejected", "gt"]

  /// The pair as an object with its keys in the format's order.
  /// - Parameter placeholder: what stands for a picture in the prompt.
  public func json(placeholder: String = ImageMark.text) -> OrderedJSON {
    let prompt = prompt.replacing(ImageMark.text, with: placeholder)
    return .object(
      [
        .init("id", .string(id)), .init("image", .array(images.map(OrderedJSON.string))),
        .init("prompt", .string(prompt)), .init("chosen", .string(chosen)),
        .init("rejected", .string(rejected)), .init("gt", .string(groundTruth)),
      ] + extra)
  }
}

/// Files of MIA-DPO pairs.
public enum PreferencePairFile {
  /// Reads a JSON list or JSONL file; `image` may be a string or a list, both placeholders are accepted and
  /// become `<image>`.
  /// - Throws: ``DataError`` naming file, line and record.
  public static func read(_ path: String) throws -> [PreferencePair] {
    var pairs: [PreferencePair] = []
    try JSONRecordFile.forEach(path) { json, number, line in
      do throws(RecordProblem) {
        pairs.append(try PreferencePair(json, fallbackID: String(number)))
      } catch {
        let name = json[key: "id"].flatMap { $0.text } ?? String(number)
        throw DataError(file: "\(path):\(line)", record: name, problem: error.text)
      }
    }
    return pairs
  }

  /// Writes pairs: one a line where the file's name contains `jsonl`, otherwise as the released files are, a list
  /// indented by four spaces with non-ASCII characters escaped. The file is replaced only when all is written.
  /// - Throws: ``DataError`` naming the file.
  public static func write(
    _ pairs: [PreferencePair], to path: String, placeholder: String = ImageMark.text
  ) throws(DataError) {
    var text = ""
    if (path as NSString).lastPathComponent.contains("jsonl") {
      for pair in pairs { text += pair.json(placeholder: placeholder).line + "\n" }
    } else {
      text = OrderedJSON.array(pairs.map { $0.json(placeholder: placeholder) }).pythonIndented(4)
    }
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw DataError(file: path, problem: "cannot write: \((error as NSError).localizedDescription)")
    }
  }
}

extension OrderedJSON {
  /// The text of Python's `json.dumps(value, indent=…)`: every element on its own line, ASCII only.
  func pythonIndented(_ step: Int) -> String {
    var text = ""
    write(self, step: step, indent: 0, to: &text)
    var ascii = ""
    for unit in text.utf16 {
      if unit < 0x80 {
        ascii.unicodeScalars.append(UnicodeScalar(UInt8(unit)))
      } else {
        let digits = String(unit, radix: 16)
        ascii += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return ascii
  }

  private func write(_ value: OrderedJSON, step: Int, indent: Int, to text: inout String) {
    func breakLine(_ depth: Int) { text += "\n" + String(repeating: " ", count: depth) }
    switch value {
    case .array(let values) where !values.isEmpty:
      text += "["
      for (index, element) in values.enumerated() {
        if index > 0 { text += "," }
        breakLine(indent + step)
        write(element, step: step, indent: indent + step, to: &text)
      }
      breakLine(indent)
      text += "]"
    case .object(let members) where !members.isEmpty:
      text += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { text += "," }
        breakLine(indent + step)
        text += OrderedJSON.string(member.key).line + ": "
        write(member.value, step: step, indent: indent + step, to: &text)
      }
      breakLine(indent)
      text += "}"
    default:
      text += value.line
    }
  }
}
