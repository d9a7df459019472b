import Records

/// RLAIF-V-Dataset: "Data fields" of its card; that the picture comes before the question is
/// `muffin/data/datasets.py` of RLHF-V/RLAIF-V.
extension PairFormat {
  /// What stands before a question that has no mark.
  private static let opening = ImageMark.text + "\n"

  static func rlaifV(_ record: inout PairRecord, id: String) throws(RecordProblem) -> PreferencePair {
    guard let image = record.take("image") else { throw RecordProblem("has no \"image\"") }
    let path = try PairPictures.path(image, place: "\"image\"")
    let question = try record.text("question")
    return PreferencePair(
      id: id, images: [path], prompt: ImageMark.count(in: question) == 0 ? opening + question : question,
      chosen: try record.text("chosen"), rejected: try record.text("rejected"))
  }

  /// What of a pair the format has no place for.
  static func rlaifVProblem(_ pair: PreferencePair) -> String? {
    if pair.system?.isEmpty == false { return "has a system message, which rlaif-v cannot hold" }
    if !pair.history.isEmpty { return "has earlier turns, which rlaif-v cannot hold" }
    if pair.images.count != 1 { return "has \(pair.images.count) images, and rlaif-v holds one" }
    return pair.prompt.hasPrefix(ImageMark.text)
      ? nil : "has its \(ImageMark.text) mark inside the prompt; in rlaif-v the picture comes first"
  }

  static func rlaifVRecord(_ pair: PreferencePair) -> [OrderedJSON.Member] {
    // A mark without the line break stays, or the prompt would come back as another.
    let question = pair.prompt.hasPrefix(opening) ? String(pair.prompt.dropFirst(opening.count)) : pair.prompt
    return [
      .init("question", .string(question)), .init("chosen", .string(pair.chosen)),
      .init("rejected", .string(pair.rejected)), .init("image", .string(pair.images[0])),
    ]
  }
}
