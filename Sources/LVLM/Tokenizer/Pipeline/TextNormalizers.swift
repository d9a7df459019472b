/// The steps that a text goes through before it is cut, and how much they may make of it.
struct TextNormalizers: Sendable {
  /// The file that they stand in, and the key of each.
  private(set) var file = ""
  private(set) var keys: [String] = []
  private(set) var steps: [TextNormalizer] = []

  /// Bytes that a text may become: so many for each of its own, and some for a text that is short. A chain of
  /// replacements multiplies what each of them adds; of Unicode's forms none makes more than 11 bytes of one
  /// (33 of the three of U+FDFA, in NFKC and NFKD).
  private static let (growth, room) = (64, 1 << 16)

  init() {}

  /// - Parameter steps: each with its key.
  init(_ steps: [(key: String, step: TextNormalizer)], file: String) {
    (self.file, keys, self.steps) = (file, steps.map(\.key), steps.map(\.step))
  }

  var isEmpty: Bool { steps.isEmpty }

  /// A text as the steps make it.
  ///
  /// - Throws: ``TokenizerError`` that names the step that would make too much of it.
  func normalized(_ text: String) throws(TokenizerError) -> String {
    let (product, isTooLarge) = text.utf8.count.multipliedReportingOverflow(by: Self.growth)
    let most = isTooLarge ? .max : product + Self.room
    var result = text
    for (key, step) in zip(keys, steps) {
      guard let next = try step.normalized(result, most: most) else {
        throw .unsupported(
          file: file, found: "\(key), which makes more than \(most) bytes of a text of \(text.utf8.count)",
          expected: "steps that make at most \(Self.growth) of each byte")
      }
      result = next
    }
    return result
  }
}
