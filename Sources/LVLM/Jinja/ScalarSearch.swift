/// A text looked for in another one, character by character.
enum ScalarSearch {
  /// Places at which a part begins, from left to right, none within another; none for an empty part.
  ///
  /// No character of the text is looked at again for a part that repeats itself. (Knuth, Morris, Pratt 1977.)
  static func places(
    of part: [Unicode.Scalar], in text: [Unicode.Scalar], most: Int = .max
  ) -> [Int] {
    guard !part.isEmpty, part.count <= text.count, most > 0 else { return [] }
    // For each length of a beginning, that of the longest beginning that also ends it.
    var borders = [0, 0]
    for end in 1..<part.count {
      var length = borders[end]
      while length > 0, part[length] != part[end] { length = borders[length] }
      borders.append(part[length] == part[end] ? length + 1 : 0)
    }
    var places: [Int] = []
    var length = 0
    for (index, scalar) in text.enumerated() {
      while length > 0, part[length] != scalar { length = borders[length] }
      if part[length] == scalar { length += 1 }
      guard length == part.count else { continue }
      places.append(index + 1 - length)
      if places.count == most { break }
      length = 0
    }
    return places
  }
}
