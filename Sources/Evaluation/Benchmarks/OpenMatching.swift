import Foundation
import MultiImageData

/// Open answers that can be judged without a judge.
public enum OpenMatching {
  /// Whether an answer holds what MM-Vet's reference asks for: every part between `<AND>`, of each any one of
  /// the alternatives between `<OR>`, as whole words after ``AnswerText/normalized(_:)``.
  ///
  /// MM-Vet's own score comes from a judge that gives parts of a point; this is stricter for explanations,
  /// which no answer repeats word for word, and says nothing about them.
  public static func satisfies(_ answer: String, reference: String) -> Bool {
    let words = " \(AnswerText.normalized(answer)) "
    return reference.split(separator: "<AND>").allSatisfy { part in
      part.split(separator: "<OR>").contains { alternative in
        let wanted = AnswerText.normalized(String(alternative))
        return !wanted.isEmpty && words.contains(" \(wanted) ")
      }
    }
  }

  /// What a free-form answer to a MathVista question is, when it is nothing but that: `int(…)` or `float(…)`
  /// of Python for numbers (VLMEvalKit's `post_check` before it asks its judge), the trimmed text for
  /// anything else.
  ///
  /// - Returns: nil where the answer is no such number, or empty.
  public static func value(of answer: String, type: String) -> String? {
    let text = answer.trimmingPythonSpace()
    switch type {
    case "integer": return integer(text).map(String.init)
    case "float": return number(text).map { "\($0)" }
    default: return text.isEmpty ? nil : text
    }
  }

  /// Python's `int` of a decimal text: a sign, digits, underscores between them.
  private static func integer(_ text: String) -> Int? {
    withoutUnderscores(text).flatMap { Int($0) }
  }

  /// Python's `float`, without `nan` and `inf`, which equal no reference.
  private static func number(_ text: String) -> Double? {
    guard let plain = withoutUnderscores(text),
      plain.utf8.allSatisfy({ "+-.eE0123456789".utf8.contains($0) })
    else { return nil }
    let full = plain.hasSuffix(".") ? plain + "0" : plain
    guard let value = Double(full), value.isFinite else { return nil }
    return value
  }

  /// The text with digits of any script as ASCII's and without underscores between them; nil for an
  /// underscore elsewhere.
  private static func withoutUnderscores(_ text: String) -> String? {
    let plain = text.unicodeScalars.map { scalar in
      scalar.properties.numericType == .decimal
        ? scalar.properties.numericValue.map { String(Int($0)) } ?? "" : String(Character(scalar))
    }.joined()
    let parts = plain.split(separator: "_", omittingEmptySubsequences: false)
    for (left, right) in zip(parts, parts.dropFirst())
    where left.last?.isWholeNumber != true || right.first?.isWholeNumber != true {
      return nil
    }
    return parts.joined()
  }
}
