import Checkpoint
import Foundation
import Records

/// The records of a file as they came: any keys in their order, numbers as they are spelled, and how the text
/// is laid out, so that what is read and written again is the same bytes.
///
///     var file = try RecordFile(contentsOf: "dpo_27k.json")     // the generator's <image-placeholder>
///     file.mark(images: ImageMark.text)                         // what trainers expect
///     try file.write(to: "dpo_llava_format_27k.json")
///
/// Kept are the layouts of ``JSONStyle``; text laid out otherwise (tabs, several records a line) keeps its
/// values and the order of its keys. A surrogate without its other half becomes U+FFFD.
public struct RecordFile: Sendable, Equatable {
  /// The records in file order.
  public var records: [OrderedJSON]
  /// How they are laid out.
  public var style: JSONStyle

  /// Creates a file of records.
  public init(records: [OrderedJSON], style: JSONStyle = .released) {
    self.records = records
    self.style = style
  }

  /// Reads a JSON list or a JSONL file.
  /// - Throws: ``DataError`` naming the file and the place of broken JSON.
  public init(contentsOf path: String) throws {
    var records: [OrderedJSON] = []
    style = try JSONRecordFile.withBytes(path) { bytes in
      try JSONRecordFile.forEach(bytes, path, keepsSpelling: true, broken: { throw $0 }) { record, _, _ in
        records.append(record)
      }
      return JSONStyle(detectingIn: bytes)
    }
    self.records = records
  }

  /// Writes the records; the file is replaced only when all is written.
  /// - Throws: ``DataError`` naming the file.
  public func write(to path: String) throws(DataError) {
    do {
      try AtomicFile.write(style.text(of: records).utf8, to: URL(fileURLWithPath: path))
    } catch {
      throw DataError(file: path, problem: "cannot write: \((error as NSError).localizedDescription)")
    }
  }

  /// Puts `mark` in the place of every picture's mark, whichever of `<image>` and `<image-placeholder>` it
  /// was, in prompts of pairs and in what people say in conversations. Answers are left as they are.
  public mutating func mark(images mark: String) {
    func marked(_ value: OrderedJSON) -> OrderedJSON {
      guard case .string(let text) = value else { return value }
      return .string(
        text.replacing(ImageMark.placeholder, with: ImageMark.text).replacing(ImageMark.text, with: mark))
    }
    func changing(_ object: OrderedJSON, _ key: String, _ change: (OrderedJSON) -> OrderedJSON) -> OrderedJSON
    {
      guard case .object(var members) = object else { return object }
      for index in members.indices where members[index].key == key {
        members[index].value = change(members[index].value)
      }
      return .object(members)
    }
    for index in records.indices {
      let record = changing(records[index], "prompt", marked)
      records[index] = changing(record, "conversations") { turns in
        guard case .array(let turns) = turns else { return turns }
        return .array(
          turns.map { $0[key: "from"]?.text == "human" ? changing($0, "value", marked) : $0 })
      }
    }
  }
}

/// What a record of a file is.
public enum RecordFormat: String, CaseIterable, Sendable {
  /// LLaVA's instruction data: `id, image, conversations`.
  case conversation
  /// A preference pair: `id, image, prompt, chosen, rejected, gt`.
  case pair
  /// A composed prompt of the *compose* stage.
  case composed

  /// The format whose keys a record has; `nil` for none of them.
  public init?(_ record: OrderedJSON) {
    if record[key: "conversations"] != nil {
      self = .conversation
    } else if record[key: "chosen"] != nil || record[key: "rejected"] != nil {
      self = .pair
    } else if record[key: "kind"] != nil, record[key: "images"] != nil {
      self = .composed
    } else {
      return nil
    }
  }
}
