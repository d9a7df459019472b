import LVLM
import MultiImageData
import Tensor

/// Draws questions of levels 2 and 3 for conversations of supervised training: about pictures that are there,
/// drawn so that comparisons have a pair that is alike.
struct LevelDraw: Sendable {
  let source: any QuestionSource
  /// Shares of the questions after the first of a conversation.
  let shares: [(level: PromptLevel, share: Double)]

  /// Pictures that are looked at for each that is wanted.
  private static let tries = 200

  init(source: any QuestionSource, settings: SupervisedSettings.Composed) {
    self.source = source
    shares = settings.levelShares
  }

  /// The levels of a conversation's questions after the first; `nil` for those that name one picture. Nothing
  /// is drawn where no level has a share.
  func levels(
    _ kind: CompositionKind, count: Int, using random: inout RandomGenerator
  ) -> [PromptLevel?] {
    guard kind.namesPictures, !shares.isEmpty else { return [] }
    return (0..<count).map { _ in
      var place = random.uniform()
      for (level, share) in shares {
        if place < share { return level }
        place -= share
      }
      return nil
    }
  }

  /// A picture and others for questions of these levels, all with the same words where there are enough. For
  /// comparisons one of the others has an attribute in common with the first, and if it can another one not.
  /// - Precondition: the split shows as many (``FormatDraw/distinctPictures(of:upTo:)``).
  func images(
    beginning first: ImageReference, count: Int, levels: [PromptLevel?], _ draw: FormatDraw,
    using random: inout RandomGenerator
  ) -> [ImageReference] {
    guard let (facts, words) = source.knownFacts(of: first) else {
      return draw.images(beginning: first, count: count, using: &random)
    }
    let search = LevelSearch(source: source, split: .sft, tries: Self.tries)
    var images = [first]
    if levels.contains(.compare) {
      let keys = words.attributes.map(\.key)
      func alike(_ other: [String: String], _ isSame: Bool) -> Bool {
        keys.contains { LevelQuestion.isSame(facts, other, in: [$0]) == isSame }
      }
      let partner =
        search.companion(of: images, words, using: &random, where: { alike($0, true) && alike($0, false) })
        ?? search.companion(of: images, words, using: &random, where: { alike($0, true) })
      images += [partner].compactMap(\.self)
    }
    while images.count < count,
      let other = search.companion(of: images, words, using: &random, where: { _ in true })
    {
      images.append(other)
    }
    while images.count < count {
      let other = source.image(.sft, random.integer(below: source.count(of: .sft)))
      if !images.contains(where: { $0.path == other.path }) { images.append(other) }
    }
    let order = random.permutation(count - 1)
    return [first] + order.map { images[$0 + 1] }
  }

  /// A question of a level about pictures, with its answer; yes and no are wanted equally often. `nil` where
  /// the pictures allow none.
  func turn(
    _ level: PromptLevel, about images: [ImageReference], using random: inout RandomGenerator
  ) -> (question: String, answer: String)? {
    let known = images.compactMap { source.knownFacts(of: $0) }
    guard known.count == images.count, let words = known.first?.words,
      known.allSatisfy({ $0.words.mark == words.mark })
    else { return nil }
    let facts = known.map(\.facts)
    let isSame = level == .compare && random.integer(below: 2) == 0
    let all =
      level == .compare
      ? Self.comparisons(words, facts, isSame: isSame) : Self.descriptions(words, facts)
    guard !all.isEmpty else { return nil }
    let question = random.element(of: all)
    let text = random.element(of: question.wordings(words, facts: facts))
    return (text, random.element(of: question.answers(words, facts: facts)))
  }

  private static func comparisons(
    _ words: FactWords, _ facts: [[String: String]], isSame: Bool
  ) -> [LevelQuestion] {
    words.attributes.map(\.key).flatMap { key in
      facts.indices.flatMap { first in
        facts.indices.filter { second in
          second > first && LevelQuestion.isSame(facts[first], facts[second], in: [key]) == isSame
        }.map { LevelQuestion(level: .compare, targets: [first + 1, $0 + 1], about: [key]) }
      }
    }
  }

  private static func descriptions(_ words: FactWords, _ facts: [[String: String]]) -> [LevelQuestion] {
    words.descriptions.flatMap { about in
      facts.indices.filter { own in
        about.allSatisfy { facts[own][$0] != nil }
          && facts.indices.allSatisfy {
            $0 == own || LevelQuestion.differs(facts[$0], from: facts[own], in: about)
          }
      }.map { LevelQuestion(level: .find, targets: [$0 + 1], about: about) }
    }
  }
}
