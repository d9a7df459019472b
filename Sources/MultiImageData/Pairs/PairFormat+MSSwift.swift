import Records

/// ms-swift's data of DPO: `docs/source_en/Customization/Custom-dataset.md`, "RLHF" and "Multimodal"; what
/// stands for absent keys is `TemplateInputs` of `swift/template/template_inputs.py`.
extension PairFormat {
  static func msSwift(_ record: inout PairRecord, id: String) throws(RecordProblem) -> PreferencePair {
    let images = try PairPictures.taken(from: &record).paths
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

  /// With an answer that is there twice `rejected_messages` and `rejected_images` of every pair: as
  /// `rejected_response` neither the same text nor the null of a column is allowed.
  static func msSwiftRecord(_ pair: PreferencePair, _ columns: PairColumns) -> [OrderedJSON.Member] {
    func messages(_ pair: PreferencePair) -> OrderedJSON {
      .array(pair.messages { .members(["role": .string($0), "content": .string($1)]) })
    }
    func paths(_ images: [String]) -> OrderedJSON { .array(images.map(OrderedJSON.string)) }
    var members = [OrderedJSON.Member("messages", messages(pair))]
    if columns.repeatsAnswers {
      var other = pair
      other.chosen = pair.rejected
      members.append(.init("rejected_messages", messages(other)))
    } else {
      members.append(.init("rejected_response", .string(pair.rejected)))
    }
    if columns.hasPictures { members.append(.init("images", paths(pair.images))) }
    if columns.repeatsAnswers || pair.rejectedImages != nil {
      members.append(.init("rejected_images", paths(pair.rejectedImages ?? pair.images)))
    }
    return members
  }
}
