/// What an answer claims.
struct AnswerClaims: Equatable {
  /// Yes or no, where it says so.
  var says: Bool?
  /// Values that it gives the picture, by attribute.
  var given: [String: Set<String>] = [:]
  /// Values that it denies together: no picture with one of each.
  var denied: [[String: Set<String>]] = []
  /// Whether it denies what was asked without repeating it: `it is not.`
  var deniesQuestion = false
}

/// The words that the answers of a source are made of, and what they claim.
///
/// Small on purpose: an answer with a word that is not in it cannot be read and is never right.
///
/// - Values are found by their longest spelling.
/// - Punctuation, `and` and `but` end a clause. `not`, `no`, `neither`, `nor` and `without` deny the values
///   behind them in their clause.
/// - `yes` and `no` stand alone, or begin the answer.
struct AnswerGrammar: Sendable {
  /// A word, or the end of a clause.
  enum Token: Hashable, Sendable {
    case word(String)
    case end
  }

  private struct Spelling: Sendable {
    var tokens: [Token]
    var attribute: String
    var value: String
  }

  /// By their first token, the longest first.
  private var spellings: [Token: [Spelling]] = [:]

  /// - Parameter values: attributes with their values, and the spellings of each.
  init(_ values: [String: [String: [String]]]) {
    for (attribute, values) in values {
      for (value, texts) in values {
        for text in texts { add(text, attribute, value) }
      }
    }
  }

  /// The grammar with one more value, spelled as it is; `nil` where it has characters that no answer may
  /// have.
  func adding(_ value: String, of attribute: String) -> AnswerGrammar? {
    var grammar = self
    return grammar.add(value, attribute, value) ? grammar : nil
  }

  @discardableResult
  private mutating func add(_ text: String, _ attribute: String, _ value: String) -> Bool {
    guard var tokens = Self.tokens(of: text) else { return false }
    while tokens.last == .end { tokens.removeLast() }
    guard let first = tokens.first else { return false }
    var own = spellings[first] ?? []
    // What is added later goes before what is as long.
    let place = own.firstIndex { $0.tokens.count <= tokens.count } ?? own.count
    own.insert(Spelling(tokens: tokens, attribute: attribute, value: value), at: place)
    spellings[first] = own
    return true
  }

  /// What a text claims; `nil` where it cannot be read.
  func claims(in text: String) -> AnswerClaims? {
    guard let tokens = Self.tokens(of: text) else { return nil }
    var reading = Reading()
    var place = 0
    while place < tokens.count {
      let next = place + 1 < tokens.count ? tokens[place + 1] : .end
      if let found = spellings[tokens[place]]?.first(where: { tokens[place...].starts(with: $0.tokens) }) {
        reading.take(found.value, of: found.attribute)
        place += found.tokens.count
        continue
      }
      switch tokens[place] {
      case .end: guard reading.endClause() else { return nil }
      case .word(let word): guard reading.take(word, isFirst: place == 0, next: next) else { return nil }
      }
      place += 1
    }
    return reading.endClause() ? reading.claims : nil
  }

  /// The value that words begin with, by its longest spelling, and how many words it has.
  func value(at tokens: ArraySlice<Token>) -> (attribute: String, value: String, length: Int)? {
    tokens.first.flatMap { spellings[$0]?.first { tokens.starts(with: $0.tokens) } }
      .map { ($0.attribute, $0.value, $0.tokens.count) }
  }

  /// The words and ends of clauses of a text in lower case; `nil` for a character that no sentence has.
  static func tokens(of text: String) -> [Token]? {
    var tokens: [Token] = []
    var word = ""
    func endWord() {
      defer { word = "" }
      guard !word.isEmpty else { return }
      tokens.append(word == "and" || word == "but" ? .end : .word(word))
    }
    let spelledOut = text.lowercased().replacing("’", with: "'").replacing("n't", with: " not")
      .replacing("'s", with: " is")
    for character in spelledOut {
      if character.isLetter || character.isNumber {
        word.append(character)
      } else if ".,;:!?".contains(character) || character.isNewline {
        endWord()
        tokens.append(.end)
      } else if character.isWhitespace || "-'\"“”()".contains(character) {
        endWord()
      } else {
        return nil
      }
    }
    endWord()
    return tokens
  }
}

extension AnswerGrammar {
  /// The state of reading an answer from left to right.
  private struct Reading {
    var claims = AnswerClaims()
    private var denied: [String: Set<String>]?
    private var isAtStart = true
    private var deniesThing = false

    mutating func take(_ value: String, of attribute: String) {
      isAtStart = false
      if denied == nil {
        claims.given[attribute, default: []].insert(value)
      } else {
        denied?[attribute, default: []].insert(value)
      }
    }

    /// - Returns: whether the word can be read where it stands.
    mutating func take(_ word: String, isFirst: Bool, next: Token) -> Bool {
      if word == "yes" || word == "no", isInterjection(word, isFirst: isFirst, next: next) {
        guard claims.says == nil || claims.says == (word == "yes") else { return false }
        claims.says = word == "yes"
        return true
      }
      isAtStart = false
      if word == "nor", denied != nil { return true }
      if AnswerGrammar.negations.contains(word) {
        guard denied == nil else { return false }
        denied = [:]
        return true
      }
      if AnswerGrammar.things.contains(word) {
        deniesThing = deniesThing || denied != nil
        return true
      }
      return AnswerGrammar.fillers.contains(word)
    }

    /// `no red shape` denies a red shape, `no it is red` says no.
    private func isInterjection(_ word: String, isFirst: Bool, next: Token) -> Bool {
      guard case .word(let following) = next else { return isAtStart }
      return isFirst && (word == "yes" || AnswerGrammar.beginnings.contains(following))
    }

    /// - Returns: whether the clause can be read: `there is no shape` denies what every picture has.
    mutating func endClause() -> Bool {
      defer {
        isAtStart = true
        denied = nil
        deniesThing = false
      }
      guard let denied else { return true }
      if denied.isEmpty {
        claims.deniesQuestion = true
        return !deniesThing
      }
      claims.denied.append(denied)
      return true
    }
  }

  static let negations: Set<String> = ["not", "no", "neither", "nor", "without"]
  /// Words for whatever a picture shows.
  static let things: Set<String> = ["shape", "item", "thing", "picture", "image"]
  /// What a sentence after `no` begins with.
  private static let beginnings: Set<String> = [
    "it", "its", "the", "this", "that", "there", "a", "an", "not",
  ]
  static let fillers: Set<String> = beginnings.union([
    "is", "are", "was", "be", "in", "of", "on", "or", "with", "which", "to", "i", "we", "you", "see", "seen",
    "can",
    "do", "does", "has", "have", "photo", "shows", "show", "shown", "contains", "contain", "present",
    "appears",
    "looks", "color", "colour", "colored", "coloured", "main", "mainly", "mostly", "worn", "kind", "one",
  ])
}
