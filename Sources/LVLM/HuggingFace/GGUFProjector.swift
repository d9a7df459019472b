import Checkpoint
import Foundation

/// The vision tower and projector of a model, in llama.cpp's file of them (`mmproj`): LLaVA-1.5's or
/// SmolVLM's and Idefics3's.
struct GGUFProjector {
  /// What `general.architecture` of such a file is.
  static let architecture = "clip"

  /// The projectors that are computed, by the names of `clip.projector_type`.
  enum Kind: String, CaseIterable {
    /// LLaVA-1.5: CLIP's tower and two layers.
    case llava = "mlp"
    /// SmolVLM and Idefics3: SigLIP's tower, and one layer for blocks of patches.
    case idefics3
  }

  let file: GGUFFile
  let kind: Kind
  /// What the file does not say and what is taken instead.
  private(set) var notes: [String] = []

  /// - Throws: ``ModelConfigurationError`` for a file of something else.
  init(_ file: GGUFFile) throws {
    self.file = file
    func refusal(_ key: String, _ expected: String) -> ModelConfigurationError {
      let found = file.metadata[key].map { JSONValue($0).brief } ?? "nothing"
      return ModelConfigurationError(
        file: file.url.path, problems: [.init(key: key, found: found, expected: expected)])
    }
    guard file.metadata["general.architecture"]?.asString == Self.architecture else {
      throw refusal("general.architecture", "\"\(Self.architecture)\", that of a projector (mmproj)")
    }
    guard file.metadata["clip.has_audio_encoder"] ?? .boolean(false) == .boolean(false) else {
      throw refusal("clip.has_audio_encoder", "false: sounds are not read here")
    }
    let key = "clip.projector_type"
    let known = Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
    if let stated = file.metadata[key] ?? file.metadata["clip.vision.projector_type"] {
      guard let kind = stated.asString.flatMap(Kind.init) else {
        throw refusal(file.metadata[key] == nil ? "clip.vision.projector_type" : key, known)
      }
      self.kind = kind
    } else {
      // Files of the first months, when there was no other kind.
      guard file.metadata["clip.has_llava_projector"] == .boolean(true) else { throw refusal(key, known) }
      kind = .llava
      notes.append("\(file.url.path): no \(key); it is taken for LLaVA's, \"\(Kind.llava.rawValue)\"")
    }
    func note(_ text: String) { notes.append("\(file.url.path): \(text)") }
    switch kind {
    case .llava:
      if file.metadata["clip.vision.feature_layer"] == nil {
        note(
          "no clip.vision.feature_layer; the output of the last block in the file is projected, as LLaVA's "
            + "converter leaves out those behind it")
      }
      note(
        "how pictures become squares is not in the file; as LLaVA-1.5's they get a border in the mean colour "
          + "and are resized by bicubic interpolation")
    case .idefics3:
      if file.metadata["clip.vision.preproc_image_size"] == nil {
        note(
          "no clip.vision.preproc_image_size; a picture's longer side becomes 4 times clip.vision.image_size"
        )
      }
      note(
        "how pictures are cut is not in the file; as SmolVLM's they are resized by Lanczos interpolation, "
          + "seen tile by tile and once as a whole")
    }
  }

  /// The model with this tower and projector before a decoder: all of the file is compared with it before any
  /// memory is asked for on its account.
  ///
  /// - Throws: ``ModelConfigurationError`` with everything that is missing, unknown or contradictory,
  ///   ``ModelDirectoryError`` for tensors that do not fit.
  func configuration(
    before text: TextConfiguration, imageTokenIndex: Int
  ) throws -> any FamilyConfiguration {
    var reader = GGUFProjectorReader(file)
    let problems = GGUFProjectorKeys.problems(in: file, kind)
    let vision = "clip.vision."
    let side = reader.size(vision + "image_size", upTo: 1 << 14)
    let patch = reader.size(vision + "patch_size")
    let width = reader.size(vision + "embedding_length")
    let inner = reader.size(vision + "feed_forward_length")
    let blocks = reader.size(vision + "block_count", upTo: 1 << 12)
    let heads = reader.size(vision + "attention.head_count")
    let epsilon = reader.number(vision + "attention.layer_norm_epsilon")
    let (gelu, silu) = (reader.flag("clip.use_gelu"), reader.flag("clip.use_silu"))
    reader.require(!(gelu && silu), "clip.use_silu", "false, as clip.use_gelu is true")
    reader.require(
      width % heads == 0, vision + "attention.head_count",
      "a divisor of clip.vision.embedding_length (\(width))")
    reader.require(patch <= side, vision + "patch_size", "at most clip.vision.image_size (\(side))")
    reader.require(
      width != inner, vision + "feed_forward_length",
      "other than clip.vision.embedding_length: which of ffn_up and ffn_down comes first would not show")
    let activation: Activation =
      switch kind {
      case .llava: gelu ? .gelu : silu ? .silu : .quickGELU
      // transformers' name of the function is that of the tanh form.
      case .idefics3: gelu ? .geluTanh : silu ? .silu : .quickGELU
      }
    let made: any FamilyConfiguration
    switch kind {
    case .llava:
      reader.require(
        side % patch == 0, vision + "patch_size", "a divisor of clip.vision.image_size (\(side))")
      let projected = reader.size(vision + "projection_dim")
      made = LlavaConfiguration(
        vision: VisionConfiguration(
          hiddenSize: width, intermediateSize: inner, hiddenLayerCount: blocks, attentionHeadCount: heads,
          imageSize: side, patchSize: patch, activation: activation, layerNormEpsilon: epsilon,
          projectionSize: projected),
        text: text, imageTokenIndex: imageTokenIndex, visionFeatureLayer: featureLayer(of: blocks, &reader))
    case .idefics3:
      let factor = reader.size(vision + "projector.scale_factor", upTo: 1 << 10)
      reader.require(
        side / patch % factor == 0, vision + "projector.scale_factor",
        "a divisor of the \(side / patch) patches along a side")
      reader.require(
        file.metadata[vision + "projection_dim"]?.asInt ?? text.hiddenSize == text.hiddenSize,
        vision + "projection_dim", "\(text.hiddenSize), the language model's embedding_length")
      made = SmolVLMConfiguration(
        vision: SiglipConfiguration(
          hiddenSize: width, intermediateSize: inner, hiddenLayerCount: blocks, attentionHeadCount: heads,
          imageSize: side, patchSize: patch, activation: activation, layerNormEpsilon: epsilon,
          variant: .idefics3, modelType: "smolvlm_vision"),
        text: text, scaleFactor: factor, imageTokenIndex: imageTokenIndex)
    }
    _ = imageSettings(&reader)
    guard problems.isEmpty, reader.problems.isEmpty else {
      throw ModelConfigurationError(file: file.url.path, problems: reader.problems + problems)
    }
    try GGUFProjectorWeights.check(file, made)
    return made
  }

  /// The hidden state that is projected: the one that the file names, else the output of its last block.
  private func featureLayer(of blocks: Int, _ reader: inout GGUFProjectorReader) -> Int {
    let key = "clip.vision.feature_layer"
    guard let stated = file.metadata[key] else { return blocks }
    let layers = stated.asArray?.map(\.asInt) ?? [stated.asInt]
    guard layers.count == 1, let layer = layers[0], (0...blocks).contains(layer) else {
      reader.require(false, key, "one hidden state of \(blocks) blocks: 0 to \(blocks)")
      return blocks
    }
    return layer
  }

  /// Mean and deviation of the colours, and the length that a picture's longer side is brought to.
  private func imageSettings(
    _ reader: inout GGUFProjectorReader
  ) -> (mean: [Double], deviation: [Double], longestEdge: Int) {
    let mean = reader.channels("clip.vision.image_mean", 0...1, "from 0 to 1")
    let deviation = reader.channels("clip.vision.image_std", 1e-6...1e6, "above 0")
    let key = "clip.vision.preproc_image_size"
    guard kind == .idefics3, file.metadata[key] != nil else {
      return (mean, deviation, 4 * (file.metadata["clip.vision.image_size"]?.asInt ?? 1))
    }
    return (mean, deviation, reader.size(key, upTo: 1 << 14))
  }

  /// What is done with pictures.
  ///
  /// - Throws: ``ModelConfigurationError`` where one picture alone is longer than the decoder's context.
  func pictureProcessor(for configuration: any FamilyConfiguration) throws -> any PictureProcessor {
    var reader = GGUFProjectorReader(file)
    let settings = imageSettings(&reader)
    let processor: any PictureProcessor =
      if let smolVLM = configuration as? SmolVLMConfiguration {
        SmolVLMImageProcessor(
          SmolVLMImageConfiguration(
            tiling: SmolVLMTiling(longestEdge: settings.longestEdge, side: smolVLM.viewSide),
            mean: settings.mean, standardDeviation: settings.deviation),
          patchSide: smolVLM.vision.patchSize, scaleFactor: smolVLM.scaleFactor)
      } else {
        ImageProcessor(
          ImageProcessorConfiguration(
            size: configuration.viewSide, mean: settings.mean, standardDeviation: settings.deviation),
          grid: configuration.viewGrid)
      }
    let most = processor.geometry.largest(isAlone: true).count
    guard most < configuration.text.contextLength else {
      throw ModelConfigurationError(
        file: file.url.path,
        problems: [
          .init(
            key: "clip.vision.image_size", found: "\(most) tokens for one picture",
            expected: "fewer than the language model's context_length (\(configuration.text.contextLength))")
        ])
    }
    return processor
  }
}
