/// Tokens that stand beside the pieces: they are found in text before it is encoded, as a whole or not at
/// all.
struct AddedTokens: Sendable {
  /// One token.
  struct Token: Sendable, Equatable {
    var text: String
    var id: Int32
    /// Whether it says nothing in the text of an answer.
    var isSpecial: Bool
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
    let patterns = tokens.filter { !$0.text.isEmpty }.map { (Array($0.text.unicodeScalars), $0.id) }
    let firsts = Set(patterns.map { $0.0[0] })
    var parts: [Part] = []
    let view = text.unicodeScalars
    var start = view.startIndex
    var position = start
    while position < view.endIndex {
      var match: (length: Int, id: Int32)?
      if firsts.contains(view[position]) {
        for (pattern, id) in patterns where pattern.count > match?.length ?? 0 {
          if view[position...].starts(with: pattern) { match = (pattern.count, id) }
        }
      }
      guard let match else {
        position = view.index(after: position)
        continue
      }
      if start < position { parts.append(.text(Substring(text).unicodeScalars[start..<position])) }
      parts.append(.token(match.id))
      position = view.index(position, offsetBy: match.length)
      start = position
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
