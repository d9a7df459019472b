import LVLM
import Tensor

/// Time that a step of preference training will take.
extension RunPlan {
  /// Floating-point operations of one step of preference training: products with weights, and of queries with
  /// keys.
  public var trainStepOperations: Double { trainStepOperations(images(imagesPerPair)) }

  func trainStepOperations(_ images: Images) -> Double {
    let train = configuration.train
    // Forward once, backward once for inputs and once for weights that learn; a live reference is one more
    // forward pass, and so are blocks that are computed again.
    let again = train.gradientCheckpointing ? 1.0 : 0
    let passes = (train.adapter == .lora ? 2.0 : 3.0) + (train.precomputeRefLogProbs ? 0 : 1) + again
    let tokens = Double(trainTokens(images))
    let pairs = Double(train.perDeviceTrainBatchSize * train.gradientAccumulationSteps)
    let attended = tokens * tokens / max(pairs, 1) * Double(queryWidth)
    var count =
      passes * Double(model.text.hiddenLayerCount)
      * (2 * tokens * Double(model.text.blockWeightCount) + 2 * attended)
    if train.adapter == .lora { count += 6 * tokens * Double(adapterWeights) }
    if train.trainVision {
      count += (6 + 2 * again) * pairs * images.count * Double(images.patches) * Double(visionWeights)
    }
    return count
  }

  /// Operations per second of a block's products on this machine, measured for a moment in the precision of
  /// training.
  var productSpeed: Double {
    let isReduced = configuration.train.bf16 && Float32MatmulPrecision.instructions != nil
    return withFloat32MatmulPrecision(isReduced ? .medium : .highest, measuredProducts)
  }

  /// Forward and for both gradients, with the model's widths and as many tokens as a micro-batch has, up to
  /// limits beyond which speed does not depend on them.
  private func measuredProducts() -> Double {
    let (width, inner) = (min(model.text.hiddenSize, 4096), min(model.text.intermediateSize, 4096))
    let tokens = trainTokens / max(configuration.train.gradientAccumulationSteps, 1)
    let rows = max(16, min(tokens, (1 << 28) / (width * inner)))
    let (states, weights) = (Tensor.ones([rows, width]), Tensor.ones([inner, width]))
    let results = Tensor.ones([rows, inner])
    let start = ContinuousClock.now
    var count = 0.0
    repeat {
      _ = states.matmul(weights.transposed())
      _ = results.matmul(weights)
      _ = results.transposed().matmul(states)
      count += 6 * Double(rows) * Double(width) * Double(inner)
    } while ContinuousClock.now - start < .milliseconds(150)
    return count / ((ContinuousClock.now - start) / .seconds(1))
  }
}
