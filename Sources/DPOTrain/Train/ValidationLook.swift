import LVLM
import MultiImageData
import Tensor

/// Accuracy on questions of the validation split while the base model is trained, asked as evaluation asks
/// them: single images and the formats that supervised training composes.
///
/// A model learns to read "Image 3" in one sudden step whose time differs between seeds. A base that errs by
/// chance has to be stopped by what it can do, not by a number of steps.
package struct ValidationLook {
  private let questions: [StoredQuestion]
  private let answerer: Answerer
  private let grading: AnswerGrading

  /// - Parameters:
  ///   - composer: makes the questions.
  ///   - composed: the formats and numbers of images.
  ///   - count: questions about single images, and as many of every format.
  /// - Throws: ``CompositionError`` where there are too few pictures, ``RecordError`` where a prompt is too
  ///   long.
  package init(
    model: VisionLanguageModel, encoder: PromptEncoder, pictures: PictureStore, composer: Composer,
    composed: SupervisedSettings.Composed, count: Int, grading: AnswerGrading, batchTokens: Int,
    maxNewTokens: Int
  ) throws {
    let split = DataSplit.validation
    let source = composer.source
    var all: [(question: StoredQuestion, pictures: [Picture])] = []
    for index in 0..<min(count, source.count(of: split)) {
      let record = try source.record(split, index)
      all.append(
        (
          StoredQuestion(
            id: record.id, images: [], prompt: record.prompt, groundTruth: record.answer,
            family: record.family, facts: source.facts(of: record.image)), [.source(record.image)]
        ))
    }
    for request in try composer.requests(Self.plan(composed, count: count), split: split) {
      let (record, sources) = try composer.plan(request)
      all.append(
        (
          StoredQuestion(
            id: record.id, images: [], prompt: record.prompt, groundTruth: record.answer,
            family: record.family, record: record, facts: record.facts),
          record.kind == .sequence
            ? sources.map(Picture.source)
            : [.composed(ComposedPicture(record.kind, sources: sources, options: composer.options))]
        ))
    }
    questions = all.map(\.question)
    answerer = try Answerer(
      all.map { AnswerRequest(id: $0.question.id, pictures: $0.pictures, prompt: $0.question.prompt) },
      model: model, encoder: encoder, features: FeatureStore(model: model, pictures: pictures),
      batchTokens: batchTokens, maxNewTokens: maxNewTokens)
    self.grading = grading
  }

  /// As many questions of every format that is trained, and of every level, divided over its numbers of
  /// images.
  package static func plan(_ composed: SupervisedSettings.Composed, count: Int) -> CompositionPlan {
    var entries: [CompositionPlan.Entry] = []
    for level in [nil] + composed.levelShares.map({ Optional($0.level) }) {
      for kind in CompositionKind.allCases where level == nil || kind.namesPictures {
        let counts = composed.weights.filter { $0.kind == kind }.map(\.count)
        guard !counts.isEmpty else { continue }
        entries += CompositionPlan.divided(count, counts, kind, level: level)
      }
    }
    return CompositionPlan(entries)
  }

  /// The share of right greedy answers by kind of question.
  package func accuracies() throws -> [(kind: QuestionKind, accuracy: Double)] {
    var right: [QuestionKind: Int] = [:]
    for (index, batch) in answerer.batches.enumerated() {
      let answers = try noGradient { try answerer.answers(batch: index) }
      for (place, answer) in zip(batch, answers)
      where grading.isRight(answer.trimmedText, to: questions[place]) {
        right[questions[place].kind, default: 0] += 1
      }
    }
    return QuestionKind.allCases.compactMap { kind in
      let all = questions.count { $0.kind == kind }
      return all > 0 ? (kind, Double(right[kind, default: 0]) / Double(all)) : nil
    }
  }
}
