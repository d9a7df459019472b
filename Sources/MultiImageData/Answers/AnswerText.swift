public import LVLM

/// Comparison of short answers.
public enum AnswerText {
  /// Lower case, punctuation removed, white space collapsed: `" A  pullover. "` becomes `"a pullover"`.
  ///
  /// A full stop or comma between digits stays, so that `1.5` and `15` differ.
  public static func normalized(_ text: String) -> String {
    let characters = Array(text.lowercased())
    var kept = ""
    for (i, character) in characters.enumerated() {
      if character.isPunctuation || character.isSymbol {
        let between =
          (character == "." || character == ",") && i > 0 && i + 1 < characters.count
          && characters[i - 1].isNumber && characters[i + 1].isNumber
        kept.append(between ? character : " ")
      } else {
        kept.append(character)
      }
    }
    return kept.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Whether an answer is text that somebody could have written, rather than a scrap of sampling: no control
  /// or unassigned character, no U+FFFD (bytes that are no character), no token or half of one spelled out
  /// (`<0x7F>`, `</s`, `ASSISTANT`), and a letter, a digit or a symbol in it.
  /// - Parameter template: whose roles and marks are no words of an answer.
  public static func isText(_ text: String, template: ChatTemplate? = nil) -> Bool {
    var says = false
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where !["\n", "\r", "\t"].contains(scalar): return false
      case .unassigned, .privateUse, .surrogate: return false
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
        .decimalNumber, .letterNumber, .otherNumber, .mathSymbol, .currencySymbol, .otherSymbol:
        if scalar == "\u{FFFD}" { return false }
        says = true
      default: break
      }
    }
    return says && !text.contains(tokenSpelling)
      && !(template ?? .plain).roles.contains { role in
        text.firstRange(of: role).map { range in
          // A role in capitals is a word by itself: `USERS` is not one.
          role.last?.isLetter != true
            || !(text[range.upperBound...].first?.isLetter ?? false)
              && !(text[..<range.lowerBound].last?.isLetter ?? false)
        } ?? false
      }
  }

  /// A byte piece, a special token, or the beginning of one.
  nonisolated(unsafe) private static let tokenSpelling =
    /<0x[0-9A-Fa-f]{2}>|<\|[a-z_]*|\[\/?INST\]|<\/?(s|unk|pad|image|bos|eos)(>|$)/

  /// Whether two answers are the same after ``normalized(_:)``.
  public static func matches(_ a: String, _ b: String) -> Bool { normalized(a) == normalized(b) }

  /// Whether `prediction` is wrong for the asked image but right for another one of the prompt; `nil` where
  /// it is known of none what would be right.
  public static func isFromAnotherImage(
    _ prediction: String, answer: String, answersOfOthers: [String]
  ) -> Bool? {
    answersOfOthers.isEmpty
      ? nil
      : !matches(prediction, answer) && answersOfOthers.contains { matches(prediction, $0) }
  }
}
