import Tensor

/// What one optimizer step produced, before the update.
public struct StepOutcome {
  /// The gradient of the step's loss, all micro-batches added up.
  public var gradients: Gradients
  /// The step's loss.
  public var loss: Double
  /// Tokens that went through the decoder.
  public var tokens: Int
  /// Metrics with their weight (pairs or tokens) in the mean over a logging window.
  public var metrics: [(name: String, value: Double, weight: Double)]
  /// What to show beside the progress bar.
  public var highlights: [(name: String, value: String)]

  /// Creates an outcome.
  public init(
    gradients: Gradients, loss: Double, tokens: Int,
    metrics: [(name: String, value: Double, weight: Double)],
    highlights: [(name: String, value: String)] = []
  ) {
    self.gradients = gradients
    self.loss = loss
    self.tokens = tokens
    self.metrics = metrics
    self.highlights = highlights
  }
}

/// A loss over the records of one optimizer step, with its gradient.
public protocol TrainingObjective {
  /// Computes the step's loss and gradient; micro-batches inside must add up exactly to the whole step.
  ///
  /// A pure function of `step`, the weights and the data, so that a resumed run repeats it.
  /// - Parameter step: Counted from 0.
  func outcome(ofStep step: Int) throws -> StepOutcome

  /// The same for a step whose metrics are logged or not: where they are not, those that cost may be left
  /// out.
  func outcome(ofStep step: Int, isLogged: Bool) throws -> StepOutcome

  /// Ids of the records of a step, for error messages.
  func recordIDs(ofStep step: Int) -> [String]

  /// Epochs finished after `step` steps.
  func epoch(afterSteps step: Int) -> Double
}

extension TrainingObjective {
  public func outcome(ofStep step: Int, isLogged: Bool) throws -> StepOutcome { try outcome(ofStep: step) }
}

/// Training that cannot go on.
public enum TrainingError: Error, CustomStringConvertible, Equatable {
  /// The loss or the gradient of a step is not a finite number.
  case notFinite(
    what: String, value: String, stage: String, step: Int, records: [String], checkpoint: String?)

  public var description: String {
    switch self {
    case .notFinite(let what, let value, let stage, let step, let records, let checkpoint):
      "\(stage) step \(step): \(what) is \(value), expected a finite number; records of the step: "
        + records.prefix(8).joined(separator: ", ") + (records.count > 8 ? ", …" : "") + "; "
        + (checkpoint.map { "the last checkpoint is kept: \($0)" } ?? "there is no checkpoint yet")
    }
  }
}
