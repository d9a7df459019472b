/// A regular expression as Oniguruma reads those of `tokenizer.json`, on characters' codes.
///
/// It is a part of that language: classes with categories of Unicode, groups, alternatives, repetitions
/// (greedy, lazy and possessive), lookahead, `(?i:…)`. Anything else is refused by name.
struct ScalarPattern: Sendable {
  /// A step of the matcher.
  enum Step: Sendable {
    case set(ScalarSet)
    /// Goes on at one place, and at the other where that fails.
    case split(Int, Int)
    case jump(Int)
    /// Whether steps match from here, which does not move.
    case look([Step], isNegated: Bool)
    /// What steps match first, not to be tried again.
    case atomic([Step])
    case lineStart, lineEnd, textStart, textEnd
    case done
  }

  let source: String
  private let steps: [Step]

  /// - Throws: ``TokenizerPatternError`` for what is not computed here.
  init(_ source: String) throws {
    self.source = source
    steps = try ScalarPatternParser.steps(source)
  }

  /// A pattern that finds a text.
  init(literal: String) {
    source = literal
    steps = literal.unicodeScalars.map { .set(ScalarSet(only: $0)) } + [.done]
  }

  /// Where the pattern matches, from left to right; nothing that is empty.
  func matches(_ text: [Unicode.Scalar]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var place = 0
    while place < text.count {
      if let end = Self.run(steps, text, place), end > place {
        found.append(place..<end)
        place = end
      } else {
        place += 1
      }
    }
    return found
  }

  private static func run(_ steps: [Step], _ text: [Unicode.Scalar], _ start: Int) -> Int? {
    var (step, place) = (0, start)
    var others: [(step: Int, place: Int)] = []
    while true {
      var holds = true
      switch steps[step] {
      case .set(let set):
        holds = place < text.count && set.contains(text[place])
        if holds { (step, place) = (step + 1, place + 1) }
      case .split(let first, let second):
        others.append((second, place))
        step = first
      case .jump(let next): step = next
      case .look(let inner, let isNegated):
        holds = (run(inner, text, place) != nil) != isNegated
        if holds { step += 1 }
      case .atomic(let inner):
        if let end = run(inner, text, place) {
          (step, place) = (step + 1, end)
        } else {
          holds = false
        }
      case .lineStart:
        holds = place == 0 || (text[place - 1] == "\n" && place < text.count)
        if holds { step += 1 }
      case .lineEnd:
        holds = place == text.count || text[place] == "\n"
        if holds { step += 1 }
      case .textStart:
        holds = place == 0
        if holds { step += 1 }
      case .textEnd:
        holds = place == text.count
        if holds { step += 1 }
      case .done: return place
      }
      if !holds {
        guard let other = others.popLast() else { return nil }
        (step, place) = other
      }
    }
  }
}

/// A pattern that is not computed here.
struct TokenizerPatternError: Error {
  var problem: String
}

/// Characters of a class.
struct ScalarSet: Sendable {
  var ranges: [ClosedRange<UInt32>] = []
  /// Bits of general categories.
  var categories: UInt32 = 0
  var hasSpace = false
  var hasWord = false
  var isNegated = false
  /// Whether a letter stands for its other case, too.
  var ignoresCase = false
  var others: [ScalarSet] = []
  /// Whether each of the first 128 characters belongs to it.
  private var ascii: [Bool] = []

  init() {}

  init(only scalar: Unicode.Scalar) {
    ranges = [scalar.value...scalar.value]
    prepare()
  }

  /// To be called when the set is complete.
  mutating func prepare() {
    ascii = []
    ascii = (0..<128).map { computed(Unicode.Scalar(UInt8($0))) }
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 128 && !ascii.isEmpty ? ascii[Int(scalar.value)] : computed(scalar)
  }

  private func computed(_ scalar: Unicode.Scalar) -> Bool {
    if holds(scalar) { return !isNegated }
    guard ignoresCase else { return isNegated }
    let properties = scalar.properties
    let forms =
      [properties.lowercaseMapping, properties.uppercaseMapping]
      + [properties.uppercaseMapping.lowercased()]
    return forms.contains { $0.unicodeScalars.count == 1 && holds($0.unicodeScalars.first!) } != isNegated
  }

  private func holds(_ scalar: Unicode.Scalar) -> Bool {
    if ranges.contains(where: { $0.contains(scalar.value) }) { return true }
    if hasSpace, scalar.properties.isWhitespace { return true }
    if categories != 0, categories & scalar.properties.generalCategory.bit != 0 { return true }
    if hasWord, scalar.isWord { return true }
    return others.contains { $0.contains(scalar) }
  }
}

extension Unicode.Scalar {
  /// A letter, mark, digit or connecting punctuation.
  var isWord: Bool {
    let bits = Unicode.GeneralCategory.bits
    let others = (bits["M"] ?? 0) | (bits["Nd"] ?? 0) | (bits["Pc"] ?? 0)
    return properties.isAlphabetic || properties.generalCategory.bit & others != 0
  }
}

extension Unicode.GeneralCategory {
  private static let order: [(String, Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
    ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
    ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
    ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation),
    ("Pi", .initialPunctuation),
    ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
    ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
    ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
    ("Cn", .unassigned),
  ]

  /// Bits of each category and of each group of them.
  static let bits: [String: UInt32] = {
    var bits: [String: UInt32] = [:]
    for (place, entry) in order.enumerated() {
      bits[entry.0] = 1 << UInt32(place)
      bits[String(entry.0.prefix(1)), default: 0] |= 1 << UInt32(place)
    }
    return bits
  }()

  var bit: UInt32 {
    switch self {
    case .uppercaseLetter: 1 << 0
    case .lowercaseLetter: 1 << 1
    case .titlecaseLetter: 1 << 2
    case .modifierLetter: 1 << 3
    case .otherLetter: 1 << 4
    case .nonspacingMark: 1 << 5
    case .spacingMark: 1 << 6
    case .enclosingMark: 1 << 7
    case .decimalNumber: 1 << 8
    case .letterNumber: 1 << 9
    case .otherNumber: 1 << 10
    case .connectorPunctuation: 1 << 11
    case .dashPunctuation: 1 << 12
    case .openPunctuation: 1 << 13
    case .closePunctuation: 1 << 14
    case .initialPunctuation: 1 << 15
    case .finalPunctuation: 1 << 16
    case .otherPunctuation: 1 << 17
    case .mathSymbol: 1 << 18
    case .currencySymbol: 1 << 19
    case .modifierSymbol: 1 << 20
    case .otherSymbol: 1 << 21
    case .spaceSeparator: 1 << 22
    case .lineSeparator: 1 << 23
    case .paragraphSeparator: 1 << 24
    case .control: 1 << 25
    case .format: 1 << 26
    case .surrogate: 1 << 27
    case .privateUse: 1 << 28
    default: 1 << 29
    }
  }
}
