import Foundation
import Records

/// One record of LLaVA's instruction data: pictures and the turns about them.
public struct LLaVARecord: Sendable, Equatable {
  /// One turn of a conversation.
  public struct Turn: Sendable, Equatable {
    /// Whether the person speaks (`human`) or the model (`gpt`).
    public var isHuman: Bool
    /// What is said.
    public var text: String

    /// Creates a turn.
    public init(isHuman: Bool, text: String) {
      self.isHuman = isHuman
      self.text = text
    }
  }

  /// The record's name; a number in the file becomes its digits.
  public var id: String
  /// Paths relative to the image folder; none for a conversation without pictures.
  public var images: [String]
  /// Human and model in turn, the human first.
  public var turns: [Turn]

  /// Creates a record.
  public init(id: String, images: [String], turns: [Turn]) {
    self.id = id
    self.images = images
    self.turns = turns
  }

  /// Reads the object of one record and checks it.
  /// - Parameter fallbackID: the id of a record without one.
  /// - Throws: a text that says what was found and what was expected.
  init(_ json: OrderedJSON, fallbackID: String) throws(RecordProblem) {
    guard case .object = json else { throw RecordProblem("expected an object, found \(json.kind)") }
    switch json[key: "id"] {
    case nil, .null: id = fallbackID
    case .string(let text): id = text
    case .integer(let number): id = String(number)
    case .some(let other):
      throw RecordProblem("\"id\": expected a string or a whole number, found \(other.kind)")
    }
    images = try Self.paths(json[key: "image"])
    guard let conversations = json[key: "conversations"] else {
      throw RecordProblem("has no \"conversations\"")
    }
    guard case .array(let list) = conversations else {
      throw RecordProblem("\"conversations\": expected a list, found \(conversations.kind)")
    }
    turns = []
    for (number, turn) in list.enumerated() {
      let place = "turn \(number + 1) of \"conversations\""
      guard let speaker = turn[key: "from"]?.text, let text = turn[key: "value"]?.text else {
        throw RecordProblem("\(place): expected an object with the strings \"from\" and \"value\"")
      }
      guard speaker == "human" || speaker == "gpt" else {
        throw RecordProblem("\(place): expected \"from\" to be human or gpt, found \"\(speaker)\"")
      }
      guard (speaker == "human") == (number % 2 == 0) else {
        throw RecordProblem("\(place): human and gpt must take turns, human first; found \(speaker)")
      }
      turns.append(Turn(isHuman: speaker == "human", text: text))
    }
    guard turns.count >= 2 else {
      throw RecordProblem("\"conversations\": expected a question and an answer, found \(turns.count) turns")
    }
    for (number, turn) in turns.enumerated() where turn.text.allSatisfy(\.isWhitespace) {
      throw RecordProblem(
        "turn \(number + 1) of \"conversations\": the \(turn.isHuman ? "question" : "answer") is empty")
    }
    let marks = turns.reduce(0) { $0 + ($1.isHuman ? ImageMark.count(in: $1.text) : 0) }
    guard marks == images.count else {
      throw RecordProblem(
        "has \(marks) \(ImageMark.text) marks for \(images.count) images; expected one mark for each image")
    }
    for (number, turn) in turns.enumerated() where !turn.isHuman && ImageMark.count(in: turn.text) > 0 {
      throw RecordProblem(
        "turn \(number + 1) of \"conversations\": the answer has an \(ImageMark.text) mark, expected none")
    }
    if images.count == 1, ImageMark.count(in: turns[0].text) == 0 {
      throw RecordProblem(
        "\"conversations\": the \(ImageMark.text) mark is in a later turn, expected it in the first question")
    }
  }

  /// `image`, or another key, as a string or a list of strings; none when it is absent, `null` or `""`, as
  /// programs that fill up columns write what is not there.
  static func paths(_ value: OrderedJSON?, key: String = "image") throws(RecordProblem) -> [String] {
    switch value {
    case nil, .null, .string(""): return []
    case .string(let path): return [path]
    case .array(let list):
      var paths: [String] = []
      for entry in list {
        guard let path = entry.text else {
          throw RecordProblem("\"\(key)\": expected strings in the list, found \(entry.kind)")
        }
        guard !path.isEmpty else {
          throw RecordProblem("\"\(key)\": expected paths in the list, found \"\"")
        }
        paths.append(path)
      }
      return paths
    case .some(let other):
      throw RecordProblem("\"\(key)\": expected a string or a list of strings, found \(other.kind)")
    }
  }
}

/// What is wrong with a record, before its file and number are known.
struct RecordProblem: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

extension DataError {
  /// A problem of record `number` (from 0), which starts in `line` and is named by its id where it has one.
  init(_ problem: RecordProblem, in json: OrderedJSON, file: String, line: Int, number: Int) {
    let name: String
    switch json[key: "id"] {
    case .string(let id): name = id
    case .integer(let id): name = String(id)
    default: name = String(number)
    }
    self.init(file: "\(file):\(line)", record: name, problem: problem.text)
  }
}

extension [DataError] {
  /// In the order of their lines; what has no line stays behind what it came after.
  package var inFileOrder: [DataError] {
    var last = 0
    return enumerated().map { place, problem in
      if problem.line > 0 { last = problem.line }
      return (line: last, place: place, problem: problem)
    }.sorted { ($0.line, $0.place) < ($1.line, $1.place) }.map(\.problem)
  }
}

extension DataError {
  /// The line that the file's name ends with; 0 for none.
  var line: Int {
    if let line = file.split(separator: ":").last.flatMap({ Int($0) }) { return line }
    // Broken JSON has its line in the problem's words.
    return problem.firstMatch(of: /^broken JSON in line (\d+)/).flatMap { Int($0.1) } ?? 0
  }
}

extension LLaVARecord {
  /// Every question with the answer that follows it, image marks left out; at least one.
  var questionsAndAnswers: [SingleImageRecord.Turn] {
    stride(from: 0, to: turns.count - 1, by: 2).map {
      .init(question: PromptRewriting.withoutMarks(turns[$0].text), answer: turns[$0 + 1].text)
    }
  }

  /// The first folder of the first image's path (`coco`, `gqa` …), by which sources are told apart.
  var source: String {
    images.first.flatMap { path in path.firstIndex(of: "/").map { String(path[..<$0]) } } ?? "image"
  }

  /// Takes every record of a file that is about exactly one image.
  /// - Parameters:
  ///   - broken: takes the error of a record that cannot be used.
  ///   - other: takes a record about none or several, and its line.
  ///   - body: takes the record, its object and the line it starts in.
  /// - Returns: the number of records about none or several.
  /// - Throws: ``DataError`` for a file that cannot be read, or what `broken` throws.
  static func forEachWithOneImage(
    of path: String, broken: (DataError) throws -> Void,
    other: (_ record: LLaVARecord, _ line: Int) -> Void = { _, _ in },
    _ body: (_ record: LLaVARecord, _ json: OrderedJSON, _ line: Int) throws(RecordProblem) -> Void
  ) throws -> Int {
    var others = 0
    try JSONRecordFile.forEach(path, broken: broken) { json, number, line in
      do throws(RecordProblem) {
        let record = try LLaVARecord(json, fallbackID: String(number))
        if record.images.count == 1 {
          try body(record, json, line)
        } else {
          others += 1
          other(record, line)
        }
      } catch {
        try broken(DataError(error, in: json, file: path, line: line, number: number))
      }
    }
    return others
  }

  /// - Throws: what is wrong when an image is not in `folder`.
  func requireImages(in folder: String) throws(RecordProblem) {
    for image in images where !FileManager.default.fileExists(atPath: FilePath.join(folder, image)) {
      throw RecordProblem("image \"\(image)\" does not exist in \(folder)")
    }
  }
}
