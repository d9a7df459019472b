/// A step that `tokenizer.json` takes to cut a text into words.
enum TextCutter: Sendable {
  /// What becomes of what a pattern finds.
  enum Behavior: String, Sendable {
    case isolated = "Isolated"
    case removed = "Removed"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  case split(ScalarPattern, Behavior, isInverted: Bool)
  case byteLevel(addsSpace: Bool, cuts: Bool)
  case metaspace(Unicode.Scalar, MetaspaceVocabulary.Prefix, cuts: Bool)
  case words
  case spaces
  case digits(single: Bool)
  case punctuation(Behavior)
  case bert
  case character(Unicode.Scalar)

  /// A word, and whether the text begins with it.
  struct Word {
    var scalars: [Unicode.Scalar]
    var isFirst: Bool
  }

  private static let gpt2 = ByteLevelSplitter()

  /// - Throws: ``TokenizerError`` for a pattern that would take too many steps.
  func callAsFunction(_ word: Word) throws -> [Word] {
    var word = word
    switch self {
    case .split(let pattern, let behavior, let isInverted):
      return Self.cut(word, try pattern.matches(word.scalars), behavior, isInverted)
    case .byteLevel(let addsSpace, let cuts):
      if addsSpace, word.scalars.first != " " { word.scalars.insert(" ", at: 0) }
      guard cuts else { return [word] }
      return Self.gpt2.words(String(word.scalars)).enumerated().map {
        Word(scalars: Array($1.unicodeScalars), isFirst: word.isFirst && $0 == 0)
      }
    case .metaspace(let mark, let prefix, let cuts):
      word.scalars = word.scalars.map { $0 == " " ? mark : $0 }
      if word.scalars.first != mark, prefix == .always || (prefix == .first && word.isFirst) {
        word.scalars.insert(mark, at: 0)
      }
      return cuts ? Self.cut(word, Self.single(word) { $0 == mark }, .mergedWithNext) : [word]
    case .words:
      func kind(_ scalar: Unicode.Scalar) -> Int {
        scalar.isWord || scalar.value == 0x200C || scalar.value == 0x200D
          ? 1 : scalar.properties.isWhitespace ? 0 : 2
      }
      var found: [Range<Int>] = []
      for (place, scalar) in word.scalars.enumerated() where kind(scalar) > 0 {
        if let last = found.last, last.upperBound == place, kind(word.scalars[place - 1]) == kind(scalar) {
          found[found.count - 1] = last.lowerBound..<place + 1
        } else {
          found.append(place..<place + 1)
        }
      }
      return Self.cut(word, found, .removed, true)
    case .spaces: return Self.cut(word, Self.single(word, where: \.properties.isWhitespace), .removed)
    case .digits(let single):
      let found = Self.single(word) {
        $0.properties.generalCategory.bit & Unicode.GeneralCategory.bits["N"]! != 0
      }
      return Self.cut(word, found, single ? .isolated : .contiguous)
    case .punctuation(let behavior):
      return Self.cut(word, Self.single(word, where: Self.isPunctuation), behavior)
    case .bert:
      return Self.cut(word, Self.single(word, where: \.properties.isWhitespace), .removed).flatMap {
        Self.cut($0, Self.single($0, where: Self.isPunctuation), .isolated)
      }
    case .character(let mark): return Self.cut(word, Self.single(word) { $0 == mark }, .removed)
    }
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    default: scalar.properties.generalCategory.bit & Unicode.GeneralCategory.bits["P"]! != 0
    }
  }

  private static func single(_ word: Word, where holds: (Unicode.Scalar) -> Bool) -> [Range<Int>] {
    word.scalars.indices.filter { holds(word.scalars[$0]) }.map { $0..<$0 + 1 }
  }

  /// Cuts a word at what was found in it.
  private static func cut(
    _ word: Word, _ found: [Range<Int>], _ behavior: Behavior, _ isInverted: Bool = false
  ) -> [Word] {
    var all: [(range: Range<Int>, isFound: Bool)] = []
    var start = 0
    for match in found {
      if start < match.lowerBound { all.append((start..<match.lowerBound, isInverted)) }
      all.append((match, !isInverted))
      start = match.upperBound
    }
    if start < word.scalars.count { all.append((start..<word.scalars.count, isInverted)) }
    var ranges: [Range<Int>] = []
    var wasFound = false
    switch behavior {
    case .isolated: ranges = all.map(\.range)
    case .removed: ranges = all.filter { !$0.isFound }.map(\.range)
    case .mergedWithPrevious:
      for part in all {
        if part.isFound, !wasFound, let last = ranges.last {
          ranges[ranges.count - 1] = last.lowerBound..<part.range.upperBound
        } else {
          ranges.append(part.range)
        }
        wasFound = part.isFound
      }
    case .mergedWithNext:
      for part in all.reversed() {
        if part.isFound, !wasFound, let last = ranges.last {
          ranges[ranges.count - 1] = part.range.lowerBound..<last.upperBound
        } else {
          ranges.append(part.range)
        }
        wasFound = part.isFound
      }
      ranges.reverse()
    case .contiguous:
      for part in all {
        if part.isFound == wasFound, let last = ranges.last {
          ranges[ranges.count - 1] = last.lowerBound..<part.range.upperBound
        } else {
          ranges.append(part.range)
        }
        wasFound = part.isFound
      }
    }
    return ranges.map {
      Word(scalars: Array(word.scalars[$0]), isFirst: word.isFirst && $0.lowerBound == 0)
    }
  }
}
