/// What a run will do and need, worked out from its configuration before anything is spent.
///
/// Sizes and steps are exact where the configuration decides them. How many pairs selection keeps is only known
/// afterwards, so figures that depend on it are upper bounds; tokens of text and memory are estimates.
public struct RunPlan: Sendable, CustomStringConvertible {
  /// Tokens of one question with its answer, beside images and system sentence, that estimates assume.
  static let textTokens = 16

  private let configuration: RunConfiguration

  /// Plans a run.
  public init(_ configuration: RunConfiguration) { self.configuration = configuration }

  // MARK: Weights

  /// Weights of the vision tower.
  public var visionWeights: Int {
    let vision = configuration.model.visionConfig
    let (d, i) = (vision.hiddenSize, vision.intermediateSize)
    let layer = 4 * (d * d + d) + (d * i + i) + (i * d + d) + 4 * d
    let embeddings = 3 * vision.patchSize * vision.patchSize * d + d + (vision.patchesPerImage + 1) * d
    return embeddings + vision.numHiddenLayers * layer + 4 * d
  }

  /// Weights of the projector.
  public var projectorWeights: Int {
    let (v, t) = (configuration.model.visionConfig.hiddenSize, configuration.model.textConfig.hiddenSize)
    return v * t + t + t * t + t
  }

  /// Weights of the decoder.
  public var decoderWeights: Int {
    let text = configuration.model.textConfig
    let d = text.hiddenSize
    let keyWidth = d / text.numAttentionHeads * text.numKeyValueHeads
    let layer = 2 * d * d + 2 * d * keyWidth + 3 * d * text.intermediateSize + 2 * d
    let vocabulary = configuration.tokenizer.vocabSize * d
    return vocabulary * (text.tieWordEmbeddings ? 1 : 2) + text.numHiddenLayers * layer + d
  }

  /// Weights that preference training changes.
  public var trainedWeights: Int {
    let train = configuration.train
    var count = train.adapter == .lora ? adapterWeights : decoderWeights
    if train.trainProjector { count += projectorWeights }
    if train.trainVision { count += visionWeights }
    return count
  }

  private var adapterWeights: Int {
    let text = configuration.model.textConfig
    let d = text.hiddenSize
    let keyWidth = d / text.numAttentionHeads * text.numKeyValueHeads
    let sums = configuration.train.loraTarget.map { target in
      switch target {
      case "q_proj", "o_proj": 2 * d
      case "k_proj", "v_proj": d + keyWidth
      default: d + text.intermediateSize
      }
    }
    return text.numHiddenLayers * configuration.train.loraR * sums.reduce(0, +)
  }

  // MARK: Steps and tokens

  /// Optimizer steps of preference training, or the most there can be when selection decides.
  public var trainSteps: (count: Int, isUpperBound: Bool) {
    let train = configuration.train
    if train.maxSteps > 0 { return (train.maxSteps, false) }
    let batch = train.perDeviceTrainBatchSize * train.gradientAccumulationSteps
    let pairs = configuration.compose.total + configuration.compose.single
    let perEpoch = (pairs + batch - 1) / batch
    return (max(1, Int((Double(perEpoch) * train.numTrainEpochs).rounded(.up))), true)
  }

  private var systemTokens: Int { configuration.tokenizer.template == .plain ? 4 : 60 }

  /// Estimated tokens of one supervised step.
  public var sftTokens: Int {
    let sft = configuration.sft
    let patches = Double(configuration.model.visionConfig.patchesPerImage)
    let single = patches + Double(sft.questionsPerImage * Self.textTokens + systemTokens)
    let double = 2 * patches + Double(sft.questionsPerPair * Self.textTokens + systemTokens)
    let share = sft.twoImageShare
    return Int(Double(sft.perDeviceTrainBatchSize) * (single * (1 - share) + double * share))
  }

  /// Estimated tokens of one preference step: prompts once or twice, and both answers.
  public var trainTokens: Int {
    let train = configuration.train
    let compose = configuration.compose
    let images =
      Double(
        compose.sequence.entries.reduce(0) { $0 + $1.images * $1.records } + compose.grid.total
          + compose.picInPic.total) / Double(max(compose.total, 1))
    let prompt = images * Double(configuration.model.visionConfig.patchesPerImage) + Double(systemTokens + 10)
    let perPair = (train.sharesPrefix ? 1 : 2) * prompt + 12
    return Int(Double(train.perDeviceTrainBatchSize * train.gradientAccumulationSteps) * perPair)
  }

  // MARK: Memory

  /// What a process holds besides: code, libraries, tables.
  private static let processBytes = 48 << 20
  /// Values of the forward pass, and as much again for gradients and for blocks that wait to be used again.
  private static let activationFactor = 2

  /// Estimated peak of resident memory in bytes, of the stage that needs most.
  public var peakBytes: Int { Self.processBytes + max(sftBytes, trainBytes) }

  private var decoderActivations: Int {
    let text = configuration.model.textConfig
    let keyWidth = text.hiddenSize / text.numAttentionHeads * text.numKeyValueHeads
    return 4 * text.numHiddenLayers * (7 * text.hiddenSize + 2 * keyWidth + 4 * text.intermediateSize)
  }

  private var visionActivations: Int {
    let vision = configuration.model.visionConfig
    return 4 * vision.numHiddenLayers * (9 * vision.hiddenSize + 3 * vision.intermediateSize)
  }

  private var sftBytes: Int {
    guard configuration.sft.maxSteps > 0 else { return 0 }
    let sft = configuration.sft
    let patches = configuration.model.visionConfig.patchesPerImage
    let images = Double(sft.perDeviceTrainBatchSize) * (1 + sft.twoImageShare)
    let weights = visionWeights + projectorWeights + decoderWeights
    let both = sftTokens * decoderActivations + Int(images) * patches * visionActivations
    let pretraining = sft.visionPretraining.perDeviceTrainBatchSize * patches * visionActivations
    let side = configuration.model.visionConfig.imageSize
    let pictures = min(configuration.data.sizes.sft * side * side * 3, PictureStore.defaultCacheBytes)
    return 16 * weights + Self.activationFactor * max(both, pretraining) + pictures
  }

  private var trainBytes: Int {
    let train = configuration.train
    let weights = 4 * (visionWeights + projectorWeights + decoderWeights) + 12 * trainedWeights
    var activations = trainTokens / max(train.gradientAccumulationSteps, 1) * decoderActivations
    if train.trainVision {
      activations +=
        train.perDeviceTrainBatchSize * 3 * configuration.model.visionConfig.patchesPerImage
        * visionActivations
    }
    return weights + Self.activationFactor * activations + (train.trainVision ? 0 : featureBytes)
  }

  /// Kept features of all pictures of the pairs and the ballast.
  private var featureBytes: Int {
    let compose = configuration.compose
    let pictures =
      compose.sequence.entries.reduce(0) { $0 + $1.images * $1.records } + compose.grid.total
      + compose.picInPic.total + compose.single
    let model = configuration.model
    return min(
      4 * pictures * model.visionConfig.patchesPerImage * model.textConfig.hiddenSize,
      FeatureStore.defaultCacheBytes)
  }

  // MARK: Text

  /// Whether the configuration says how large the decoder is, and not a file.
  private var isShapeKnown: Bool {
    configuration.model.path == nil && configuration.model.languageModel == nil
  }

  /// Several lines for a person.
  public var description: String {
    let run = configuration
    let sizes = run.data.sizes
    let steps = trainSteps
    var lines: [(String, String)] = [
      ("run directory", run.run.outputDirectory), ("configuration hash", String(run.hash.prefix(12))),
      (
        "data",
        "\(run.data.source.rawValue): sft \(sizes.sft), pref \(sizes.pref), val \(sizes.val), test \(sizes.test)"
      ),
      (
        "composed",
        "\(run.compose.total): sequence \(run.compose.sequence.total), grid \(run.compose.grid.total), "
          + "pic_in_pic \(run.compose.picInPic.total); \(run.compose.single) single-image"
      ),
    ]
    if let path = run.model.path {
      lines.append(("model", path))
    } else if let path = run.model.languageModel {
      lines += [
        ("language model", path),
        ("new weights", "\(visionWeights) in the vision tower, and the projector"),
        ("tokens per image", "\(run.model.visionConfig.patchesPerImage)"),
      ]
    } else {
      let text = run.model.textConfig
      lines += [
        (
          "weights",
          "\(visionWeights + projectorWeights + decoderWeights): vision \(visionWeights), "
            + "projector \(projectorWeights), decoder \(decoderWeights)"
        ),
        (
          "tokens per image",
          "\(run.model.visionConfig.patchesPerImage), context \(text.maxPositionEmbeddings)"
        ),
      ]
    }
    if run.sft.maxSteps > 0 {
      lines.append(
        (
          "sft",
          "\(run.sft.visionPretraining.maxSteps) steps of \(run.sft.visionPretraining.perDeviceTrainBatchSize) "
            + "pictures, then \(run.sft.maxSteps) steps of \(run.sft.perDeviceTrainBatchSize) conversations, "
            + "about \(sftTokens) tokens per step"
        ))
    }
    let batch = run.train.perDeviceTrainBatchSize * run.train.gradientAccumulationSteps
    lines.append(
      (
        "train",
        "\(steps.isUpperBound ? "at most " : "")\(steps.count) steps of \(batch) pairs, about \(trainTokens) tokens "
          + "per step" + (isShapeKnown ? ", \(trainedWeights) weights trained" : "")
      ))
    lines.append(
      (
        "evaluate",
        "\(run.evaluate.questions) questions of each of 4 kinds, before and after"
          + (run.evaluate.blind ? ", with and without images" : "")
      ))
    if isShapeKnown {
      lines.append(("memory", "about \(max(1, peakBytes >> 20)) MiB (estimate)"))
    }
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }
      .joined(separator: "\n")
  }
}
