import Checkpoint
import LVLM
import Tensor
import Testing

/// The tiny LLaVA against the reference implementation, for prompts with one, two and three pictures.
@Suite struct LlavaGoldenTests {
  private struct Case {
    let golden: Golden
    let model: LlavaModel
    let pixels: Tensor
    let ids: [Int32]
    let features: ImageFeatures

    init(_ images: Int) throws {
      golden = try Golden("llava.h5")
      model = try Golden.model()
      pixels = try golden.tensor("img\(images)/pixel_values")
      ids = try golden.integers("img\(images)/input_ids")
      features = noGradient { [model, pixels] in model.imageFeatures(pixels) }
    }

    /// The first `count` ids as the prompt, the rest as the answer.
    func batch(promptCount count: Int, extra: [Int32] = []) throws -> PackedBatch {
      let answer = Array(ids[count...]) + extra
      let example = PackedExample(
        promptIDs: Array(ids[..<count]), images: Array(0..<pixels.shape[0]),
        completions: answer.isEmpty ? [] : [answer])
      return try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: Int32(model.configuration.imageTokenIndex),
        features: FeatureLayout(repeating: model.configuration.viewGrid, count: pixels.shape[0]))
    }
  }

  @Test(arguments: 1...3) func visionTower(images: Int) throws {
    let item = try Case(images)
    try noGradient {
      let states = item.model.visionTower.hiddenStates(item.pixels)
      #expect(states.count == 3)
      for (index, state) in states.enumerated() {
        try item.golden.expect(state, is: "img\(images)/vision_hidden/\(index)")
      }
      try item.golden.expect(item.features.rows, is: "img\(images)/projected")
      let all = try item.golden.tensor("img\(images)/vision_selected")
      let patches = all.slice(axis: 1, 1..<all.shape[1])
      #expect(difference(item.model.visionFeatures(item.pixels), patches) < 1e-5)
    }
  }

  @Test(arguments: 1...3) func decoder(images: Int) throws {
    let item = try Case(images)
    try noGradient {
      let batch = try item.batch(promptCount: item.ids.count)
      let states = item.model.allHiddenStates(batch, imageFeatures: item.features)
      #expect(states.count == 3)
      for (index, state) in states.enumerated() {
        try item.golden.expect(state, is: "img\(images)/hidden/\(index)")
      }
      let hidden = item.model.hiddenStates(batch, imageFeatures: item.features)
      try item.golden.expect(item.model.decoder.logits(hidden), is: "img\(images)/logits")
    }
  }

  @Test(arguments: 1...3) func tokenLogProbabilities(images: Int) throws {
    let item = try Case(images)
    let last = try #require(item.ids.lastIndex(of: Int32(item.model.configuration.imageTokenIndex)))
    let batch = try item.batch(promptCount: last + 1)
    let found = noGradient { item.model.logProbabilities(batch, imageFeatures: item.features) }
    let expected = try item.golden.tensor("img\(images)/token_logps").array(of: Float.self).suffix(
      found.count)
    let allowed = Float(try item.golden.allowedError("img\(images)/token_logps"))
    for (a, b) in zip(found.array(of: Float.self), expected) { #expect(abs(a - b) <= allowed) }
  }

  @Test(arguments: 1...3) func attentionOfAnswers(images: Int) throws {
    let item = try Case(images)
    let image = Int32(item.model.configuration.imageTokenIndex)
    let start = try #require(item.ids.lastIndex(of: image)) + 2
    // One more id, so that every row behind `start` is a row of the answer.
    let batch = try item.batch(promptCount: start, extra: [2])
    let found = item.model.imageAttention(batch, imageFeatures: item.features, layer: 1)
    let expected = try item.golden.tensor("img\(images)/attn_layer1")
    let (heads, count) = (expected.shape[1], expected.shape[2])
    let all = expected.array(of: Float.self)
    let columns = item.ids.indices.filter { item.ids[$0] == image }
    #expect(found.count == 1)
    #expect(found[0].imageCount == images)
    #expect(found[0].tokenCount == count - start)
    for (index, column) in columns.enumerated() {
      var sum: Float = 0
      for head in 0..<heads { for row in start..<count { sum += all[(head * count + row) * count + column] } }
      #expect(abs(found[0].values[index] - sum / Float(heads * (count - start))) < 1e-6)
    }
  }

  /// Readings of the attention that the released code does not have, from the same golden probabilities.
  @Test(arguments: AttentionReading.Heads.allCases, AttentionReading.Queries.allCases)
  func readingsOfAttention(heads: AttentionReading.Heads, queries: AttentionReading.Queries) throws {
    let item = try Case(2)
    let image = Int32(item.model.configuration.imageTokenIndex)
    let start = try #require(item.ids.lastIndex(of: image)) + 2
    let batch = try item.batch(promptCount: start, extra: [2])
    let found = item.model.imageAttention(
      batch, imageFeatures: item.features, layers: 0..<2, reading: .init(heads: heads, queries: queries))
    let expected = try item.golden.tensor("img2/attn_layer1")
    let (headCount, count) = (expected.shape[1], expected.shape[2])
    let all = expected.array(of: Float.self)
    let rows =
      switch queries {
      case .answer: start..<count
      case .last: count - 1..<count
      case .prediction: start - 1..<count
      }
    #expect(found.count == 2 && found[1][0].tokenCount == rows.count)
    for (index, column) in item.ids.indices.filter({ item.ids[$0] == image }).enumerated() {
      let sum = rows.reduce(Float(0)) { sum, row in
        let values = (0..<headCount).map { all[($0 * count + row) * count + column] }
        return sum + (heads == .max ? values.max()! : values.reduce(0, +) / Float(headCount))
      }
      #expect(abs(found[1][0].values[index] - sum / Float(rows.count)) < 1e-6)
    }
  }

  @Test(arguments: 1...3) func greedyTokens(images: Int) throws {
    let item = try Case(images)
    let expected = try item.golden.integers("img\(images)/greedy_new_tokens")
    let prompt = PackedExample(promptIDs: item.ids, images: Array(0..<images))
    let answers = try Generator(model: item.model, tokenizer: Golden.tokenizer())
      .generate([prompt], imageFeatures: item.features, maxNewTokens: expected.count)
    #expect(answers[0].ids == expected)
    #expect(answers[0].logProbabilities == answers[0].maximumLogProbabilities)
    let logits = try item.golden.tensor("img\(images)/greedy_step_logits")
    let best = logits.max(axes: [2]) - logits.logSumExp(axes: [2])
    for (a, b) in zip(answers[0].logProbabilities, best.array(of: Float.self)) { #expect(abs(a - b) < 2e-5) }
  }

  @Test func greedyTokensOfABatch() throws {
    let golden = try Golden("llava.h5")
    let model = try Golden.model()
    let ids = try golden.integers("batch_left/input_ids")
    let mask = try golden.integers("batch_left/attention_mask")
    let counts = try golden.integers("batch_left/images_per_row")
    let pixels = try golden.tensor("batch_right/pixel_values")
    let features = noGradient { model.imageFeatures(pixels) }
    var first = 0
    let width = ids.count / counts.count
    let prompts = counts.enumerated().map { row, count in
      let cells = row * width..<(row + 1) * width
      defer { first += Int(count) }
      return PackedExample(
        promptIDs: cells.filter { mask[$0] != 0 }.map { ids[$0] },
        images: Array(first..<first + Int(count)))
    }
    let expected = try golden.integers("batch_left/greedy_new_tokens")
    let steps = expected.count / counts.count
    let answers = try Generator(model: model, tokenizer: Golden.tokenizer())
      .generate(prompts, imageFeatures: features, maxNewTokens: steps)
    for (row, answer) in answers.enumerated() {
      // Shorter rows are filled with the padding token.
      #expect(answer.ids == Array(expected[row * steps..<row * steps + answer.ids.count]))
      #expect(answer.ids.count == steps || answer.end == .eos)
    }
  }
}
