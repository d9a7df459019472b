/// A regular expression as Oniguruma reads those of `tokenizer.json`, on characters' codes.
///
/// It is a part of that language: classes with categories of Unicode, groups, alternatives, repetitions
/// (greedy, lazy and possessive), lookahead, `(?i:…)`. Anything else is refused by name.
///
/// `NSRegularExpression` agrees on the rules of vocabularies and is as fast, but finds nothing in a run of a
/// million blanks, of which it says nothing, takes 15 s for `(x+x+)+y` on 28 characters, and has lines end at
/// `\r` and U+2028 too, where Oniguruma has `\n` alone. Swift's `Regex` is five times as slow, reads `\d`
/// otherwise and cannot be bounded either.
struct ScalarPattern: Sendable {
  /// A step of the matcher.
  enum Step: Sendable {
    /// A character of one of the sets, of which it knows the first 128 itself.
    case set(Int, ScalarSet.ASCII)
    /// Goes on at one place, and at the other where that fails.
    case split(Int, Int)
    case jump(Int)
    /// Whether the steps behind the next one match from here, which does not move; then goes on at the next.
    case look(isNegated: Bool)
    /// What the steps behind the next one match first, not to be tried again; then goes on at the next.
    case atomic
    case lineStart, lineEnd, textStart, textEnd
    case done
  }

  /// Where a pattern stands, for errors of texts that it is used on.
  struct Origin: Sendable {
    var file: String
    var key: String
  }

  let source: String
  let origin: Origin
  let steps: [Step]
  let sets: [ScalarSet]
  /// The text that it is, where it is a text and no expression.
  let literal: [Unicode.Scalar]?

  /// - Throws: ``TokenizerPatternError`` for what is not computed here.
  init(_ source: String, _ origin: Origin) throws {
    (self.source, self.origin) = (source, origin)
    literal = nil
    (steps, sets) = try ScalarPatternParser.steps(source)
  }

  /// A pattern that finds a text.
  init(literal: String, _ origin: Origin) {
    (source, self.origin) = (literal, origin)
    self.literal = Array(literal.unicodeScalars)
    (steps, sets) = ([], [])
  }

  /// Whether it cannot take too many steps, whatever the text: none that looks on, and so few branches that
  /// with each of them failed once at every place the steps are still those of ``ScalarPatternSearch``.
  var isShort: Bool {
    var branches = 0
    for step in steps {
      switch step {
      case .look, .atomic: return false
      case .split: branches += 1
      default: break
      }
    }
    return 2 * (branches + 1) * steps.count <= ScalarPatternSearch.usualSteps
  }

  /// Where the pattern matches, from left to right; nothing that is empty.
  ///
  /// - Throws: ``TokenizerError`` for a pattern that would take too many steps.
  func matches(_ text: [Unicode.Scalar]) throws(TokenizerError) -> [Range<Int>] {
    if let literal { return ScalarSearch.places(of: literal, in: text).map { $0..<$0 + literal.count } }
    var search = ScalarPatternSearch(self, text)
    var found: [Range<Int>] = []
    var place = 0
    while place < text.count {
      if let end = try search.end(from: place), end > place {
        found.append(place..<end)
        place = end
      } else {
        place += 1
      }
    }
    return found
  }
}

/// A pattern that is not computed here.
struct TokenizerPatternError: Error {
  var problem: String
}
