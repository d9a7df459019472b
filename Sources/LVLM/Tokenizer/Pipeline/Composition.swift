import Foundation

/// Composed text: Foundation's forms, with the syllables of Hangul as the Unicode Standard has them.
///
/// Foundation (Swift 6.3 on Linux) composes one letter too many at the ends of the leading consonants, the
/// vowels and the finals (U+1113, U+1176, U+11A7, U+11C3), and leaves a final consonant behind a syllable
/// that was composed already.
/// Source: The Unicode Standard, section 3.12, "Conjoining Jamo Behavior".
extension String {
  /// Normalization form C.
  package var canonicallyComposed: String { composed { $0.precomposedStringWithCanonicalMapping } }

  /// Normalization form KC.
  package var compatiblyComposed: String { composed { $0.precomposedStringWithCompatibilityMapping } }

  private func composed(_ form: (String) -> String) -> String {
    guard utf8.contains(where: { $0 >= 0x80 }) else { return self }
    // These letters compose with nothing and begin anew, so a text may be cut before and behind them.
    var pieces: [String.UnicodeScalarView] = [String.UnicodeScalarView()]
    for scalar in unicodeScalars {
      if Hangul.neverSecond.contains(scalar) { pieces.append(String.UnicodeScalarView()) }
      pieces[pieces.count - 1].append(scalar)
      if scalar == Hangul.neverFirst { pieces.append(String.UnicodeScalarView()) }
    }
    let text = pieces.map { form(String($0)) }.joined()
    return Hangul.withFinals(text)
  }
}

/// Numbers of the syllables of Hangul.
private enum Hangul {
  /// The letter behind the leading consonants, and those around the vowels and the finals.
  static let neverFirst: Unicode.Scalar = "\u{1113}"
  static let neverSecond: [Unicode.Scalar] = ["\u{1176}", "\u{11A7}", "\u{11C3}"]
  private static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
  private static let finals: Range<UInt32> = 0x11A8..<0x11C3
  /// Syllables of one leading consonant and one vowel: the one without a final and those with each of them.
  private static let perVowel: UInt32 = 28

  /// The text with a final consonant in the syllable without one before it.
  static func withFinals(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { finals.contains($0.value) }) else { return text }
    var result = String.UnicodeScalarView()
    var last: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if let syllable = last?.value, finals.contains(scalar.value), syllables.contains(syllable),
        (syllable - syllables.lowerBound) % perVowel == 0,
        let whole = Unicode.Scalar(syllable + scalar.value - finals.lowerBound + 1)
      {
        last = whole
      } else {
        if let last { result.append(last) }
        last = scalar
      }
    }
    if let last { result.append(last) }
    return String(result)
  }
}
