/// Cuts text into the words that byte-level BPE never joins across.
package struct ByteLevelSplitter: Sendable {
  /// A rule, each a regular expression.
  package enum Rule: Sendable {
    /// GPT-2's: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
    case gpt2
    /// ``ByteLevelSplitter/qwen2Pattern``: letters may take any one character before them but digits and line
    /// ends, digits stand alone, line ends go with what is before them.
    case qwen2
  }

  /// The regular expression of the rule ``Rule/qwen2`` as `tokenizer.json` has it.
  static let qwen2Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"#
    + #"\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The rule.
  var rule = Rule.gpt2
  /// Whether every digit is a word of its own, whatever stands beside it: `smollm` sets digits apart before
  /// the rule.
  var isolatesDigits = false
  /// Whether text is brought to Unicode's form NFC before it is cut.
  var composes = false

  package init(rule: Rule = .gpt2, isolatesDigits: Bool = false) {
    (self.rule, self.isolatesDigits) = (rule, isolatesDigits)
  }

  private enum Kind {
    case letter, number, space, other

    init(_ scalar: Unicode.Scalar) {
      switch scalar.value {
      case 0x41...0x5A, 0x61...0x7A: self = .letter
      case 0x30...0x39: self = .number
      case 0x09...0x0D, 0x20: self = .space
      case 0..<0x80: self = .other
      default:
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
          self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = scalar.properties.isWhitespace ? .space : .other
        }
      }
    }
  }

  private static let contractions = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.unicodeScalars) }

  /// The words of a text; joined they are the text.
  package func words(_ text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    let kinds = scalars.map(Kind.init)
    var words: [String] = []
    func append(_ range: Range<Int>) {
      var word = String.UnicodeScalarView()
      word.append(contentsOf: scalars[range])
      words.append(String(word))
    }
    var start = 0
    while start < scalars.count {
      if isolatesDigits, kinds[start] == .number {
        append(start..<start + 1)
        start += 1
        continue
      }
      let limit =
        isolatesDigits ? kinds[start...].firstIndex(of: .number) ?? scalars.count : scalars.count
      while start < limit {
        let end = wordEnd(scalars, kinds, start, limit)
        append(start..<end)
        start = end
      }
    }
    return words
  }

  private func wordEnd(_ scalars: [Unicode.Scalar], _ kinds: [Kind], _ start: Int, _ limit: Int) -> Int {
    if rule == .qwen2 { return qwen2WordEnd(scalars, kinds, start, limit) }
    if scalars[start] == "'" {
      for letters in Self.contractions where start + letters.count < limit {
        if scalars[start + 1...start + letters.count].elementsEqual(letters) {
          return start + 1 + letters.count
        }
      }
    }
    let takesSpace = scalars[start] == " " && start + 1 < limit && kinds[start + 1] != .space
    let first = takesSpace ? start + 1 : start
    let kind = kinds[first]
    let end = kinds[first..<limit].firstIndex { $0 != kind } ?? limit
    // White space leaves its last character to the word behind it.
    if kind == .space, end < limit, end - start > 1 { return end - 1 }
    return end
  }

  /// The end of the word at `start` by ``Rule/qwen2``, whose alternatives are tried in their order.
  private func qwen2WordEnd(
    _ scalars: [Unicode.Scalar], _ kinds: [Kind], _ start: Int, _ limit: Int
  ) -> Int {
    func isLineEnd(_ place: Int) -> Bool { scalars[place] == "\r" || scalars[place] == "\n" }
    func run(_ kind: Kind, from place: Int) -> Int {
      kinds[place..<limit].firstIndex { $0 != kind } ?? limit
    }
    if scalars[start] == "'" {
      for letters in Self.contractions where start + letters.count < limit {
        let found = scalars[start + 1...start + letters.count]
        if found.elementsEqual(letters, by: Self.isSameInAnyCase) { return start + 1 + letters.count }
      }
    }
    if kinds[start] == .letter { return run(.letter, from: start) }
    if kinds[start] == .number { return start + 1 }
    if !isLineEnd(start), start + 1 < limit, kinds[start + 1] == .letter {
      return run(.letter, from: start + 1)
    }
    let first = scalars[start] == " " && start + 1 < limit && kinds[start + 1] == .other ? start + 1 : start
    if kinds[first] == .other {
      let end = run(.other, from: first)
      return (end..<limit).first { !isLineEnd($0) } ?? limit
    }
    let end = run(.space, from: start)
    if let last = (start..<end).last(where: isLineEnd) { return last + 1 }
    return end < limit && end - start > 1 ? end - 1 : end
  }

  /// Whether a character is a letter of a contraction, capital or not; `ſ` is an s.
  private static func isSameInAnyCase(_ found: Unicode.Scalar, _ letter: Unicode.Scalar) -> Bool {
    found == letter || found.value == letter.value - 0x20 || letter == "s" && found == "ſ"
  }
}
