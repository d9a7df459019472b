import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// The tiny SmolVLM against the reference implementation: no picture, one, two, three and four over two
/// turns.
@Suite struct SmolVLMGoldenTests {
  static let cases = ["text0", "img1", "img2", "img3", "img4"]

  @Test(arguments: cases) func prompts(name: String) throws {
    let item = try SmolVLMCase(name, SmolVLMFixture.load())
    let text = try SmolVLMFixture.text("text", on: name, in: item.golden)
    let prompt = try item.loaded.encoder.encode(text, grids: item.layout.grids)
    #expect(prompt == Array(item.ids[..<item.promptCount]))
    let answer = try SmolVLMFixture.text("answer", on: name, in: item.golden)
      .replacing("<end_of_utterance>", with: "").trimmingPrefix(" ")
    #expect(try item.loaded.encoder.encode(answer: String(answer)) == Array(item.ids[item.promptCount...]))
  }

  @Test(arguments: cases) func decoder(name: String) throws {
    let item = try SmolVLMCase(name, SmolVLMFixture.load())
    try noGradient {
      let (features, batch) = (item.features(), try item.batch(promptCount: item.ids.count))
      let states = item.model.allHiddenStates(batch, imageFeatures: features)
      #expect(states.count == 4)
      for (index, state) in states.enumerated()
      where try item.golden.file.exists("\(name)/hidden/\(index)") {
        try item.golden.expect(state, is: "\(name)/hidden/\(index)")
      }
      let hidden = item.model.hiddenStates(batch, imageFeatures: features)
      let tail = hidden.slice(axis: 0, item.promptCount - 1..<item.ids.count)
      try item.golden.expect(item.model.decoder.logits(tail), is: "\(name)/tail_logits")
      try item.golden.expect(
        targetLogProbabilities(
          hidden: hidden.slice(axis: 0, 0..<item.ids.count - 1), weight: item.model.decoder.headWeight,
          targets: Array(item.ids[1...])), is: "\(name)/token_logps")
      for layer in 0..<3 where try item.golden.file.exists("\(name)/attn_rows/\(layer)") {
        let rows = item.model.attentionProbabilities(batch, imageFeatures: features, layer: layer)
          .slice(axis: 1, item.promptCount..<item.ids.count)
        try item.golden.expect(rows, is: "\(name)/attn_rows/\(layer)")
      }
    }
  }

  @Test(arguments: cases) func logProbabilitiesOfAnswers(name: String) throws {
    let item = try SmolVLMCase(name, SmolVLMFixture.load())
    let batch = try item.batch(promptCount: item.promptCount)
    let found = noGradient { item.model.logProbabilities(batch, imageFeatures: item.features()) }
    let expected = try item.golden.tensor("\(name)/token_logps").array(of: Float.self)
      .suffix(found.count)
    let allowed = Float(try item.golden.allowedError("\(name)/token_logps"))
    #expect(found.count == item.ids.count - item.promptCount)
    for (a, b) in zip(found.array(of: Float.self), expected) { #expect(abs(a - b) <= allowed) }
  }

  /// What the answer's tokens, its end among them, look at of every picture.
  @Test(arguments: cases.dropFirst()) func attentionToPictures(name: String) throws {
    let item = try SmolVLMCase(name, SmolVLMFixture.load())
    // One more id, so that every id of the answer is a row.
    let batch = try item.batch(promptCount: item.promptCount, extra: [2])
    let found = item.model.imageAttention(batch, imageFeatures: noGradient { item.features() }, layers: 0..<3)
    let sums = found.flatMap { layer in
      (0..<layer[0].imageCount).map { layer[0][$0].reduce(0, +) }
    }
    #expect(found[0][0].tokenCount == item.ids.count - item.promptCount)
    try item.golden.expect(
      Tensor(sums, shape: [3, item.layout.count]), is: "\(name)/image_attention")
  }

  @Test(arguments: cases) func greedyTokens(name: String) throws {
    let item = try SmolVLMCase(name, SmolVLMFixture.load())
    let expected = try item.golden.integers("\(name)/greedy_new_tokens")
    let prompt = PackedExample(
      promptIDs: Array(item.ids[..<item.promptCount]), images: Array(0..<item.layout.count))
    let answers = try Generator(model: item.model, tokenizer: item.loaded.tokenizer)
      .generate(
        [prompt], imageFeatures: noGradient { item.features() }, maxNewTokens: expected.count)
    #expect(answers[0].ids == Array(expected.prefix(answers[0].ids.count)))
    #expect(answers[0].ids.count == expected.count || answers[0].end == .eos)
    let logits = try item.golden.tensor("\(name)/greedy_step_logits")
    let best = logits.max(axes: [2]) - logits.logSumExp(axes: [2])
    for (a, b) in zip(answers[0].logProbabilities, best.array(of: Float.self)) { #expect(abs(a - b) < 2e-5) }
  }

  // MARK: Several prompts at once

  /// The rows of a padded batch, without the padding and packed.
  private struct Rows {
    let loaded: PretrainedModel
    let examples: [PackedExample]
    let features: ImageFeatures
    let batch: PackedBatch

    init(_ group: String, _ golden: Golden) throws {
      loaded = try SmolVLMFixture.load()
      let names = try SmolVLMFixture.text("rows", on: group, in: golden).split(separator: ",")
      let ids = try golden.integers("\(group)/input_ids")
      let mask = try golden.integers("\(group)/attention_mask")
      let width = ids.count / names.count
      var (pixels, grids, examples): ([Tensor], [FeatureGrid], [PackedExample]) = ([], [], [])
      for (row, name) in names.enumerated() {
        let item = try SmolVLMCase(String(name), loaded)
        let cells = (row * width..<(row + 1) * width).filter { mask[$0] != 0 }
        examples.append(
          PackedExample(
            promptIDs: cells.map { ids[$0] }, images: Array(grids.count..<grids.count + item.layout.count)))
        grids += item.layout.grids
        if let own = item.pixels { pixels.append(own) }
      }
      self.examples = examples
      let (model, layout) = (loaded.model, FeatureLayout(grids))
      let views = Tensor.concatenated(pixels, axis: 0)
      features = noGradient { model.imageFeatures(views, layout: layout) }
      batch = try PackedBatch(
        examples, sharesPrefix: true, imageTokenID: SmolVLMFixture.imageID, features: layout)
    }
  }

  @Test(arguments: ["batch_right", "batch_left"]) func batches(group: String) throws {
    let golden = try SmolVLMFixture.golden("smolvlm.h5")
    let rows = try Rows(group, golden)
    try noGradient {
      let hidden = rows.loaded.model.hiddenStates(rows.batch, imageFeatures: rows.features)
      let ends = rows.batch.sequences.map {
        hidden.slice(axis: 0, $0.prompt.upperBound - 8..<$0.prompt.upperBound)
      }
      try golden.expect(
        rows.loaded.model.decoder.logits(Tensor.concatenated(ends, axis: 0)), is: "\(group)/row_end_logits")
      guard group == "batch_right" else { return }
      let width = try golden.integers("\(group)/input_ids").count / rows.examples.count
      var values = [Float](repeating: 0, count: (width - 1) * rows.examples.count)
      for (row, sequence) in rows.batch.sequences.enumerated() {
        let ids = rows.examples[row].promptIDs
        let own = targetLogProbabilities(
          hidden: hidden.slice(axis: 0, sequence.prompt.dropLast()),
          weight: rows.loaded.model.decoder.headWeight, targets: Array(ids[1...]))
        for (index, value) in own.array(of: Float.self).enumerated() {
          values[row * (width - 1) + index] = value
        }
      }
      try golden.expect(
        Tensor(values, shape: [rows.examples.count, width - 1]), is: "\(group)/token_logps")
    }
  }

  @Test func greedyTokensOfABatch() throws {
    let golden = try SmolVLMFixture.golden("smolvlm.h5")
    let rows = try Rows("batch_left", golden)
    let expected = try golden.integers("batch_left/greedy_new_tokens")
    let steps = expected.count / rows.examples.count
    let answers = try Generator(model: rows.loaded.model, tokenizer: rows.loaded.tokenizer)
      .generate(rows.examples, imageFeatures: rows.features, maxNewTokens: steps)
    for (row, answer) in answers.enumerated() {
      #expect(answer.ids == Array(expected[row * steps..<row * steps + answer.ids.count]))
      #expect(answer.ids.count == steps || answer.end == .eos)
    }
  }
}
