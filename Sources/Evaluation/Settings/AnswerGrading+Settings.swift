import MultiImageData
import Records

extension AnswerGrading {
  /// - Throws: as ``init(_:source:)`` of a choice.
  package init(_ settings: EvaluationSettings, source: any QuestionSource) throws(DataError) {
    try self.init(settings.grader, source: source)
  }
}
