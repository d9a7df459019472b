/// A pattern that is being looked for in a text.
///
/// It goes back and tries again, which for patterns such as `(x+x+)+y` takes a time that doubles with every
/// character. Nothing in the language lets a step at a place depend on how it was reached, so where that
/// happens the search remembers the branches that have failed, and takes none of them twice: the time is then
/// the text's length times the pattern's. (As RE2's bit-state matcher does it; Davis et al. 2021, "Using
/// Selective Memoization to Defeat Regular Expression Denial of Service".) What a lookahead or a possessive
/// repetition has found is not remembered: what it costs is counted, and refused where it is too much.
struct ScalarPatternSearch {
  private let pattern: ScalarPattern
  private let steps: [ScalarPattern.Step]
  private let sets: [ScalarSet]
  private let text: [Unicode.Scalar]
  /// Steps that may still be taken: before failures are remembered, then at all.
  private var left: Int
  private let most: Int
  private var remembers = false
  /// Whether each branch has failed at each place.
  private var failed: [UInt64] = []
  /// The number of each branch among the pattern's steps.
  private var branches: [Int] = []
  /// Branches that were entered on the way to where the search stands, which have not failed yet.
  private var entered: [Int] = []

  /// Steps per character that the rules of vocabularies need without going back much: at most 22 with
  /// those of GPT-2, LLaMA 3, Qwen2 and GPT-4o on texts of one kind of character and of many.
  static let usualSteps = 64
  /// Steps per character that a pattern may take because it is long, one of many words for instance.
  private static let mostSteps = 1000
  /// Bits of memory for failures: 128 MiB, in which GPT-4o's rule remembers all of a text of 30 million
  /// characters.
  private static let mostBits = 1 << 30

  init(_ pattern: ScalarPattern, _ text: [Unicode.Scalar]) {
    (self.pattern, self.text) = (pattern, text)
    (steps, sets) = (pattern.steps, pattern.sets)
    most = (Self.usualSteps + min(2 * steps.count, Self.mostSteps)) * (text.count + 1000)
    left = most
  }

  /// The end of the match that begins at a place, nil where none does.
  ///
  /// - Throws: ``TokenizerError`` when the pattern takes too many steps for the text.
  mutating func end(from place: Int) throws(TokenizerError) -> Int? { try run(0, place) }

  private func refusal(_ words: String) -> TokenizerError {
    .unsupported(
      file: pattern.origin.file,
      found: "\(pattern.origin.key) \"\(pattern.source)\", which takes \(words) for a text of "
        + "\(text.count) characters",
      expected: "a pattern that is done sooner")
  }

  /// Begins to remember failures; gives up where it remembers them already. The steps that may be taken now.
  private mutating func useUp() throws(TokenizerError) -> Int {
    guard !remembers else { throw refusal("more than \(2 * most) steps") }
    var count = 0
    branches = steps.map { step in
      guard case .split = step else { return -1 }
      defer { count += 1 }
      return count
    }
    guard count * (text.count + 1) <= Self.mostBits else { throw refusal("\(count) branches") }
    failed = [UInt64](repeating: 0, count: count * (text.count + 1) / 64 + 1)
    remembers = true
    return most
  }

  /// Whether a branch can still lead to a match; from now on it is one that was tried.
  private mutating func enters(_ step: Int, _ place: Int) -> Bool {
    let bit = branches[step] * (text.count + 1) + place
    guard failed[bit / 64] >> UInt64(bit % 64) & 1 == 0 else { return false }
    failed[bit / 64] |= 1 << UInt64(bit % 64)
    entered.append(bit)
    return true
  }

  /// The end of what steps match.
  private mutating func run(_ first: Int, _ start: Int) throws(TokenizerError) -> Int? {
    var (step, place) = (first, start)
    var others: [(step: Int, place: Int)] = []
    // How many branches were entered before each; those from before failures are remembered have none.
    var marks: [Int] = []
    let before = entered.count
    // In a register: it changes at every step.
    var left = left
    defer { self.left = left }
    let (steps, text) = (steps, text)
    while true {
      left -= 1
      if left < 0 { left = try useUp() }
      var holds = true
      switch steps[step] {
      case .set(let number, let ascii):
        holds = place < text.count
        if holds {
          let scalar = text[place]
          holds = scalar.value < 128 ? ascii.contains(scalar.value) : sets[number].contains(scalar)
        }
        if holds { (step, place) = (step + 1, place + 1) }
      case .split(let first, let second):
        if remembers {
          holds = enters(step, place)
          if holds { marks.append(entered.count) }
        }
        if holds {
          others.append((second, place))
          step = first
        }
      case .jump(let next): step = next
      case .look(let isNegated):
        self.left = left
        holds = (try run(step + 2, place) != nil) != isNegated
        left = self.left
        if holds { step += 1 }
      case .atomic:
        self.left = left
        let end = try run(step + 2, place)
        left = self.left
        holds = end != nil
        if let end { (step, place) = (step + 1, end) }
      case .lineStart:
        holds = place == 0 || (text[place - 1] == "\n" && place < text.count)
        if holds { step += 1 }
      case .lineEnd:
        holds = place == text.count || text[place] == "\n"
        if holds { step += 1 }
      case .textStart:
        holds = place == 0
        if holds { step += 1 }
      case .textEnd:
        holds = place == text.count
        if holds { step += 1 }
      case .done:
        if remembers {
          // What led here has not failed, and may be met again from another place.
          for bit in entered[before...] { failed[bit / 64] &= ~(1 << UInt64(bit % 64)) }
          entered.removeLast(entered.count - before)
        }
        return place
      }
      if !holds {
        let other = others.popLast()
        if remembers { entered.removeLast(entered.count - (marks.popLast() ?? before)) }
        guard let other else { return nil }
        (step, place) = other
      }
    }
  }
}
