import MultiImageData
import Tensor

/// `sft`: supervised training of the base model, from random weights.
public struct SupervisedSettings: Sendable, Equatable {
  /// `sft.vision_pretraining`: the vision tower learns to name what is in a picture before it meets the
  /// decoder, which stands in for the CLIP training of a real vision tower. Linear heads on the mean patch
  /// feature predict the attributes of single pictures; they are thrown away afterwards.
  public struct VisionPretraining: Sendable, Equatable {
    /// Optimizer steps; 0 leaves it out.
    public var maxSteps = 500
    /// Pictures per step.
    public var perDeviceTrainBatchSize = 64
    /// Share of the pictures that are canvases of the formats in `sft.composed`, each cell with the
    /// attributes of its picture: patch features then say what is where, as CLIP's do.
    public var composedShare = 0.0
    /// Peak learning rate, with cosine schedule.
    public var learningRate = 3e-3
    /// Share of the steps in which the learning rate rises from 0.
    public var warmupRatio = 0.1
    /// Decoupled weight decay of matrices.
    public var weightDecay = 0.05

    /// All defaults.
    public init() {}
  }

  /// `sft.composed`: conversations about several pictures, in the prompts of the formats.
  public struct Composed: Sendable, Equatable {
    /// Share of these conversations once they have started.
    public var share = 0.33
    /// Fraction of the steps after which they come in.
    public var start = 0.0
    /// Fraction of the steps up to which they show two pictures alone, in each format that has weight for
    /// two: what "Image 2" means is learned much sooner from these than from all numbers at once.
    public var pairsUntil = 0.0
    /// Questions in one of them, each about a picture drawn at random.
    public var questions = 4
    /// How often a sequence is drawn, by number of images; only proportions count.
    public var sequence: [Int: Double] = [2: 1]
    /// How often a grid is drawn, by number of cells.
    public var grid: [Int: Double] = [:]
    /// How often a picture in a picture is drawn.
    public var picInPic = 0.0
    /// Share of the questions after the first that compare two named pictures.
    public var compare = 0.0
    /// Share of the questions after the first that ask which picture fits.
    public var find = 0.0

    /// Two separate pictures.
    public init() {}

    /// What is drawn, with its weight, in a fixed order; none of weight 0.
    package var weights: [(kind: CompositionKind, count: Int, weight: Double)] {
      let all =
        sequence.sorted { $0.key < $1.key }.map { (CompositionKind.sequence, $0.key, $0.value) }
        + grid.sorted { $0.key < $1.key }.map { (.grid, $0.key, $0.value) }
        + [(.pictureInPicture, 2, picInPic)]
      return share > 0 ? all.filter { $0.2 > 0 } : []
    }

    /// Every format and number of pictures that is shown at any time.
    package var shown: [(kind: CompositionKind, count: Int)] {
      let drawn = weights.map { ($0.kind, $0.count) }
      return pairsUntil > start ? pairs.map { ($0.kind, $0.count) } + drawn : drawn
    }

    /// What is drawn up to ``pairsUntil``: the formats of two pictures; two separate ones where none has
    /// weight.
    package var pairs: [(kind: CompositionKind, count: Int, weight: Double)] {
      let two = weights.filter { $0.count == 2 }
      return two.isEmpty && !weights.isEmpty ? [(.sequence, 2, 1)] : two
    }
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
  /// Whether blocks keep their inputs alone for the backward pass and are computed again in it.
  public var gradientCheckpointing = false
  /// Whether large products are computed in bfloat16; see ``Float32MatmulPrecision/medium``.
  public var bf16 = false
  /// Conversations about several pictures.
  public var composed = Composed()
  /// Questions in one conversation about one picture.
  public var questionsPerImage = 3
  /// Steps between two looks at the accuracy on the validation split; 0 never looks.
  public var evalSteps = 0
  /// Questions of a look about single images, and as many of every format in `composed`.
  public var evalQuestions = 120
  /// Mean accuracy over the composed formats at which the decay of the learning rate begins; 0 leaves it to
  /// ``maxSteps``.
  public var stopAccuracy = 0.0
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

extension SupervisedSettings.Composed {
  /// The levels that are drawn, with their shares; none of share 0, and none where nothing else is drawn.
  package var levelShares: [(level: PromptLevel, share: Double)] {
    guard weights.contains(where: { $0.kind.namesPictures }) else { return [] }
    return [(PromptLevel.compare, compare), (.find, find)].filter { $0.1 > 0 }
  }
}
