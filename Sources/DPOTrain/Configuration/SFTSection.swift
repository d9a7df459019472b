/// How a learning rate moves after its warm-up.
public enum LearningRateScheduler: String, CaseIterable, Sendable {
  /// The schedule of that name in Hugging Face's `lr_scheduler_type`.
  case constant, linear, cosine
}

extension RunConfiguration {
  /// `sft`: supervised training of the base model, from random weights.
  public struct SFT: Sendable, Equatable {
    /// `sft.vision_pretraining`: the vision tower learns to name what is in a picture before it meets the
    /// decoder, which stands in for the CLIP training of a real vision tower. Linear heads on the mean patch
    /// feature predict the attributes of single pictures; they are thrown away afterwards.
    public struct VisionPretraining: Sendable, Equatable {
      /// Optimizer steps; 0 leaves it out.
      public var maxSteps = 500
      /// Pictures per step.
      public var perDeviceTrainBatchSize = 64
      /// Peak learning rate, with cosine schedule.
      public var learningRate = 3e-3
      /// Share of the steps in which the learning rate rises from 0.
      public var warmupRatio = 0.1
      /// Decoupled weight decay of matrices.
      public var weightDecay = 0.05

      /// All defaults.
      public init() {}
    }

    /// The vision tower's training before it meets the decoder.
    public var visionPretraining = VisionPretraining()
    /// Optimizer steps; 0 leaves the stage out and starts from `model.path`.
    public var maxSteps = 900
    /// Whether the decoder is trained beside the projector.
    public var trainDecoder = true
    /// Whether the vision tower is trained beside the projector.
    public var trainVision = true
    /// Examples per step.
    public var perDeviceTrainBatchSize = 32
    /// Peak learning rate.
    public var learningRate = 1.5e-3
    /// Schedule after the warm-up.
    public var lrSchedulerType = LearningRateScheduler.linear
    /// Share of the steps, at the end, in which the schedule falls; before it the rate stays at its peak.
    public var decayRatio = 0.35
    /// Share of the steps in which the learning rate rises from 0.
    public var warmupRatio = 0.05
    /// Decoupled weight decay.
    public var weightDecay = 0.05
    /// Gradients are scaled down to this norm; 0 turns it off.
    public var maxGradNorm = 1.0
    /// Share of prompts with two images once they have started.
    public var twoImageShare = 0.33
    /// Fraction of the steps after which prompts with two images come in.
    public var twoImageStart = 0.0
    /// Questions in one conversation about one picture.
    public var questionsPerImage = 3
    /// Questions in one conversation about two pictures, each about a picture drawn at random.
    public var questionsPerPair = 4
    /// AdamW's decay of the first moment.
    public var adamBeta1 = 0.9
    /// AdamW's decay of the second moment.
    public var adamBeta2 = 0.98
    /// Steps between two lines of metrics.
    public var loggingSteps = 10
    /// Steps between two checkpoints.
    public var saveSteps = 300

    /// All defaults.
    public init() {}
  }
}
