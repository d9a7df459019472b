import MultiImageData

/// Prompts about compared and described pictures.
package enum LevelPrompts {
  /// Scenes with so many records in every split.
  package static func shapes(_ answers: AnswerStyle = .sentences, _ count: Int = 300) -> ShapeScenes {
    ShapeScenes(
      seed: 2, size: 16, counts: [.sft: count, .preference: count, .validation: count, .test: count],
      answers: answers)
  }

  /// A composer of small pictures.
  package static func composer(_ source: any QuestionSource) -> Composer {
    Composer(source: source, options: CompositionOptions(cell: 16, minimumOuterSide: 16), seed: 3)
  }

  /// A question on file, as stages read it.
  package static func question(_ record: ComposedRecord) -> StoredQuestion {
    StoredQuestion(
      id: record.id, images: record.images.map { "/run/" + $0 }, prompt: record.prompt,
      groundTruth: record.answer, family: record.family, record: record, facts: record.facts)
  }
}
