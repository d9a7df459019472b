import Records

/// The keys of a pair that MIA-DPO's format does not have: what came before the prompt, and pictures of the
/// rejected answer. They are written only where there is something.
extension PreferencePair {
  /// `system`; none where it is absent, `null` or `""`.
  static func system(_ value: OrderedJSON?) throws(RecordProblem) -> String? {
    switch value {
    case nil, .null, .string(""): return nil
    case .string(let text):
      guard !text.allSatisfy(\.isWhitespace) else { throw RecordProblem("\"system\" is empty") }
      return text
    case .some(let other): throw RecordProblem("\"system\": expected a string, found \(other.kind)")
    }
  }

  /// `history`, a list of a question and an answer each, as in LLaMA-Factory's alpaca format.
  /// - Parameter hasPlaceholders: whether MIA-DPO's mark of a picture is one too.
  static func history(
    _ value: OrderedJSON?, hasPlaceholders: Bool = true
  ) throws(RecordProblem) -> [Exchange] {
    guard let value, value != .null else { return [] }
    guard case .array(let list) = value else {
      throw RecordProblem("\"history\": expected a list, found \(value.kind)")
    }
    var history: [Exchange] = []
    for (index, entry) in list.enumerated() {
      let place = "entry \(index + 1) of \"history\""
      guard case .array(let texts) = entry, texts.count == 2, let question = texts[0].text,
        let answer = texts[1].text
      else { throw RecordProblem("\(place): expected a list of two strings, a question and its answer") }
      for (name, text) in [("question", question), ("answer", answer)]
      where text.allSatisfy(\.isWhitespace) {
        throw RecordProblem("\(place): the \(name) is empty")
      }
      let marked = question.replacing(ImageMark.placeholder, with: ImageMark.text)
      history.append(Exchange(question: hasPlaceholders ? marked : question, answer: answer))
    }
    return history
  }

  /// `rejected_image`, as `image` is written.
  static func rejectedImages(_ value: OrderedJSON?) throws(RecordProblem) -> [String]? {
    let paths = try LLaVARecord.paths(value, key: "rejected_image")
    return paths.isEmpty ? nil : paths
  }

  /// What is wrong with the number of pictures or the place of their marks.
  var markProblem: String? {
    let marks = history.reduce(ImageMark.count(in: prompt)) { $0 + ImageMark.count(in: $1.question) }
    guard marks == images.count else {
      return "has \(marks) \(ImageMark.text) marks for \(images.count) images; "
        + "expected one mark for each image"
    }
    if let system, ImageMark.count(in: system) > 0 {
      return "\"system\" has an \(ImageMark.text) mark, expected none"
    }
    if let index = history.firstIndex(where: { ImageMark.count(in: $0.answer) > 0 }) {
      return "entry \(index + 1) of \"history\": the answer has an \(ImageMark.text) mark, expected none"
    }
    guard let rejectedImages, rejectedImages.count != images.count else { return nil }
    return
      "has \(rejectedImages.count) images for the rejected answer and \(images.count) for the chosen one; "
      + "expected as many, because both follow the same prompt"
  }

  /// What ``json(placeholder:)`` writes behind the format's own keys.
  func conversationMembers(placeholder: String) -> [OrderedJSON.Member] {
    var members: [OrderedJSON.Member] = []
    if let system { members.append(.init("system", .string(system))) }
    if !history.isEmpty {
      let exchanges = history.map { exchange in
        let question = exchange.question.replacing(ImageMark.text, with: placeholder)
        return OrderedJSON.array([.string(question), .string(exchange.answer)])
      }
      members.append(.init("history", .array(exchanges)))
    }
    if let rejectedImages {
      members.append(.init("rejected_image", .array(rejectedImages.map(OrderedJSON.string))))
    }
    return members
  }
}
