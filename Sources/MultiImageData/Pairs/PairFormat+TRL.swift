import Records

/// Preference data of TRL: `docs/source/dataset_formats.md`, "Preference" and "Vision datasets"; where images
/// go is `prepare_multimodal_messages` of `trl/data_utils.py`.
extension PairFormat {
  static func trl(_ record: inout PairRecord, id: String) throws(RecordProblem) -> PreferencePair {
    let (images, key) = try PairPictures.taken(from: &record)
    let (prompt, chosen, rejected) = (record.take("prompt"), record.take("chosen"), record.take("rejected"))
    func isList(_ value: OrderedJSON?) -> Bool { if case .array = value { true } else { false } }
    guard isList(chosen) || isList(rejected) || isList(prompt) else {
      return try trlTexts(&record, id: id, images: images)
    }
    let messages: [PairMessage]
    let answers: [String]
    if isList(prompt) {
      messages = try PairMessage.list(prompt, key: "prompt")
      answers = [
        try PairMessage.answer(chosen, key: "chosen"), try PairMessage.answer(rejected, key: "rejected"),
      ]
    } else {
      (messages, answers) = try implicitPrompt(
        chosen: try PairMessage.list(chosen, key: "chosen"),
        rejected: try PairMessage.list(rejected, key: "rejected"))
      // Some data sets repeat the question as a text beside it.
      if let prompt, !messages.contains(where: { $0.role == .user && $0.text == prompt.text }) {
        throw RecordProblem(
          "\"prompt\": expected messages, or a question of those in \"chosen\", found \(prompt.kind)")
      }
    }
    let talk = try PairConversation(messages, key: "prompt", missingMarks: images.count)
    guard images.isEmpty || talk.pictures.isEmpty else {
      throw RecordProblem("has pictures in \"\(key)\" and in parts of messages, expected them in one place")
    }
    return PreferencePair(
      id: id, images: images + talk.pictures, prompt: talk.prompt, chosen: answers[0], rejected: answers[1],
      system: talk.system, history: talk.history)
  }

  private static func trlTexts(
    _ record: inout PairRecord, id: String, images: [String]
  ) throws(RecordProblem) -> PreferencePair {
    guard record.has("prompt") || !record.has("chosen") || !record.has("rejected") else {
      throw RecordProblem(
        "has no \"prompt\"; where it ends in texts of \"chosen\" and \"rejected\" cannot be told, "
          + "expected it by itself or lists of messages")
    }
    var prompt = try record.text("prompt")
    if ImageMark.count(in: prompt) == 0 {
      guard images.isEmpty || !prompt.contains(ImageMark.placeholder) else {
        throw RecordProblem(
          "\"prompt\" has the mark \(ImageMark.placeholder), which is mia-dpo's; expected \(ImageMark.text) "
            + "or none"
        )
      }
      prompt = String(repeating: ImageMark.text, count: images.count) + prompt
    }
    return PreferencePair(
      id: id, images: images, prompt: prompt, chosen: try record.text("chosen"),
      rejected: try record.text("rejected"))
  }

  /// The messages that two lists share, and the answer behind them of each.
  static func implicitPrompt(
    chosen: [PairMessage], rejected: [PairMessage], keys: (String, String) = ("chosen", "rejected")
  ) throws(RecordProblem) -> (messages: [PairMessage], answers: [String]) {
    guard chosen.dropLast() == rejected.dropLast() else {
      throw RecordProblem(
        "\"\(keys.0)\" and \"\(keys.1)\" differ before their last message, "
          + "expected one conversation with two last answers")
    }
    var answers: [String] = []
    for (key, list) in [(keys.0, chosen), (keys.1, rejected)] {
      answers.append(
        try PairMessage.answer(list[list.count - 1], place: "message \(list.count) of \"\(key)\""))
    }
    return (Array(chosen.dropLast()), answers)
  }

  /// Always messages, and in a file with pictures always parts: a column has one type.
  static func trlRecord(_ pair: PreferencePair, hasPictures: Bool) -> [OrderedJSON.Member] {
    func message(_ role: String, _ text: String) -> OrderedJSON {
      .members(["role": .string(role), "content": hasPictures ? parts(text) : .string(text)])
    }
    var prompt = pair.messages(message)
    prompt.removeLast()
    var members = [
      OrderedJSON.Member("prompt", .array(prompt)),
      .init("chosen", .array([message("assistant", pair.chosen)])),
      .init("rejected", .array([message("assistant", pair.rejected)])),
    ]
    if hasPictures { members.append(.init("images", .array(pair.images.map(OrderedJSON.string)))) }
    return members
  }

  private static func parts(_ text: String) -> OrderedJSON {
    var parts: [OrderedJSON] = []
    for (index, piece) in text.split(separator: ImageMark.text, omittingEmptySubsequences: false).enumerated()
    {
      if index > 0 { parts.append(.members(["type": .string("image")])) }
      if !piece.isEmpty {
        parts.append(.members(["type": .string("text"), "text": .string(String(piece))]))
      }
    }
    return .array(parts)
  }
}

extension PreferencePair {
  /// The conversation with the chosen answer at its end.
  func messages(_ message: (_ role: String, _ text: String) -> OrderedJSON) -> [OrderedJSON] {
    var messages: [OrderedJSON] = []
    if let system, !system.isEmpty { messages.append(message("system", system)) }
    for exchange in history {
      messages += [message("user", exchange.question), message("assistant", exchange.answer)]
    }
    return messages + [message("user", prompt), message("assistant", chosen)]
  }
}
