import Records

/// Ranking data of LLaMA-Factory: `data/README.md`, "Preference Dataset" of the ShareGPT and the alpaca
/// format, with the column names that are its defaults; `src/llamafactory/data/converter.py` reads them.
extension PairFormat {
  static func llamaFactory(_ record: inout PairRecord, id: String) throws(RecordProblem) -> PreferencePair {
    let images = try PairPictures.paths(record.take("images"), key: "images")
    let system = try PreferencePair.system(record.take("system"))
    guard record.has("conversations") || record.has("messages") || !record.has("instruction") else {
      return try alpaca(&record, id: id, images: images, system: system)
    }
    guard !(record.has("conversations") && record.has("messages")) else {
      throw RecordProblem("has \"conversations\" and \"messages\", expected one of them")
    }
    let key = record.has("messages") ? "messages" : "conversations"
    let talk = try PairConversation(
      try PairMessage.list(record.take(key), key: key), key: key, column: system)
    guard talk.pictures.isEmpty else {
      throw RecordProblem("has pictures in parts of messages, expected them in \"images\"")
    }
    var answers: [String] = []
    for key in ["chosen", "rejected"] {
      guard let value = record.take(key) else { throw RecordProblem("has no \"\(key)\"") }
      let message = try PairMessage(value, place: "\"\(key)\"")
      answers.append(try PairMessage.answer(message, place: "\"\(key)\""))
    }
    return PreferencePair(
      id: id, images: images, prompt: talk.prompt, chosen: answers[0], rejected: answers[1],
      system: talk.system, history: talk.history)
  }

  private static func alpaca(
    _ record: inout PairRecord, id: String, images: [String], system: String?
  ) throws(RecordProblem) -> PreferencePair {
    var question = try record.text("instruction")
    switch record.take("input") {
    case nil, .string(""): break
    case .string(let input): question += "\n" + input
    case .some(let other): throw RecordProblem("\"input\": expected a string, found \(other.kind)")
    }
    let history = try PreferencePair.history(record.take("history"), hasPlaceholders: false)
    return PreferencePair(
      id: id, images: images, prompt: question, chosen: try record.text("chosen"),
      rejected: try record.text("rejected"), system: system, history: history)
  }

  /// Always ShareGPT.
  static func llamaFactoryRecord(_ pair: PreferencePair, hasPictures: Bool) -> [OrderedJSON.Member] {
    func message(_ role: String, _ text: String) -> OrderedJSON {
      .members(["from": .string(role == "user" ? "human" : "gpt"), "value": .string(text)])
    }
    var told = pair
    told.system = nil
    var members = [
      OrderedJSON.Member("conversations", .array(told.messages(message).dropLast())),
      .init("chosen", message("assistant", pair.chosen)),
      .init("rejected", message("assistant", pair.rejected)),
    ]
    if let system = pair.system, !system.isEmpty { members.append(.init("system", .string(system))) }
    if hasPictures { members.append(.init("images", .array(pair.images.map(OrderedJSON.string)))) }
    return members
  }
}
