/// Python's methods of texts, on characters' codes.
enum JinjaStrings {
  typealias Scalars = [Unicode.Scalar]

  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }

  /// A text without characters at its ends: of `set`, or blanks where that is nil.
  static func stripped(_ text: String, _ set: String?, start: Bool = true, end: Bool = true) -> String {
    let scalars = Scalars(text.unicodeScalars)
    let chars = set.map { Set($0.unicodeScalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool { chars?.contains(scalar) ?? isSpace(scalar) }
    var (first, last) = (0, scalars.count)
    while start, first < last, goes(scalars[first]) { first += 1 }
    while end, last > first, goes(scalars[last - 1]) { last -= 1 }
    return String(scalars[first..<last])
  }

  /// Places at which a part begins, none within another.
  private static func places(_ part: Scalars, _ text: Scalars, most: Int = .max) -> [Int] {
    ScalarSearch.places(of: part, in: text, most: most)
  }

  static func find(_ part: String, in text: String, last: Bool = false) -> Int {
    let (part, text) = (Scalars(part.unicodeScalars), Scalars(text.unicodeScalars))
    guard !part.isEmpty else { return last ? text.count : 0 }
    guard last else { return places(part, text, most: 1).first ?? -1 }
    return places(part.reversed(), text.reversed(), most: 1).first.map { text.count - $0 - part.count } ?? -1
  }

  static func count(_ part: String, in text: String) -> Int {
    part.isEmpty
      ? text.unicodeScalars.count + 1
      : places(Scalars(part.unicodeScalars), Scalars(text.unicodeScalars)).count
  }

  static func split(
    _ text: String, _ part: String, most: Int = -1, fromEnd: Bool = false, _ line: JinjaLine
  ) throws -> [String] {
    let (separator, scalars) = (Scalars(part.unicodeScalars), Scalars(text.unicodeScalars))
    var cuts: [Int]
    if fromEnd {
      let back = places(separator.reversed(), scalars.reversed(), most: most < 0 ? .max : most)
      cuts = back.map { scalars.count - $0 - separator.count }.reversed()
    } else {
      cuts = places(separator, scalars, most: most < 0 ? .max : most)
    }
    try line.make(elements: cuts.count + 1)
    var parts: [String] = []
    var start = 0
    for cut in cuts {
      parts.append(String(scalars[start..<cut]))
      start = cut + separator.count
    }
    return parts + [String(scalars[start...])]
  }

  /// Words between blanks.
  static func words(_ text: String, most: Int = -1) -> [String] {
    let scalars = Scalars(text.unicodeScalars)
    var words: [String] = []
    var place = scalars.firstIndex { !isSpace($0) } ?? scalars.count
    while place < scalars.count {
      if most >= 0, words.count == most {
        return words + [stripped(String(scalars[place...]), nil, start: false)]
      }
      let end = scalars[place...].firstIndex(where: isSpace) ?? scalars.count
      words.append(String(scalars[place..<end]))
      place = scalars[end...].firstIndex { !isSpace($0) } ?? scalars.count
    }
    return words
  }

  static func lines(_ text: String) -> [String] {
    let scalars = Scalars(text.unicodeScalars)
    let ends: Set<Unicode.Scalar> = [
      "\n", "\r", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    var lines: [String] = []
    var start = 0
    while start < scalars.count {
      let end = scalars[start...].firstIndex(where: ends.contains) ?? scalars.count
      lines.append(String(scalars[start..<end]))
      let isPair = end + 1 < scalars.count && scalars[end] == "\r" && scalars[end + 1] == "\n"
      start = end + (isPair ? 2 : 1)
    }
    return lines
  }

  static func replaced(
    _ text: String, _ old: String, _ new: String, most: Int = -1, _ line: JinjaLine
  ) throws -> String {
    guard old.isEmpty else {
      return try line.joined(split(text, old, most: most, line), by: new)
    }
    // New text before each character and behind the last.
    try line.make(bytes: (text.utf8.count + 1).multipliedReportingOverflow(by: new.utf8.count + 1))
    var result = ""
    var left = most < 0 ? Int.max : most
    for scalar in text.unicodeScalars {
      if left > 0 {
        result += new
        left -= 1
      }
      result.unicodeScalars.append(scalar)
    }
    return left > 0 ? result + new : result
  }

  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.titlecaseMapping + String(text.unicodeScalars.dropFirst()).lowercased()
  }

  /// Every run of letters with a capital first.
  static func title(_ text: String) -> String {
    var result = ""
    var isInside = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      result += isInside ? properties.lowercaseMapping : properties.titlecaseMapping
      isInside = properties.isCased
    }
    return result
  }
}
