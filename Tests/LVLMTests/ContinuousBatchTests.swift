import LVLM
import Tensor
import Testing

/// Prompts that come and go give what they give alone, and a conversation what a prompt of all its turns
/// gives.
@Suite struct ContinuousBatchTests {
  private let model: LlavaModel
  private let features: ImageFeatures
  private let generator: Generator
  private let prompts = [
    PackedExample(promptIDs: [1, 4] + TinyModel.image() + [5], images: [2]),
    PackedExample(promptIDs: [1, 6, 7, 8, 9, 10]),
    PackedExample(promptIDs: [1] + TinyModel.image() + TinyModel.image() + [11], images: [0, 1]),
  ]

  init() throws {
    let model = try TinyModel.make(seed: 3)
    for (name, parameter) in model.namedParameters() where name.hasSuffix("embed_tokens.weight") {
      parameter.tensor = parameter.tensor * 40
    }
    self.model = model
    features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    generator = try Generator(model: model, tokenizer: Golden.tokenizer())
  }

  private func alone(
    _ prompt: PackedExample, _ count: Int, _ sampling: Sampling = .greedy, layer: Int? = nil
  ) throws -> GeneratedAnswer {
    try generator.generate(
      [prompt], imageFeatures: features, maxNewTokens: count, sampling: sampling, attentionLayer: layer)[0]
  }

  private func expectSame(_ found: GeneratedAnswer, _ expected: GeneratedAnswer) {
    #expect(found.ids == expected.ids)
    #expect(found.text == expected.text)
    #expect(found.end == expected.end)
    for (a, b) in zip(found.logProbabilities, expected.logProbabilities) { #expect(abs(a - b) < 2e-5) }
    #expect((found.attention == nil) == (expected.attention == nil))
    for (a, b) in zip(found.attention?.values ?? [], expected.attention?.values ?? []) {
      #expect(abs(a - b) < 1e-5)
    }
  }

  @Test func joiningAndLeaving() throws {
    let sampling = Sampling(temperature: 1.5, generator: RandomGenerator(seed: 7))
    let batch = ContinuousBatch(generator, rows: 2, tokens: 60)
    var pieces = [String](repeating: "", count: 3)
    let requests: [ContinuousBatch.Request] = [
      .init(prompts[0], maxNewTokens: 9, attentionLayer: 1, onText: { pieces[0] += $0 }),
      .init(prompts[1], maxNewTokens: 4, sampling: sampling, onText: { pieces[1] += $0 }),
      .init(prompts[2], maxNewTokens: 6, onText: { pieces[2] += $0 }),
    ]
    let expected = [
      try alone(prompts[0], 9, layer: 1), try alone(prompts[1], 4, sampling), try alone(prompts[2], 6),
    ]
    #expect(batch.fitting(requests) == 2)
    let first = try batch.add([requests[0]], imageFeatures: features)
    _ = batch.step()
    let second = try batch.add([requests[1]], imageFeatures: features)
    #expect(batch.fitting([requests[2]]) == 0)
    var ids = first + second
    var found: [Int: GeneratedAnswer] = [:]
    while batch.count > 0 || ids.count < 3 {
      if ids.count < 3, batch.fitting([requests[2]]) == 1 {
        ids += try batch.add([requests[2]], imageFeatures: features)
      }
      for id in batch.step() { found[id] = batch.finish(id) }
    }
    for (index, id) in ids.enumerated() {
      let answer = try #require(found[id])
      expectSame(answer, expected[index])
      #expect(pieces[index] == answer.text)
    }
    #expect(Set(expected.map(\.ids)).count == 3)
  }

  @Test func roomForSequences() throws {
    let batch = ContinuousBatch(generator, rows: 8, tokens: 20)
    let request = ContinuousBatch.Request(prompts[1], maxNewTokens: 4)
    // Nine rows each: the last token of an answer is never read.
    #expect(batch.fitting([request, request, request]) == 2)
    let ids = try batch.add([request, request], imageFeatures: features)
    #expect(batch.fitting([request]) == 0)
    _ = batch.finish(ids[0])
    #expect(batch.fitting([request]) == 1)
    #expect(throws: PromptError.self) {
      try batch.add([.init(prompts[1], maxNewTokens: 15)], imageFeatures: features)
    }
  }

  @Test func stoppedEarly() throws {
    let batch = ContinuousBatch(generator, rows: 1, tokens: 60)
    let whole = try alone(prompts[0], 9)
    try #require(whole.ids.count > 4)
    let id = try batch.add([.init(prompts[0], maxNewTokens: 9)], imageFeatures: features)[0]
    for _ in 0..<3 { _ = batch.step() }
    #expect(batch.tokenCount(of: id) == 4)
    #expect(batch.finish(id).ids == Array(whole.ids[..<4]))
    #expect(batch.count == 0)
  }

  @Test func conversationsGoOn() throws {
    // A first turn with a picture, a second with another one, a third of text.
    var prompt = prompts[0]
    let batch = ContinuousBatch(generator, rows: 1, tokens: 60)
    let later: [(ids: [Int32], images: [Int])] = [
      ([12, 13] + TinyModel.image() + [14], [0]), ([5, 6], []), ([12] + TinyModel.image(), [1]),
    ]
    for turn in 0...later.count {
      let id = try batch.continuing(
        .init(prompt, maxNewTokens: 5, attentionLayer: 1), imageFeatures: features)
      while batch.isUnderWay(id) { _ = batch.step() }
      let answer = batch.finishKeeping(id)
      expectSame(answer, try alone(prompt, 5, layer: 1))
      guard turn < later.count else { break }
      prompt.promptIDs += answer.ids + later[turn].ids
      prompt.images += later[turn].images
    }
    // Another conversation shares no more than its beginning.
    let id = try batch.continuing(.init(prompts[2], maxNewTokens: 5), imageFeatures: features)
    while batch.isUnderWay(id) { _ = batch.step() }
    expectSame(batch.finishKeeping(id), try alone(prompts[2], 5))
    let again = try batch.continuing(.init(prompts[2], maxNewTokens: 5), imageFeatures: features)
    while batch.isUnderWay(again) { _ = batch.step() }
    expectSame(batch.finishKeeping(again), try alone(prompts[2], 5))
  }
}
