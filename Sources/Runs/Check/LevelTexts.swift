import DPOTrain
import Evaluation
import MultiImageData

/// The longest texts of questions of levels 2 and 3 about the pictures of a split.
struct LevelTexts {
  /// The facts that any picture has, each set once, with their words.
  private let known: [(facts: [String: String], words: FactWords)]

  init(_ source: any QuestionSource, split: DataSplit) {
    var seen: Set<[String: String]> = []
    known = (0..<source.count(of: split)).compactMap { index in
      guard let (facts, words) = source.knownFacts(of: source.image(split, index)) else { return nil }
      let asked = Set(words.attributes.map(\.key) + words.descriptions.joined() + [words.mark])
      let own = facts.filter { asked.contains($0.key) }
      return seen.insert(own).inserted ? (own, words) : nil
    }
  }

  /// For each level the longest question with the longest answer, in bytes; names of pictures have one digit
  /// each, whatever they are.
  func longest(_ levels: [PromptLevel]) -> [SingleImageRecord.Turn] {
    levels.compactMap { level in
      var longest: SingleImageRecord.Turn?
      for (facts, words) in known {
        for (question, all) in questions(level, facts, words) {
          for text in question.wordings(words, facts: all)
          where text.utf8.count > longest?.question.utf8.count ?? -1 {
            longest = .init(question: text, answer: longest?.answer ?? "")
          }
          for text in question.answers(words, facts: all)
          where text.utf8.count > longest?.answer.utf8.count ?? -1 {
            longest = .init(question: longest?.question ?? "", answer: text)
          }
        }
      }
      return longest
    }
  }

  /// Questions about a picture, compared with itself and with one that has the longest other value.
  private func questions(
    _ level: PromptLevel, _ facts: [String: String], _ words: FactWords
  ) -> [(LevelQuestion, [[String: String]])] {
    switch level {
    case .find:
      return words.descriptions.filter { $0.allSatisfy { facts[$0] != nil } }.map {
        (LevelQuestion(level: level, targets: [1], about: $0), [facts])
      }
    case .compare:
      return words.attributes.map(\.key).filter { facts[$0] != nil }.flatMap { key in
        let other = known.compactMap { $0.facts[key] }.filter { $0 != facts[key] }
          .max { $0.utf8.count < $1.utf8.count }
        return [facts[key], other].compactMap(\.self).map { value in
          (LevelQuestion(level: level, targets: [1, 2], about: [key]), [facts, [key: value]])
        }
      }
    }
  }
}

extension RunCheck {
  /// What is too long of the prompts of levels 2 and 3.
  func levelLengthProblems(encoder: RunEncoder) throws -> [RunProblem] {
    let asks =
      configuration.compose.levels.contains { $0.mix.total > 0 }
      || configuration.evaluate.levels.contains { $0.count > 0 }
      || !configuration.sft.composed.levelShares.isEmpty
    guard asks, !source.factWords.isEmpty else { return [] }
    return try RecordLengths(configuration, source: source, encoder: encoder)
      .levelProblems(stages, encoder: encoder).map { problem($0.key, $0.problem) }
  }
}
