import Checkpoint
import Foundation
import Tensor

/// The tensors that a vision tower and a projector have in llama.cpp's file of them, and what they are called
/// here.
enum GGUFProjectorWeights {
  /// One tensor.
  struct Row {
    var theirs: String
    /// As the model's parameters are called.
    var ours: String
    var shape: [Int]
  }

  /// The tensors of a model. ``check(_:_:)`` bounds their number.
  ///
  /// - Parameter areExchanged: whether `ffn_down` is the first layer of the perceptrons, as LLaVA's converter
  ///   and the first ones of others name them.
  static func rows(of configuration: any FamilyConfiguration, areExchanged: Bool) -> [Row] {
    let (width, text) = (configuration.visionWidth, configuration.text.hiddenSize)
    let tower = "vision_tower."
    func pair(_ theirs: String, _ ours: String, _ shape: [Int]) -> [Row] {
      [
        Row(theirs: theirs + ".weight", ours: ours + ".weight", shape: shape),
        Row(theirs: theirs + ".bias", ours: ours + ".bias", shape: [shape[0]]),
      ]
    }
    var rows: [Row] = []
    if let llava = configuration as? LlavaConfiguration {
      let patch = llava.vision.patchSize
      rows = [
        Row(theirs: "v.class_embd", ours: tower + "embeddings.class_embedding", shape: [width]),
        Row(
          theirs: "v.patch_embd.weight", ours: tower + "embeddings.patch_embedding.weight",
          shape: [width, 3, patch, patch]),
        Row(
          theirs: "v.position_embd.weight", ours: tower + "embeddings.position_embedding.weight",
          shape: [1 + llava.vision.patchCount, width]),
      ]
      rows += pair("v.pre_ln", tower + "pre_layrnorm", [width])
      rows += pair("mm.0", "multi_modal_projector.linear_1", [text, width])
      rows += pair("mm.2", "multi_modal_projector.linear_2", [text, text])
    } else if let smolVLM = configuration as? SmolVLMConfiguration {
      let (patch, factor) = (smolVLM.vision.patchSize, smolVLM.scaleFactor)
      rows = pair("v.patch_embd", tower + "embeddings.patch_embedding", [width, 3, patch, patch])
      rows.append(
        Row(
          theirs: "v.position_embd.weight", ours: tower + "embeddings.position_embedding.weight",
          shape: [smolVLM.vision.patchCount, width]))
      rows += pair("v.post_ln", tower + "post_layernorm", [width])
      rows.append(
        Row(
          theirs: "mm.model.fc.weight", ours: "multi_modal_projector.modality_projection.proj.weight",
          shape: [text, width * factor * factor]))
    }
    let inner = configuration.visionBlocks.inner
    for block in 0..<configuration.visionBlocks.count {
      let (theirs, ours) = ("v.blk.\(block).", tower + "encoder.layers.\(block).")
      for (name, part) in [("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj"), ("out", "out_proj")] {
        rows += pair(theirs + "attn_" + name, ours + "self_attn." + part, [width, width])
      }
      rows += pair(theirs + "ln1", ours + "layer_norm1", [width])
      rows += pair(theirs + "ln2", ours + "layer_norm2", [width])
      let (first, second) = areExchanged ? ("ffn_down", "ffn_up") : ("ffn_up", "ffn_down")
      rows += pair(theirs + first, ours + "mlp.fc1", [inner, width])
      rows += pair(theirs + second, ours + "mlp.fc2", [width, inner])
    }
    return rows
  }

  /// Whether the layer that a file calls `ffn_down` reads the hidden states (llama.cpp asks the same).
  static func areExchanged(in file: GGUFFile, width: Int) -> Bool {
    file.entry("v.blk.0.ffn_down.weight")?.shape.last == width
  }

  /// Compares a file with a model that was not made yet.
  ///
  /// - Throws: ``ModelDirectoryError`` with everything that is missing, unexpected or of another shape.
  static func check(_ file: GGUFFile, _ configuration: any FamilyConfiguration) throws {
    let found = Set(
      file.entries.compactMap { entry -> Int? in
        let parts = entry.name.split(separator: ".")
        return parts.count > 3 && parts[0] == "v" && parts[1] == "blk" ? Int(parts[2]) : nil
      })
    let count = configuration.visionBlocks.count
    guard found == Set(0..<count) else {
      throw ModelConfigurationError(
        file: file.url.path,
        problems: [
          .init(
            key: "clip.vision.block_count", found: "\(count)",
            expected: found == Set(0..<found.count)
              ? "\(found.count), the blocks that the file has tensors of"
              : "as many blocks as the file has tensors of, from 0 on without a gap")
        ])
    }
    var error = ModelDirectoryError(file: file.url.path)
    var expected = Dictionary(
      uniqueKeysWithValues: rows(
        of: configuration, areExchanged: areExchanged(in: file, width: configuration.visionWidth)
      ).map { ($0.theirs, $0.shape) })
    for entry in file.entries {
      guard let shape = expected.removeValue(forKey: entry.name) else {
        error.unexpected.append(entry.name)
        continue
      }
      if entry.shape != shape {
        error.wrongShapes.append("\(entry.name): found \(entry.shape), expected \(shape)")
      }
    }
    error.missing = expected.keys.sorted()
    guard error.isEmpty else { throw error }
    for (entry, byteCount, room) in file.loose {
      error.unusable.append(
        "\(entry.name) (\(byteCount) bytes for \(entry.encoding.name) \(entry.shape), expected about "
          + "\(room), where the next tensor begins)")
    }
    guard error.isEmpty else { throw error }
  }
}

extension VisionLanguageModel {
  /// A language model of llama.cpp's behind the vision tower and projector of its other file.
  ///
  /// Matrices of both are kept as `weights` says; in blocks where the file has such. Norms, biases, patches
  /// and positions are Float32.
  /// - Parameter weights: how matrices are kept; anything but Float32 freezes the parts that have such.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError``.
  convenience init(
    languageModel file: GGUFFile, projector: GGUFProjector, tokenizer: Tokenizer, weights: WeightStorage
  ) throws {
    let text = try TextConfiguration(gguf: file, tokenizer: tokenizer)
    let configuration = try projector.configuration(
      before: text, imageTokenIndex: Int(tokenizer.imageID))
    var placeholder = RandomGenerator.placeholder
    try self.init(configuration, using: &placeholder, awaitsDecoder: true)
    try takeDecoder(of: file, text, storage: weights)
    try takeProjector(projector.file, storage: weights)
    TensorRuntime.trim()
  }

  /// Replaces the weights of the vision tower and of the projector by those of a file that was compared with
  /// the model.
  private func takeProjector(_ file: GGUFFile, storage: WeightStorage) throws {
    var error = ModelDirectoryError(file: file.url.path)
    let own = Dictionary(uniqueKeysWithValues: namedParameters().map { ($0.name, $0.parameter) })
    let matrices = storableMatrices
    var quantized: [ObjectIdentifier: QuantizedMatrix] = [:]
    defer { file.forget() }
    let rows = GGUFProjectorWeights.rows(
      of: configuration,
      areExchanged: GGUFProjectorWeights.areExchanged(in: file, width: configuration.visionWidth))
    for row in rows {
      guard let entry = file.entry(row.theirs), let parameter = own[row.ours] else {
        error.missing.append(row.theirs)
        continue
      }
      let id = ObjectIdentifier(parameter)
      let isFinite: Bool
      switch try file.weight(entry, isMatrix: matrices.contains(id), storage: storage) {
      case .blocks(let matrix):
        isFinite = matrix.isFinite
        quantized[id] = matrix
      case .tensor(let tensor):
        isFinite = tensor.isFinite
        parameter.replace(with: tensor)
      }
      if !isFinite { error.unusable.append("\(row.theirs) (not all values are finite)") }
    }
    guard error.isEmpty else { throw error }
    for (part, module) in [(Part.vision, visionTower as any Module), (.projector, projector)] {
      for case let holder as any LinearHolder in module.modules() {
        holder.replaceLinears { linear in
          quantized[ObjectIdentifier(linear.weight)].map { QuantizedLinear($0, bias: linear.bias) } ?? linear
        }
      }
      if module.namedParameters().contains(where: { $0.parameter.dtype != .float32 }) {
        setTrainable(false, part)
      }
    }
  }
}

/// A weight of a GGUF file in the form in which it is kept.
enum GGUFWeight {
  /// Values.
  case tensor(Tensor)
  /// Quantised blocks where they lie in the mapped file.
  case blocks(QuantizedMatrix)
}

extension GGUFFile {
  /// A weight as `storage` says. What the file has in that form is used where it lies in the mapped file.
  ///
  /// - Parameter isMatrix: whether products or look-ups read it.
  func weight(_ entry: Entry, isMatrix: Bool, storage: WeightStorage) throws -> GGUFWeight {
    if [.auto, .quantized, .mapped].contains(storage), isMatrix, let encoding = entry.encoding.blockEncoding {
      return .blocks(QuantizedMatrix(encoding, blocks: try blocks(entry.name)))
    }
    let type = storage.type(ofMatrix: isMatrix, stored: entry.encoding.dtype)
    let mapped = type == .float32 ? nil : try mapped(entry.name).flatMap { $0.dtype == type ? $0 : nil }
    return .tensor(try mapped ?? tensor(entry.name, as: type))
  }
}
