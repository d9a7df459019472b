import DPOTrain
import LVLM
import MultiImageData
import Records
import Tensor

/// Memory that a run will need.
extension RunPlan {
  /// What a process holds besides: code, libraries, tables.
  static let processBytes = 48 << 20
  /// Resident bytes for each of the forward pass's values, with gradients and blocks that wait to be used
  /// again: 2.3 to 3.2 in runs of words.yaml, quickstart.yaml, smolvlm-small.yaml and fashion-sentences.yaml,
  /// whose steps are of many lengths; 3.9 in xcomposer-small.yaml, 1.1 where all steps are alike.
  private static let activationFactor = 2.7

  /// Estimated peak of resident memory in bytes, of the stage that needs most.
  public var peakBytes: Int { Int(clamping: Double(Self.processBytes) + max(sftBytes, trainBytes)) }

  /// Bytes of a token that blocks keep for the backward pass; of all but one their input alone where they are
  /// computed again in it.
  private func decoderActivations(isRecomputed: Bool) -> Double {
    let text = model.text
    let ofBlock = 4 * Double(7 * text.hiddenSize + 2 * keyWidth + 4 * text.intermediateSize)
    let count = Double(text.hiddenLayerCount)
    return isRecomputed ? 4 * count * Double(text.hiddenSize) + ofBlock : count * ofBlock
  }

  /// The same of a patch in the vision tower.
  private func visionActivations(isRecomputed: Bool) -> Double {
    let blocks = model.visionBlocks
    let ofBlock = 4 * Double(9 * blocks.width + 3 * blocks.inner)
    let count = Double(blocks.count)
    return isRecomputed ? 4 * count * Double(blocks.width) + ofBlock : count * ofBlock
  }

  private var sftBytes: Double {
    guard configuration.sft.maxSteps > 0 else { return 0 }
    let sft = configuration.sft
    let patches = Double(patchesPerImage)
    let images = Double(sft.perDeviceTrainBatchSize) * (1 + sft.composed.share * (imagesPerComposed - 1))
    let weights = visionWeights + projectorWeights + decoderWeights
    let visionActivations = self.visionActivations(isRecomputed: sft.gradientCheckpointing)
    let both =
      Double(sftTokens) * decoderActivations(isRecomputed: sft.gradientCheckpointing)
      + images.rounded(.down) * patches * visionActivations
    let pretraining =
      Double(sft.visionPretraining.perDeviceTrainBatchSize) * patches * visionActivations
    let side = model.viewSide
    let perPicture = PictureStore.bytesPerPicture(side: side)
    let pictures =
      Double(perPicture)
      * Double(min(configuration.data.sizes.sft, configuration.run.pictureCacheBytes / perPicture))
    return 16 * Double(weights) + Self.activationFactor * max(both, pretraining) + pictures
  }

  /// Bytes of all weights while preferences are trained, the frozen ones as they are stored then.
  public var weightBytes: Int {
    let train = configuration.train
    var frozen = 0
    if train.adapter == .lora { frozen += decoderWeights }
    if !train.trainProjector { frozen += projectorWeights }
    if !train.trainVision { frozen += visionWeights }
    let all = visionWeights + projectorWeights + decoderWeights
    let adapters = train.adapter == .lora ? adapterWeights : 0
    return 4 * (all - frozen + adapters) + train.frozenDtype.dtype.byteSize * frozen
  }

  private var trainBytes: Double { trainBytes(images(imagesPerPair)) }

  func trainBytes(_ images: Images) -> Double {
    let train = configuration.train
    // A gradient, what the optimizer keeps, and an average.
    let copies = 1 + train.optim.slotCount + (train.emaDecay > 0 ? 1 : 0)
    let weights = Double(weightBytes) + Double(4 * copies) * Double(trainedWeights)
    let isRecomputed = train.gradientCheckpointing
    var activations =
      Double(trainTokens(images) / max(train.gradientAccumulationSteps, 1))
      * decoderActivations(isRecomputed: isRecomputed)
    if train.trainVision {
      activations +=
        Double(train.perDeviceTrainBatchSize * 3 * patchesPerImage)
        * visionActivations(isRecomputed: isRecomputed)
    }
    return weights + Self.activationFactor * activations + featureBytes + liveReferenceBytes
  }

  /// A second model beside the one that is trained, with features of its own: what a reference takes that is
  /// neither precomputed nor the model itself without its adapters.
  private var liveReferenceBytes: Double {
    let train = configuration.train
    let needsReference = (try? train.objectiveTerms().needsReference) ?? true
    guard needsReference, train.needsSecondModel else { return 0 }
    let weights = visionWeights + projectorWeights + decoderWeights
    return Double(train.frozenDtype.dtype.byteSize) * Double(weights) + keptFeatureBytes(.nothing)
  }

  /// Features that are kept for the model that is trained.
  private var featureBytes: Double {
    let train = configuration.train
    if train.trainVision { return 0 }
    return keptFeatureBytes(train.trainProjector ? .projector : .nothing)
  }

  /// Most pictures of the pairs and the ballast.
  var pictureCount: Int {
    if let ownPairs { return ownPairs.pictures.count }
    let compose = configuration.compose
    let corrupted = configuration.train.imageWeight > 0 ? compose.total + compose.single : 0
    return compose.shownImages + compose.single + corrupted
  }

  private func keptFeatureBytes(_ training: FeatureStore.Training) -> Double {
    let size = FeatureStore.bytesPerPicture(model, geometry, training)
    return Double(size)
      * Double(
        FeatureStore.keptCount(
          of: pictureCount, bytesPerPicture: size, cacheBytes: configuration.run.featureCacheBytes))
  }
}
