/// Cuts the text of a template into data, `{{ … }}` and `{% … %}` as Jinja2's lexer does with `trim_blocks`
/// and `lstrip_blocks`, which transformers sets: the line break behind a block and the blanks before one that
/// begins a line are no data.
struct JinjaLexer {
  /// A token with its line.
  struct Token: Sendable {
    enum Kind: Sendable, Equatable {
      case data(String)
      case beginVariable, endVariable, beginBlock, endBlock
      case name(String), string(String), integer(Int), real(Double), sign(String)
      case end
    }
    var line: Int
    var kind: Kind
  }

  private let text: [Unicode.Scalar]
  private var place = 0
  private var line = 1
  /// Whether what was read last ended a line.
  private var startsLine = true
  private var tokens: [Token] = []

  /// The tokens of a template, the last of which is ``Token/Kind/end``.
  ///
  /// - Throws: ``JinjaError`` for a bracket, text or sign that does not end or that nobody knows.
  static func tokens(_ source: String) throws -> [Token] {
    var lexer = JinjaLexer(source)
    try lexer.run()
    return lexer.tokens
  }

  /// One line break at the end of a template is not part of it; all breaks are `\n`.
  private init(_ source: String) {
    var scalars: [Unicode.Scalar] = []
    var isAfterReturn = false
    for scalar in source.unicodeScalars {
      if !(scalar == "\n" && isAfterReturn) { scalars.append(scalar == "\r" ? "\n" : scalar) }
      isAfterReturn = scalar == "\r"
    }
    if scalars.last == "\n" { scalars.removeLast() }
    text = scalars
  }

  private func at(_ offset: Int) -> Unicode.Scalar? {
    place + offset < text.count ? text[place + offset] : nil
  }

  private func starts(_ mark: String, at start: Int) -> Bool {
    start + mark.unicodeScalars.count <= text.count
      && text[start..<start + mark.unicodeScalars.count].elementsEqual(mark.unicodeScalars)
  }

  private mutating func add(_ kind: Token.Kind) { tokens.append(Token(line: line, kind: kind)) }

  /// Goes on to a place, counting lines.
  private mutating func move(to end: Int) {
    if end > place { startsLine = text[end - 1] == "\n" }
    line += text[place..<end].count { $0 == "\n" }
    place = end
  }

  private mutating func run() throws {
    while place < text.count {
      let start = (place..<text.count).first { place in
        ["{{", "{%", "{#"].contains { starts($0, at: place) }
      }
      guard let start else {
        add(.data(String(text[place...])))
        move(to: text.count)
        break
      }
      let (opener, sign) = (text[start + 1], start + 2 < text.count ? text[start + 2] : " ")
      data(before: start, opener: opener, sign: sign)
      // Of `{{` a plus is part of the expression; a minus is always the mark.
      let marked = sign == "-" || (sign == "+" && opener != "{")
      move(to: start + (marked ? 3 : 2))
      switch opener {
      case "#": try comment()
      case "%":
        if try !raw() {
          add(.beginBlock)
          try code(until: "%}", .endBlock)
        }
      default:
        add(.beginVariable)
        try code(until: "}}", .endVariable)
      }
    }
    add(.end)
  }

  /// What stands before an opening mark.
  private mutating func data(before start: Int, opener: Unicode.Scalar, sign: Unicode.Scalar) {
    var end = start
    if sign == "-" {
      while end > place, text[end - 1].properties.isWhitespace { end -= 1 }
    } else if opener != "{", sign != "+" {
      var first = start
      while first > place, text[first - 1] != "\n", text[first - 1].properties.isWhitespace { first -= 1 }
      if first > place ? text[first - 1] == "\n" : startsLine { end = first }
    }
    if end > place { add(.data(String(text[place..<end]))) }
    move(to: start)
  }

  /// Goes behind a closing mark, of which `length` characters are not read yet.
  private mutating func close(_ length: Int, sign: Unicode.Scalar?, isBlock: Bool) {
    var end = place + length
    if sign == "-" {
      while end < text.count, text[end].properties.isWhitespace { end += 1 }
    } else if isBlock, sign != "+", end < text.count, text[end] == "\n" {
      end += 1
    }
    move(to: end)
  }

  private mutating func comment() throws {
    guard let end = (place..<text.count).first(where: { starts("#}", at: $0) }) else {
      throw JinjaError(line, "a comment {# without its #}")
    }
    let sign = end > place && (text[end - 1] == "-" || text[end - 1] == "+") ? text[end - 1] : nil
    move(to: end)
    close(2, sign: sign, isBlock: true)
  }

  /// Reads a block whose content is no template, if it is one.
  private mutating func raw() throws -> Bool {
    func skip(_ start: Int) -> Int { text[start...].firstIndex { !$0.properties.isWhitespace } ?? text.count }
    /// The end of `name` and of the closing mark behind it.
    func closing(_ name: String, _ start: Int) -> (end: Int, sign: Unicode.Scalar?)? {
      let first = skip(start)
      guard starts(name, at: first) else { return nil }
      var end = skip(first + name.unicodeScalars.count)
      var sign: Unicode.Scalar?
      if end < text.count, text[end] == "-" || text[end] == "+" {
        sign = text[end]
        end += 1
      }
      return starts("%}", at: end) ? (end, sign) : nil
    }
    guard let opened = closing("raw", place) else { return false }
    move(to: opened.end)
    close(2, sign: opened.sign, isBlock: true)
    for start in place..<max(place, text.count) where starts("{%", at: start) {
      let sign = start + 2 < text.count ? text[start + 2] : " "
      let isMarked = sign == "-" || sign == "+"
      guard let closed = closing("endraw", start + (isMarked ? 3 : 2)) else { continue }
      data(before: start, opener: "%", sign: sign)
      move(to: closed.end)
      close(2, sign: closed.sign, isBlock: true)
      return true
    }
    throw JinjaError(line, "a block {% raw %} without its {% endraw %}")
  }

  private static let signs = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
    "=", ".", ":", "|", ",", ";",
  ]

  private mutating func code(until closer: String, _ closing: Token.Kind) throws {
    let start = line
    var depth = 0
    while let scalar = at(0) {
      if scalar.properties.isWhitespace {
        move(to: place + 1)
      } else if depth == 0, starts(closer, at: place) {
        add(closing)
        close(2, sign: nil, isBlock: closing == .endBlock)
        return
      } else if depth == 0, scalar == "-" || (scalar == "+" && closing == .endBlock),
        starts(closer, at: place + 1)
      {
        add(closing)
        close(3, sign: scalar, isBlock: closing == .endBlock)
        return
      } else if scalar == "'" || scalar == "\"" {
        try string(scalar)
      } else if Self.isDigit(scalar) {
        try number()
      } else if scalar == "_" || scalar.properties.isXIDStart {
        let end = text[place...].firstIndex { $0 != "_" && !$0.properties.isXIDContinue } ?? text.count
        add(.name(String(text[place..<end])))
        move(to: end)
      } else if let sign = Self.signs.first(where: { starts($0, at: place) }) {
        if "([{".contains(sign) { depth += 1 }
        if ")]}".contains(sign) { depth -= 1 }
        guard depth >= 0 else { throw JinjaError(line, "an unexpected \(sign)") }
        add(.sign(sign))
        move(to: place + sign.unicodeScalars.count)
      } else {
        throw JinjaError(line, "an unexpected character \"\(scalar)\"")
      }
    }
    throw JinjaError(start, "an opening mark without its \(closer)")
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private mutating func number() throws {
    func digits(_ start: Int) -> Int {
      text[start...].firstIndex { !Self.isDigit($0) && $0 != "_" } ?? text.count
    }
    var end = digits(place)
    var isReal = false
    if end + 1 < text.count, text[end] == ".", Self.isDigit(text[end + 1]) {
      end = digits(end + 1)
      isReal = true
    }
    if end < text.count, text[end] == "e" || text[end] == "E" {
      let sign = end + 1 < text.count && (text[end + 1] == "+" || text[end + 1] == "-") ? 2 : 1
      if end + sign < text.count, Self.isDigit(text[end + sign]) {
        end = digits(end + sign)
        isReal = true
      }
    }
    let written = String(text[place..<end]).replacing("_", with: "")
    if isReal, let value = Double(written) {
      add(.real(value))
    } else if let value = Int(written) {
      add(.integer(value))
    } else {
      throw JinjaError(line, "a number \(written), expected one of 64 bits")
    }
    move(to: end)
  }

  /// Reads a text with Python's escapes; one that nobody knows stands for itself.
  private mutating func string(_ quote: Unicode.Scalar) throws {
    var value = String.UnicodeScalarView()
    var next = place + 1
    let single: [Unicode.Scalar: Unicode.Scalar] = [
      "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}",
      "f": "\u{C}", "v": "\u{B}",
    ]
    let coded: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
    while next < text.count, text[next] != quote {
      guard text[next] == "\\", next + 1 < text.count else {
        value.append(text[next])
        next += 1
        continue
      }
      let mark = text[next + 1]
      next += 2
      if let scalar = single[mark] {
        value.append(scalar)
      } else if let length = coded[mark] {
        let digits = String(text[next..<min(next + length, text.count)])
        guard digits.utf8.count == length, let code = UInt32(digits, radix: 16),
          let scalar = Unicode.Scalar(code)
        else { throw JinjaError(line, "a text with an escape \\\(mark)\(digits), which is no character") }
        value.append(scalar)
        next += length
      } else if ("0"..."7").contains(mark) {
        var digits = String(mark)
        while digits.count < 3, next < text.count, ("0"..."7").contains(text[next]) {
          digits.unicodeScalars.append(text[next])
          next += 1
        }
        value.append(Unicode.Scalar(UInt32(digits, radix: 8) ?? 0) ?? " ")
      } else if mark != "\n" {
        value.append("\\")
        value.append(mark)
      }
    }
    guard next < text.count else { throw JinjaError(line, "a text without its closing \(quote)") }
    add(.string(String(value)))
    move(to: next + 1)
  }
}

extension String {
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}
