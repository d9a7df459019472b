/// Which option an answer in free text names, by VLMEvalKit's rules without a judge
/// (`vlmeval/utils/matching_util.py`, August 2026).
///
/// Followed to the letter, odd cases included, so that numbers can be compared: "The answer is a cat" names
/// option A. Its rule against "A" as an article applies there only when `VERBOSE` is set, and not here.
public enum OptionMatching {
  /// An option: its letter and its text.
  public struct Option: Sendable, Equatable {
    /// `A` to `Z`.
    public var letter: String
    /// What it says.
    public var text: String

    /// Creates an option.
    public init(_ letter: String, _ text: String) {
      self.letter = letter
      self.text = text
    }
  }

  /// The letter of the option an answer names, by letter or else by text (`can_infer`); `Z` for an answer
  /// that refuses or says so itself; nil where the rules find none.
  public static func letter(in answer: String, options: [Option]) -> String? {
    byLetter(answer, options) ?? byText(answer, options)
  }

  private static let refusals = [
    "Sorry, I can't help with images of people yet.", "I can't process this file.",
    "I'm sorry, but without the image provided", "Cannot determine the answer",
  ]

  /// `can_infer_option`.
  private static func byLetter(_ answer: String, _ options: [Option]) -> String? {
    if contains(answer, "Failed to obtain answer via API") { return nil }
    if refusals.contains(where: { contains(answer, $0) }) { return "Z" }
    let words = String(
      String.UnicodeScalarView(
        answer.unicodeScalars.map { ".()[],:;!*#{}".unicodeScalars.contains($0) ? " " : $0 })
    ).split(whereSeparator: \.isWhitespace).map(String.init)
    let named = options.filter { words.contains($0.letter) }
    if named.count == 1 {
      if let place = words.firstIndex(of: named[0].letter), place > words.count - 5 { return named[0].letter }
    } else if named.isEmpty, words.contains("Z") {
      return "Z"
    }
    // `answer is **B**` somewhere: the first place counts, whatever the case of its letters.
    guard let match = answer.firstMatch(of: /answer\s+is\s+\**([ABCD])/.ignoresCase()) else { return nil }
    let letter = match.1.uppercased()
    return options.contains { $0.letter == letter } ? letter : nil
  }

  /// `can_infer_text`: the only option whose text is in the answer, unless the answer is more than twice as
  /// long as all options together.
  private static func byText(_ answer: String, _ options: [Option]) -> String? {
    let answer = answer.lowercased()
    let length = options.reduce(0) { $0 + $1.text.unicodeScalars.count }
    guard answer.unicodeScalars.count <= 2 * length else { return nil }
    let found = options.filter { contains(answer, $0.text.lowercased()) }
    return found.count == 1 ? found[0].letter : nil
  }

  /// The letter of the option an answer to an MVBench question names: the first word may be part of `(a)` or
  /// the other way round (`check_ans_with_model`), else as elsewhere.
  ///
  /// An answer without a letter or digit in its first word is not read; there an empty one counts as right.
  package static func letterOfVideoAnswer(_ answer: String, options: [Option]) -> String? {
    let first =
      answer.lowercased().trimmingPythonSpace().split(separator: " ", omittingEmptySubsequences: false)
      .first.map(String.init) ?? ""
    let bare = first.replacing(".", with: "")
    guard bare.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
    let named = options.filter {
      let mark = "(\($0.letter.lowercased()))"
      return contains(mark, bare) || contains(first, mark)
    }
    return named.count == 1 ? named[0].letter : letter(in: answer, options: options)
  }

  /// Whether a text is part of another, scalar by scalar.
  static func contains(_ text: String, _ part: String) -> Bool {
    part.isEmpty || Array(text.utf8).contains(Array(part.utf8))
  }
}

extension String {
  /// The text without white space at its ends, as Python's `strip()`.
  func trimmingPythonSpace() -> String {
    let start = unicodeScalars.drop { $0.properties.isWhitespace }
    let end = start.reversed().drop { $0.properties.isWhitespace }
    return String(String.UnicodeScalarView(end.reversed()))
  }
}
