import Foundation
import LVLM
import Tensor

/// Forward passes of both halves of the model and greedy answers, alone and in a batch.
struct ForwardVerification {
  private let arrays: GoldenArrays
  private let models: ModelPair
  private let tokenizer: Tokenizer

  static func run(_ golden: GoldenFolder, _ report: inout VerificationReport) throws {
    let verification = ForwardVerification(
      arrays: try GoldenArrays(golden.file("llava.h5")), models: try ModelPair(golden.loadModel),
      tokenizer: try golden.open().tokenizer)
    noGradient {
      for group in verification.arrays.names(in: "") {
        report.part("llava.h5 \(group)") { report in
          if group.hasPrefix("img") {
            try verification.compareCase(group, &report)
          } else if group.hasPrefix("batch_") {
            try verification.compareBatch(group, &report)
          }
        }
      }
    }
    verification.arrays.reportUnknown(in: &report)
  }

  /// One prompt with its pictures.
  private func compareCase(_ group: String, _ report: inout VerificationReport) throws {
    let pixels = try arrays.tensor("\(group)/pixel_values")
    let prompt = PackedExample(
      promptIDs: try arrays.integers("\(group)/input_ids"), images: Array(0..<pixels.shape[0]))
    let layers = arrays.names(in: group).compactMap { name in
      name.hasPrefix("attn_layer") ? Int(name.dropFirst("attn_layer".count)) : nil
    }
    let answer = try arrays.integers("\(group)/greedy_new_tokens")
    let stepPath = "\(group)/greedy_step_logits"
    let steps = arrays.has(stepPath) ? try arrays.tensor(stepPath).shape[1] : 0

    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let pixels = pixels.to(dtype)
      var results: [String: Tensor] = [:]
      let states = model.visionTower.hiddenStates(pixels)
      for (index, state) in states.enumerated() { results["vision_hidden/\(index)"] = state }
      if let llava = model.configuration as? LlavaConfiguration {
        results["vision_selected"] = states[llava.usedVisionLayerCount]
      }
      let features = model.imageFeatures(pixels)
      results["projected"] = features.rows

      let batch = try packed([prompt], features.layout)
      for (index, state) in model.allHiddenStates(batch, imageFeatures: features).enumerated() {
        results["hidden/\(index)"] = state
      }
      let hidden = model.hiddenStates(batch, imageFeatures: features)
      results["logits"] = model.decoder.logits(hidden)
      let count = prompt.promptIDs.count
      results["token_logps"] = targetLogProbabilities(
        hidden: hidden.slice(axis: 0, 0..<count - 1), weight: model.decoder.headWeight,
        targets: Array(prompt.promptIDs[1...]))
      for layer in layers where model.decoder.layerIndices.contains(layer) {
        results["attn_layer\(layer)"] = model.attentionProbabilities(
          batch, imageFeatures: features, layer: layer)
      }
      if steps > 0 {
        let read = PackedExample(
          promptIDs: prompt.promptIDs + answer[..<(steps - 1)], images: prompt.images)
        let rows = model.hiddenStates(try packed([read], features.layout), imageFeatures: features)
        results["greedy_step_logits"] = model.decoder.logits(
          rows.slice(axis: 0, count - 1..<count - 1 + steps))
      }
      return results
    }
    try results.compare(with: arrays, under: group, in: &report)
    let answers = try Generator(model: models.single, tokenizer: tokenizer).generate(
      [prompt], imageFeatures: models.single.imageFeatures(pixels), maxNewTokens: answer.count)
    report.expectEqual("\(arrays.name) \(group)/greedy_new_tokens", answers[0].ids, answer)
  }

  /// Several prompts as one batch; padding of the stored arrays is where the attention mask is zero.
  private func compareBatch(_ group: String, _ report: inout VerificationReport) throws {
    let ids = try arrays.integers("\(group)/input_ids")
    let mask = try arrays.integers("\(group)/attention_mask")
    let counts = try arrays.integers("\(group)/images_per_row").map(Int.init)
    let pixels = try arrays.tensor("batch_right/pixel_values")
    let width = ids.count / counts.count
    var first = 0
    var cells: [Int] = []
    let prompts = counts.enumerated().map { row, count in
      let own = (row * width..<(row + 1) * width).filter { mask[$0] != 0 }
      cells += own
      defer { first += count }
      return PackedExample(promptIDs: own.map { ids[$0] }, images: Array(first..<first + count))
    }
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let features = model.imageFeatures(pixels.to(dtype))
      let hidden = model.hiddenStates(try packed(prompts, features.layout), imageFeatures: features)
      let logits = model.decoder.logits(hidden)
      let vocabulary = logits.shape[1]
      let values = logits.array(of: Double.self)
      var padded = [Double](repeating: 0, count: ids.count * vocabulary)
      for (row, cell) in cells.enumerated() {
        for column in 0..<vocabulary {
          padded[cell * vocabulary + column] = values[row * vocabulary + column]
        }
      }
      return ["logits": Tensor(padded)]
    }
    try results.compare(with: arrays, under: group, in: &report)
    let path = "\(group)/greedy_new_tokens"
    guard arrays.has(path) else { return }
    let expected = try arrays.integers(path)
    let steps = expected.count / counts.count
    let padID = Int32(models.single.configuration.text.padTokenID ?? 0)
    let answers = try Generator(model: models.single, tokenizer: tokenizer).generate(
      prompts, imageFeatures: models.single.imageFeatures(pixels), maxNewTokens: steps)
    let found = answers.flatMap { $0.ids + Array(repeating: padID, count: steps - $0.ids.count) }
    report.expectEqual("\(arrays.name) \(path)", found, expected)
  }

  private func packed(_ examples: [PackedExample], _ features: FeatureLayout) throws -> PackedBatch {
    try PackedBatch(
      examples, sharesPrefix: true, imageTokenID: Int32(models.single.configuration.imageTokenIndex),
      features: features)
  }
}
