import Foundation
import LVLM
import Tensor

/// One DPO step: policy and reference forward, sigmoid loss, backward, clipping by norm, AdamW on every
/// weight, or on adapters of the decoder, which are switched off for the reference.
final class PreferenceStep {
  /// Whose weights learn.
  enum Training {
    case allWeights
    /// Adapters of rank 128 on every linear layer of the decoder; the rest is frozen.
    case adapters
    /// The same over a decoder that is stored in bfloat16.
    case adaptersOverBFloat16
  }

  private let policy: VisionLanguageModel
  /// Nil where it is the policy without its adapters.
  private var reference: VisionLanguageModel?
  let batch: PackedBatch
  /// Floating-point operations of a step that trains every weight, in thousands of millions.
  let gflop: Double
  private let pixels: Tensor
  private let sumOverAnswers: Tensor
  private let optimizer = AdamW(learningRate: 1e-6, weightDecay: 0)
  private let parameters: [NamedParameter]
  private let cachesReference: Bool
  private var cachedReference: Tensor?
  /// Wall and processor seconds of the parts of the last step.
  private(set) var phases: [(name: String, seconds: Double, processorSeconds: Double)] = []

  init(
    _ size: ModelSize, training: Training = .allWeights, sharesPrefix: Bool = true,
    cachesReference: Bool = false, checkpoints: Bool = false
  ) throws {
    var weights = RandomGenerator(seed: 0)
    policy = try VisionLanguageModel(size.configuration, using: &weights)
    switch training {
    case .allWeights:
      weights = RandomGenerator(seed: 0)
      reference = try VisionLanguageModel(size.configuration, using: &weights)
    case .adapters, .adaptersOverBFloat16:
      policy.setTrainable(false, .vision, .projector)
      if training == .adaptersOverBFloat16 {
        policy.setTrainable(false, .decoder)
        policy.storeFrozenWeights(as: .bfloat16)
      }
      policy.applyLoRA(rank: 128, alpha: 256, using: &weights)
      reference = nil
    }
    policy.isGradientCheckpointing = checkpoints
    var data = RandomGenerator(seed: 1)
    let examples = size.examples(using: &data)
    let pictures = size.images.reduce(0, +)
    batch = try PackedBatch(
      examples, sharesPrefix: sharesPrefix, imageTokenID: Int32(size.imageToken),
      features: FeatureLayout(repeating: size.configuration.featureGrid, count: pictures))
    gflop = CostCurves.operations(size, batch) / 1e9
    pixels = Tensor.randomNormal([pictures, 3, size.imageSize, size.imageSize], using: &data)
    var membership = [Float](repeating: 0, count: batch.completionCount * batch.targets.count)
    for (target, answer) in batch.completionOfTarget.enumerated() {
      membership[answer * batch.targets.count + target] = 1
    }
    sumOverAnswers = Tensor(membership, shape: [batch.completionCount, batch.targets.count])
    parameters = policy.trainableParameters()
    self.cachesReference = cachesReference
    // Weights that were converted have left larger blocks behind.
    TensorRuntime.trim()
  }

  /// Log-probabilities of the answers, `[pairs, 2]`, chosen first.
  private func answers(_ model: VisionLanguageModel, _ features: ImageFeatures) -> Tensor {
    let tokens = model.logProbabilities(batch, imageFeatures: features)
    return sumOverAnswers.matmul(tokens).reshaped([-1, 2])
  }

  /// Without adapters the reference has a vision encoder of its own, with them it is the policy's.
  private func answersOfReference(_ features: ImageFeatures) -> Tensor {
    noGradient {
      if let reference { return answers(reference, reference.imageFeatures(pixels)) }
      return policy.withoutAdapters { answers(policy, features) }
    }
  }

  private func timed<Result>(_ name: String, _ body: () -> Result) -> Result {
    let (start, used) = (ContinuousClock.now, processorSeconds())
    defer { phases.append((name, seconds(since: start), processorSeconds() - used)) }
    return Profile.phase(name, body)
  }

  /// Runs one step and returns its loss.
  func run() -> Double {
    phases = []
    let features = timed("vision_forward") { policy.imageFeatures(pixels) }
    let policyAnswers = timed("policy_forward") { answers(policy, features) }
    let referenceAnswers = timed("reference_forward") {
      if let cachedReference { return cachedReference }
      let result = answersOfReference(features)
      if cachesReference {
        cachedReference = result
        reference = nil
      }
      return result
    }
    let margin = policyAnswers - referenceAnswers
    let difference = margin.slice(axis: 1, 0..<1) - margin.slice(axis: 1, 1..<2)
    let loss = -(difference * 0.1).logSigmoid().mean()
    let gradients = timed("backward") { loss.backward() }
    timed("clip_and_adamw") {
      let norm = gradients.norm(of: parameters)
      optimizer.step(
        parameters, gradients, gradientScale: Gradients.clippingFactor(norm: norm, maximum: 1))
    }
    return loss.item()
  }
}

/// Seconds since an instant.
func seconds(since start: ContinuousClock.Instant) -> Double {
  let elapsed = ContinuousClock.now - start
  return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
}

/// Processor time that all threads of this program have used.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The most memory that this program has had resident.
func peakResidentBytes() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss << 10
}
