/// What an answer claims about pictures that it names, by ``AnswerGrammar``'s rules for words: an answer with
/// a word that nobody knows cannot be read.
///
/// - `Image1`, `image 1` and `picture 1` are names, and a number after one of them and `and`; names before
///   `and` belong to the clause behind it.
/// - `same` and `different` are claims about the pictures of their clause, and about the attribute whose noun
///   stands behind them, or else before.
/// - Values are those of the pictures of their clause; of those of the clause before where it names none; of
///   the pictures that are asked about where nobody is named, or `both` are.
struct PictureClaims: Equatable {
  /// One value each of some attributes, given to pictures or denied of them.
  struct Values: Equatable {
    /// `nil` for the pictures that are asked about.
    var pictures: Set<Int>?
    var values: [String: Set<String>]
    var isDenied: Bool
    /// Whether it is about all of the pictures together: `not both are red`.
    var isOfAll: Bool
  }

  /// That pictures have an attribute in common, or not.
  struct Sameness: Equatable {
    /// `nil` for the pictures that are asked about.
    var pictures: Set<Int>?
    /// `nil` for what is asked for.
    var attribute: String?
    var isSame: Bool
  }

  /// Yes or no, where it says so.
  var says: Bool?
  /// Whether it denies what was asked without repeating it: `they do not.`
  var deniesQuestion = false
  /// Pictures that it names and of which it denies nothing.
  var named: Set<Int> = []
  /// Pictures that it says it is not.
  var excluded: Set<Int> = []
  var values: [Values] = []
  var sameness: [Sameness] = []

  /// Reads an answer; `nil` where it cannot be read.
  init?(_ text: String, words: FactWords) {
    guard let tokens = AnswerGrammar.tokens(of: text) else { return nil }
    var reading = Reading(words: words)
    for clause in tokens.split(whereSeparator: { Reading.ends.contains($0) }) {
      guard reading.take(Array(clause)) else { return nil }
    }
    self = reading.claims
    named.formUnion(reading.pending)
  }

  private init() {}
}

extension PictureClaims {
  /// The state of reading an answer clause by clause.
  private struct Reading {
    let words: FactWords
    var claims = PictureClaims()
    /// Named in clauses that say nothing else.
    var pending: Set<Int> = []
    private var subject: Set<Int>?

    init(words: FactWords) { self.words = words }

    /// What a clause is made of.
    private struct Clause {
      var pictures: Set<Int> = []
      var values: [String: Set<String>] = [:]
      var isDenied = false
      var isOfAll = false
      var isSame: Bool?
      var nouns: (before: String?, after: String?)
    }

    /// - Returns: whether the clause can be read.
    mutating func take(_ tokens: [AnswerGrammar.Token]) -> Bool {
      let words = tokens.map { token in if case .word(let word) = token { word } else { "" } }
      var (clause, place) = (Clause(), 0)
      while place < words.count {
        if let (number, length) = Self.name(words[place...])
          ?? (place == 0 && !pending.isEmpty ? Int(words[0]).map { ($0, 1) } : nil)
        {
          clause.pictures.insert(number)
          place += length
        } else if let value = self.words.grammar.value(at: tokens[place...]) {
          clause.values[value.attribute, default: []].insert(value.value)
          place += value.length
        } else {
          guard take(words[place], at: place, &clause) else { return false }
          place += 1
        }
      }
      return end(clause)
    }

    private mutating func take(_ word: String, at place: Int, _ clause: inout Clause) -> Bool {
      if place == 0, word == "yes" || word == "no" {
        guard claims.says == nil || claims.says == (word == "yes") else { return false }
        claims.says = word == "yes"
        return true
      }
      if AnswerGrammar.negations.contains(word) {
        defer { clause.isDenied = true }
        return !clause.isDenied || word == "nor"
      }
      if let isSame = Self.sameness[word] {
        defer { clause.isSame = isSame }
        return clause.isSame == nil
      }
      if word == "both" { clause.isOfAll = true }
      if let attribute = words.attributes.first(where: { $0.nouns.contains(word) }) {
        if clause.isSame == nil {
          clause.nouns.before = attribute.key
        } else if clause.nouns.after == nil {
          clause.nouns.after = attribute.key
        }
        return true
      }
      return AnswerGrammar.things.contains(word) || AnswerGrammar.fillers.contains(word)
        || Self.fillers.contains(word)
    }

    /// - Returns: whether the clause goes with those before it.
    private mutating func end(_ clause: Clause) -> Bool {
      guard clause.isSame != nil || !clause.values.isEmpty else {
        if clause.isDenied, clause.pictures.isEmpty { claims.deniesQuestion = true }
        if clause.isDenied {
          claims.excluded.formUnion(clause.pictures)
        } else {
          pending.formUnion(clause.pictures)
        }
        return true
      }
      let pictures = pending.union(clause.pictures)
      pending = []
      if !clause.isDenied { claims.named.formUnion(pictures) }
      let own: Set<Int>? = pictures.isEmpty ? (clause.isOfAll ? nil : subject) : pictures
      if let isSame = clause.isSame {
        claims.sameness.append(
          Sameness(
            pictures: own, attribute: clause.nouns.after ?? clause.nouns.before,
            isSame: isSame != clause.isDenied))
      }
      if !clause.values.isEmpty {
        // What is denied of a clause with `same` is that they are the same.
        claims.values.append(
          Values(
            pictures: own, values: clause.values, isDenied: clause.isDenied && clause.isSame == nil,
            isOfAll: clause.isOfAll))
      }
      if !pictures.isEmpty { subject = pictures }
      return true
    }

    /// The number of a name at the beginning of words, and how many words it has.
    private static func name(_ words: ArraySlice<String>) -> (number: Int, length: Int)? {
      guard let first = words.first else { return nil }
      for noun in ["image", "picture"] {
        if first.hasPrefix(noun), let number = Int(first.dropFirst(noun.count)) { return (number, 1) }
        if first == noun || first == noun + "s", let number = words.dropFirst().first.flatMap({ Int($0) }) {
          return (number, 2)
        }
      }
      return nil
    }

    /// What a clause ends with.
    static let ends: Set<AnswerGrammar.Token> = [.end, .word("while"), .word("whereas")]

    private static let sameness = [
      "same": true, "alike": true, "equal": true, "identical": true, "different": false, "differ": false,
      "differs": false, "difference": false,
    ]
    private static let fillers: Set<String> = [
      "both", "they", "their", "them", "two", "as", "pictures", "images", "things", "items", "something",
      "answer", "only", "true",
    ]
  }
}
