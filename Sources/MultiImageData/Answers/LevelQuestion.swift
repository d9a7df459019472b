import Tensor

/// What a prompt of a ``PromptLevel`` asks about pictures of which everything is known that is asked for.
///
/// The right answer follows from the facts: two pictures have the same value of an attribute or not, and one
/// picture alone has all values that are described.
package struct LevelQuestion: Sendable, Hashable {
  /// What is asked.
  var level: PromptLevel
  /// The numbers of the two pictures that are compared, ascending, or of the one that is to be found.
  var targets: [Int]
  /// The attribute by which pictures are compared, or those that describe one.
  var about: [String]

  package init(level: PromptLevel, targets: [Int], about: [String]) {
    self.level = level
    self.targets = targets
    self.about = about
  }

  /// The kind of question: `compare_color`, `find_color_shape`.
  var family: String { ([level.name] + about).joined(separator: "_") }

  /// Whether two pictures have the same value of every attribute; `nil` where one is not known.
  package static func isSame(
    _ first: [String: String], _ second: [String: String], in attributes: [String]
  ) -> Bool? {
    guard attributes.allSatisfy({ first[$0] != nil && second[$0] != nil }) else { return nil }
    return attributes.allSatisfy { first[$0] == second[$0] }
  }

  /// Whether it is known that a picture does not fit the description of another one.
  package static func differs(
    _ other: [String: String], from facts: [String: String], in attributes: [String]
  )
    -> Bool
  {
    attributes.contains { other[$0] != nil && other[$0] != facts[$0] }
  }

  /// The wordings of the question, in a fixed order.
  /// - Parameter facts: of every picture, in order.
  package func wordings(_ words: FactWords, facts: [[String: String]]) -> [String] {
    switch level {
    case .compare:
      guard let attribute = words.attributes.first(where: { $0.key == about[0] }) else { return [] }
      let (pair, same) = (targets.map(Self.name).joined(separator: " and "), attribute.same)
      return [
        "do \(pair) \(same)?", "compare \(pair): do they \(same)?", "is it true that \(pair) \(same)?",
        "look at \(pair): do they \(same)?",
      ].map(words.spelled)
    case .find:
      let description = description(words, facts)
      return [
        "which image shows \(description)?", "which of the images shows \(description)?",
        "find the image that shows \(description).", "in which image is \(description)?",
      ].map(words.spelled)
    }
  }

  /// The wordings of the right answer, in a fixed order.
  /// - Parameter facts: of every picture, in order.
  package func answers(_ words: FactWords, facts: [[String: String]]) -> [String] {
    switch level {
    case .compare: return comparisons(words, facts)
    case .find:
      let name = Self.name(targets[0])
      guard words.style == .sentences else { return [words.short(name)] }
      let description = description(words, facts)
      return [
        "\(name) shows \(description).", "it is \(name).", "\(description) is in \(name).",
        "the image that shows \(description) is \(name).",
      ].map(words.spelled)
    }
  }

  private func comparisons(_ words: FactWords, _ facts: [[String: String]]) -> [String] {
    guard let attribute = words.attributes.first(where: { $0.key == about[0] }),
      let first = facts[targets[0] - 1][attribute.key], let second = facts[targets[1] - 1][attribute.key]
    else { return [] }
    let isSame = first == second
    guard words.style == .sentences else { return [words.short(isSame ? "yes" : "no")] }
    let names = targets.map(Self.name)
    let pair = names.joined(separator: " and ")
    let sentences =
      isSame
      ? [
        "yes, they \(attribute.same).", "yes, \(pair) \(attribute.same).",
        "yes, both \(attribute.several(first)).", "yes, \(pair) \(attribute.several(first)).",
      ]
      : [
        "no, they \(attribute.different).", "no, \(pair) \(attribute.different).",
        "no, \(names[0]) \(attribute.one(first)) and \(names[1]) \(attribute.one(second)).",
        "no, \(names[0]) \(attribute.one(first)), but \(names[1]) \(attribute.one(second)).",
      ]
    return sentences.map(words.spelled)
  }

  private func description(_ words: FactWords, _ facts: [[String: String]]) -> String {
    words.description(facts[targets[0] - 1].filter { about.contains($0.key) })
  }

  /// A picture's name in prompts: `Image3`.
  package static func name(_ number: Int) -> String { "Image\(number)" }
}

extension String {
  /// The text with other numbers in the names of pictures.
  func renamingPictures(_ number: (Int) -> Int) -> String {
    replacing(/Image(\d+)/) { match in Int(match.1).map { LevelQuestion.name(number($0)) } ?? String(match.0)
    }
  }

  /// The numbers of the pictures that it names, in order, each once.
  var namedPictures: [Int] {
    var numbers: [Int] = []
    for match in matches(of: /Image(\d+)/) {
      if let number = Int(match.1), !numbers.contains(number) { numbers.append(number) }
    }
    return numbers
  }
}
