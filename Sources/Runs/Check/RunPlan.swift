import DPOTrain
import Evaluation
import Foundation
import LVLM
import MultiImageData
import Ranks
import Records
import Tensor

/// What a run will do and need, worked out from its configuration before anything is spent.
///
/// Sizes and steps are exact where the configuration decides them. How many pairs selection keeps is only
/// known afterwards, so figures that depend on it are upper bounds; tokens of text and memory are estimates.
public struct RunPlan: Sendable, CustomStringConvertible {
  /// Tokens of one question with its answer, beside images and system sentence, that estimates assume.
  static let textTokens = 16

  let configuration: RunConfiguration
  let model: any FamilyConfiguration
  let geometry: any PictureGeometry
  /// How many records the data really have, where that is known (``DataPlan/records``).
  public var records: String?
  /// Processes that train together.
  public var ranks = 1
  /// The pairs that there are already.
  var ownPairs: OwnPairs?

  /// Plans a run. Of an existing model its `config.json` is all that is read.
  /// - Throws: `ModelConfigurationError` when that file cannot be used.
  public init(_ configuration: RunConfiguration) throws { try self.init(configuration, ownPairs: nil) }

  /// Plans a run on data that were looked at.
  /// - Throws: as ``init(_:)``.
  public init(_ configuration: RunConfiguration, data: DataPlan) throws {
    try self.init(configuration, ownPairs: data.ownPairs)
    records = data.records
  }

  init(_ configuration: RunConfiguration, ownPairs: OwnPairs?) throws {
    self.ownPairs = ownPairs
    self.configuration = configuration
    if let path = configuration.model.path {
      let shape = try PretrainedModel.shape(of: URL(fileURLWithPath: path))
      (model, geometry) = (shape.configuration, shape.processor.geometry)
    } else {
      model = configuration.model.shape(vocabularySize: configuration.tokenizer.vocabSize)
      geometry = configuration.model.pictureProcessor(model).geometry
    }
  }

  /// Pictures of a prompt, for estimates.
  struct Images {
    /// How many there are, on average.
    var count: Double
    /// Most tokens of each.
    var tokens: Int
    /// Most hidden states of each in the vision encoder.
    var patches: Int
  }

  /// So many pictures of a prompt.
  func images(_ count: Double) -> Images {
    let grid = geometry.largest(isAlone: count == 1)
    return Images(count: count, tokens: grid.usualTokens, patches: grid.tiles.views * model.viewPatchCount)
  }

  /// Most tokens of a picture among others.
  private var tokensPerImage: Int { geometry.largest(isAlone: false).count }
  var patchesPerImage: Int { images(2).patches }

  // MARK: Weights

  /// Weights of the vision tower.
  public var visionWeights: Int { model.visionWeightCount }

  /// Weights of the projector.
  public var projectorWeights: Int { model.projectorWeightCount }

  /// Weights of the decoder.
  public var decoderWeights: Int { model.decoderWeightCount }

  var keyWidth: Int { model.text.headSize * model.text.keyValueHeadCount }
  var queryWidth: Int { model.text.headSize * model.text.attentionHeadCount }

  /// Weights that preference training changes.
  public var trainedWeights: Int {
    let train = configuration.train
    var count = train.adapter == .lora ? adapterWeights : decoderWeights
    if train.trainProjector { count += projectorWeights }
    if train.trainVision { count += visionWeights }
    return count
  }

  var adapterWeights: Int {
    let text = model.text
    let d = text.hiddenSize
    let (queries, packed) = (["q_proj", "k_proj", "v_proj"], text.packsProjections)
    var sums = configuration.train.loraTarget.filter { !packed || !queries.contains($0) }.map { target in
      switch target {
      case "q_proj", "o_proj": d + queryWidth
      case "k_proj", "v_proj": d + keyWidth
      default: d + text.intermediateSize
      }
    }
    if packed, configuration.train.loraTarget.contains(where: queries.contains) {
      sums.append(d + queryWidth + 2 * keyWidth)
    }
    let lengths = configuration.train.useDoRA ? adaptedRows : 0
    return text.hiddenLayerCount * (configuration.train.loraR * sums.reduce(0, +) + lengths)
  }

  /// Rows of the matrices of one block that carry an adapter.
  private var adaptedRows: Int {
    let (targets, text) = (configuration.train.loraTarget, model.text)
    let isPacked = text.packsProjections && targets.contains { ["q_proj", "k_proj", "v_proj"].contains($0) }
    return targets.reduce(isPacked ? queryWidth + 2 * keyWidth : 0) { rows, target in
      switch target {
      case "q_proj": rows + (text.packsProjections ? 0 : queryWidth)
      case "k_proj", "v_proj": rows + (text.packsProjections ? 0 : keyWidth)
      case "o_proj", "down_proj": rows + text.hiddenSize
      default: rows + text.intermediateSize
      }
    }
  }

  /// Whether the decoder maps rows of pictures with weights of their own.
  var hasPartialLayers: Bool { model.text.partialRank != nil }

  // MARK: Steps and tokens

  /// Optimizer steps of preference training, or the most there can be when selection decides.
  public var trainSteps: (count: Int, isUpperBound: Bool) {
    let train = configuration.train
    if train.maxSteps > 0 { return (train.maxSteps, false) }
    let batch = train.perDeviceTrainBatchSize * train.gradientAccumulationSteps
    if let ownPairs {
      let perEpoch = (max(ownPairs.trained.rows.count, 1) + batch - 1) / batch
      return (max(1, Int(clamping: (Double(perEpoch) * train.numTrainEpochs).rounded(.up))), false)
    }
    let copies = configuration.compose.sequence.entries.reduce(0) { total, entry in
      total + entry.records * min(train.permutedCopies, PermutedPairs.otherOrders(of: entry.images))
    }
    let pairs = configuration.compose.total + configuration.compose.single + copies
    let perEpoch = (pairs + batch - 1) / batch
    return (max(1, Int(clamping: (Double(perEpoch) * train.numTrainEpochs).rounded(.up))), true)
  }

  /// How a step is shared out among ranks, what each of them sends and how long that takes; what stands
  /// against it, where it cannot be.
  /// - Parameter speed: operations per second of each rank.
  private func ranksLine(_ speed: Double) -> String {
    guard isShapeKnown else { return "\(ranks): what they send is known when the language model is opened" }
    do {
      try RankChecks.require(configuration, ranks: ranks)
    } catch {
      return "\(error)"
    }
    let train = configuration.train
    let slices = StepSlices(
      pairs: train.perDeviceTrainBatchSize * train.gradientAccumulationSteps,
      ballast: train.gamma > 0 ? train.ballastPerStep : 0, microBatch: train.perDeviceTrainBatchSize,
      ranks: ranks)
    let bytes = OrderedSum.bytesSent(trainedWeights, ranks: ranks, rounds: slices.rounds)
    let rounds = slices.rounds == 1 ? "one round" : "\(slices.rounds) rounds"
    let alone = trainStepOperations / speed
    let shared = alone * Double(slices.rounds) / Double(max(slices.all.count, 1))
    return "\(ranks): a step's \(slices.all.count) micro-batches in \(rounds), each rank sends "
      + "about \(bytes) bytes per step (gradients of \(trainedWeights) weights)"
      + String(
        format: "; about %.3g s of arithmetic (%.3g s alone) and %.3g s at 1 Gbit/s, %.3g s at 10", shared,
        alone, Self.seconds(sending: bytes, gigabits: 1), Self.seconds(sending: bytes, gigabits: 10))
  }

  /// How long bytes take over Ethernet, of whose packets of 1,538 bytes 1,448 are TCP's.
  private static func seconds(sending bytes: Int, gigabits: Double) -> Double {
    8e-9 * Double(bytes) / gigabits * 1538 / 1448
  }

  var imagesPerPair: Double {
    if let ownPairs { return ownPairs.picturesPerPair }
    let compose = configuration.compose
    return Double(compose.shownImages) / Double(max(compose.total, 1))
  }

  private var systemTokens: Int {
    let unnamed: RunConfiguration.Tokenizer.Template = configuration.model.path == nil ? .plain : .vicunaV1
    return configuration.tokenizer.template ?? unnamed == .plain ? 4 : 60
  }

  /// Mean number of pictures that go through the tower for one composed conversation.
  var imagesPerComposed: Double {
    let weights = configuration.sft.composed.weights
    let total = weights.reduce(0) { $0 + $1.weight }
    guard total > 0 else { return 1 }
    return weights.reduce(0) { $0 + $1.weight * Double($1.kind == .sequence ? $1.count : 1) } / total
  }

  /// Estimated tokens of one supervised step.
  public var sftTokens: Int {
    let sft = configuration.sft
    let patches = Double(tokensPerImage)
    let single = patches + Double(sft.questionsPerImage * Self.textTokens + systemTokens)
    let double =
      imagesPerComposed * patches + Double(sft.composed.questions * Self.textTokens + systemTokens)
    let share = sft.composed.weights.isEmpty ? 0 : sft.composed.share
    return Int(clamping: Double(sft.perDeviceTrainBatchSize) * (single * (1 - share) + double * share))
  }

  /// Estimated tokens of one preference step: prompts once or twice, and both answers; with an image term
  /// the corrupted prompt and the chosen one.
  public var trainTokens: Int { trainTokens(images(imagesPerPair)) }

  func trainTokens(_ images: Images) -> Int {
    let train = configuration.train
    let prompt = images.count * Double(images.tokens) + Double(systemTokens + 10)
    let corrupted = train.imageWeight > 0 ? prompt + 6 : 0
    let perPair = (train.sharesPrefix ? 1 : 2) * prompt + 12 + corrupted
    return Int(clamping: Double(train.perDeviceTrainBatchSize * train.gradientAccumulationSteps) * perPair)
  }

  // MARK: Text

  private var imageWords: String {
    if geometry.fixed != nil { return "\(tokensPerImage)" }
    return "at most \(geometry.largest(isAlone: true).count) alone, \(tokensPerImage) among others"
  }

  /// What a step of preference training costs with one to five pictures in each prompt, a line each; pictures
  /// as large as any.
  private func costs(_ speed: Double) -> [String] {
    (1...5).map { count in
      let images = images(Double(count))
      let bytes = Int(clamping: Double(Self.processBytes) + trainBytes(images))
      return String(
        format: "%d: %d tokens of pictures, about %d MiB, about %.3g s", count, count * images.tokens,
        max(1, bytes >> 20), trainStepOperations(images) / speed)
    }
  }

  private var featureLine: String {
    let train = configuration.train
    if train.trainVision { return "computed in every step, the vision tower is trained" }
    let size = FeatureStore.bytesPerPicture(model, geometry, train.trainProjector ? .projector : .nothing)
    let limit = configuration.run.featureCacheBytes
    let kept = FeatureStore.keptCount(of: pictureCount, bytesPerPicture: size, cacheBytes: limit)
    let all = "at most \(pictureCount) pictures, \((pictureCount * size) >> 20) MiB"
    return kept == pictureCount
      ? "\(all), all kept"
      : "\(all); \(kept) are kept (run.feature_cache_mib, \(limit >> 20) MiB), "
        + "the others computed at every use"
  }

  /// Whether the size of the decoder is known without opening a GGUF file.
  private var isShapeKnown: Bool { configuration.model.languageModel == nil }

  /// Several lines for a person.
  public var description: String {
    let run = configuration
    let sizes = run.data.sizes
    let steps = trainSteps
    var lines: [(String, String)] = [
      ("run directory", run.run.outputDirectory), ("configuration hash", String(run.hash.prefix(12))),
      (
        "data",
        records ?? run.data.pairs
          ?? "\(run.data.source.rawValue): at most sft \(sizes.sft), pref \(sizes.pref), "
          + "val \(sizes.val), test \(sizes.test)"
      ),
    ]
    let stages = run.stages
    if stages.contains(.compose) {
      lines.append(
        (
          "composed",
          "\(run.compose.total): sequence \(run.compose.sequence.total), grid \(run.compose.grid.total), "
            + "pic_in_pic \(run.compose.picInPic.total)"
            + run.compose.levels.filter { $0.mix.total > 0 }.map { ", \($0.key) \($0.mix.total)" }.joined()
            + "; \(run.compose.single) single-image"
        ))
    }
    if let path = run.model.path { lines.append(("model", path)) }
    if let path = run.model.languageModel {
      lines += [
        ("language model", path),
        ("new weights", "\(visionWeights) in the vision tower, and the projector"),
        ("tokens per image", "\(tokensPerImage)"),
      ]
    } else {
      lines += [
        (
          "weights",
          "\(visionWeights + projectorWeights + decoderWeights): vision \(visionWeights), "
            + "projector \(projectorWeights), decoder \(decoderWeights)"
        ), ("tokens per image", "\(imageWords), context \(model.text.contextLength)"),
      ]
    }
    if run.sft.maxSteps > 0 {
      lines.append(
        (
          "sft",
          "\(run.sft.visionPretraining.maxSteps) steps of "
            + "\(run.sft.visionPretraining.perDeviceTrainBatchSize) "
            + "pictures, then \(run.sft.maxSteps) steps of \(run.sft.perDeviceTrainBatchSize) conversations, "
            + "about \(sftTokens) tokens per step"
        ))
    }
    let batch = run.train.perDeviceTrainBatchSize * run.train.gradientAccumulationSteps
    lines.append(
      (
        "train",
        "\(steps.isUpperBound ? "at most " : "")\(steps.count) steps of \(batch) pairs, about \(trainTokens) "
          + "tokens "
          + "per step" + (isShapeKnown ? ", \(trainedWeights) weights trained" : "")
          + (run.train.rounds > 1 ? "; in each of \(run.train.rounds) rounds" : "")
      ))
    let speed = isShapeKnown ? productSpeed : 0
    if ranks > 1 { lines.append(("ranks", ranksLine(speed))) }
    if stages.contains(.evaluate) {
      lines.append(
        (
          "evaluate",
          "\(run.evaluate.questions) questions of each of 4 kinds"
            + run.evaluate.levels.filter { $0.count > 0 }.map { ", \($0.key) \($0.count)" }.joined()
            + ", before and after"
            + (run.evaluate.blind ? ", with and without images" : "")
            + (run.evaluate.permuted ? ", sequences in two orders" : "")
        ))
    }
    if isShapeKnown {
      lines += [
        ("memory", "about \(max(1, peakBytes >> 20)) MiB (estimate)"),
        (
          "weights in memory",
          "\(weightBytes >> 20) MiB in preference training, frozen ones as \(run.train.frozenDtype.rawValue)"
        ),
        ("image features", featureLine),
        (
          "time per step",
          String(
            format:
              "about %.3g s (estimate): %.3g GFLOP of preference training at %.0f GFLOP/s, measured now",
            trainStepOperations / speed, trainStepOperations * 1e-9, speed * 1e-9)
        ),
      ]
      if configuration.model.path != nil {
        lines += costs(speed).enumerated().map { ($0 == 0 ? "images per prompt" : "", $1) }
      }
    }
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }
      .joined(separator: "\n")
  }
}
