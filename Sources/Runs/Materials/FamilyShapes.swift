import LVLM

/// New models of every family, from the same few keys.
extension RunConfiguration.Model {
  /// The shape of a new model.
  func shape(vocabularySize: Int) -> any FamilyConfiguration {
    switch modelType {
    case .llava:
      LlavaConfiguration(
        vision: clip, text: text(vocabularySize, .llama), visionFeatureLayer: visionFeatureLayer)
    case .smolVLM:
      SmolVLMConfiguration(
        vision: siglip(.idefics3), text: text(vocabularySize, .llama), scaleFactor: scaleFactor)
    case .oneVision:
      OneVisionConfiguration(
        vision: siglip(.siglip), text: text(vocabularySize, .qwen2), canvases: canvases, tileLimit: tiles)
    case .xComposer:
      XComposerConfiguration(vision: clip, text: text(vocabularySize, .internlm2))
    }
  }

  /// What a new model does with pictures.
  func pictureProcessor(_ shape: any FamilyConfiguration) -> any PictureProcessor {
    let (side, patch) = (visionConfig.imageSize, visionConfig.patchSize)
    switch modelType {
    case .llava, .oneVision: return shape.usualPictureProcessor
    case .smolVLM:
      let tiling = SmolVLMTiling(longestEdge: tilesPerSide * side, side: side, splits: tiles > 1)
      return SmolVLMImageProcessor(
        SmolVLMImageConfiguration(tiling: tiling), patchSide: patch, scaleFactor: scaleFactor)
    case .xComposer:
      return XComposerProcessor(
        XComposerImageConfiguration(
          tileSide: side, patchSide: patch, budget: tiles, budgetOfSeveral: max(1, tiles / 4)))
    }
  }

  /// Texts that are one token each in a vocabulary of the run's own: what stands around pictures in prompts.
  var vocabularySymbols: [String] {
    guard modelType == .smolVLM else { return [] }
    let processor = pictureProcessor(shape(vocabularySize: 1 << 10))
    return processor.geometry.marks
  }

  /// Tiles along a side of a picture that is cut into as many each way.
  private var tilesPerSide: Int { max(1, Int(Double(tiles).squareRoot())) }

  /// Every canvas of so many tiles, rows first.
  private var canvases: [AnyResolution.Size] {
    (1...tiles).flatMap { rows in
      (1...max(tiles / rows, 1)).map { columns in
        AnyResolution.Size(height: rows * visionConfig.imageSize, width: columns * visionConfig.imageSize)
      }
    }
  }

  /// The shape of CLIP's vision tower.
  var clip: VisionConfiguration {
    VisionConfiguration(
      hiddenSize: visionConfig.hiddenSize, intermediateSize: visionConfig.intermediateSize,
      hiddenLayerCount: visionConfig.numHiddenLayers, attentionHeadCount: visionConfig.numAttentionHeads,
      imageSize: visionConfig.imageSize, patchSize: visionConfig.patchSize,
      activation: visionConfig.hiddenAct == .gelu ? .gelu : .quickGELU,
      projectionSize: visionConfig.hiddenSize)
  }

  /// The shape of SigLIP's, whose activation is GELU's approximation with tanh.
  private func siglip(_ variant: SiglipConfiguration.Variant) -> SiglipConfiguration {
    SiglipConfiguration(
      hiddenSize: visionConfig.hiddenSize, intermediateSize: visionConfig.intermediateSize,
      hiddenLayerCount: visionConfig.numHiddenLayers, attentionHeadCount: visionConfig.numAttentionHeads,
      imageSize: visionConfig.imageSize, patchSize: visionConfig.patchSize, variant: variant)
  }

  private func text(_ vocabularySize: Int, _ family: TextFamily) -> TextConfiguration {
    var text = TextConfiguration(
      vocabularySize: vocabularySize, hiddenSize: textConfig.hiddenSize,
      intermediateSize: textConfig.intermediateSize, hiddenLayerCount: textConfig.numHiddenLayers,
      attentionHeadCount: textConfig.numAttentionHeads, keyValueHeadCount: textConfig.numKeyValueHeads,
      contextLength: textConfig.maxPositionEmbeddings, rmsNormEpsilon: textConfig.rmsNormEps,
      ropeTheta: textConfig.ropeTheta, ropeScaling: family == .internlm2 ? .dynamic(factor: 2) : .none,
      tiesWordEmbeddings: textConfig.tieWordEmbeddings, family: family)
    if family == .internlm2 {
      // The published width is a sixteenth of the decoder's, the scale one.
      let rank = max(1, textConfig.hiddenSize / 16)
      (text.partialRank, text.partialAlpha) = (rank, Double(rank))
    }
    return text
  }
}
