/// Cuts text into the words that byte-level BPE never joins across: GPT-2's rule, and `smollm`'s, which first
/// sets every digit apart.
///
/// The rule is the regular expression
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
struct ByteLevelSplitter: Sendable {
  /// Whether every digit is a word of its own, whatever stands beside it.
  var isolatesDigits: Bool

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
  func words(_ text: String) -> [String] {
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
}
