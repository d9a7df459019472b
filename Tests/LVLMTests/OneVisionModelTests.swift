import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The tiny LLaVA-OneVision against the reference implementation: one picture in tiles, several in one view
/// each, several in tiles, none.
@Suite struct OneVisionModelTests {
  /// One prompt with its answer.
  struct Case {
    let golden: Golden
    let path: String
    let loaded: PretrainedModel
    let ids: [Int32]
    let promptCount: Int
    let images: [String]
    let features: ImageFeatures

    init(_ path: String, _ loaded: PretrainedModel) throws {
      golden = try OneVision.golden("onevision.h5")
      (self.path, self.loaded) = (path, loaded)
      ids = try golden.integers("\(path)/input_ids")
      promptCount = try golden.integer("prompt_length", on: path)
      images = try golden.text("images", on: path).split(separator: ",").map(String.init)
      let isAlone = try golden.text("mode", on: path) == "anyres"
      features = try loaded.imageFeatures(
        images.map(OneVision.picture), isAlone: images.map { _ in isAlone })
    }

    var model: VisionLanguageModel { loaded.model }

    /// The first `count` ids as the prompt, the rest as the answer.
    func batch(promptCount count: Int? = nil, extra: [Int32] = []) throws -> PackedBatch {
      let count = count ?? ids.count
      let answer = Array(ids[count...]) + extra
      let example = PackedExample(
        promptIDs: Array(ids[..<count]), images: Array(images.indices),
        completions: answer.isEmpty ? [] : [answer])
      return try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID, features: features.layout)
    }
  }

  static let cases = ["text0", "img1", "img2", "img3", "img4", "flat2"]

  static func load() throws -> PretrainedModel { try PretrainedModel.load(from: OneVision.directory) }

  @Test func directory() throws {
    let loaded = try Self.load()
    #expect(loaded.notes.isEmpty && loaded.template == .oneVision)
    let configuration = try #require(loaded.model.configuration as? OneVisionConfiguration)
    #expect(configuration.tileLimit == 4 && configuration.canvases.count == 8)
    #expect(configuration.text.tiesWordEmbeddings && configuration.text.family == .qwen2)
    #expect(configuration.viewGrid.count == 26 && configuration.viewPatchCount == 25)
    let processor = try #require(loaded.processor as? AnyResolutionProcessor)
    #expect(processor.resolution == configuration.resolution)
    let counts = ["vision_tower", "multi_modal_projector", "language_model"].map { part in
      loaded.model.namedParameters().filter { $0.name.hasPrefix(part) }.reduce(0) { $0 + $1.parameter.count }
    }
    #expect(
      counts == [
        configuration.visionWeightCount, configuration.projectorWeightCount,
        configuration.decoderWeightCount,
      ])
  }

  @Test(arguments: cases) func prompts(path: String) throws {
    let item = try Case(path, Self.load())
    let (text, answer) = (
      try item.golden.text("text", on: path), try item.golden.text("answer", on: path)
    )
    let encoder = item.loaded.encoder
    let prompt = try encoder.encode(text, grids: item.features.layout.grids)
    #expect(prompt == Array(item.ids[..<item.promptCount]))
    let end = "<|im_end|>"
    #expect(answer.hasSuffix(end))
    #expect(
      try encoder.encode(answer: String(answer.dropLast(end.count))) == Array(item.ids[item.promptCount...]))
  }

  @Test(arguments: cases) func states(path: String) throws {
    let item = try Case(path, Self.load())
    let (model, golden, count) = (item.model, item.golden, item.ids.count)
    try noGradient {
      let batch = try item.batch()
      let states = model.allHiddenStates(batch, imageFeatures: item.features)
      #expect(states.count == 4)
      for (index, state) in states.enumerated() where try golden.file.exists("\(path)/hidden/\(index)") {
        try golden.expect(state, is: "\(path)/hidden/\(index)")
      }
      let hidden = model.hiddenStates(batch, imageFeatures: item.features)
      try golden.expect(
        model.decoder.logits(hidden.slice(axis: 0, item.promptCount - 1..<count)),
        is: "\(path)/tail_logits")
      try golden.expect(
        targetLogProbabilities(
          hidden: hidden.slice(axis: 0, 0..<count - 1), weight: model.decoder.headWeight,
          targets: Array(item.ids[1...])), is: "\(path)/token_logps")
      for layer in 0..<3 where try golden.file.exists("\(path)/attn_rows/\(layer)") {
        let all = model.attentionProbabilities(batch, imageFeatures: item.features, layer: layer)
        try golden.expect(all.slice(axis: 1, item.promptCount..<count), is: "\(path)/attn_rows/\(layer)")
      }
    }
  }

  @Test(arguments: cases) func attentionOfAnswers(path: String) throws {
    let item = try Case(path, Self.load())
    guard !item.images.isEmpty else { return }
    // One more id, so that every token of the answer asks.
    let batch = try item.batch(promptCount: item.promptCount, extra: [0])
    let found = item.model.imageAttention(batch, imageFeatures: item.features, layers: 0..<3)
    let sums = found.flatMap { layer in item.images.indices.map { layer[0][$0].reduce(0, +) } }
    try item.golden.expect(Tensor(sums), is: "\(path)/image_attention")
    #expect(found[2][0].grids == item.features.layout.grids)
  }

  @Test(arguments: cases) func answers(path: String) throws {
    let item = try Case(path, Self.load())
    let expected = try item.golden.integers("\(path)/greedy_new_tokens")
    let prompt = PackedExample(
      promptIDs: Array(item.ids[..<item.promptCount]), images: Array(item.images.indices))
    let answer = try Generator(model: item.model, tokenizer: item.loaded.tokenizer).generate(
      [prompt], imageFeatures: item.features, maxNewTokens: expected.count)[0]
    #expect(answer.ids == Array(expected.prefix(answer.ids.count)))
    #expect(answer.ids.count == expected.count || answer.end == .eos)
    let logits = try item.golden.tensor("\(path)/greedy_step_logits")
    let best = logits.max(axes: [2]) - logits.logSumExp(axes: [2])
    for (a, b) in zip(answer.logProbabilities, best.array(of: Float.self)) { #expect(abs(a - b) < 2e-5) }
  }

  @Test func batches() throws {
    let loaded = try Self.load()
    let golden = try OneVision.golden("onevision.h5")
    let items = try ["img1", "img2", "text0"].map { try Case($0, loaded) }
    let features = try loaded.imageFeatures(
      items.flatMap(\.images).map(OneVision.picture), isAlone: [true, false, false])
    let images = [[0], [1, 2], []]
    func examples(_ group: String) throws -> [PackedExample] {
      let (ids, mask) = (
        try golden.integers("\(group)/input_ids"), try golden.integers("\(group)/attention_mask")
      )
      let width = ids.count / 3
      return (0..<3).map { row in
        let cells = row * width..<(row + 1) * width
        return PackedExample(
          promptIDs: cells.filter { mask[$0] != 0 }.map { ids[$0] }, images: images[row])
      }
    }
    let left = try examples("batch_left")
    let expected = try golden.integers("batch_left/greedy_new_tokens")
    let answers = try Generator(model: loaded.model, tokenizer: loaded.tokenizer).generate(
      left, imageFeatures: features, maxNewTokens: expected.count / 3)
    for (row, answer) in answers.enumerated() {
      #expect(answer.ids == Array(expected[row * 16..<row * 16 + answer.ids.count]))
      #expect(answer.ids.count == 16 || answer.end == .eos)
    }
    for group in ["batch_left", "batch_right"] {
      let examples = try examples(group)
      let batch = try PackedBatch(
        examples, sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID, features: features.layout)
      try noGradient {
        let hidden = loaded.model.hiddenStates(batch, imageFeatures: features)
        var (ends, scores, first): ([Tensor], [Float], Int) = ([], [], 0)
        for example in examples {
          let rows = first..<first + example.promptIDs.count
          ends.append(
            loaded.model.decoder.logits(hidden.slice(axis: 0, rows.upperBound - 8..<rows.upperBound)))
          let targets = Array(example.promptIDs[1...])
          let found = targetLogProbabilities(
            hidden: hidden.slice(axis: 0, rows.lowerBound..<rows.upperBound - 1),
            weight: loaded.model.decoder.headWeight, targets: targets)
          scores += found.array(of: Float.self) + Array(repeating: 0, count: 169 - min(169, targets.count))
          first = rows.upperBound
        }
        try golden.expect(Tensor.stacked(ends), is: "\(group)/row_end_logits")
        if group == "batch_right" { try golden.expect(Tensor(scores), is: "\(group)/token_logps") }
      }
    }
  }
}
