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
  /// Which of the first 128 characters belong to it, once it is prepared.
  private(set) var ascii: ASCII?

  /// Some of the first 128 characters, a bit each.
  struct ASCII: Sendable {
    var low: UInt64 = 0
    var high: UInt64 = 0

    func contains(_ value: UInt32) -> Bool {
      (value < 64 ? low : high) >> UInt64(value & 63) & 1 != 0
    }
  }

  init() {}

  init(only scalar: Unicode.Scalar) {
    ranges = [scalar.value...scalar.value]
    prepare()
  }

  /// To be called when the set is complete.
  mutating func prepare() {
    ascii = nil
    ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, range in
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    func bits(_ characters: Range<UInt8>) -> UInt64 {
      characters.reversed().reduce(0) { $0 << 1 | (computed(Unicode.Scalar($1)) ? 1 : 0) }
    }
    ascii = ASCII(low: bits(0..<64), high: bits(64..<128))
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 128, let ascii { return ascii.contains(scalar.value) }
    return computed(scalar)
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
    // The last range that does not begin behind the character: they are in order and have nothing in common.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound <= scalar.value { low = middle + 1 } else { high = middle }
    }
    if low > 0, ranges[low - 1].upperBound >= scalar.value { return true }
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
