/// Tokens that stand beside the pieces: they are found in text before it is encoded, as a whole or not at
/// all.
struct AddedTokens: Sendable {
  /// One token.
  struct Token: Sendable, Equatable {
    var text: String
    var id: Int32
    /// Whether it says nothing in the text of an answer.
    var isSpecial: Bool
    /// Whether white space before it, or behind it, goes with it.
    var takesSpace: (before: Bool, behind: Bool) = (false, false)
    /// Whether it is found only between characters that are of no word.
    var isWholeWord = false

    static func == (a: Token, b: Token) -> Bool {
      a.text == b.text && a.id == b.id && a.isSpecial == b.isSpecial && a.takesSpace == b.takesSpace
        && a.isWholeWord == b.isWholeWord
    }
  }

  /// A stretch of text: between tokens, or one token.
  enum Part: Equatable {
    case text(Substring.UnicodeScalarView)
    case token(Int32)
  }

  private(set) var tokens: [Token] = []
  private var byID: [Int32: Int] = [:]

  init(_ tokens: [Token]) {
    for token in tokens { append(token) }
  }

  mutating func append(_ token: Token) {
    byID[token.id] = tokens.count
    tokens.append(token)
  }

  subscript(id: Int32) -> Token? { byID[id].map { tokens[$0] } }

  func id(of text: String) -> Int32? {
    tokens.first { $0.text.utf8.elementsEqual(text.utf8) }?.id
  }

  /// A text cut at every token, the leftmost first, the longest of those that begin there.
  func parts(_ text: String) -> [Part] {
    let patterns = tokens.filter { !$0.text.isEmpty }.map { (Array($0.text.unicodeScalars), $0) }
    let firsts = Set(patterns.map { $0.0[0] })
    var parts: [Part] = []
    let view = text.unicodeScalars
    var start = view.startIndex
    var position = start
    while position < view.endIndex {
      var match: (length: Int, token: Token)?
      if firsts.contains(view[position]) {
        for (pattern, token) in patterns where pattern.count > match?.length ?? 0 {
          if view[position...].starts(with: pattern) { match = (pattern.count, token) }
        }
      }
      guard let match else {
        position = view.index(after: position)
        continue
      }
      var (first, end) = (position, view.index(position, offsetBy: match.length))
      position = end
      if match.token.isWholeWord {
        let isInWord =
          first > view.startIndex && view[view.index(before: first)].isWord
          || end < view.endIndex && view[end].isWord
        if isInWord { continue }
      }
      func isSpace(_ place: String.Index) -> Bool { view[place].properties.isWhitespace }
      while match.token.takesSpace.before, first > start, isSpace(view.index(before: first)) {
        first = view.index(before: first)
      }
      while match.token.takesSpace.behind, end < view.endIndex, isSpace(end) { end = view.index(after: end) }
      if start < first { parts.append(.text(Substring(text).unicodeScalars[start..<first])) }
      parts.append(.token(match.token.id))
      (position, start) = (end, end)
    }
    if start < view.endIndex { parts.append(.text(Substring(text).unicodeScalars[start...])) }
    return parts
  }
}

extension AddedTokens.Part {
  static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.text(let a), .text(let b)): a.elementsEqual(b)
    case (.token(let a), .token(let b)): a == b
    default: false
    }
  }
}
