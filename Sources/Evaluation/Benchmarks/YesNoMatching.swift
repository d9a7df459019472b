/// Yes or no in an answer in free text, by VLMEvalKit's rules without a judge (`YOrN_Extraction`).
public enum YesNoMatching {
  /// `Yes` or `No` when the answer holds that word and not the other; nil otherwise.
  public static func answer(in text: String) -> String? {
    let words = withoutPunctuation(text.lowercased()).split(whereSeparator: \.isWhitespace)
    switch (words.contains("yes"), words.contains("no")) {
    case (true, false): return "Yes"
    case (false, true): return "No"
    default: return nil
    }
  }

  /// The VQA evaluation's `processPunctuation`: a mark next to a space goes away, in a text with a comma
  /// between digits every mark does, and any other becomes a space; full stops go, except beside digits, the
  /// first 32 of them.
  package static func withoutPunctuation(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    func isDigit(_ index: Int) -> Bool {
      scalars.indices.contains(index) && scalars[index].properties.numericType == .decimal
    }
    let hasNumberComma = scalars.indices.contains {
      scalars[$0] == "," && isDigit($0 - 1) && isDigit($0 + 1)
    }
    var removed: Set<Unicode.Scalar> = []
    let marks = Set(#";/[]"{}()=+\_-><@`,?!"#.unicodeScalars)
    for index in scalars.indices where marks.contains(scalars[index]) {
      let besideSpace =
        (index > 0 && scalars[index - 1] == " ") || (index + 1 < scalars.count && scalars[index + 1] == " ")
      if besideSpace || hasNumberComma { removed.insert(scalars[index]) }
    }
    let spaced = scalars.compactMap { scalar -> Unicode.Scalar? in
      guard marks.contains(scalar) else { return scalar }
      return removed.contains(scalar) ? nil : " "
    }
    var kept = String.UnicodeScalarView()
    var stops = 0
    for (index, scalar) in spaced.enumerated() {
      func isDigit(_ index: Int) -> Bool {
        spaced.indices.contains(index) && spaced[index].properties.numericType == .decimal
      }
      if scalar == ".", stops < 32, !isDigit(index - 1), !isDigit(index + 1) {
        stops += 1
      } else {
        kept.append(scalar)
      }
    }
    return String(kept)
  }
}
