import Foundation

/// Composed text: Foundation's forms, where it composes what the Unicode Standard does.
///
/// Foundation (Swift 6.3 on Linux) composes one letter too many at the ends of the leading consonants, the
/// vowels and the finals (U+1113, U+1176, U+11A7, U+11C3), and leaves a final consonant behind a syllable
/// that was composed already. Of what a mark is put on it looks at the lower 16 bits: U+E0041 and a grave
/// accent become À.
/// Source: The Unicode Standard, section 3.12, "Conjoining Jamo Behavior".
extension String {
  /// Normalization form C.
  package var canonicallyComposed: String {
    guard utf8.contains(where: { $0 >= 0x80 }) else { return self }
    // These letters compose with nothing and begin anew, so a text may be cut before and behind them.
    var pieces: [String.UnicodeScalarView] = [String.UnicodeScalarView()]
    var last: Unicode.Scalar = " "
    for scalar in unicodeScalars {
      // All pairs that begin beyond 16 bits end there too.
      let isBehindLarge = last.value > 0xFFFF && scalar.value <= 0xFFFF
      last = scalar
      if isBehindLarge || Hangul.neverSecond.contains(scalar) { pieces.append(String.UnicodeScalarView()) }
      pieces[pieces.count - 1].append(scalar)
      if scalar == Hangul.neverFirst { pieces.append(String.UnicodeScalarView()) }
    }
    let text = pieces.map { String($0).precomposedStringWithCanonicalMapping }.joined()
    return Hangul.withFinals(text)
  }

  /// Normalization form KC: form C of form KD.
  package var compatiblyComposed: String { decomposedStringWithCompatibilityMapping.canonicallyComposed }
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
