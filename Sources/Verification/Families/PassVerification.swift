import Foundation
import LVLM
import Tensor

/// Prompts with their pictures through the whole model: hidden states, attention, log-probabilities, answers.
struct PassVerification {
  private let folder: FamilyFolder
  private let pictures: FamilyPictures
  private let arrays: GoldenArrays
  private let models: ModelPair
  private let loaded: PretrainedModel
  private let image: Int32

  init(_ folder: FamilyFolder, _ pictures: FamilyPictures) throws {
    self.folder = folder
    self.pictures = pictures
    arrays = try GoldenArrays(folder.file(folder.passes))
    models = try ModelPair(folder.loadModel)
    loaded = try folder.open()
    image = Int32(models.single.configuration.imageTokenIndex)
  }

  func run(_ report: inout VerificationReport) throws {
    noGradient {
      for group in arrays.names(in: "") {
        report.part("\(arrays.name) \(group)") { report in
          if let own = xComposer, try own.compare(group, &report) { return }
          if group.hasPrefix("batch_") {
            try compareBatch(group, &report)
          } else if arrays.has("\(group)/input_ids") {
            try compareCase(group, &report)
          }
        }
      }
    }
    arrays.reportUnknown(in: &report)
  }

  /// What only one family's passes have.
  private var xComposer: XComposerPasses? {
    guard folder.isXComposer else { return nil }
    return XComposerPasses(
      folder: folder, pictures: pictures, arrays: arrays, models: models, loaded: loaded)
  }

  private func ids(_ path: String) throws -> [Int32] {
    try arrays.integers(path).map { $0 == -100 ? image : $0 }
  }

  private func packed(_ examples: [PackedExample], _ features: FeatureLayout) throws -> PackedBatch {
    try PackedBatch(examples, sharesPrefix: true, imageTokenID: image, features: features)
  }

  /// The rows of a prompt that stand for pictures, picture by picture.
  private func rows(_ ids: [Int32], _ layout: FeatureLayout) -> [[Int]] {
    var all = ids.indices.filter { ids[$0] == image }[...]
    return layout.grids.map { grid in
      defer { all = all.dropFirst(grid.count) }
      return Array(all.prefix(grid.count))
    }
  }

  /// Answers token by token, whatever the tokens are.
  private var generator: Generator {
    var generator = Generator(model: models.single, tokenizer: loaded.tokenizer)
    generator.stopsAtEnd = false
    return generator
  }

  // MARK: One prompt

  private func compareCase(_ group: String, _ report: inout VerificationReport) throws {
    let (pixels, layout) = try pictures.stored(try pictures.shown(arrays, on: group))
    let ids = try ids("\(group)/input_ids")
    let prompt = Int(try arrays.number("prompt_length", on: group) ?? Double(ids.count))
    let whole = PackedExample(promptIDs: ids, images: Array(0..<layout.count))
    if let text = try arrays.text("text", on: group) {
      let found = try loaded.encoder.encode(XComposerTexts.marked(text), grids: layout.grids)
      report.expectEqual("\(arrays.name) \(group)/input_ids of the prompt", found, Array(ids[..<prompt]))
    }
    try compareSpans(group, ids, layout, &report)
    try xComposer?.compareCase(group, whole, prompt: prompt, pixels: pixels, layout, &report)
    let answer = try arrays.integers("\(group)/greedy_new_tokens")
    let results = try PrecisionPair { dtype in
      try values(
        group, whole, prompt: prompt, answer: answer, pixels: pixels.to(dtype), layout, models[dtype])
    }
    try results.compare(with: arrays, under: group, in: &report)
    let asked = PackedExample(promptIDs: Array(ids[..<prompt]), images: whole.images)
    let features = models.single.imageFeatures(pixels, layout: layout)
    let penalty =
      try arrays.number("repetition_penalty", on: group)
      ?? arrays.number("repetition_penalty", on: "\(group)/input_ids")
    let answers = try generator.generate(
      [asked], imageFeatures: features, maxNewTokens: answer.count,
      sampling: Sampling(
        temperature: 0, repetitionPenalty: penalty ?? 1, generator: RandomGenerator(seed: 0)))
    report.expectEqual("\(arrays.name) \(group)/greedy_new_tokens", answers[0].ids, answer)
  }

  /// Each stored span holds the features of its picture.
  private func compareSpans(
    _ group: String, _ ids: [Int32], _ layout: FeatureLayout, _ report: inout VerificationReport
  ) throws {
    guard arrays.has("\(group)/spans") else { return }
    let spans = try arrays.integers("\(group)/spans").map(Int.init)
    let found = stride(from: 0, to: spans.count, by: 2).map { place in
      ids[spans[place]..<spans[place + 1]].count { $0 == image }
    }
    report.expectEqual("\(arrays.name) \(group)/spans", found, layout.grids.map(\.count))
    if arrays.has("\(group)/grids") {
      let tiles = layout.grids.flatMap { [Int32($0.tiles.rows), Int32($0.tiles.columns)] }
      report.expectEqual("\(arrays.name) \(group)/grids", tiles, try arrays.integers("\(group)/grids"))
    }
    if arrays.has("\(group)/im_mask") {
      let marks = ids.map { $0 == image ? Int32(1) : 0 }
      report.expectEqual("\(arrays.name) \(group)/im_mask", marks, try arrays.integers("\(group)/im_mask"))
    }
  }

  private func values(
    _ group: String, _ whole: PackedExample, prompt: Int, answer: [Int32], pixels: Tensor,
    _ layout: FeatureLayout, _ model: VisionLanguageModel
  ) throws -> [String: Tensor] {
    let ids = whole.promptIDs
    var results: [String: Tensor] = [:]
    let features = model.imageFeatures(pixels, layout: layout)
    let batch = try packed([whole], layout)
    func wants(_ name: String) -> Bool { arrays.has("\(group)/\(name)") }
    if !arrays.names(in: "\(group)/hidden").isEmpty {
      for (index, state) in model.allHiddenStates(batch, imageFeatures: features).enumerated() {
        results["hidden/\(index)"] = state
      }
    }
    let hidden = model.hiddenStates(batch, imageFeatures: features)
    if wants("logits") { results["logits"] = model.decoder.logits(hidden) }
    if wants("tail_logits") {
      results["tail_logits"] = model.decoder.logits(hidden.slice(axis: 0, prompt - 1..<ids.count))
    }
    if wants("token_logps") {
      // A picture without a token has no likelihood.
      let values = targetLogProbabilities(
        hidden: hidden.slice(axis: 0, 0..<ids.count - 1), weight: model.decoder.headWeight,
        targets: ids[1...].map { max($0, 0) })
      results["token_logps"] = values * Tensor(ids[1...].map { $0 < 0 ? Float(0) : 1 })
    }
    try attention(group, batch, features, rows(ids, layout), prompt: prompt, model, &results)
    let path = "\(group)/greedy_step_logits"
    // Of a family whose angles follow the length they are compared with cached keys.
    if arrays.has(path), !folder.isXComposer {
      let steps = try arrays.tensor(path).shape[1]
      let read = PackedExample(
        promptIDs: Array(ids[..<prompt]) + answer[..<(steps - 1)], images: whole.images)
      let rows = model.hiddenStates(try packed([read], layout), imageFeatures: features)
      results["greedy_step_logits"] = model.decoder.logits(
        rows.slice(axis: 0, prompt - 1..<prompt - 1 + steps))
    }
    return results
  }

  /// Stored rows of attention, and what each picture gets of them.
  private func attention(
    _ group: String, _ batch: PackedBatch, _ features: ImageFeatures, _ pictures: [[Int]], prompt: Int,
    _ model: VisionLanguageModel, _ results: inout [String: Tensor]
  ) throws {
    let count = batch.tokenCount
    let layers = model.decoder.layerIndices
    var sums: [Tensor] = []
    for layer in layers {
      let names = ["attn_rows/\(layer)", "attn_rows_layer\(layer)", "attn_layer\(layer)"]
      guard let name = names.first(where: { arrays.has("\(group)/\($0)") }) else { continue }
      let all = model.attentionProbabilities(batch, imageFeatures: features, layer: layer)
      guard name != "attn_layer\(layer)" else {
        results[name] = all
        continue
      }
      let length = Int(try arrays.number("answer_length", on: group) ?? Double(count - prompt))
      let rows = all.slice(axis: 1, prompt..<min(prompt + length, count))
      results[name] = rows
      let mean = rows.mean(axes: [0, 1])
      sums += pictures.map { mean.rows(at: Tensor($0.map(Int32.init))).sum() }
    }
    if arrays.has("\(group)/image_attention"), !pictures.isEmpty {
      results["image_attention"] = Tensor.concatenated(sums.map { $0.reshaped([1]) }, axis: 0)
    }
  }

  // MARK: Batches

  /// Several prompts at once; what the reference pads is not there here.
  private func compareBatch(_ group: String, _ report: inout VerificationReport) throws {
    let cases = (try arrays.text("rows", on: group) ?? "").split(separator: ",").map(String.init)
    let ids = try ids("\(group)/input_ids")
    let mask = try arrays.integers("\(group)/attention_mask")
    let width = ids.count / cases.count
    var shown: [FamilyPictures.Shown] = []
    let examples = try cases.enumerated().map { row, name in
      let own = (row * width..<(row + 1) * width).filter { mask[$0] != 0 }
      let pictures = try pictures.shown(arrays, on: name)
      defer { shown += pictures }
      return PackedExample(
        promptIDs: own.map { ids[$0] }, images: Array(shown.count..<shown.count + pictures.count))
    }
    let (pixels, layout) = try pictures.stored(shown)
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let features = model.imageFeatures(pixels.to(dtype), layout: layout)
      let batch = try packed(examples, layout)
      let hidden = model.hiddenStates(batch, imageFeatures: features)
      var values: [String: Tensor] = [:]
      let ends = batch.sequences.map { sequence in
        hidden.slice(axis: 0, sequence.prompt.upperBound - 8..<sequence.prompt.upperBound)
      }
      values["row_end_logits"] = model.decoder.logits(Tensor.concatenated(ends, axis: 0))
      if arrays.has("\(group)/token_logps") {
        values["token_logps"] = Tensor.concatenated(
          batch.sequences.map { sequence in
            let own = hidden.slice(
              axis: 0, sequence.prompt.lowerBound..<sequence.prompt.upperBound - 1)
            let scores = targetLogProbabilities(
              hidden: own, weight: model.decoder.headWeight,
              targets: Array(batch.inputIDs[sequence.prompt].dropFirst()))
            let padding = Tensor.zeros([width - sequence.prompt.count], dtype: scores.dtype)
            return Tensor.concatenated([scores, padding], axis: 0)
          }, axis: 0)
      }
      return values
    }
    try results.compare(with: arrays, under: group, in: &report)
    let path = "\(group)/greedy_new_tokens"
    guard arrays.has(path) else { return }
    let expected = try arrays.integers(path)
    let answers = try generator.generate(
      examples, imageFeatures: models.single.imageFeatures(pixels, layout: layout),
      maxNewTokens: expected.count / cases.count)
    report.expectEqual("\(arrays.name) \(path)", answers.flatMap(\.ids), expected)
  }
}
