/// Reads the text of a ``ScalarPattern``.
struct ScalarPatternParser {
  private typealias Steps = [ScalarPattern.Step]

  /// A part of a pattern.
  private indirect enum Node {
    /// The number of a set.
    case set(Int)
    case sequence([Node])
    case alternatives([Node])
    case repeated(Node, least: Int, most: Int?, isLazy: Bool)
    case atomic(Node)
    case look(Node, isNegated: Bool)
    case place(ScalarPattern.Step)

    /// Whether it matches where nothing is.
    var canBeEmpty: Bool {
      switch self {
      case .set: false
      case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
      case .alternatives(let nodes): nodes.contains(where: \.canBeEmpty)
      case .repeated(let node, let least, _, _): least == 0 || node.canBeEmpty
      case .atomic(let node): node.canBeEmpty
      case .look, .place: true
      }
    }
  }

  /// Bounds of what a pattern costs at each character of a text: its own length, and the sets that stand in
  /// its classes, each of which may be asked for.
  private static let (mostCharacters, mostSets) = (1 << 16, 256)
  /// Times that a count may say, each of which is a copy of what it repeats.
  private static let mostTimes = 1000

  private let text: [Unicode.Scalar]
  private var place = 0
  private var ignoresCase = false
  private var depth = 0
  private var sets: [ScalarSet] = []
  /// Sets that stand in classes.
  private var innerSets = 0

  private init(_ source: String) { text = Array(source.unicodeScalars) }

  /// The steps of a pattern, and the sets that they ask for.
  static func steps(_ source: String) throws -> ([ScalarPattern.Step], [ScalarSet]) {
    var parser = Self(source)
    guard parser.text.count <= mostCharacters else {
      throw TokenizerPatternError(problem: "\(parser.text.count) characters")
    }
    let node = try parser.alternatives()
    guard parser.place == parser.text.count else { throw parser.problem("an unexpected )") }
    var steps: Steps = []
    try parser.add(node, to: &steps)
    return (steps + [.done], parser.sets)
  }

  private func problem(_ words: String) -> TokenizerPatternError {
    TokenizerPatternError(problem: "\(words) at character \(place)")
  }

  // MARK: Steps

  private func add(_ node: Node, to steps: inout Steps) throws {
    guard steps.count < 20_000 else { throw TokenizerPatternError(problem: "more than 20000 steps") }
    switch node {
    case .set(let number): steps.append(.set(number, sets[number].ascii ?? .init()))
    case .sequence(let nodes): for node in nodes { try add(node, to: &steps) }
    case .place(let step): steps.append(step)
    case .look(let inner, let isNegated): try add(.look(isNegated: isNegated), around: inner, to: &steps)
    case .atomic(let inner): try add(.atomic, around: inner, to: &steps)
    case .alternatives(let nodes):
      var ends: [Int] = []
      for (index, node) in nodes.enumerated() {
        guard index < nodes.count - 1 else {
          try add(node, to: &steps)
          break
        }
        let split = steps.count
        steps.append(.done)
        try add(node, to: &steps)
        ends.append(steps.count)
        steps.append(.done)
        steps[split] = .split(split + 1, steps.count)
      }
      for end in ends { steps[end] = .jump(steps.count) }
    case .repeated(let inner, let least, let most, let isLazy):
      for _ in 0..<least { try add(inner, to: &steps) }
      func split(_ inside: Int, _ behind: Int) -> ScalarPattern.Step {
        isLazy ? .split(behind, inside) : .split(inside, behind)
      }
      guard let most else {
        let start = steps.count
        steps.append(.done)
        try add(inner, to: &steps)
        steps.append(.jump(start))
        steps[start] = split(start + 1, steps.count)
        return
      }
      var splits: [Int] = []
      for _ in least..<max(least, most) {
        splits.append(steps.count)
        steps.append(.done)
        try add(inner, to: &steps)
      }
      for start in splits { steps[start] = split(start + 1, steps.count) }
    }
  }

  /// A step, where it goes on, and the steps that it runs by themselves.
  private func add(_ step: ScalarPattern.Step, around inner: Node, to steps: inout Steps) throws {
    steps += [step, .done]
    let start = steps.count
    try add(inner, to: &steps)
    steps.append(.done)
    steps[start - 1] = .jump(steps.count)
  }

  // MARK: Grammar

  private func at(_ offset: Int = 0) -> Unicode.Scalar? {
    place + offset < text.count ? text[place + offset] : nil
  }

  private mutating func skip(_ mark: String) -> Bool {
    let scalars = Array(mark.unicodeScalars)
    guard place + scalars.count <= text.count, text[place..<place + scalars.count].elementsEqual(scalars)
    else { return false }
    place += scalars.count
    return true
  }

  private mutating func alternatives() throws -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw problem("more than 100 groups or classes within each other") }
    var nodes = [try sequence()]
    while skip("|") { nodes.append(try sequence()) }
    return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
  }

  private mutating func sequence() throws -> Node {
    var nodes: [Node] = []
    while let scalar = at(), scalar != "|", scalar != ")" { nodes.append(try repeated(try atom())) }
    return .sequence(nodes)
  }

  private mutating func repeated(_ start: Node) throws -> Node {
    var node = start
    for _ in 0..<100 {
      let (least, most): (Int, Int?)
      let before = place
      var isCounted = false
      if skip("*") {
        (least, most) = (0, nil)
      } else if skip("+") {
        (least, most) = (1, nil)
      } else if skip("?") {
        (least, most) = (0, 1)
      } else if let counts = counts() {
        (least, most) = counts
        isCounted = true
      } else {
        return node
      }
      guard least <= Self.mostTimes, most ?? 0 <= Self.mostTimes, most ?? least >= least else {
        let found = String(String.UnicodeScalarView(text[before..<place]))
        throw problem("the count \(found), which is not of 0 to \(Self.mostTimes) times,")
      }
      guard !node.canBeEmpty else { throw problem("a repetition of what can be empty") }
      // Behind a count a plus is a repetition of its own.
      if !isCounted, skip("+") {
        node = .atomic(.repeated(node, least: least, most: most, isLazy: false))
      } else {
        node = .repeated(node, least: least, most: most, isLazy: skip("?"))
      }
    }
    throw problem("more than 100 repetitions of one another")
  }

  /// `{n}`, `{n,}`, `{n,m}` or `{,m}`; anything else in braces is text.
  private mutating func counts() -> (Int, Int?)? {
    guard at() == "{",
      let end = text[(place + 1)...].firstIndex(where: { $0 != "," && !("0"..."9").contains($0) }),
      text[end] == "}"
    else { return nil }
    let parts = text[(place + 1)..<end].split(separator: ",", omittingEmptySubsequences: false)
      .map { String(String.UnicodeScalarView($0)) }
    guard parts.count < 3, parts.contains(where: { !$0.isEmpty }) else { return nil }
    place = end + 1
    // What is no number is one of more digits than any may have.
    func number(_ digits: String) -> Int { Int(digits) ?? .max }
    let least = parts[0].isEmpty ? 0 : number(parts[0])
    return (least, parts.count == 1 ? least : parts[1].isEmpty ? nil : number(parts[1]))
  }

  private mutating func atom() throws -> Node {
    guard let scalar = at() else { throw problem("an unexpected end") }
    switch scalar {
    case "(": return try group()
    case "[":
      place += 1
      return node(try bracket())
    case ".":
      place += 1
      var set = ScalarSet()
      set.ranges = [0x0A...0x0A]
      set.isNegated = true
      set.prepare()
      return node(set)
    case "^":
      place += 1
      return .place(.lineStart)
    case "$":
      place += 1
      return .place(.lineEnd)
    case "*", "+", "?": throw problem("a repetition of nothing")
    case "\\":
      if skip("\\A") { return .place(.textStart) }
      if skip("\\z") { return .place(.textEnd) }
      return node(try escaped())
    default:
      place += 1
      return node(literal(scalar))
    }
  }

  private mutating func node(_ set: ScalarSet) -> Node {
    sets.append(set)
    return .set(sets.count - 1)
  }

  private func literal(_ scalar: Unicode.Scalar) -> ScalarSet {
    var set = ScalarSet()
    set.ranges = [scalar.value...scalar.value]
    set.ignoresCase = ignoresCase
    set.prepare()
    return set
  }

  private mutating func group() throws -> Node {
    let before = ignoresCase
    defer { ignoresCase = before }
    var kind = "("
    if skip("(?:") || skip("(?-i:") {
      if text[place - 2] == "i" { ignoresCase = false }
    } else if skip("(?i:") {
      ignoresCase = true
    } else if skip("(?=") {
      kind = "="
    } else if skip("(?!") {
      kind = "!"
    } else if skip("(?>") {
      kind = ">"
    } else if at(1) == "?" {
      throw problem("a group (?\(at(2).map(String.init) ?? "")")
    } else {
      place += 1
    }
    let inner = try alternatives()
    guard skip(")") else { throw problem("a group without its )") }
    switch kind {
    case "=", "!": return .look(inner, isNegated: kind == "!")
    case ">": return .atomic(inner)
    default: return inner
    }
  }

  /// A character or class behind a backslash.
  private mutating func escaped() throws -> ScalarSet {
    place += 1
    guard let scalar = at() else { throw problem("an escape of nothing") }
    place += 1
    var set = ScalarSet()
    switch scalar {
    case "s", "S": set.hasSpace = true
    case "d", "D": set.categories = Unicode.GeneralCategory.bits["Nd"]!
    case "w", "W": set.hasWord = true
    case "p", "P":
      guard skip("{"), let end = text[place...].firstIndex(of: "}") else { throw problem("\\\(scalar)") }
      var name = String(String.UnicodeScalarView(text[place..<end]))
      place = end + 1
      if name.hasPrefix("^") {
        name.removeFirst()
        set.isNegated = true
      }
      let long = ["Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S"]
      guard let bits = Unicode.GeneralCategory.bits[long[name] ?? name] else {
        throw problem("\\p{\(name)}")
      }
      set.categories = bits
    case "n": return literal("\n")
    case "r": return literal("\r")
    case "t": return literal("\t")
    case "f": return literal("\u{C}")
    case "v": return literal("\u{B}")
    case "x":
      let length = skip("{") ? text[place...].firstIndex(of: "}").map { $0 - place } ?? 0 : 2
      let digits = String(String.UnicodeScalarView(text[place..<min(place + length, text.count)]))
      guard let value = UInt32(digits, radix: 16), let found = Unicode.Scalar(value)
      else { throw problem("\\x") }
      place += length + (at(length) == "}" && length != 2 ? 1 : 0)
      return literal(found)
    case "u":
      let digits = String(String.UnicodeScalarView(text[place..<min(place + 4, text.count)]))
      guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16), let found = Unicode.Scalar(value)
      else { throw problem("\\u") }
      place += 4
      return literal(found)
    default:
      guard scalar.value < 128, !scalar.properties.isAlphabetic, scalar.properties.numericType == nil else {
        throw problem("\\\(scalar)")
      }
      return literal(scalar)
    }
    if ["S", "D", "W", "P"].contains(scalar) { set.isNegated.toggle() }
    set.prepare()
    return set
  }

  /// A class, behind its opening bracket.
  private mutating func bracket() throws -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw problem("more than 100 groups or classes within each other") }
    var set = ScalarSet()
    set.isNegated = skip("^")
    set.ignoresCase = ignoresCase
    var isFirst = true
    while let scalar = at(), scalar != "]" || isFirst {
      isFirst = false
      if skip("&&") { throw problem("an intersection && in a class") }
      if scalar == "[" {
        if at(1) == ":" { throw problem("a class [: :]") }
        place += 1
        set.others.append(try bracket())
        continue
      }
      let first: Unicode.Scalar
      if scalar == "\\" {
        let inner = try escaped()
        guard inner.isOne, let value = inner.ranges.first?.lowerBound, let one = Unicode.Scalar(value) else {
          set.others.append(inner)
          continue
        }
        first = one
      } else {
        place += 1
        first = scalar
      }
      guard at() == "-", let end = at(1), end != "]" else {
        set.ranges.append(first.value...first.value)
        continue
      }
      place += 1
      var last = end
      if end == "\\" {
        let inner = try escaped()
        guard inner.isOne, let one = inner.ranges.first.flatMap({ Unicode.Scalar($0.lowerBound) }) else {
          throw problem("a range that ends with a class")
        }
        last = one
      } else {
        place += 1
      }
      guard first.value <= last.value else { throw problem("a range \(first)-\(last)") }
      set.ranges.append(first.value...last.value)
    }
    guard skip("]") else { throw problem("a class without its ]") }
    innerSets += set.others.count
    guard innerSets <= Self.mostSets else { throw problem("classes with more than \(Self.mostSets) sets") }
    set.prepare()
    return set
  }
}

extension ScalarSet {
  /// Whether it is a single character.
  fileprivate var isOne: Bool {
    !isNegated && !hasSpace && !hasWord && categories == 0 && others.isEmpty && ranges.count == 1
  }
}
