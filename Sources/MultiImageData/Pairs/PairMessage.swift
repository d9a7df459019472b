import Checkpoint
import Records

/// A message of a conversation, whether it came as `role` and `content` or as `from` and `value`.
struct PairMessage: Equatable {
  /// Who speaks.
  enum Role: String {
    case system, user, assistant
  }

  var role: Role
  /// What is said, with an `<image>` for every picture.
  var text: String
  /// Whether the marks were parts of their own; where none was, nothing is put in front.
  var isInParts = false
  /// The pictures that parts name themselves.
  var pictures: [String] = []

  static func == (one: PairMessage, other: PairMessage) -> Bool {
    one.role == other.role && one.text == other.text && one.pictures == other.pictures
  }

  private static let roles: [String: Role] = [
    "system": .system, "user": .user, "human": .user, "assistant": .assistant, "gpt": .assistant,
  ]

  /// Reads a message.
  /// - Parameter place: what the message is, for errors.
  init(_ json: OrderedJSON, place: String) throws(RecordProblem) {
    guard case .object(let members) = json else {
      throw RecordProblem("\(place): expected an object, found \(json.kind)")
    }
    let keys = json[key: "role"] == nil && json[key: "from"] != nil ? ("from", "value") : ("role", "content")
    guard let name = json[key: keys.0] else { throw RecordProblem("\(place): has no \"\(keys.0)\"") }
    guard let text = name.text else {
      throw RecordProblem("\(place): \"\(keys.0)\": expected a string, found \(name.kind)")
    }
    guard let role = Self.roles[text] else {
      let known = keys.0 == "from" ? "human, gpt or system" : "user, assistant or system"
      throw RecordProblem(
        "\(place): expected \"\(keys.0)\" to be \(known), found \(jsonLiteral(String(text.prefix(40))))")
    }
    self.role = role
    if let other = members.first(where: { $0.key != keys.0 && $0.key != keys.1 && !$0.value.isNothing }) {
      throw RecordProblem("\(place): has \"\(other.key)\", expected \"\(keys.0)\" and \"\(keys.1)\" alone")
    }
    switch json[key: keys.1] {
    case nil: throw RecordProblem("\(place): has no \"\(keys.1)\"")
    case .string(let text): self.text = text
    case .array(let parts):
      self.text = ""
      isInParts = true
      for (index, part) in parts.enumerated() {
        try append(part, place: "part \(index + 1) of \(place)")
      }
    case .some(let other):
      throw RecordProblem(
        "\(place): \"\(keys.1)\": expected a string or a list of parts, found \(other.kind)")
    }
    // A system message may say nothing; then it is none.
    guard role == .system && self.text.isEmpty || !self.text.allSatisfy(\.isWhitespace) else {
      throw RecordProblem(
        "\(place): the \(role == .user ? "question" : role == .system ? "system message" : "answer") is empty"
      )
    }
  }

  private mutating func append(_ part: OrderedJSON, place: String) throws(RecordProblem) {
    guard case .object(let members) = part, let type = part[key: "type"]?.text else {
      throw RecordProblem("\(place): expected an object with the string \"type\", found \(part.kind)")
    }
    guard type == "text" || type == "image" else {
      throw RecordProblem(
        "\(place): expected \"type\" to be text or image, found \(jsonLiteral(String(type.prefix(40))))")
    }
    if let other = members.first(where: { $0.key != "type" && $0.key != type && !$0.value.isNothing }) {
      throw RecordProblem("\(place): has \"\(other.key)\", expected \"type\" and \"\(type)\" alone")
    }
    guard type == "text" else {
      text += ImageMark.text
      guard let picture = part[key: "image"], picture != .null else { return }
      pictures.append(try PairPictures.path(picture, place: place))
      return
    }
    guard let said = part[key: "text"]?.text else {
      throw RecordProblem("\(place): \"text\": expected a string, found \(part[key: "text"]?.kind ?? "none")")
    }
    guard ImageMark.count(in: said) == 0 else {
      throw RecordProblem(
        "\(place): the text has an \(ImageMark.text) mark, expected a part of the type image")
    }
    text += said
  }

  /// Reads a list of messages.
  static func list(_ value: OrderedJSON?, key: String) throws(RecordProblem) -> [PairMessage] {
    guard let value else { throw RecordProblem("has no \"\(key)\"") }
    guard case .array(let list) = value else {
      throw RecordProblem("\"\(key)\": expected a list of messages, found \(value.kind)")
    }
    guard !list.isEmpty else { throw RecordProblem("\"\(key)\" is empty, expected messages") }
    var messages: [PairMessage] = []
    for (index, message) in list.enumerated() {
      messages.append(try PairMessage(message, place: "message \(index + 1) of \"\(key)\""))
    }
    return messages
  }

  /// Reads the answer that a list must consist of.
  static func answer(_ value: OrderedJSON?, key: String) throws(RecordProblem) -> String {
    let messages = try list(value, key: key)
    guard messages.count == 1 else {
      throw RecordProblem("\"\(key)\": expected one message, the answer, found \(messages.count)")
    }
    return try answer(messages[0], place: "message 1 of \"\(key)\"")
  }

  /// The text of a message that must be an answer.
  static func answer(_ message: PairMessage, place: String) throws(RecordProblem) -> String {
    guard message.role == .assistant else {
      throw RecordProblem(
        "\(place): expected the assistant's answer, found one of the \(message.role.rawValue)")
    }
    return message.text
  }
}

extension OrderedJSON {
  /// Whether a key's value is what programs that fill up columns write for nothing.
  fileprivate var isNothing: Bool { [.null, .string(""), .array([]), .object([])].contains(self) }
}

/// What comes before the two answers of a pair.
struct PairConversation {
  var system: String?
  var history: [PreferencePair.Exchange] = []
  var prompt = ""
  /// The pictures that messages name themselves, in order.
  var pictures: [String]

  /// Takes messages that end with a question.
  /// - Parameters:
  ///   - column: a system message beside the list.
  ///   - missingMarks: how many pictures there are; where no question has a mark, so many are put in front of
  ///     the first. `nil` for never.
  init(
    _ messages: [PairMessage], key: String, column: String? = nil, missingMarks: Int? = nil
  ) throws(RecordProblem) {
    var turns = messages[...]
    system = column
    if let first = turns.first, first.role == .system {
      let said = first.text.isEmpty ? nil : first.text
      guard column == nil || said == nil || said == column else {
        throw RecordProblem("\"system\" and the system message of \"\(key)\" differ, expected one of them")
      }
      system = said ?? column
      turns = turns.dropFirst()
    }
    for (index, turn) in turns.enumerated() {
      let expected: PairMessage.Role = index % 2 == 0 ? .user : .assistant
      guard turn.role == expected else {
        throw RecordProblem(
          "message \(turns.startIndex + index + 1) of \"\(key)\": expected user and assistant in turn, user "
            + "first, found \(turn.role.rawValue)")
      }
    }
    guard turns.count % 2 == 1 else {
      throw RecordProblem(
        turns.isEmpty
          ? "\"\(key)\": found no question, expected one"
          : "\"\(key)\": ends with an answer, expected a question before the two answers")
    }
    var questions = turns
    if let missingMarks, missingMarks > 0, let first = questions.first, !first.isInParts,
      !questions.contains(where: { $0.role == .user && ImageMark.count(in: $0.text) > 0 })
    {
      questions[questions.startIndex].text =
        String(repeating: ImageMark.text, count: missingMarks) + first.text
    }
    pictures = questions.flatMap(\.pictures)
    let texts = questions.map(\.text)
    history = stride(from: 0, to: texts.count - 1, by: 2).map {
      PreferencePair.Exchange(question: texts[$0], answer: texts[$0 + 1])
    }
    prompt = texts.last ?? ""
  }
}
