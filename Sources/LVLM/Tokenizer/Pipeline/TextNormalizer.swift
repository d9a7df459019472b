import Foundation

/// A step that `tokenizer.json` takes before a text is cut.
enum TextNormalizer: Sendable {
  case nfc, nfd, nfkc, nfkd
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case replace(ScalarPattern, with: String)
  case prepend(String)
  case bert(cleans: Bool, spacesChinese: Bool, stripsAccents: Bool, lowers: Bool)
  case nmt
  case precompiled(PrecompiledMap)

  /// The text as the step makes it; nil where it would have more bytes than these.
  ///
  /// - Throws: ``TokenizerError`` for a pattern that would take too many steps.
  func normalized(_ text: String, most: Int) throws(TokenizerError) -> String? {
    let result: String?
    switch self {
    case .replace(let pattern, let content):
      result = try Self.replaced(pattern, content, text, most: most)
    case .precompiled(let map): result = map.normalized(text, most: most)
    default: result = normalized(text)
    }
    return result.flatMap { $0.utf8.count <= most ? $0 : nil }
  }

  /// What a pattern finds replaced, nil where the result would have more bytes than these.
  static func replaced(
    _ pattern: ScalarPattern, _ content: String, _ text: String, most: Int = .max
  ) throws(TokenizerError) -> String? {
    let scalars = Array(text.unicodeScalars)
    let matches = try pattern.matches(scalars)
    guard matches.count * content.utf8.count <= most else { return nil }
    var result = String.UnicodeScalarView()
    var start = 0
    for match in matches {
      result.append(contentsOf: scalars[start..<match.lowerBound])
      result.append(contentsOf: content.unicodeScalars)
      start = match.upperBound
    }
    result.append(contentsOf: scalars[start...])
    return String(result)
  }

  /// The text as a step makes it of which no text can become many times as long.
  private func normalized(_ text: String) -> String {
    switch self {
    case .nfc: return text.canonicallyComposed
    case .nfd: return text.decomposedStringWithCanonicalMapping
    case .nfkc: return text.compatiblyComposed
    case .nfkd: return text.decomposedStringWithCompatibilityMapping
    case .lowercase: return Self.lowered(text)
    case .strip(let left, let right):
      let scalars = Array(text.unicodeScalars)
      var (start, end) = (0, scalars.count)
      while left, start < end, scalars[start].properties.isWhitespace { start += 1 }
      while right, end > start, scalars[end - 1].properties.isWhitespace { end -= 1 }
      return String(scalars[start..<end])
    case .stripAccents:
      let marks = Unicode.GeneralCategory.bits["M"] ?? 0
      return Self.filtered(text) { $0.properties.generalCategory.bit & marks == 0 }
    case .replace, .precompiled: return text
    case .prepend(let mark): return text.isEmpty ? text : mark + text
    case .bert(let cleans, let spacesChinese, let stripsAccents, let lowers):
      var text = text
      if cleans { text = Self.cleaned(text) }
      if spacesChinese { text = Self.spaced(text) }
      if stripsAccents {
        text = Self.filtered(text.decomposedStringWithCanonicalMapping) {
          $0.properties.generalCategory != .nonspacingMark
        }
      }
      return lowers ? Self.lowered(text) : text
    case .nmt:
      return String(
        text.unicodeScalars.compactMap { scalar -> Unicode.Scalar? in
          switch scalar.value {
          case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: nil
          case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: " "
          default: scalar
          }
        })
    }
  }

  private static func filtered(_ text: String, _ keeps: (Unicode.Scalar) -> Bool) -> String {
    String(text.unicodeScalars.filter(keeps))
  }

  /// Each character by itself: a final sigma is a sigma.
  private static func lowered(_ text: String) -> String {
    text.unicodeScalars.map(\.properties.lowercaseMapping).joined()
  }

  private static func cleaned(_ text: String) -> String {
    String(
      text.unicodeScalars.compactMap { scalar -> Unicode.Scalar? in
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return " " }
        if scalar.value == 0 || scalar.value == 0xFFFD { return nil }
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate: return nil
        default: break
        }
        return scalar.properties.isWhitespace ? " " : scalar
      })
  }

  private static func spaced(_ text: String) -> String {
    String(
      text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
          0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
          [" ", scalar, " "]
        default: [scalar]
        }
      })
  }
}

/// SentencePiece's map of characters, as the tokenizers library follows it: grapheme by grapheme, those of
/// six bytes and more character by character.
struct PrecompiledMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Parameter bytes: the byte count of a double-array trie, the trie, replacements ended by zeros.
  /// - Returns: nil for bytes that are no such map.
  init?(_ bytes: [UInt8]) {
    guard CharacterMap.isUsable(bytes), bytes.count > 4 else { return nil }
    func word(_ place: Int) -> UInt32 {
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }
    let size = Int(word(0))
    units = stride(from: 4, to: 4 + size, by: 4).map(word)
    texts = Array(bytes[(4 + size)...])
  }

  /// What the shortest key that a text begins with becomes; nil where none does.
  private func replacement(_ utf8: some Sequence<UInt8>) -> String? {
    var place = 0
    func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 0x200) >> 6)) }
    place ^= offset(units[0])
    for byte in utf8 {
      // No key has a zero.
      guard byte != 0 else { return nil }
      place ^= Int(byte)
      guard place < units.count, units[place] & 0x8000_00FF == UInt32(byte) else { return nil }
      let unit = units[place]
      place ^= offset(unit)
      guard place < units.count else { return nil }
      if unit & 0x100 != 0 {
        let start = Int(units[place] & 0x7FFF_FFFF)
        let end = texts[start...].firstIndex(of: 0) ?? texts.count
        return String(decoding: texts[start..<end], as: UTF8.self)
      }
    }
    return nil
  }

  /// The text with its characters replaced; nil where it would have more bytes than these.
  func normalized(_ text: String, most: Int) -> String? {
    var result = ""
    for grapheme in text {
      guard result.utf8.count <= most else { return nil }
      if grapheme.utf8.count < 6, let found = replacement(grapheme.utf8) {
        result += found
        continue
      }
      for scalar in grapheme.unicodeScalars {
        if let found = replacement(String(scalar).utf8) {
          result += found
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }
}
