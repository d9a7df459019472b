import DPOTrain
import LVLM
import MultiImageData
import Tensor

extension RunConfiguration {
  /// `train`: preference optimization, under TRL's names.
  public struct Train: Sendable, Equatable {
    /// How the log-probabilities of the answer tokens are put together in the NLL term.
    public enum Reduction: String, CaseIterable, Sendable {
      /// Mean over the answer tokens of the step, as in the released code.
      case mean
      /// Sum over the answer tokens, mean over the pairs, as in the paper's equation 5.
      case sum
    }

    /// What is trained in the decoder.
    public enum Adapter: String, CaseIterable, Sendable {
      /// Low-rank adapters on the decoder's linear layers.
      case lora
      /// All decoder weights.
      case none
    }

    /// How matrices that are not trained are stored.
    public enum FrozenType: String, CaseIterable, Sendable {
      /// Four bytes an element.
      case float32
      /// Two bytes an element.
      case bfloat16

      /// The type of their elements.
      public var dtype: DType { self == .float32 ? .float32 : .bfloat16 }
    }

    /// Numbers that some schedules of `lrSchedulerType` have beside the others, by Hugging Face's names.
    public struct SchedulerOptions: Sendable, Equatable {
      /// How often `cosine_with_restarts` falls.
      public var numCycles = 1
      /// The exponent of `polynomial`.
      public var power = 1.0
      /// The learning rate that `polynomial` ends at.
      public var lrEnd = 1e-7
      /// Steps over which `inverse_sqrt` falls; 0 takes the warm-up, or 10,000 without one.
      public var timescale = 0

      /// The defaults of transformers.
      public init() {}
    }

    /// How the picture that is asked about is corrupted for the image term.
    public typealias ImageCorruption = CorruptedAnswers.Corruption

    /// Losses by TRL's names.
    public static let lossTypes = PreferenceLoss.registry.map(\.name)
    /// Kinds of prompts the ballast can be drawn from.
    public static let ballastKindNames = QuestionKind.layouts.map(\.rawValue)
    /// Decoder linears that can carry an adapter.
    public static let loraTargets = VisionLanguageModel.linearNames

    /// Scale of the implicit reward.
    public var beta = 0.1
    /// Names of the losses whose weighted sum is the preference loss; `sigmoid` is DPO's.
    public var lossType = ["sigmoid"]
    /// The weight of each loss of `lossType`; all 1 when empty.
    public var lossWeights: [Double] = []
    /// Weight of the preference loss; 0 leaves the NLL term alone, as a control.
    public var preferenceWeight = 1.0
    /// Probability that a preference is the wrong way round.
    public var labelSmoothing = 0.0
    /// Divergence between policy and reference that turns log-ratios into scores.
    public var fDivergenceType = LossDivergence.reverseKL
    /// α of `alpha_divergence`.
    public var fAlphaDivergenceCoef = LossOptions.defaults.alpha
    /// τ of `discopop`.
    public var discopopTau = LossOptions.defaults.discopopTau
    /// λ of `dpop`.
    public var dpopLambda = LossOptions.defaults.dpopLambda
    /// γ of `simpo`.
    public var simpoGamma = LossOptions.defaults.simpoGamma
    /// Weight of the tokens of the longer answer beyond the length of the shorter one (LD-DPO's α); 1 weighs
    /// all alike.
    public var ldAlpha = 1.0
    /// Whether pairs weigh as much as their answers are likely under the policy (WPO).
    public var useWeighting = false
    /// Weight γ of the NLL term on the chosen answers.
    public var gamma = 0.1
    /// Weight of mDPO's anchor, −log σ(β log π/π_ref) of the chosen answers.
    public var anchorWeight = 0.0
    /// Weight of mDPO's image-conditional term.
    public var imageWeight = 0.0
    /// What that term's other picture is.
    public var imageCorruption = ImageCorruption.crop
    /// Weight λ of the penalty on chosen answers whose attention goes to other images.
    public var attentionWeight = 0.0
    /// Attention ratio from which on there is no penalty.
    public var attentionThreshold = 0.75
    /// Decoder layer whose attention is penalised; `nil` takes the one that selection read.
    public var attentionLayer: Select.Layer?
    /// How the NLL term is put together.
    public var nllReduction = Reduction.mean
    /// Passes over the pairs; not used when `maxSteps` is given.
    public var numTrainEpochs = 3.0
    /// Optimizer steps; 0 takes `numTrainEpochs`.
    public var maxSteps = 0
    /// Pairs per micro-batch.
    public var perDeviceTrainBatchSize = 16
    /// Micro-batches per optimizer step.
    public var gradientAccumulationSteps = 1
    /// Peak learning rate.
    public var learningRate = 1e-4
    /// Peak learning rate of the projector; `nil` is the common one.
    public var projectorLearningRate: Double?
    /// Peak learning rate of the vision tower; `nil` is the common one.
    public var visionLearningRate: Double?
    /// Schedule after the warm-up.
    public var lrSchedulerType = LearningRateScheduler.linear
    /// What further numbers some schedules have.
    public var lrSchedulerKwargs = SchedulerOptions()
    /// Share of the steps in which the learning rate rises from 0.
    public var warmupRatio = 0.1
    /// What changes weights by their gradients.
    public var optim = OptimizerChoice.adamW
    /// Weight decay: decoupled from the gradient in AdamW and Lion, added to it elsewhere.
    public var weightDecay = 0.0
    /// Gradients are scaled down to this norm; 0 turns it off.
    public var maxGradNorm = 1.0
    /// Decay of the first moment in Adam, AdamW and Lion.
    public var adamBeta1 = 0.9
    /// Decay of the second moment in Adam and AdamW, of the momentum in Lion.
    public var adamBeta2 = 0.999
    /// What Adam and AdamW add to the root of the second moment.
    public var adamEpsilon = 1e-8
    /// Decay of the average of the weights that is the outcome; 0 takes the weights themselves.
    public var emaDecay = 0.0
    /// Whether blocks keep their inputs alone for the backward pass and are computed again in it.
    public var gradientCheckpointing = false
    /// Whether large products are computed in bfloat16; see ``Float32MatmulPrecision/medium``.
    public var bf16 = false
    /// What is trained in the decoder.
    public var adapter = Adapter.none
    /// How matrices that are not trained are stored; BFloat16 halves their memory. Computing is done in
    /// Float32.
    public var frozenDtype = FrozenType.float32
    /// Rank r of the adapters.
    public var loraR = 16
    /// Scale α of the adapters: the update is α / r · B · A.
    public var loraAlpha = 32.0
    /// Linears that carry an adapter.
    public var loraTarget = loraTargets
    /// Whether the scale is α / √r in place of α / r (rsLoRA, arXiv:2312.03732).
    public var useRSLoRA = false
    /// Whether adapters learn the lengths of rows for themselves (DoRA, arXiv:2402.09353).
    public var useDoRA = false
    /// How likely an element of an adapter's input is dropped in a training step.
    public var loraDropout = 0.0
    /// How many times faster B of an adapter learns than A (LoRA+, arXiv:2402.12354).
    public var loraPlusRatio = 1.0
    /// Whether the projector is trained too.
    public var trainProjector = false
    /// Whether the vision tower is trained too.
    public var trainVision = false
    /// Share of single-image pairs among all pairs of a step: ballast against forgetting.
    public var singleImageShare = 0.0
    /// Copies of every pair of a sequence beside it, with the pictures in another order.
    public var permutedCopies = 0
    /// Right answers of the base model beside the pairs of a step, in the NLL term alone: ballast against
    /// forgetting.
    public var ballastPerStep = 0
    /// Kinds of prompts the ballast is drawn from: `single` and composed ones.
    public var ballastKinds = ballastKindNames
    /// Whether reference log-probabilities are computed once and cached.
    public var precomputeRefLogProbs = true
    /// Whether the reference follows the model that is trained (TR-DPO, arXiv:2404.09656).
    public var syncRefModel = false
    /// Steps between two moves of such a reference.
    public var refModelSyncSteps = 512
    /// α of a move: π_ref ← α π + (1 − α) π_ref.
    public var refModelMixupAlpha = 0.6
    /// Whether chosen and rejected share one pass over images and prompt.
    public var sharesPrefix = true
    /// Steps between two looks at the pairs held out; 0 looks at the end alone.
    public var evalSteps = 0
    /// Whether the weights of the best look are taken at the end.
    public var loadsBestModelAtEnd = false
    /// By which figure looks are compared.
    public var metricForBestModel = HeldOutPairs.Criterion.loss
    /// Looks in a row without a better one after which training ends; 0 never ends early.
    public var earlyStoppingPatience = 0
    /// Prompts held out that are answered before training and at every look; 0 is none.
    public var evalSamples = 0
    /// Longest of these answers, tokens.
    public var evalMaxNewTokens = 64
    /// Steps between two lines of metrics.
    public var loggingSteps = 10
    /// Steps between two checkpoints.
    public var saveSteps = 100
    /// How many checkpoints are kept; 0 keeps all.
    public var saveTotalLimit = 2

    /// How often the model answers, its answers are selected and it is trained on them, each time from the
    /// model of the time before.
    public var rounds = 1

    /// All defaults.
    public init() {}

    /// The options of the loss; one that is left at its default counts as not set.
    public var lossOptions: LossOptions {
      let usual = Self()
      func chosen<Value: Equatable>(_ path: KeyPath<Self, Value>) -> Value? {
        self[keyPath: path] == usual[keyPath: path] ? nil : self[keyPath: path]
      }
      return LossOptions(
        beta: beta, labelSmoothing: chosen(\.labelSmoothing), divergence: chosen(\.fDivergenceType),
        alphaDivergenceCoefficient: chosen(\.fAlphaDivergenceCoef), discopopTau: chosen(\.discopopTau),
        dpopLambda: chosen(\.dpopLambda), simpoGamma: chosen(\.simpoGamma))
    }
  }
}
