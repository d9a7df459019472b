import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A tiny InternLM-XComposer2.5, its pictures, and the reference's numbers.
struct XComposerGolden {
  static let modelDirectory = Fixtures.url("xcomposer/model")

  let golden: Golden
  let model: VisionLanguageModel
  private let processor = XComposerProcessor(XComposerPictureTests.configuration)

  init(_ name: String) throws {
    golden = try Golden(at: Fixtures.url("xcomposer/\(name)"))
    model = try VisionLanguageModel.load(from: Self.modelDirectory)
  }

  func text(_ name: String, on path: String) throws -> String {
    guard case .string(let text)? = try golden.file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: golden.file.url.path, at: path, found: "no text \(name)")
    }
    return text
  }

  func integer(_ name: String, on path: String) throws -> Int {
    guard case .integer(let number)? = try golden.file.attribute(name, on: path) else {
      throw CheckpointError(.missing, file: golden.file.url.path, at: path, found: "no number \(name)")
    }
    return Int(number)
  }

  /// Views and grids of pictures by the names of their files, each as one of several in a prompt.
  func pictures(_ names: String) throws -> (pixels: Tensor, layout: FeatureLayout) {
    let pictures = try names.split(separator: ",").map { try XComposerPictureTests.picture(String($0)) }
    let grids = pictures.map {
      processor.geometry.grid(width: $0.width, height: $0.height, isAlone: false)
    }
    let pixels = pictures.map { processor.pixels($0, isAlone: false) }
    return (Tensor.concatenated(pixels, axis: 0), FeatureLayout(grids))
  }

  func features(_ names: String) throws -> ImageFeatures {
    let (pixels, layout) = try pictures(names)
    return noGradient { model.imageFeatures(pixels, layout: layout) }
  }

  func batch(_ ids: [Int32], prompt count: Int, _ features: ImageFeatures) throws -> PackedBatch {
    let answer = Array(ids[count...])
    return try PackedBatch(
      [
        PackedExample(
          promptIDs: Array(ids[..<count]), images: Array(0..<features.layout.count),
          completions: answer.isEmpty ? [] : [answer])
      ], sharesPrefix: true, imageTokenID: -100, features: features.layout)
  }
}

@Suite struct XComposerGoldenTests {
  @Test(arguments: 1...4) func statesAndLikelihoods(images: Int) throws {
    let item = try XComposerGolden("xc.h5")
    let (golden, group) = (item.golden, "img\(images)")
    let features = try item.features(item.text("images", on: group))
    let ids = try golden.integers("\(group)/input_ids")
    let prompt = try item.integer("prompt_length", on: group)
    try noGradient {
      let whole = try item.batch(ids, prompt: ids.count, features)
      let states = item.model.allHiddenStates(whole, imageFeatures: features)
      for (index, state) in states.enumerated() {
        let path = "\(group)/hidden/\(index)"
        if try golden.file.exists(path) { try golden.expect(state, is: path) }
      }
      let logits = item.model.decoder.logits(states[3])
      if try golden.file.exists("\(group)/logits") { try golden.expect(logits, is: "\(group)/logits") }
      if try golden.file.exists("\(group)/tail_logits") {
        try golden.expect(logits.slice(axis: 0, prompt - 1..<ids.count), is: "\(group)/tail_logits")
      }
      let batch = try item.batch(ids, prompt: prompt, features)
      let found = item.model.logProbabilities(batch, imageFeatures: features).array(of: Float.self)
      let expected = try golden.tensor("\(group)/token_logps").array(of: Float.self).suffix(found.count)
      let allowed = Float(try golden.allowedError("\(group)/token_logps"))
      for (a, b) in zip(found, expected) { #expect(abs(a - b) <= allowed) }
    }
  }

  /// The prompt in the family's template, with its pictures in their places.
  @Test(arguments: 1...4) func prompts(images: Int) throws {
    let item = try XComposerGolden("xc.h5")
    let group = "img\(images)"
    let files = try item.text("images", on: group)
    let loaded = try PretrainedModel.load(from: XComposerGolden.modelDirectory)
    #expect(loaded.template == .xComposer)
    let text = try item.text("text", on: group).replacing("<ImageHere>", with: Tokenizer.imageMark)
    let template = loaded.template
    let question = text.dropFirst(template.beforeQuestion.count).dropLast(template.afterQuestion.count)
    #expect(template.prompt(String(question)) == text)
    let grids = try item.pictures(files).layout.grids
    let example = try loaded.encoder.example(
      question: String(question), images: Array(0..<images), grids: grids,
      answers: [item.text("answer", on: group)])
    #expect(try example.promptIDs + example.completions[0] == item.golden.integers("\(group)/input_ids"))
    #expect(try example.promptIDs.count == item.integer("prompt_length", on: group))
    #expect(try loaded.encoder.encode(text, grids: grids) == example.promptIDs)
    let spans = try item.golden.integers("\(group)/spans")
    for (index, grid) in grids.enumerated() {
      #expect(Int(spans[2 * index + 1] - spans[2 * index]) == grid.count)
    }
  }

  @Test(arguments: 1...4) func attentionOfAnswers(images: Int) throws {
    let item = try XComposerGolden("xc.h5")
    let (golden, group) = (item.golden, "img\(images)")
    let features = try item.features(item.text("images", on: group))
    let ids = try golden.integers("\(group)/input_ids")
    let prompt = try item.integer("prompt_length", on: group)
    let length = try item.integer("answer_length", on: group)
    // The token that ends the answer does not ask.
    let batch = try item.batch(Array(ids[...(prompt + length)]), prompt: prompt, features)
    let found = item.model.imageAttention(batch, imageFeatures: features, layer: 1)[0]
    #expect(found.tokenCount == length && found.imageCount == images)
    try golden.expect(Tensor(found.values), is: "\(group)/mia/mean_attention")
    func shares(_ weights: (FeatureGrid) -> [Double]) -> Tensor {
      let sums = (0..<images).map { image in
        zip(found[image], weights(found.grids[image])).reduce(0) { $0 + Double($1.0) * $1.1 }
      }
      let total = sums.reduce(0, +)
      return Tensor(sums.map { Float($0 / total) })
    }
    func cells(_ grid: FeatureGrid) -> [Double] { grid.regions.map { $0 == nil ? 0 : 1 } }
    // The whole view is in front: two rows of two cells, their ends, and the separator.
    func isWhole(_ index: Int) -> Double { index < 7 ? 1 : 0 }
    try golden.expect(shares { $0.regions.map { _ in 1 } }, is: "\(group)/mia/share_all")
    try golden.expect(shares(cells), is: "\(group)/mia/share_patches")
    try golden.expect(
      shares { cells($0).enumerated().map { isWhole($0) * $1 } }, is: "\(group)/mia/share_global")
    try golden.expect(
      shares { cells($0).enumerated().map { (1 - isWhole($0)) * $1 } }, is: "\(group)/mia/share_tiles")
    try golden.expect(
      shares { grid in grid.regions.map { _ in 1 / Double(grid.count) } }, is: "\(group)/mia/share_mean")
    var quarters: [Float] = []
    for image in 0..<images {
      let values = zip(found[image], cells(found.grids[image])).map { Double($0) * $1 }
      for (x, y) in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)] {
        let weights: [Double] = found.grids[image].weights(x: x...x + 0.5, y: y...y + 0.5)
        quarters.append(Float(zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 } / values.reduce(0, +)))
      }
    }
    try golden.expect(Tensor(quarters), is: "\(group)/mia/quadrants")
    guard try golden.file.exists("\(group)/attn_layer1") else { return }
    let all = try item.batch(ids, prompt: ids.count, features)
    try golden.expect(
      item.model.attentionProbabilities(all, imageFeatures: features, layer: 1), is: "\(group)/attn_layer1")
  }

  private static func answer(
    _ item: XComposerGolden, _ ids: [Int32], _ features: ImageFeatures, count: Int,
    sampling: Sampling = .greedy
  ) throws -> GeneratedAnswer {
    let tokenizer = try TokenizerFiles(of: XComposerGolden.modelDirectory).tokenizer
    let prompt = PackedExample(promptIDs: ids, images: Array(0..<features.layout.count))
    return try Generator(model: item.model, tokenizer: tokenizer).generate(
      [prompt], imageFeatures: features, maxNewTokens: count, sampling: sampling)[0]
  }

  @Test(arguments: 1...4) func answers(images: Int) throws {
    let item = try XComposerGolden("xc.h5")
    let group = "img\(images)"
    let features = try item.features(item.text("images", on: group))
    let ids = try item.golden.integers("\(group)/input_ids")
    let expected = try item.golden.integers("\(group)/greedy_new_tokens")
    let found = try Self.answer(
      item, Array(ids[..<item.integer("prompt_length", on: group)]), features, count: expected.count)
    #expect(found.ids == Array(expected.prefix(found.ids.count)) && found.ids.count > 3)
    let logits = try item.golden.tensor("\(group)/greedy_step_logits")
    let best = (logits.max(axes: [2]) - logits.logSumExp(axes: [2])).array(of: Float.self)
    for (a, b) in zip(found.logProbabilities, best) { #expect(abs(a - b) < 2e-5) }
  }

  /// The penalty sees what was generated, not the prompt.
  @Test func penalisedAnswer() throws {
    let item = try XComposerGolden("xc.h5")
    let features = try item.features(item.text("images", on: "penalised/input_ids"))
    var sampling = Sampling.greedy
    sampling.repetitionPenalty = try item.golden.real("repetition_penalty", on: "penalised/input_ids")
    let expected = try item.golden.integers("penalised/greedy_new_tokens")
    let found = try Self.answer(
      item, item.golden.integers("penalised/input_ids"), features, count: expected.count, sampling: sampling)
    #expect(found.ids == Array(expected.prefix(found.ids.count)) && found.ids.count > 3)
  }

  /// Ordinary words at positions of pictures: the second path of every matrix, alone.
  @Test(arguments: ["none", "all", "some"]) func markedRows(name: String) throws {
    let item = try XComposerGolden("xc.h5")
    let ids = try item.golden.integers("mask/input_ids")
    let marked = try item.golden.file.read("mask/\(name)/im_mask").bytes
    let embedding = try #require(
      item.model.namedParameters().first { $0.name == "language_model.model.embed_tokens.weight" })
    let places = ids.indices.filter { marked[$0] != 0 }
    let rows = embedding.parameter.tensor.detached().rows(at: Tensor(places.map { ids[$0] }))
    let grids = places.isEmpty ? [] : [FeatureGrid(rows: 1, columns: places.count)]
    let features = ImageFeatures(rows, layout: FeatureLayout(grids))
    let text = ids.indices.map { marked[$0] != 0 ? -100 : ids[$0] }
    let batch = try item.batch(text, prompt: text.count, features)
    try noGradient {
      let states = item.model.allHiddenStates(batch, imageFeatures: features)
      for (index, state) in states.enumerated() {
        let path = "mask/\(name)/hidden/\(index)"
        if try item.golden.file.exists(path) { try item.golden.expect(state, is: path) }
      }
      let logits = item.model.decoder.logits(states[3])
      if try item.golden.file.exists("mask/\(name)/logits") {
        try item.golden.expect(logits, is: "mask/\(name)/logits")
      }
      // Where only the end of the prompt is computed in the last block, it may be a picture's.
      let answered = try item.batch(text + [7], prompt: text.count, features)
      let end = logits.slice(axis: 0, text.count - 1..<text.count)
      let expected = end.slice(axis: 1, 7..<8).reshaped([1]) - end.logSumExp(axes: [1])
      #expect(difference(item.model.logProbabilities(answered, imageFeatures: features), expected) < 1e-5)
    }
  }

  /// Beyond the context length, where the angles depend on the length: a prompt, an answer with cached keys
  /// that keep theirs, and every step computed anew.
  @Test(arguments: ["ntk_beyond", "ntk_crossing"]) func longSequences(group: String) throws {
    let item = try XComposerGolden("xc.h5")
    let golden = item.golden
    let features = try item.features(item.text("images", on: group))
    let ids = try golden.integers("\(group)/input_ids")
    #expect(try ids.count == item.integer("length", on: group))
    let angles = item.model.configuration.text.rotaryAngles(keys: ids.count)
    try golden.expect(Tensor(angles.frequencies.map { Float($0) }), is: "\(group)/inv_freq")
    let expected = try golden.integers("\(group)/greedy_new_tokens")
    let logits = try golden.tensor("\(group)/greedy_step_logits")
    let best = (logits.max(axes: [2]) - logits.logSumExp(axes: [2])).array(of: Float.self)
    let found = try Self.answer(item, ids, features, count: expected.count)
    #expect(found.ids == Array(expected.prefix(found.ids.count)) && found.ids.count > 3)
    for (a, b) in zip(found.logProbabilities, best) { #expect(abs(a - b) < 2e-5) }
    try noGradient {
      let batch = try item.batch(ids, prompt: ids.count, features)
      let states = item.model.allHiddenStates(batch, imageFeatures: features)
      let end = states[3].slice(axis: 0, ids.count - 8..<ids.count)
      try golden.expect(item.model.decoder.logits(end), is: "\(group)/last_logits")
      let recomputed = try golden.integers("\(group)/recomputed_new_tokens")
      let steps = try golden.tensor("\(group)/recomputed_step_logits")
      let allowed = try golden.allowedError("\(group)/recomputed_step_logits")
      for step in 0..<recomputed.count {
        let longer = ids + recomputed.prefix(step)
        let batch = try item.batch(longer, prompt: longer.count, features)
        let hidden = item.model.hiddenStates(batch, imageFeatures: features)
        let own = item.model.decoder.logits(hidden.slice(axis: 0, longer.count - 1..<longer.count))
        #expect(difference(own, steps.slice(axis: 1, step..<step + 1).reshaped(own.shape)) <= allowed)
      }
    }
  }
}
