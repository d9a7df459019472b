import Evaluation

extension RunConfiguration {
  /// `evaluate`: held-out questions, asked before and after preference training.
  public typealias Evaluate = EvaluationSettings
}
