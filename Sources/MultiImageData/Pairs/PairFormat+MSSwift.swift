import Records

/// ms-swift's data of DPO: `docs/source_en/Customization/Custom-dataset.md`, "RLHF" and "Multimodal"; what
/// stands for absent keys is `TemplateInputs` of `swift/template/template_inputs.py`.
extension PairFormat {
  static func msSwift(_ record: inout PairRecord, id: String) throws(RecordProblem) -> PreferencePair {
    guard !(record.has("images") && record.has("image")) else {
      throw RecordProblem("has \"images\" and \"image\", expected one of them")
    }
    let key = record.has("image") ? "image" : "images"
    let columns = (record.take("images"), record.take("image"))
    let images = try PairPictures.paths(columns.0 ?? columns.1, key: key)
    let rejectedImages = try PairPictures.paths(record.take("rejected_images"), key: "rejected_images")
    let system = try PreferencePair.system(record.take("system"))
    var messages = try PairMessage.list(record.take("messages"), key: "messages")
    guard let last = messages.last, last.role == .assistant else {
      throw RecordProblem("\"messages\": expected the chosen answer at the end, found a question")
    }
    let chosen = last.text
    let rejected = try rejectedAnswer(&record, messages, images: images, rejectedImages: rejectedImages)
    messages.removeLast()
    let talk = try PairConversation(messages, key: "messages", column: system, missingMarks: images.count)
    guard talk.pictures.isEmpty else {
      throw RecordProblem("has pictures in parts of messages, expected them in \"images\"")
    }
    return PreferencePair(
      id: id, images: images, prompt: talk.prompt, chosen: chosen, rejected: rejected, system: talk.system,
      history: talk.history, rejectedImages: rejectedImages.isEmpty ? nil : rejectedImages)
  }

  /// `rejected_response`, or the last of `rejected_messages`, or with other pictures alone the chosen answer.
  private static func rejectedAnswer(
    _ record: inout PairRecord, _ messages: [PairMessage], images: [String], rejectedImages: [String]
  ) throws(RecordProblem) -> String {
    guard !(record.has("rejected_response") && record.has("rejected_messages")) else {
      throw RecordProblem("has \"rejected_response\" and \"rejected_messages\", expected one of them")
    }
    if let value = record.take("rejected_messages") {
      let other = try PairMessage.list(value, key: "rejected_messages")
      guard images.isEmpty || !rejectedImages.isEmpty else {
        throw RecordProblem(
          "has \"rejected_messages\" and pictures, expected \"rejected_images\" beside them")
      }
      return try implicitPrompt(chosen: messages, rejected: other, keys: ("messages", "rejected_messages"))
        .answers[1]
    }
    if case .array = record.take("rejected_response") {
      return try PairMessage.answer(record.take("rejected_response"), key: "rejected_response")
    }
    if !record.has("rejected_response"), !rejectedImages.isEmpty { return messages[messages.count - 1].text }
    return try record.text("rejected_response")
  }

  static func msSwiftRecord(_ pair: PreferencePair, hasPictures: Bool) -> [OrderedJSON.Member] {
    let messages = pair.messages { .members(["role": .string($0), "content": .string($1)]) }
    var members = [OrderedJSON.Member("messages", .array(messages))]
    // The same answer a second time is an error there; other pictures alone say that it is meant.
    if pair.rejected != pair.chosen {
      members.append(.init("rejected_response", .string(pair.rejected)))
    }
    if hasPictures { members.append(.init("images", .array(pair.images.map(OrderedJSON.string)))) }
    if let rejected = pair.rejectedImages {
      members.append(.init("rejected_images", .array(rejected.map(OrderedJSON.string))))
    }
    return members
  }
}
