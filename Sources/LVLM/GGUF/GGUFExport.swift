public import Foundation
import Checkpoint
import Tensor

/// What was written for llama.cpp.
public struct GGUFExport: Sendable {
  /// The files, the language model first.
  public var files: [URL]
  /// What whoever runs them should be told: what the format does not hold.
  public var notes: [String]
}

extension PretrainedModel {
  /// Writes llama.cpp's files: `model-TYPE.gguf` with the language model, its vocabulary and chat template,
  /// and for a model that sees pictures `mmproj-TYPE.gguf` with the vision tower and the projector. Adapters
  /// are merged into the weights that are written.
  ///
  /// Weights are converted and written one by one. Both files take their names when both are complete; when
  /// anything fails there is none of them.
  /// - Parameters:
  ///   - directory: made when absent.
  ///   - name: `general.name`, what programs call the model.
  /// - Throws: ``ModelConfigurationError`` with everything that llama.cpp does not compute or its format
  ///   does not hold, or ``TokenizerError``, before anything is written; `CheckpointError`.
  public func saveGGUF(to directory: URL, name: String, type: GGUFSavedType) throws -> GGUFExport {
    var checks = GGUFExportChecks(self)
    checks.requireDecoder()
    try checks.requireTower(processor, tokenizer)
    guard checks.problems.isEmpty else { throw checks.error(directory) }
    let words = try tokenizerFiles.ggufFields(
      rows: model.configuration.text.vocabularySize, template: template)
    var plans = [model.ggufDecoder(name: name, type: type, words: words.fields)]
    if processor != nil { plans.append(model.ggufProjector(name: name, type: type, processor: processor)) }
    let files = zip(["model", "mmproj"], plans).map { kind, plan in
      directory.appending(component: "\(kind)-\(plan.usual.name).gguf")
    }
    try GGUFPlan.write(plans, to: files)
    let rounded = plans.flatMap { $0.unblocked(type) }
    let notes =
      rounded.isEmpty
      ? []
      : [
        "\(rounded.count) matrices whose rows are no multiple of 32 are F16: "
          + rounded.prefix(3).joined(separator: ", ") + (rounded.count > 3 ? ", …" : "")
      ]
    return GGUFExport(files: files, notes: checks.notes + words.notes + notes)
  }
}

extension GGUFPlan {
  /// Writes files of one folder that belong together, which is made when absent and taken away again when
  /// that fails.
  static func write(_ plans: [GGUFPlan], to files: [URL]) throws {
    guard let folder = files.first?.deletingLastPathComponent() else { return }
    let isNew = !FileManager.default.fileExists(atPath: folder.path)
    do {
      try AtomicFile.makeFolder(folder)
      try AtomicFile.replaceAll(files) { index, temporary in
        try GGUFWriter.write(
          plans[index].items, metadata: plans[index].metadata, to: temporary, reportingAs: files[index])
      }
    } catch {
      if isNew { rmdir(folder.path) }
      throw error
    }
  }
}

/// What llama.cpp computes of a model, as far as it matters for writing its files.
struct GGUFExportChecks {
  private let configuration: any FamilyConfiguration
  private(set) var problems: [ModelConfigurationError.Problem] = []
  private(set) var notes: [String] = []

  init(_ loaded: PretrainedModel) { configuration = loaded.model.configuration }

  init(_ configuration: any FamilyConfiguration) { self.configuration = configuration }

  func error(_ target: URL) -> ModelConfigurationError {
    ModelConfigurationError(file: target.path, problems: problems)
  }

  private mutating func require(_ condition: Bool, _ key: String, _ found: String, _ expected: String) {
    if !condition { problems.append(.init(key: key, found: found, expected: expected)) }
  }

  /// `general.architecture` of a decoder; nil for one that llama.cpp does not compute as it is here.
  static func architecture(_ text: TextConfiguration) -> String? {
    switch text.family {
    case .llama, .mistral: "llama"
    case .qwen2: "qwen2"
    case .internlm2: nil
    }
  }

  /// Refuses a decoder that llama.cpp does not compute.
  mutating func requireDecoder() {
    let text = configuration.text
    guard Self.architecture(text) != nil else {
      let family = type(of: configuration).familyName
      return require(
        false, "text_config.model_type", "\"\(text.family.rawValue)\" with partial LoRA (\(family))",
        "llama, mistral or qwen2, which llama.cpp computes")
    }
    switch text.ropeScaling {
    case .none, .linear, .llama3: break
    case .dynamic:
      notes.append(
        "dynamic rotary positions are plain within the \(text.contextLength) tokens of the context, which is "
          + "all that the file says")
    case .yarn(let numbers):
      let plain = RotaryScaling.YaRN(factor: numbers.factor, originalContext: numbers.originalContext)
      require(
        numbers == plain, "text_config.rope_parameters", "yarn with bounds or factors of its own",
        "yarn with a factor and an original context alone: llama.cpp works out the rest")
    }
    require(
      text.family != .qwen2 || text.headSize * text.attentionHeadCount == text.hiddenSize,
      "text_config.head_dim", "\(text.headSize) in each of \(text.attentionHeadCount) heads",
      "\(text.hiddenSize) in all of a qwen2, the hidden_size, as llama.cpp has it")
    require(
      text.family == .llama || !text.hasPerceptronBias, "text_config.mlp_bias", "true",
      "false with \(text.family.rawValue)")
  }

  /// Refuses a vision tower and a projector that llama.cpp does not compute.
  mutating func requireTower(_ processor: (any PictureProcessor)?, _ tokenizer: Tokenizer) throws {
    guard processor != nil else { return }
    if let llava = configuration as? LlavaConfiguration {
      require(llava, processor as? ImageProcessor)
    } else if let smolVLM = configuration as? SmolVLMConfiguration {
      require(smolVLM, processor as? SmolVLMImageProcessor)
      try requireFrame(tokenizer)
    } else {
      let known = GGUFProjector.Kind.allCases.map(\.rawValue).joined(separator: " (LLaVA-1.5) or ")
      require(
        false, "clip.projector_type", "the \(type(of: configuration).familyName) family",
        "\(known) (SmolVLM, Idefics3): llama.cpp has no projector that does what this one does")
    }
  }

  private mutating func require(_ llava: LlavaConfiguration, _ processor: ImageProcessor?) {
    require(
      llava.featureSelection == .patches, "vision_feature_select_strategy",
      "\"\(llava.featureSelection.rawValue)\"", "\"default\": llama.cpp projects the patches alone")
    require(
      llava.projectorActivation == .gelu, "projector_hidden_act", "\"\(llava.projectorActivation.rawValue)\"",
      "\"gelu\"")
    require(
      llava.vision.activation != .geluTanh, "vision_config.hidden_act",
      "\"\(llava.vision.activation.rawValue)\"", "quick_gelu, gelu or silu")
    require(
      llava.vision.intermediateSize != llava.vision.hiddenSize, "vision_config.intermediate_size",
      "\(llava.vision.intermediateSize), as hidden_size", "another: ffn_up and ffn_down are told apart by it")
    guard let settings = processor?.configuration else { return }
    requirePlain(settings.rescaleFactor, settings.normalizes)
    if !settings.padsToSquare {
      notes.append(
        "pictures were trained without a border, which llama.cpp puts around them: the format does not say")
    }
    notes.append(
      "llama.cpp (October 2026) puts the class token of this kind of tower behind the patches, so that it "
        + "sees pictures otherwise than the model was trained with")
  }

  private mutating func require(_ smolVLM: SmolVLMConfiguration, _ processor: SmolVLMImageProcessor?) {
    require(
      smolVLM.vision.activation != .gelu, "vision_config.hidden_act",
      "\"\(smolVLM.vision.activation.rawValue)\"", "gelu_pytorch_tanh, quick_gelu or silu")
    require(
      smolVLM.vision.intermediateSize != smolVLM.vision.hiddenSize, "vision_config.intermediate_size",
      "\(smolVLM.vision.intermediateSize), as hidden_size",
      "another: ffn_up and ffn_down are told apart by it")
    guard let settings = processor?.configuration else { return }
    requirePlain(settings.rescaleFactor, settings.normalizes)
    require(settings.resampling == .lanczos, "resample", "\(settings.resampling)", "lanczos")
    require(
      settings.tiling.splits || settings.tiling.longestEdge == settings.tiling.side, "do_image_splitting",
      "false with pictures of \(settings.tiling.longestEdge)",
      "true, or size.longest_edge \(settings.tiling.side): llama.cpp cuts every larger picture into tiles")
  }

  /// Refuses a vocabulary that lacks what llama.cpp puts around tiles: it looks for these tokens alone.
  private mutating func requireFrame(_ tokenizer: Tokenizer) throws {
    let marks = [SmolVLMGeometry.fakeMark, SmolVLMGeometry.globalMark].filter { tokenizer.id(of: $0) == nil }
    let breaks = try ["\n", "\n\n"].filter { try tokenizer.vocabulary.encode($0, isFirst: false).count != 1 }
    let missing = (marks + breaks).map(\.debugDescription)
    require(
      missing.isEmpty, "tokenizer", "no token of its own for \(missing.joined(separator: ", "))",
      "such tokens: llama.cpp frames the tiles of a picture by them")
  }

  private mutating func requirePlain(_ factor: Double, _ normalizes: Bool) {
    require(abs(factor * 255 - 1) < 1e-9, "rescale_factor", "\(factor)", "1/255")
    require(normalizes, "do_normalize", "false", "true")
  }
}
