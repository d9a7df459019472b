import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Decoders whose matrices stay in the blocks of their GGUF file, against the same values in Float32.
@Suite struct QuantizedModelTests {
  private static let ids: [Int32] = [1, 40, 7, 99, 230, 12, 5, 300, 41]

  /// A file with a decoder of one block whose matrices are all of one type.
  private static func write(_ encoding: BlockEncoding, to url: URL) throws {
    var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
    let sizes: [(String, UInt64)] = [
      ("block_count", 1), ("embedding_length", 256), ("feed_forward_length", 512),
      ("attention.head_count", 4), ("attention.head_count_kv", 2), ("rope.dimension_count", 64),
    ]
    for (key, size) in sizes { file.set("llama.\(key)", size) }
    file.infos = []
    file.data = Data()
    func add(_ name: String, _ shape: [Int], _ type: UInt32, _ bytes: [UInt8]) {
      file.infos.append(
        .init(
          name: "\(name).weight", extents: shape.reversed().map(UInt64.init), type: type,
          offset: UInt64(file.data.count)))
      file.data.append(contentsOf: bytes)
      file.data.append(contentsOf: [UInt8](repeating: 0, count: (32 - file.data.count % 32) % 32))
    }
    var generator = RandomGenerator(seed: 1)
    for (name, rows, columns) in [
      ("token_embd", 380, 256), ("blk.0.attn_q", 256, 256), ("blk.0.attn_k", 128, 256),
      ("blk.0.attn_v", 128, 256), ("blk.0.attn_output", 256, 256), ("blk.0.ffn_gate", 512, 256),
      ("blk.0.ffn_up", 512, 256), ("blk.0.ffn_down", 256, 512),
    ] {
      let matrix = QuantizedMatrix.random(
        encoding, rows: rows, columns: columns, amplitude: 0.2, using: &generator)
      let type = try #require(GGUFEncoding.allCases.first { $0.blockEncoding == encoding })
      add(name, [rows, columns], type.rawValue, matrix.blocks.array(of: UInt8.self))
    }
    for name in ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"] {
      let values = Tensor.randomUniform([256], in: 0.5..<1.5, using: &generator).array(of: Float.self)
      add(name, [256], 0, values.withUnsafeBytes { [UInt8]($0) })
    }
    try file.encoded().write(to: url)
  }

  private func withFile<Result>(_ encoding: BlockEncoding, _ body: (URL) throws -> Result) throws -> Result {
    try Fixtures.withTemporaryDirectory { folder in
      let url = folder.appending(component: "model.gguf")
      try Self.write(encoding, to: url)
      return try body(url)
    }
  }

  /// Log-probability of every token but the first.
  private func logProbabilities(_ model: LlavaModel) throws -> Tensor {
    let batch = try PackedBatch(
      [PackedExample(promptIDs: Self.ids)], sharesPrefix: true,
      imageTokenID: Int32(model.configuration.imageTokenIndex))
    let hidden = model.hiddenStates(
      batch,
      imageFeatures: ImageFeatures(
        .zeros([0, model.configuration.text.hiddenSize]), layout: FeatureLayout([])))
    return model.decoder.logProbabilities(
      of: Array(Self.ids[1...]), after: hidden.slice(axis: 0, 0..<Self.ids.count - 1))
  }

  private func deviation(_ a: Tensor, _ b: Tensor) -> Double {
    ((a - b).abs().max() / (b.abs().max() + 1e-30)).item()
  }

  @Test(arguments: BlockEncoding.allCases) func everyTypeOpens(_ encoding: BlockEncoding) throws {
    try withFile(encoding) { url in
      let expanded = try PretrainedModel.load(from: url)
      let kept = try PretrainedModel.load(from: url, weights: .quantized)
      let rounded = try PretrainedModel.load(from: url, weights: .bfloat16)
      #expect(kept.model.modules().count { ($0 as? QuantizedLinear)?.matrix.encoding == encoding } == 7)
      #expect(kept.model.modules().contains { $0 is QuantizedEmbedding })
      #expect(kept.model.decoder.trainableParameters().isEmpty)
      for ((name, a), (_, b)) in zip(kept.model.mergedParameters(), expanded.model.mergedParameters()) {
        #expect(a.array(of: Float.self) == b.array(of: Float.self), "\(name)")
      }
      for (name, parameter) in rounded.model.decoder.namedParameters() {
        #expect(parameter.dtype == (name.contains("norm") ? .float32 : .bfloat16), "\(name)")
      }
      let exact = try noGradient { try logProbabilities(expanded.model) }
      let found = try noGradient { try logProbabilities(kept.model) }
      #expect(deviation(found, exact) < 1e-5)
      #expect(deviation(try noGradient { try logProbabilities(rounded.model) }, exact) < 0.05)
      let answers = try [expanded, kept].map {
        try Generator(model: $0.model, tokenizer: $0.tokenizer).generate(
          [PackedExample(promptIDs: Self.ids)], imageFeatures: $0.imageFeatures([]), maxNewTokens: 4)[0].ids
      }
      #expect(answers[0] == answers[1])
    }
  }

  /// Adapters on a decoder that stays quantised learn what they would on its values in Float32.
  @Test(arguments: BlockEncoding.allCases) func adaptersLearn(_ encoding: BlockEncoding) throws {
    try withFile(encoding) { url in
      let gradients = try [WeightStorage.quantized, .float32].map { storage in
        let model = try PretrainedModel.load(from: url, weights: storage).model
        var generator = RandomGenerator(seed: 5)
        model.applyLoRA(rank: 3, alpha: 6, using: &generator)
        for (name, parameter) in model.namedParameters() where name.hasSuffix("lora_B.weight") {
          parameter.tensor = Tensor.randomNormal(parameter.shape, using: &generator) * 0.02
        }
        #expect(model.decoder.trainableParameters().count == 14)
        let loss = try logProbabilities(model).sum()
        let found = loss.backward()
        return try model.decoder.trainableParameters().map { name, parameter in
          (name, try #require(found[parameter.tensor]))
        }
      }
      #expect(gradients[0].count == 14)
      for ((name, a), (other, b)) in zip(gradients[0], gradients[1]) {
        #expect(name == other && deviation(a, b) < 2e-5, "\(name): \(deviation(a, b))")
        #expect(b.abs().max().item() > 0, "\(name)")
      }
    }
  }

  /// Half a step of descent through the adapters makes the text likelier, the blocks being as they were.
  @Test(arguments: [BlockEncoding.q4_k, .mxfp4]) func aStepDescends(_ encoding: BlockEncoding) throws {
    try withFile(encoding) { url in
      let model = try PretrainedModel.load(from: url, weights: .quantized).model
      var generator = RandomGenerator(seed: 5)
      model.applyLoRA(rank: 3, alpha: 6, using: &generator)
      let blocks = model.decoder.namedParameters().filter { $0.parameter.dtype == .uint8 }
        .map { $0.parameter.tensor.array(of: UInt8.self) }
      #expect(blocks.count == 8)
      model.storeFrozenWeights(as: .bfloat16)
      let before = try logProbabilities(model).sum()
      let gradients = before.backward()
      for (_, parameter) in model.decoder.trainableParameters() {
        let gradient = try #require(gradients[parameter.tensor])
        parameter.tensor = (parameter.tensor.detached() + gradient * 1e-3).requiringGradient()
      }
      let after = try noGradient { try logProbabilities(model).sum() }
      #expect(after.item() > before.item())
      let left = model.decoder.namedParameters().filter { $0.parameter.dtype == .uint8 }
        .map { $0.parameter.tensor.array(of: UInt8.self) }
      #expect(left == blocks)
      let merged = try noGradient { () throws -> Tensor in
        model.mergeAdapters()
        return try logProbabilities(model).sum()
      }
      #expect(deviation(merged, after) < 1e-5)
    }
  }
}
