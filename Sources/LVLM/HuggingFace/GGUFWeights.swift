import Checkpoint
import Foundation
import Tensor

/// The tensors that a decoder has in a GGUF file: names, shapes, and which keys of the metadata the
/// shapes follow from.
enum GGUFWeights {
  /// Names in GGUF files and here; `#` stands for the block.
  private static let names: [(theirs: String, ours: String)] = [
    ("token_embd.", "model.embed_tokens."), ("output_norm.", "model.norm."), ("output.", "lm_head."),
    ("blk.#.attn_norm.", "model.layers.#.input_layernorm."),
    ("blk.#.ffn_norm.", "model.layers.#.post_attention_layernorm."),
    ("blk.#.attn_q.", "model.layers.#.self_attn.q_proj."),
    ("blk.#.attn_k.", "model.layers.#.self_attn.k_proj."),
    ("blk.#.attn_v.", "model.layers.#.self_attn.v_proj."),
    ("blk.#.attn_output.", "model.layers.#.self_attn.o_proj."),
    ("blk.#.ffn_gate.", "model.layers.#.mlp.gate_proj."), ("blk.#.ffn_up.", "model.layers.#.mlp.up_proj."),
    ("blk.#.ffn_down.", "model.layers.#.mlp.down_proj."),
  ]

  /// The name here of a tensor of a file; nil for one that the decoder does not have.
  static func canonical(_ name: String) -> String? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let block = parts.count > 2 && parts[0] == "blk" ? String(parts[1]) : nil
    for (theirs, ours) in names {
      let prefix = theirs.replacing("#", with: block ?? "#")
      if name.hasPrefix(prefix) {
        return ours.replacing("#", with: block ?? "#") + name.dropFirst(prefix.count)
      }
    }
    return nil
  }

  /// What a file calls a parameter of a model; nil for one that is not the decoder's.
  static func name(_ parameter: String) -> String? {
    let decoder = "language_model."
    guard parameter.hasPrefix(decoder) else { return nil }
    let name = String(parameter.dropFirst(decoder.count))
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let block = parts.count > 3 && parts[1] == "layers" ? String(parts[2]) : nil
    for (theirs, ours) in names {
      let prefix = ours.replacing("#", with: block ?? "#")
      if name.hasPrefix(prefix) {
        return theirs.replacing("#", with: block ?? "#") + name.dropFirst(prefix.count)
      }
    }
    return nil
  }

  /// Compares the sizes of the metadata with the tensors of the file, before any memory is asked for on their
  /// account.
  ///
  /// - Parameters:
  ///   - pieces: the tokens of the vocabulary.
  ///   - architecture: the name before the model's own keys.
  static func check(
    _ text: TextConfiguration, _ file: GGUFFile, pieces: Int, _ architecture: String,
    _ checks: inout ConfigurationChecks
  ) {
    typealias Size = (value: Int, key: String)
    // Each size is bounded before any are multiplied.
    let sizes: [Size] = [
      (text.hiddenSize, "\(architecture).embedding_length"),
      (text.intermediateSize, "\(architecture).feed_forward_length"),
      (text.hiddenLayerCount, "\(architecture).block_count"),
      (text.attentionHeadCount, "\(architecture).attention.head_count"),
      (text.keyValueHeadCount, "\(architecture).attention.head_count_kv"),
      (text.headSize, "\(architecture).attention.key_length"),
    ]
    for size in sizes { checks.positive(size.value, size.key) }
    checks.positive(text.contextLength, upTo: 1 << 30, "\(architecture).context_length")
    guard checks.problems.isEmpty else { return }

    let blocks = Set(
      file.entries.compactMap { entry -> Int? in
        let parts = entry.name.split(separator: ".")
        return parts.count > 2 && parts[0] == "blk" ? Int(parts[1]) : nil
      })
    let found = (blocks.max() ?? -1) + 1
    checks.require(
      text.hiddenLayerCount == found, "\(architecture).block_count", found: "\(text.hiddenLayerCount)",
      expected: "\(found), the blocks that the file has tensors of")

    let width = sizes[0]
    let inner = sizes[1]
    let queries = (
      text.headSize * text.attentionHeadCount, "\(architecture).attention.head_count × head size"
    )
    let keys = (text.headSize * text.keyValueHeadCount, "\(architecture).attention.head_count_kv × head size")
    let shapes: [String: [Size]] = [
      "attn_norm": [width], "ffn_norm": [width], "attn_q": [queries, width], "attn_k": [keys, width],
      "attn_v": [keys, width], "attn_output": [width, queries], "ffn_gate": [inner, width],
      "ffn_up": [inner, width], "ffn_down": [width, inner],
    ]
    for entry in file.entries where entry.name.hasSuffix(".weight") {
      let parts = entry.name.split(separator: ".")
      let expected: [Size]?
      switch parts.first {
      case "blk" where parts.count == 4: expected = shapes[String(parts[2])]
      case "output_norm": expected = [width]
      case "token_embd", "output":
        expected = [(text.vocabularySize, "the rows of token_embd.weight"), width]
      default: expected = nil
      }
      guard let expected, entry.shape != expected.map(\.value) else { continue }
      checks.require(
        false, entry.name, found: "\(entry.shape)",
        expected: "\(expected.map(\.value)) (\(expected.map(\.key).joined(separator: ", ")))")
    }
    for (entry, byteCount, room) in file.loose where checks.problems.isEmpty {
      checks.require(
        false, entry.name, found: "\(byteCount) bytes for \(entry.encoding.name) \(entry.shape)",
        expected: "about \(room), where the next tensor begins")
    }
    checks.require(
      text.vocabularySize >= pieces, "token_embd.weight", found: "\(text.vocabularySize) rows",
      expected: "at least the \(pieces) of tokenizer.ggml.tokens")
    if let stated = file.metadata["\(architecture).vocab_size"] {
      checks.require(
        stated.asInt == text.vocabularySize, "\(architecture).vocab_size",
        found: stated.asInt.map(String.init) ?? "another value",
        expected: "\(text.vocabularySize), the rows of token_embd.weight")
    }
  }
}

extension LlamaDecoder {
  /// Replaces all weights by those of a GGUF file, each straight in the form it is kept in: matrices that the
  /// file has in that form are used where they lie in the mapped file.
  ///
  /// - Throws: ``ModelDirectoryError`` with everything that is missing, unexpected or of another shape.
  func takeWeights(of file: GGUFFile, _ configuration: TextConfiguration, storage: WeightStorage) throws {
    var error = ModelDirectoryError(file: file.url.path)
    let own = Dictionary(uniqueKeysWithValues: namedParameters().map { ($0.name, $0.parameter) })
    var missing = Set(own.keys)
    var quantized: [ObjectIdentifier: QuantizedMatrix] = [:]
    // The pages of headers and of blocks that were only looked at; what is computed with comes back when it
    // is needed.
    defer { file.forget() }
    for entry in file.entries {
      guard let name = GGUFWeights.canonical(entry.name), let parameter = own[name] else {
        error.unexpected.append(entry.name)
        continue
      }
      missing.remove(name)
      guard entry.shape == parameter.shape else {
        error.wrongShapes.append("\(entry.name): found \(entry.shape), expected \(parameter.shape)")
        continue
      }
      // LLaMA's files alone turn neighbours; those of Qwen2 turn halves as here.
      let isInterleaved =
        configuration.family == .llama && (name.contains(".q_proj.") || name.contains(".k_proj."))
      func ordered(_ rows: Tensor) -> Tensor {
        isInterleaved ? Self.halfSplit(rows, headSize: configuration.headSize) : rows
      }
      let isFinite: Bool
      switch try file.weight(entry, isMatrix: entry.shape.count == 2, storage: storage) {
      case .blocks(let matrix):
        isFinite = matrix.isFinite
        quantized[ObjectIdentifier(parameter)] =
          isInterleaved ? QuantizedMatrix(matrix.encoding, blocks: ordered(matrix.blocks)) : matrix
      case .tensor(let tensor):
        isFinite = tensor.isFinite
        parameter.replace(with: ordered(tensor))
      }
      if !isFinite { error.unusable.append("\(entry.name) (not all values are finite)") }
    }
    error.missing = missing.sorted()
    guard error.isEmpty else { throw error }
    keep(quantized)
  }

  /// Puts quantised matrices in the places of the weights they belong to.
  private func keep(_ matrices: [ObjectIdentifier: QuantizedMatrix]) {
    func replacement(_ linear: Linear) -> Linear {
      matrices[ObjectIdentifier(linear.weight)].map { QuantizedLinear($0, bias: linear.bias) } ?? linear
    }
    replaceLinears(replacement)
    head = head.map(replacement)
    if let table = matrices[ObjectIdentifier(embedding.weight)] { embedding = QuantizedEmbedding(table) }
  }

  /// Rows of queries and keys stored for rotary pairs of neighbours, in the order for pairs of halves.
  private static func halfSplit(_ weight: Tensor, headSize: Int) -> Tensor {
    let shape = weight.shape
    let columns = weight.count / shape[0]
    return
      weight.reshaped([shape[0] / headSize, headSize / 2, 2, columns]).permuted([0, 2, 1, 3]).reshaped(shape)
  }
}
