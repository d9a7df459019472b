import Tensor

/// A vision encoder, a connector and a decoder that reads image features among its tokens, of any family.
///
/// Parameters have LLaVA's names whatever the family; ``FamilyConfiguration/names`` says what files call
/// them. The model is a reference type with mutable weights: use one from one task at a time.
public final class VisionLanguageModel: Module {
  /// A part of the model that can be frozen on its own.
  public enum Part: String, CaseIterable, Sendable {
    /// The vision encoder.
    case vision
    /// The layers between encoder and decoder.
    case projector
    /// The language model, head and embedding included; adapters are not.
    case decoder
  }

  /// The shape of the model.
  public let configuration: any FamilyConfiguration
  /// The vision encoder.
  public let visionTower: any VisionEncoder
  /// The layers between encoder and decoder.
  public let projector: any Connector
  /// The language model.
  public let decoder: LlamaDecoder
  package var adapters: [LoRALinear] = []
  /// Whether an adapter changed weights beside those that carry its matrices; they stay so when it is
  /// switched off or taken off.
  var hasAdaptedRest = false
  /// The types that weights had in the files they were read from; those of a new model are not in it.
  package var storedTypes: [String: DType] = [:]

  /// A model with random weights.
  ///
  /// - Throws: ``ModelConfigurationError`` when the configuration is contradictory.
  public convenience init(
    _ configuration: any FamilyConfiguration, using generator: inout RandomGenerator
  ) throws {
    try self.init(configuration, using: &generator, awaitsDecoder: false)
  }

  /// - Parameter awaitsDecoder: whether a file will replace the decoder's weights, which then get no values
  ///   and no memory.
  init(
    _ configuration: any FamilyConfiguration, using generator: inout RandomGenerator, awaitsDecoder: Bool
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    visionTower = configuration.makeVisionEncoder(using: &generator)
    projector = configuration.makeConnector(using: &generator)
    var placeholder = RandomGenerator.placeholder
    decoder =
      awaitsDecoder
      ? LlamaDecoder(configuration.text, using: &placeholder)
      : LlamaDecoder(configuration.text, using: &generator)
  }

  /// Visits the parameters under the names used here.
  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.child("vision_tower", visionTower)
    visitor.child("multi_modal_projector", projector)
    visitor.child("language_model", decoder)
  }

  /// Whether blocks of the decoder and of the vision encoder keep their inputs alone for the backward pass,
  /// and compute what is between again when it gets there (Hugging Face's `gradient_checkpointing_enable`):
  /// the same values and gradients for one more forward pass, with the memory of one block in place of all.
  public var isGradientCheckpointing: Bool {
    get { decoder.isGradientCheckpointing }
    set {
      decoder.isGradientCheckpointing = newValue
      visionTower.isGradientCheckpointing = newValue
    }
  }

  /// Decides which parts learn. Adapters are left as they are.
  public func setTrainable(_ isTrainable: Bool, _ parts: Part...) {
    for part in parts {
      for (name, parameter) in module(part).namedParameters() where !name.contains(".lora_") {
        parameter.isTrainable = isTrainable
      }
    }
  }

  func module(_ part: Part) -> any Module {
    switch part {
    case .vision: visionTower
    case .projector: projector
    case .decoder: decoder
    }
  }

  // MARK: Pictures

  /// The hidden states of the vision encoder that are projected.
  ///
  /// - Parameter pixels: `[views, 3, side, side]`, normalised.
  /// - Returns: `[views, patches, vision width]`.
  public func visionFeatures(_ pixels: Tensor) -> Tensor { visionTower.selected(pixels) }

  /// Carries vision features into the embedding space and arranges those of each picture.
  ///
  /// - Parameters:
  ///   - features: `[views of all pictures, patches, vision width]`, picture by picture.
  ///   - layout: the features of every picture.
  /// - Returns: `[features of all pictures, text width]`.
  public func project(_ features: Tensor, layout: FeatureLayout) -> Tensor {
    projector(features, layout: layout)
  }

  /// The features of pictures as the decoder reads them.
  ///
  /// - Parameters:
  ///   - pixels: `[views of all pictures, 3, side, side]`, normalised, picture by picture.
  ///   - layout: the features of every picture; where it is nil every view is a picture of its own.
  public func imageFeatures(_ pixels: Tensor, layout: FeatureLayout? = nil) -> ImageFeatures {
    let layout = layout ?? FeatureLayout(repeating: configuration.viewGrid, count: pixels.shape[0])
    return ImageFeatures(project(visionFeatures(pixels), layout: layout), layout: layout)
  }

  // MARK: Text

  /// The embeddings of a batch with the image features in their places, `[tokens, text width]`.
  func embeddings(_ batch: PackedBatch, imageFeatures: ImageFeatures) -> Tensor {
    guard !batch.imageRows.isEmpty else { return decoder.embed(batch.inputIDs) }
    // Rows that are replaced need no embedding: the id of an image feature may have none.
    var ids = batch.inputIDs
    for row in batch.imageRows { ids[Int(row)] = 0 }
    let embedded = decoder.embed(ids)
    let features = imageFeatures.rows.rows(at: Tensor(batch.featureRows))
    return embedded.replacingRows(at: Tensor(batch.imageRows), with: features)
  }

  private func pass(
    _ batch: PackedBatch, onlyOutputs: Bool, capture: AttentionCapture? = nil, share: AttentionShare? = nil
  ) -> DecoderPass {
    var pass = DecoderPass(batch, onlyOutputs: onlyOutputs)
    if let capture {
      tensorRequire(
        decoder.layerIndices.lowerBound <= capture.layers.lowerBound
          && capture.layers.upperBound <= decoder.layerIndices.upperBound, "AttentionCapture",
        "found layers \(capture.layers), expected some of \(decoder.layerIndices)")
    }
    if let share {
      tensorRequire(
        decoder.layerIndices.contains(share.layer), "AttentionShare",
        "found layer \(share.layer), expected one of \(decoder.layerIndices)")
    }
    if capture == nil, share == nil { return pass }
    if let capture { pass.observedLayers.formUnion(capture.layers) }
    if let share { pass.observedLayers.insert(share.layer) }
    let scale = 1 / Double(configuration.text.headSize).squareRoot()
    pass.observe = { layer, query, key, onlyOutputs in
      if let capture, capture.layers.contains(layer) {
        capture.record(
          layer: layer, query: query, key: key, onlyOutputs: onlyOutputs, batch: batch, scale: scale)
      }
      if let share, share.layer == layer {
        share.record(query: query, key: key, onlyOutputs: onlyOutputs, batch: batch, scale: scale)
      }
    }
    return pass
  }

  /// The final hidden states of every row of a batch, after the norm.
  ///
  /// - Parameters:
  ///   - imageFeatures: of the pictures that `batch` points to.
  ///   - capture: receives the image attention of some layers.
  /// - Returns: `[tokens, text width]`.
  public func hiddenStates(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, capture: AttentionCapture? = nil
  ) -> Tensor {
    decoder(
      embeddings(batch, imageFeatures: imageFeatures),
      pass: pass(batch, onlyOutputs: false, capture: capture))
  }

  /// Every hidden state as Hugging Face counts them: 0 is the merged embeddings, the last one is after the
  /// norm.
  public func allHiddenStates(_ batch: PackedBatch, imageFeatures: ImageFeatures) -> [Tensor] {
    decoder.hiddenStates(
      embeddings(batch, imageFeatures: imageFeatures), pass: pass(batch, onlyOutputs: false))
  }

  /// The logarithm of the probability of every target of a batch.
  ///
  /// The last block computes only the rows that predict something, and `[tokens, vocabulary]` is never
  /// stored.
  /// - Parameters:
  ///   - imageFeatures: of the pictures that `batch` points to.
  ///   - capture: receives the image attention of some layers.
  ///   - share: receives shares of the image attention of one layer, with a gradient.
  /// - Returns: `[targets]`, in the order of ``PackedBatch/targets``.
  public func logProbabilities(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, capture: AttentionCapture? = nil,
    share: AttentionShare? = nil
  ) -> Tensor {
    logProbabilities(
      predicting(batch, imageFeatures: imageFeatures, capture: capture, share: share), of: batch)
  }

  /// As ``logProbabilities(_:imageFeatures:capture:share:)``, and what else is wanted of each target, without
  /// a gradient.
  /// - Returns: `squares` say how sure the model is there: `log Σ_v p_v²` over the vocabulary, `[targets]`.
  package func readTargets(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, share: AttentionShare? = nil,
    squares wantsSquares: Bool = false, statistics wantsStatistics: Bool = false
  ) -> (logProbabilities: Tensor, squares: Tensor?, statistics: TokenStatistics?) {
    let hidden = predicting(batch, imageFeatures: imageFeatures, capture: nil, share: share)
    return (
      logProbabilities(hidden, of: batch), wantsSquares ? squares(hidden) : nil,
      wantsStatistics
        ? TokenStatistics(of: batch.targets, after: hidden.detached(), in: decoder) : nil
    )
  }

  private func squares(_ hidden: Tensor) -> Tensor {
    let rowsAtATime = 256
    let squares = noGradient {
      stride(from: 0, to: hidden.shape[0], by: rowsAtATime).map { start in
        let end = min(start + rowsAtATime, hidden.shape[0])
        let logits = decoder.logits(hidden.slice(axis: 0, start..<end))
        return (logits * 2).logSumExp(axes: [1]) - 2 * logits.logSumExp(axes: [1])
      }
    }
    return squares.isEmpty ? .zeros([0]) : Tensor.concatenated(squares, axis: 0)
  }

  /// Normed hidden states of the rows that predict targets.
  private func predicting(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, capture: AttentionCapture?, share: AttentionShare?
  ) -> Tensor {
    let hidden = decoder(
      embeddings(batch, imageFeatures: imageFeatures),
      pass: pass(batch, onlyOutputs: true, capture: capture, share: share))
    return hidden.rows(at: Tensor(batch.predictionOutputs))
  }

  private func logProbabilities(_ hidden: Tensor, of batch: PackedBatch) -> Tensor {
    decoder.logProbabilities(of: batch.targets, after: hidden)
  }

  /// Where the answers of a batch looked, in one decoder layer; the layers behind it are not computed.
  ///
  /// - Parameters:
  ///   - imageFeatures: of the pictures that `batch` points to.
  ///   - layer: index of the decoder layer, from 0.
  /// - Returns: one entry per answer, in order.
  public func imageAttention(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, layer: Int
  ) -> [ImageAttention] {
    imageAttention(batch, imageFeatures: imageFeatures, layers: layer..<layer + 1)[0]
  }

  /// Where the answers of a batch looked, in several decoder layers from one pass.
  ///
  /// - Parameters:
  ///   - imageFeatures: of the pictures that `batch` points to.
  ///   - layers: indices of the decoder layers, from 0.
  ///   - reading: which heads and tokens count.
  /// - Returns: for each layer one entry per answer, in order.
  public func imageAttention(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, layers: Range<Int>,
    reading: AttentionReading = AttentionReading()
  ) -> [[ImageAttention]] {
    noGradient {
      let capture = AttentionCapture(layers: layers, reading: reading)
      let pass = pass(batch, onlyOutputs: true, capture: capture)
      _ = decoder.run(
        embeddings(batch, imageFeatures: imageFeatures), pass: pass, through: layers.upperBound)
      return capture.byLayer
    }
  }

  /// The attention probabilities of one decoder layer for a single sequence.
  ///
  /// - Parameters:
  ///   - batch: one prompt without answers.
  ///   - imageFeatures: of the pictures that `batch` points to.
  ///   - layer: index of the decoder layer, from 0.
  /// - Returns: `[heads, tokens, tokens]`, a row per asking token.
  /// - Precondition: `batch` is one prompt without answers.
  public func attentionProbabilities(
    _ batch: PackedBatch, imageFeatures: ImageFeatures, layer: Int
  ) -> Tensor {
    tensorRequire(
      batch.sequences.count == 1 && batch.completionCount == 0, "attentionProbabilities",
      "found \(batch.sequences.count) sequences, expected one prompt without answers")
    tensorRequire(
      decoder.layerIndices.contains(layer), "attentionProbabilities",
      "found layer \(layer), expected one of \(decoder.layerIndices)")
    return noGradient {
      var pass = DecoderPass(batch, onlyOutputs: false)
      var probabilities = Tensor.zeros([0])
      pass.observe = { index, query, key, _ in
        guard index == layer else { return }
        probabilities = Tensor::attentionProbabilities(
          query: query, key: key, layout: batch.layout, rows: Array(0..<batch.tokenCount))
      }
      _ = decoder.run(embeddings(batch, imageFeatures: imageFeatures), pass: pass, through: layer + 1)
      return probabilities.permuted([1, 0, 2])
    }
  }
}

/// The name of the model when LLaVA was its only family.
public typealias LlavaModel = VisionLanguageModel
