import Records

extension PairFormat {
  /// Reads the object of one record and checks it.
  /// - Parameter fallbackID: the id of a record without one.
  /// - Throws: a text that says what was found and what was expected.
  func pair(_ json: OrderedJSON, fallbackID: String) throws(RecordProblem) -> PreferencePair {
    let pair: PreferencePair
    if self == .miaDPO {
      pair = try PreferencePair(json, fallbackID: fallbackID)
    } else {
      var record = try PairRecord(json)
      try record.refuse(unreadMedia)
      let id = try id(&record) ?? fallbackID
      var found: PreferencePair
      switch self {
      case .trl: found = try Self.trl(&record, id: id)
      case .llamaFactory: found = try Self.llamaFactory(&record, id: id)
      case .msSwift: found = try Self.msSwift(&record, id: id)
      case .rlaifV, .miaDPO: found = try Self.rlaifV(&record, id: id)
      }
      if let truth = record.groundTruth() { found.groundTruth = truth }
      found.extra = record.rest
      pair = found
    }
    if let problem = pair.contentProblem { throw RecordProblem(problem) }
    return pair
  }

  /// The record's name, which RLAIF-V calls `idx`.
  private func id(_ record: inout PairRecord) throws(RecordProblem) -> String? {
    if self == .rlaifV, !record.has("id") { return try record.id("idx") }
    return try record.id("id")
  }
}

extension PreferencePair {
  /// What makes a pair useless in any format; `nil` for nothing.
  var contentProblem: String? {
    func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }
    for (name, text) in [("prompt", prompt), ("chosen", chosen), ("rejected", rejected)] where isBlank(text) {
      return "\"\(name)\" is empty"
    }
    if let system, !system.isEmpty, isBlank(system) { return "\"system\" is empty" }
    for (index, exchange) in history.enumerated() {
      for (name, text) in [("question", exchange.question), ("answer", exchange.answer)] where isBlank(text) {
        return "entry \(index + 1) of \"history\": the \(name) is empty"
      }
    }
    for image in images + (rejectedImages ?? []) {
      if isBlank(image) { return "has a picture whose path is empty, expected the path of a file" }
      if PairPictures.isEmbedded(image) { return PairPictures.insideRecord }
    }
    if let markProblem { return markProblem }
    for (name, text) in [("chosen", chosen), ("rejected", rejected)] where ImageMark.count(in: text) > 0 {
      return "\"\(name)\" has an \(ImageMark.text) mark, expected none"
    }
    return sameAnswersProblem
  }

  /// What is wrong with two answers that are the same: nothing where they are about other pictures.
  package var sameAnswersProblem: String? {
    chosen == rejected && rejectedImages == nil
      ? "chosen and rejected are the same text, expected two different answers" : nil
  }
}
