import Foundation
import LVLM
import Tensor

/// What only passes of InternLM-XComposer2.5 have: marked rows of a text, sequences beyond the context
/// length, cached answers, and where answers looked.
struct XComposerPasses {
  let folder: FamilyFolder
  let pictures: FamilyPictures
  let arrays: GoldenArrays
  let models: ModelPair
  let loaded: PretrainedModel

  private var image: Int32 { Int32(models.single.configuration.imageTokenIndex) }

  private func packed(_ example: PackedExample, _ layout: FeatureLayout) throws -> PackedBatch {
    try PackedBatch([example], sharesPrefix: true, imageTokenID: image, features: layout)
  }

  /// Compares a group whose form is not the general one.
  ///
  /// - Returns: whether it was one.
  func compare(_ group: String, _ report: inout VerificationReport) throws -> Bool {
    let marks = arrays.names(in: group).filter { arrays.has("\(group)/\($0)/im_mask") }
    if !marks.isEmpty {
      for name in marks { try compareMarked(name, group, &report) }
      return true
    }
    guard arrays.has("\(group)/inv_freq") else { return false }
    try compareLong(group, &report)
    return true
  }

  // MARK: Marked rows

  /// Ordinary words at positions of pictures: the second path of every matrix, alone.
  private func compareMarked(_ name: String, _ group: String, _ report: inout VerificationReport) throws {
    let ids = try arrays.integers("\(group)/input_ids")
    let path = "\(group)/\(name)"
    let marks = try arrays.integers("\(path)/im_mask")
    guard marks.count == ids.count else {
      report.fail("\(arrays.name) \(path)/im_mask", "found \(marks.count) marks, expected \(ids.count)")
      return
    }
    let places = ids.indices.filter { marks[$0] != 0 }
    let layout = FeatureLayout(places.isEmpty ? [] : [FeatureGrid(rows: 1, columns: places.count)])
    let text = ids.indices.map { marks[$0] != 0 ? image : ids[$0] }
    let batch = try packed(PackedExample(promptIDs: text, images: Array(0..<layout.count)), layout)
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let embedding = "language_model.model.embed_tokens.weight"
      guard let table = model.namedParameters().first(where: { $0.name == embedding }) else { return [:] }
      let rows = table.parameter.tensor.detached().rows(at: Tensor(places.map { ids[$0] }))
      let states = model.allHiddenStates(batch, imageFeatures: ImageFeatures(rows, layout: layout))
      return stored(states, path, model).merging(
        arrays.has("\(path)/logits") ? ["logits": model.decoder.logits(states[states.count - 1])] : [:]
      ) { $1 }
    }
    try results.compare(with: arrays, under: path, in: &report)
  }

  /// The states of which expected values are stored, and the last ones.
  private func stored(
    _ states: [Tensor], _ group: String, _ model: VisionLanguageModel
  ) -> [String: Tensor] {
    var results: [String: Tensor] = [:]
    for (index, state) in states.enumerated() {
      let name = "hidden/\(index)"
      if arrays.has("\(group)/\(name)") || index == states.count - 1 { results[name] = state }
    }
    return results
  }

  // MARK: Beyond the context length

  /// A prompt, an answer with cached keys that keep their angles, and every step computed anew.
  private func compareLong(_ group: String, _ report: inout VerificationReport) throws {
    let (pixels, layout) = try pictures.stored(try pictures.shown(arrays, on: group))
    let ids = try arrays.integers("\(group)/input_ids").map { $0 == -100 ? image : $0 }
    let prompt = PackedExample(promptIDs: ids, images: Array(0..<layout.count))
    let answer = try arrays.integers("\(group)/greedy_new_tokens")
    try compareAngles(group, count: ids.count, answer: answer.count, &report)
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let features = model.imageFeatures(pixels.to(dtype), layout: layout)
      let states = model.allHiddenStates(try packed(prompt, layout), imageFeatures: features)
      var results = stored(states, group, model)
      if arrays.has("\(group)/last_logits") {
        let last = try arrays.tensor("\(group)/last_logits").shape[1]
        results["last_logits"] = model.decoder.logits(
          states[states.count - 1].slice(axis: 0, ids.count - last..<ids.count))
      }
      return results
    }
    try results.compare(with: arrays, under: group, in: &report)
    try compareAnswer("greedy", group, &report) { dtype, count in
      try cached(prompt, pixels, layout, dtype, count: count)
    }
    try compareAnswer("recomputed", group, &report) { dtype, count in
      try recomputed(prompt, pixels, layout, dtype, count: count)
    }
  }

  /// An answer of `count` tokens and the logits that chose each, `[tokens, vocabulary]`.
  private typealias Answer = (ids: [Int32], logits: Tensor)

  private func compareAnswer(
    _ name: String, _ group: String, _ report: inout VerificationReport,
    _ answer: (DType, Int) throws -> Answer
  ) throws {
    let (tokens, logits) = ("\(group)/\(name)_new_tokens", "\(group)/\(name)_step_logits")
    if arrays.has(tokens) {
      let expected = try arrays.integers(tokens)
      report.expectEqual(
        "\(arrays.name) \(tokens)", try answer(.float32, expected.count).ids, expected)
    }
    if arrays.has(logits) {
      let count = try arrays.tensor(logits).shape[1]
      try arrays.compare(
        try answer(.float32, count).logits, logits, exact: try answer(.float64, count).logits, in: &report)
    }
  }

  private func compareAngles(
    _ group: String, count: Int, answer: Int, _ report: inout VerificationReport
  ) throws {
    let text = models.single.configuration.text
    try arrays.compare(
      Tensor(text.rotaryAngles(keys: count).frequencies), "\(group)/inv_freq", in: &report)
    for (name, value) in [("length", count), ("limit", text.contextLength)] {
      guard let expected = try arrays.number(name, on: group) else { continue }
      report.expectEqual("\(arrays.name) \(group)@\(name)", [Double(value)], [expected])
    }
    // The last token of an answer is never read.
    for (name, keys) in [("base", count), ("base_after", count + answer - 1)] {
      guard let base = try arrays.number(name, on: group) else { continue }
      let expected = RotaryAngles(base: base, dim: text.headSize).frequencies
      report.add(
        GoldenArrays.comparison(
          "\(arrays.name) \(group)@\(name)", text.rotaryAngles(keys: keys).frequencies, expected,
          allowed: 1e-9))
    }
  }

  /// With keys kept from step to step, as answers are generated.
  private func cached(
    _ prompt: PackedExample, _ pixels: Tensor, _ layout: FeatureLayout, _ dtype: DType, count: Int
  ) throws -> Answer {
    let model = models[dtype]
    var steps: [Tensor] = []
    var generator = Generator(model: model, tokenizer: loaded.tokenizer)
    generator.stopsAtEnd = false
    generator.onLogits = { steps.append($0) }
    let answers = try generator.generate(
      [prompt], imageFeatures: model.imageFeatures(pixels.to(dtype), layout: layout), maxNewTokens: count)
    return (answers[0].ids, Tensor.concatenated(steps, axis: 0))
  }

  private func recomputed(
    _ prompt: PackedExample, _ pixels: Tensor, _ layout: FeatureLayout, _ dtype: DType, count: Int
  ) throws -> Answer {
    let model = models[dtype]
    let features = model.imageFeatures(pixels.to(dtype), layout: layout)
    var example = prompt
    var steps: [Tensor] = []
    for _ in 0..<count {
      let rows = example.promptIDs.count
      let hidden = model.hiddenStates(try packed(example, layout), imageFeatures: features)
      let logits = model.decoder.logits(hidden.slice(axis: 0, rows - 1..<rows))
      steps.append(logits)
      let scores = logits.array(of: Double.self)
      let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
      example.promptIDs.append(Int32(best))
    }
    return (
      Array(example.promptIDs.dropFirst(prompt.promptIDs.count)), Tensor.concatenated(steps, axis: 0)
    )
  }

  // MARK: A prompt and its answer

  /// What a prompt with an answer has besides what other families store.
  ///
  /// - Parameters:
  ///   - whole: the prompt, its answer and what ends it.
  ///   - prompt: tokens of the prompt.
  func compareCase(
    _ group: String, _ whole: PackedExample, prompt: Int, pixels: Tensor, _ layout: FeatureLayout,
    _ report: inout VerificationReport
  ) throws {
    let ids = whole.promptIDs
    if let text = try arrays.text("text", on: group), let answer = try arrays.text("answer", on: group) {
      let found = try XComposerEncoder(loaded.tokenizer).encode(
        XComposerTexts.marked(text) + answer + XComposerDialogue.end + "\n",
        features: layout.grids.map(\.count), isFinished: true)
      report.expectEqual("\(arrays.name) \(group)/input_ids", found, ids)
    }
    if arrays.has("\(group)/spans") {
      var places = ids.indices.filter { ids[$0] == image }[...]
      let spans = layout.grids.flatMap { grid -> [Int32] in
        defer { places = places.dropFirst(grid.count) }
        let own = places.prefix(grid.count)
        return [Int32(own.first ?? 0), Int32((own.last ?? -1) + 1)]
      }
      report.expectEqual("\(arrays.name) \(group)/spans", spans, try arrays.integers("\(group)/spans"))
    }
    let question = PackedExample(promptIDs: Array(ids[..<prompt]), images: whole.images)
    let logits = "\(group)/greedy_step_logits"
    if arrays.has(logits) {
      let count = try arrays.tensor(logits).shape[1]
      try arrays.compare(
        try cached(question, pixels, layout, .float32, count: count).logits, logits,
        exact: try cached(question, pixels, layout, .float64, count: count).logits, in: &report)
    }
    guard !arrays.names(in: "\(group)/mia").isEmpty else { return }
    let length = Int(try arrays.requiredNumber("answer_length", on: group))
    guard let layer = try attentionLayer(group), length > 0, prompt + length < ids.count else {
      report.fail("\(arrays.name) \(group)/mia", "nothing says which layer and tokens it is of")
      return
    }
    let results = try PrecisionPair { dtype in
      let features = models[dtype].imageFeatures(pixels.to(dtype), layout: layout)
      // Beyond the context length angles follow the whole sequence, and runs do not read on behind the end.
      let isLong = ids.count > models[dtype].configuration.text.contextLength
      let values =
        dtype == .float64 || isLong
        ? try attention(whole, prompt..<prompt + length, layer, features, models[dtype])
        : try ownAttention(whole, prompt..<prompt + length, layer, features, models[dtype])
      return shares(values, layout)
    }
    try results.compare(with: arrays, under: "\(group)/mia", in: &report)
  }

  /// The layer whose attention is stored: of this prompt, of another one, or of all as the generator's
  /// settings say.
  private func attentionLayer(_ group: String) throws -> Int? {
    func layer(_ name: String) -> Int? {
      guard let match = name.firstMatch(of: /attn_(?:rows_)?layer([0-9]+)/) else { return nil }
      return Int(match.1)
    }
    if let own = arrays.names(in: group).lazy.compactMap({ layer($0) }).first { return own }
    if let any = arrays.paths.lazy.compactMap({ layer($0) }).first { return any }
    guard folder.has("spec.json") else { return nil }
    let settings =
      try JSONSerialization.jsonObject(with: Data(contentsOf: folder.file("spec.json"))) as? [String: Any]
    return settings?["attn_layer"] as? Int
  }

  /// As runs read it: the mean over heads and over the answer's tokens, of every feature.
  private func ownAttention(
    _ whole: PackedExample, _ answer: Range<Int>, _ layer: Int, _ features: ImageFeatures,
    _ model: VisionLanguageModel
  ) throws -> [Double] {
    let ids = whole.promptIDs
    // The token that ends the answer does not ask.
    let example = PackedExample(
      promptIDs: Array(ids[..<answer.lowerBound]), images: whole.images,
      completions: [Array(ids[answer.lowerBound...answer.upperBound])])
    let found = model.imageAttention(
      try packed(example, features.layout), imageFeatures: features, layer: layer)
    return found[0].values.map(Double.init)
  }

  /// The same from all probabilities.
  private func attention(
    _ whole: PackedExample, _ answer: Range<Int>, _ layer: Int, _ features: ImageFeatures,
    _ model: VisionLanguageModel
  ) throws -> [Double] {
    let all = model.attentionProbabilities(
      try packed(whole, features.layout), imageFeatures: features, layer: layer)
    let mean = all.slice(axis: 1, answer).mean(axes: [0, 1]).array(of: Double.self)
    return whole.promptIDs.indices.filter { whole.promptIDs[$0] == image }.map { mean[$0] }
  }

  /// What each picture gets of the attention, and where in it that falls.
  private func shares(_ values: [Double], _ layout: FeatureLayout) -> [String: Tensor] {
    var rest = values[...]
    let parts = layout.grids.map { grid in
      defer { rest = rest.dropFirst(grid.count) }
      return (grid: grid, values: Array(rest.prefix(grid.count)))
    }
    func share(_ weight: (FeatureGrid, Int) -> Double) -> Tensor {
      let sums = parts.map { part in
        part.values.enumerated().reduce(0) { $0 + $1.element * weight(part.grid, $1.offset) }
      }
      let total = sums.reduce(0, +)
      return Tensor(sums.map { $0 / total })
    }
    func cell(_ grid: FeatureGrid, _ index: Int) -> Double { grid.regions[index] == nil ? 0 : 1 }
    func isWhole(_ grid: FeatureGrid, _ index: Int) -> Bool { index < grid.separator ?? 0 }
    let quadrants = parts.flatMap { grid, values in
      let own = values.enumerated().map { $0.element * cell(grid, $0.offset) }
      let total = own.reduce(0, +)
      return [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)].map { x, y in
        zip(own, grid.weights(x: x...x + 0.5, y: y...y + 0.5)).reduce(0) { $0 + $1.0 * $1.1 } / total
      }
    }
    return [
      "mean_attention": Tensor(values), "quadrants": Tensor(quadrants), "share_all": share { _, _ in 1 },
      "share_patches": share(cell), "share_mean": share { grid, _ in 1 / Double(grid.count) },
      "share_global": share { isWhole($0, $1) ? cell($0, $1) : 0 },
      "share_tiles": share { isWhole($0, $1) ? 0 : cell($0, $1) },
    ]
  }
}
