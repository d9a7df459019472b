import Tensor

/// How a learning rate moves after its warm-up.
public enum LearningRateScheduler: String, CaseIterable, Sendable {
  /// The schedule of that name in Hugging Face's `lr_scheduler_type`.
  case constant, linear, cosine
}

extension LearningRateScheduler {
  package var kind: LearningRateSchedule.Kind {
    switch self {
    case .constant: .constant
    case .linear: .linear
    case .cosine: .cosine
    }
  }
}
