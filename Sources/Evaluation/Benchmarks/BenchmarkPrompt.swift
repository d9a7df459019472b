import LVLM

/// The text of a question and the places of its pictures.
public struct BenchmarkPrompt: Sendable, Equatable {
  /// How a row becomes a question.
  public enum Form: String, CaseIterable, Sendable {
    /// VLMEvalKit's LLaVA models: hint, question, `A. …` lines, and a line that asks for the letter, or for a
    /// direct answer where there are no options.
    case llava
    /// VLMEvalKit's choice data sets for other models: `Hint:`, `Question:`, `Options:`, and a line that asks
    /// to select.
    case dataset
    /// The question alone.
    case question
    /// MVBench: what to watch for, the frames, the question with `(A) …` lines, and `Best option:(`.
    case video
  }

  /// The user's turn, with `<image>` marks.
  public var text: String
  /// For each mark the picture of the row, from 0.
  public var pictures: [Int]

  /// The question of a row.
  ///
  /// Pictures come before the text, each as ` <image> `, unless the text has a mark for each of them itself.
  /// - Parameters:
  ///   - suffix: is added at the end of the text.
  ///   - marksImages: whether `<image 1>` in the text is the place of the first picture (VLMEvalKit's
  ///     `split_MMMU`): pictures without a place are then not shown, unless none has one.
  /// - Throws: ``BenchmarkCellError`` when the text names a picture that the row does not have.
  package init(_ row: BenchmarkRow, form: Form, suffix: String, marksImages: Bool) throws {
    let count = row.images.count
    let text = Self.text(of: row, form: form) + suffix
    if marksImages, let placed = try Self.placed(text, count: count) {
      self = placed
      return
    }
    pictures = Array(0..<count)
    let marks = text.split(separator: Tokenizer.imageMark, omittingEmptySubsequences: false).count - 1
    let before = form == .video ? Self.videoInstruction : ""
    self.text =
      before + (marks == count ? text : String(repeating: " \(Tokenizer.imageMark) ", count: count) + text)
  }

  private init(text: String, pictures: [Int]) {
    self.text = text
    self.pictures = pictures
  }

  private static func text(of row: BenchmarkRow, form: Form) -> String {
    let hint = row.hint
    switch form {
    case .question:
      return row.question
    case .llava:
      let lines = row.options.map { "\n\($0.letter). \($0.text)" }.joined()
      let text = (hint.map { $0 + "\n" } ?? "") + row.question + lines
      let isChinese = text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
      if row.options.isEmpty { return text + (isChinese ? "\n请直接回答问题。" : "\nAnswer the question directly.") }
      return text
        + (isChinese ? "\n请直接回答选项字母。" : "\nAnswer with the option's letter from the given choices directly.")
    case .dataset:
      let start = (hint.map { "Hint: \($0)\n" } ?? "") + "Question: \(row.question)\n"
      guard !row.options.isEmpty else { return start }
      return start + "Options:\n" + row.options.map { "\($0.letter). \($0.text)\n" }.joined()
        + "Please select the correct answer from the options above. \n"
    case .video:
      let lines = row.options.map { "\n(\($0.letter)) \($0.text)" }.joined()
      return "Question: \(row.question)\nOptions:\(lines)\nOnly give the best option.Best option:("
    }
  }

  private static let videoInstruction =
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and "
    + "movement of objects, and the action and pose of persons. Based on your observations, select the "
    + "best option that accurately addresses the question.\n"

  /// The text with its `<image N>` as marks; nil when it has none.
  private static func placed(_ text: String, count: Int) throws -> BenchmarkPrompt? {
    var prompt = BenchmarkPrompt(text: "", pictures: [])
    var rest = text[...]
    while let match = rest.firstMatch(of: /<image ([0-9]+)>/) {
      guard let number = Int(match.1), (1...max(count, 1)).contains(number), count > 0 else {
        throw BenchmarkCellError(
          column: "question", found: "\(match.0)",
          expected: "a picture from 1 to \(count), as many as the row has")
      }
      prompt.text += rest[..<match.range.lowerBound] + " \(Tokenizer.imageMark) "
      prompt.pictures.append(number - 1)
      rest = rest[match.range.upperBound...]
    }
    guard !prompt.pictures.isEmpty else { return nil }
    prompt.text += rest
    return prompt
  }
}
