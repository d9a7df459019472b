import LVLM
import MultiImageData

/// The texts a run's own vocabulary is made from: questions and answers of the data, and the words that
/// composed prompts add.
enum VocabularyTexts {
  /// Every wording of questions of both levels, and of their answers, about pairs of pictures.
  private static func levelTexts(of source: any QuestionSource) -> [String] {
    var texts: [String] = []
    let known = (0..<min(source.count(of: .sft), 400)).compactMap {
      source.knownFacts(of: source.image(.sft, $0))
    }
    for (number, (own, other)) in zip(known, known.dropFirst()).enumerated()
    where own.words.mark == other.words.mark {
      let (count, facts) = (9, [own.facts, other.facts])
      let places = [number % count + 1, (number + 1) % count + 1].sorted()
      var all = Array(repeating: other.facts, count: count)
      for (place, facts) in zip(places, facts) { all[place - 1] = facts }
      let comparisons = own.words.attributes.map(\.key).filter { key in facts.allSatisfy { $0[key] != nil } }
        .map { LevelQuestion(level: .compare, targets: places, about: [$0]) }
      let descriptions = own.words.descriptions.filter { $0.allSatisfy { own.facts[$0] != nil } }
        .map { LevelQuestion(level: .find, targets: [places[0]], about: $0) }
      for question in comparisons + descriptions {
        texts += question.wordings(own.words, facts: all) + question.answers(own.words, facts: all)
      }
    }
    return texts
  }

  /// - Parameter levels: whether supervised training asks questions of levels 2 and 3 too.
  static func texts(of source: any QuestionSource, levels: Bool = false) throws -> [String] {
    var texts: [String] = []
    for index in 0..<min(source.count(of: .sft), 4000) {
      let record = try source.record(.sft, index)
      texts.append(record.question)
      texts.append(record.answer)
      texts += source.trainedTurns(of: record).flatMap { [$0.question, $0.answer] }
      let kind: CompositionKind = index % 4 == 0 ? .pictureInPicture : .sequence
      let phrases = PromptRewriting.centrePhrases
      let prompt = PromptRewriting.prompt(
        record.question, kind: kind, target: index % 9 + 1, count: 5, phrase: phrases[index % phrases.count])
      texts += ChatTemplate.plain.prompt(prompt).replacing(ImageMark.text, with: "").split(separator: "\n")
        .map(String.init)
    }
    return levels ? texts + levelTexts(of: source) : texts
  }
}
