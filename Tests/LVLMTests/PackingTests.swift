import LVLM
import Tensor
import Testing

@Suite struct PackingTests {
  @Test func rowsOfASharedPrompt() throws {
    let batch = try TinyModel.batch([TinyModel.examples[0]])
    #expect(batch.inputIDs == [1, 4, 19, 19, 19, 19, 5, 6, 7, 8, 9])
    #expect(batch.positions == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8])
    #expect(batch.imageRows == [2, 3, 4, 5])
    #expect(batch.featureRows == [4, 5, 6, 7])
    #expect(batch.targets == [7, 8, 2, 9, 2])
    #expect(batch.predictionRows == [7, 8, 9, 7, 10])
    #expect(batch.completionOfTarget == [0, 0, 0, 1, 1])
    #expect(batch.completionCount == 2)
    #expect(batch.outputRows == [7, 8, 9, 10])
    #expect(batch.predictionOutputs == [0, 1, 2, 0, 3])
    #expect(
      batch.layout.segments == [
        .init(queries: 0..<8, keys: [], causal: 0..<8), .init(queries: 8..<10, keys: [0..<8], causal: 8..<10),
        .init(queries: 10..<11, keys: [0..<8], causal: 10..<11),
      ])
    #expect(batch.layout.problem(queryCount: 11, keyCount: 11) == nil)
    #expect(batch.outputLayout.problem(queryCount: 4, keyCount: 11) == nil)
  }

  @Test func rowsOfSeparatePrompts() throws {
    let example = TinyModel.examples[0]
    let batch = try TinyModel.batch([example], sharesPrefix: false)
    #expect(batch.tokenCount == example.tokenCount(sharesPrefix: false))
    #expect(batch.tokenCount == 19)
    #expect(try TinyModel.batch([example]).tokenCount == example.tokenCount(sharesPrefix: true))
    #expect(batch.imageRows == [2, 3, 4, 5, 12, 13, 14, 15])
    #expect(batch.featureRows == [4, 5, 6, 7, 4, 5, 6, 7])
    #expect(batch.predictionRows == [7, 8, 9, 17, 18])
    #expect(batch.sequences.map(\.completion) == [0, 1])
  }

  @Test func sharedPromptChangesNothing() throws {
    let model = try TinyModel.make(dtype: .float64)
    let weights = Tensor((0..<12).map { 0.3 * Double($0) - 1 })
    func pass(_ sharesPrefix: Bool) throws -> (Tensor, Gradients) {
      let batch = try TinyModel.batch(TinyModel.examples, sharesPrefix: sharesPrefix)
      let features = model.imageFeatures(TinyModel.pixels(3, dtype: .float64))
      let found = model.logProbabilities(batch, imageFeatures: features)
      return (found.detached(), (found * weights).sum().backward())
    }
    let (shared, sharedGradients) = try pass(true)
    let (separate, separateGradients) = try pass(false)
    #expect(difference(shared, separate) < 1e-12)
    for (name, parameter) in model.namedParameters() {
      let (a, b) = (sharedGradients[parameter], separateGradients[parameter])
      #expect((a == nil) == (b == nil), "\(name)")
      if let a, let b { #expect(difference(a, b) < 1e-12, "\(name)") }
    }
  }

  @Test func packedIsOneByOne() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    func values(_ examples: [PackedExample]) throws -> [Float] {
      let batch = try TinyModel.batch(examples)
      return noGradient { model.logProbabilities(batch, imageFeatures: features) }.array()
    }
    let together = try values(TinyModel.examples)
    let alone = try TinyModel.examples.flatMap { example in
      try example.completions.flatMap { completion in
        var single = example
        single.completions = [completion]
        return try values([single])
      }
    }
    #expect(together.count == alone.count)
    for (a, b) in zip(together, alone) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func onlyOutputRowsIsAllRows() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(TinyModel.examples)
    noGradient {
      let hidden = model.hiddenStates(batch, imageFeatures: features)
      let logits = model.decoder.logits(hidden.rows(at: Tensor(batch.predictionRows)))
      let all = (logits - logits.logSumExp(axes: [1], keepDims: true)).array(of: Float.self)
      let few = model.logProbabilities(batch, imageFeatures: features).array(of: Float.self)
      for (index, target) in batch.targets.enumerated() {
        #expect(abs(all[index * 20 + Int(target)] - few[index]) < 1e-5)
      }
    }
  }

  @Test func malformedExamples() {
    let missing = PackedExample(promptIDs: [1, 19, 19, 5], images: [0], completions: [[2]])
    #expect(throws: PackingError.imageTokens(example: 0, found: 2, features: [4])) {
      try TinyModel.batch([missing])
    }
    #expect(throws: PackingError.empty(example: 1, completion: 1)) {
      try TinyModel.batch([
        TinyModel.examples[0], PackedExample(promptIDs: [1], completions: [[2], []]),
      ])
    }
    #expect(throws: PackingError.empty(example: 0, completion: nil)) {
      try TinyModel.batch([PackedExample(promptIDs: [])])
    }
    let error = PackingError.imageTokens(example: 3, found: 2, features: [4])
    #expect("\(error)" == "example 3: found 2 image tokens, expected 4 (1 images of 4 features)")
    #expect(
      "\(PackingError.imageTokens(example: 0, found: 2, features: [4, 9]))"
        == "example 0: found 2 image tokens, expected 13 (images of 4, 9 features)")
    #expect(throws: PackingError.noSuchImage(example: 0, image: 3, count: 3)) {
      try TinyModel.batch([PackedExample(promptIDs: [1, 19, 19, 19, 19], images: [3])])
    }
  }

  @Test func captureOfOneLayer() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    for layer in 0..<3 {
      let shared = try model.imageAttention(
        TinyModel.batch(TinyModel.examples), imageFeatures: features, layer: layer)
      let batch = try TinyModel.batch(TinyModel.examples, sharesPrefix: false)
      let capture = AttentionCapture(layer: layer)
      _ = noGradient { model.hiddenStates(batch, imageFeatures: features, capture: capture) }
      #expect(shared.map(\.tokenCount) == [2, 1, 0, 3, 1])
      #expect(shared.map(\.imageCount) == [1, 1, 2, 2, 2])
      for (a, b) in zip(shared, capture.attention) {
        for (x, y) in zip(a.values, b.values) { #expect(abs(x - y) < 1e-6) }
        #expect(a.values.reduce(0, +) < 1)
        #expect((a.tokenCount == 0) == (a.values.allSatisfy { $0 == 0 }))
      }
    }
  }
}
