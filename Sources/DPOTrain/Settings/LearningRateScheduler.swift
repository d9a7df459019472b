import Tensor

/// How a learning rate moves after its warm-up, by the names of Hugging Face's `lr_scheduler_type`.
public typealias LearningRateScheduler = LearningRateSchedule.Kind

extension LearningRateSchedule.Kind {
  /// Whether the rate falls over the steps at the end and not as it does over the whole run.
  package var fallsAtTheEnd: Bool { ![.inverseSquareRoot, .oneCycle].contains(self) }
}
