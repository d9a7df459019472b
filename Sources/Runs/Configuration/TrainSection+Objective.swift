import DPOTrain
import Tensor

/// What `train` describes beyond its values.
extension RunConfiguration.Train {
  /// The objective that the settings describe.
  func objectiveTerms() throws -> PreferenceObjectiveTerms {
    try PreferenceObjectiveTerms(
      losses: lossType,
      weights: (lossWeights.isEmpty ? lossType.map { _ in 1 } : lossWeights).map { $0 * preferenceWeight },
      options: lossOptions,
      gamma: gamma, anchor: anchorWeight,
      reduction: nllReduction == .mean ? .mean : .sum, image: imageWeight,
      attention: attentionWeight > 0
        ? AttentionPenalty(weight: attentionWeight, threshold: attentionThreshold) : nil)
  }

  /// α such that α / r is the scale of the adapters.
  package var adapterAlpha: Double { useRSLoRA ? loraAlpha * Double(loraR).squareRoot() : loraAlpha }

  /// Which parameters learn at another rate.
  package var rateFactors: LearningRateFactors {
    LearningRateFactors(
      loraB: loraPlusRatio, projector: (projectorLearningRate ?? learningRate) / learningRate,
      vision: (visionLearningRate ?? learningRate) / learningRate)
  }

  /// The common learning rate of every step.
  package func schedule(steps: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      lrSchedulerType, peak: learningRate,
      warmupSteps: Int((warmupRatio * Double(steps)).rounded(.up)), totalSteps: steps,
      cycles: lrSchedulerKwargs.numCycles, power: lrSchedulerKwargs.power, finalRate: lrSchedulerKwargs.lrEnd,
      timescale: lrSchedulerKwargs.timescale > 0 ? lrSchedulerKwargs.timescale : nil)
  }

  /// Whether a live reference is a second copy of the base model.
  var needsSecondModel: Bool {
    !precomputeRefLogProbs
      && (adapter != .lora || trainProjector || trainVision)
  }
}
