import Checkpoint
import Foundation
import Tensor

extension VisionLanguageModel {
  /// llama.cpp's file of vision tower and projector, with the names of its converter for SmolVLM: `ffn_up` is
  /// the first layer of a perceptron.
  ///
  /// - Precondition: ``GGUFExportChecks/requireTower(_:_:)`` found nothing.
  func ggufProjector(
    name: String, type: GGUFSavedType, processor: (any PictureProcessor)?
  ) -> GGUFPlan {
    let weights = Dictionary(uniqueKeysWithValues: savedWeights().map { ($0.name, $0) })
    let items = GGUFProjectorWeights.rows(of: configuration, areExchanged: false).map { row in
      guard let weight = weights[row.ours] else {
        // A projector without biases adds nothing.
        return GGUFWriter.Item(name: row.theirs, shape: row.shape, encoding: .f32) { .zeros(row.shape) }
      }
      let isKept = row.shape.count < 2 || row.theirs.contains("_embd.")
      return GGUFWriter.Item(
        name: row.theirs, shape: row.shape, encoding: isKept ? .f32 : type.encoding(of: weight),
        value: weight.value)
    }
    var plan = GGUFPlan(metadata: [], items: items)
    plan.metadata = GGUFPlan.general(
      architecture: GGUFProjector.architecture, type: "mmproj", name: name, fileType: plan.usual)
    plan.metadata.append(("clip.has_vision_encoder", .bool(true)))
    if let llava = configuration as? LlavaConfiguration {
      plan.metadata += llava.ggufFields(processor as? ImageProcessor)
    } else if let smolVLM = configuration as? SmolVLMConfiguration {
      plan.metadata += smolVLM.ggufFields(processor as? SmolVLMImageProcessor)
    }
    return plan
  }
}

extension FamilyConfiguration {
  /// The keys that both kinds of towers have.
  fileprivate func towerFields(
    heads: Int, patch: Int, epsilon: Double, activation: Activation, projection: Int, mean: [Double],
    deviation: [Double]
  ) -> [(key: String, value: GGUFField)] {
    let sizes = [
      ("image_size", viewSide), ("patch_size", patch), ("embedding_length", visionBlocks.width),
      ("feed_forward_length", visionBlocks.inner), ("block_count", visionBlocks.count),
      ("attention.head_count", heads), ("projection_dim", projection),
    ]
    var fields: [(key: String, value: GGUFField)] = sizes.map {
      ("clip.vision.\($0.0)", .uint32(UInt32($0.1)))
    }
    fields += [
      ("clip.vision.attention.layer_norm_epsilon", .float32(Float(epsilon))),
      ("clip.vision.image_mean", .floats(mean.map { Float($0) })),
      ("clip.vision.image_std", .floats(deviation.map { Float($0) })),
      ("clip.use_gelu", .bool(activation == .gelu || activation == .geluTanh)),
      ("clip.use_silu", .bool(activation == .silu)),
    ]
    return fields
  }
}

extension LlavaConfiguration {
  fileprivate func ggufFields(_ processor: ImageProcessor?) -> [(key: String, value: GGUFField)] {
    let settings = processor?.configuration ?? ImageProcessorConfiguration(size: vision.imageSize)
    return [
      ("clip.projector_type", .string(GGUFProjector.Kind.llava.rawValue)),
      // Read by releases of the first year.
      ("clip.has_llava_projector", .bool(true)),
      ("clip.vision.feature_layer", .integers([Int32(usedVisionLayerCount)])),
    ]
      + towerFields(
        heads: vision.attentionHeadCount, patch: vision.patchSize, epsilon: vision.layerNormEpsilon,
        activation: vision.activation, projection: vision.projectionSize, mean: settings.mean,
        deviation: settings.standardDeviation)
  }
}

extension SmolVLMConfiguration {
  fileprivate func ggufFields(_ processor: SmolVLMImageProcessor?) -> [(key: String, value: GGUFField)] {
    let settings =
      processor?.configuration
      ?? SmolVLMImageConfiguration(tiling: SmolVLMTiling(longestEdge: 4 * viewSide, side: viewSide))
    return [
      ("clip.projector_type", .string(GGUFProjector.Kind.idefics3.rawValue)),
      ("clip.vision.projector.scale_factor", .uint32(UInt32(scaleFactor))),
      ("clip.vision.preproc_image_size", .uint32(UInt32(settings.tiling.longestEdge))),
    ]
      + towerFields(
        heads: vision.attentionHeadCount, patch: vision.patchSize, epsilon: vision.layerNormEpsilon,
        activation: vision.activation, projection: text.hiddenSize, mean: settings.mean,
        deviation: settings.standardDeviation)
  }
}
