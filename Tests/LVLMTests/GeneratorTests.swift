import LVLM
import Tensor
import Testing

@Suite struct GeneratorTests {
  private struct Setup {
    let model: LlavaModel
    let features: ImageFeatures
    var generator: Generator
    let prompts = [
      PackedExample(promptIDs: [1, 4] + TinyModel.image() + [5], images: [2]),
      PackedExample(promptIDs: [1, 6, 7, 8, 9, 10]),
      PackedExample(promptIDs: [1] + TinyModel.image() + TinyModel.image() + [11], images: [0, 1]),
    ]

    init() throws {
      model = try TinyModel.make(seed: 3)
      // Larger embeddings make answers that differ from each other.
      for (name, parameter) in model.namedParameters() where name.hasSuffix("embed_tokens.weight") {
        parameter.tensor = parameter.tensor * 40
      }
      let own = model
      features = noGradient { own.imageFeatures(TinyModel.pixels(3)) }
      generator = try Generator(model: model, tokenizer: Golden.tokenizer())
    }

    /// The next token's scores, computed without a cache.
    func logits(_ prompt: PackedExample, _ answer: [Int32]) throws -> [Float] {
      var whole = prompt
      whole.promptIDs += answer
      let batch = try TinyModel.batch([whole])
      return noGradient {
        let hidden = model.hiddenStates(batch, imageFeatures: features)
        return model.decoder.logits(hidden.slice(axis: 0, batch.tokenCount - 1..<batch.tokenCount)).array()
      }
    }
  }

  @Test func cacheIsRecomputing() throws {
    let setup = try Setup()
    let answers = try setup.generator.generate(
      setup.prompts, imageFeatures: setup.features, maxNewTokens: 9, attentionLayer: 1)
    #expect(Set(answers.map(\.ids)).count == 3)
    for (prompt, answer) in zip(setup.prompts, answers) {
      #expect(answer.ids.count == 9 || answer.end == .eos)
      #expect((answer.ids.last == 2) == (answer.end == .eos))
      for (step, id) in answer.ids.enumerated() {
        let scores = try setup.logits(prompt, Array(answer.ids[..<step]))
        let best = scores.indices.max { scores[$0] < scores[$1] }
        #expect(best == Int(id))
        let total = Tensor(scores).logSumExp().item()
        #expect(abs(Double(scores[Int(id)]) - total - Double(answer.logProbabilities[step])) < 1e-5)
      }
      var forced = prompt
      forced.completions = [answer.end == .eos ? answer.ids : answer.ids.dropLast() + [2]]
      let attention = try setup.model.imageAttention(
        TinyModel.batch([forced]), imageFeatures: setup.features, layer: 1)
      let found = try #require(answer.attention)
      #expect(found.tokenCount == attention[0].tokenCount)
      for (a, b) in zip(found.values, attention[0].values) { #expect(abs(a - b) < 1e-6) }
    }
  }

  @Test func stopString() throws {
    var setup = try Setup()
    let whole = try setup.generator.generate(
      [setup.prompts[0]], imageFeatures: setup.features, maxNewTokens: 8)[0]
    setup.generator.stops = [try String(#require(whole.text.dropFirst(2).first))]
    let cut = try setup.generator.generate(
      [setup.prompts[0]], imageFeatures: setup.features, maxNewTokens: 8)[0]
    #expect(cut.end == .stop)
    #expect(whole.text.hasPrefix(cut.text))
    #expect(!cut.text.contains(setup.generator.stops[0]))
    #expect(cut.ids == Array(whole.ids[..<cut.ids.count]))
  }

  @Test func repetitionPenalty() throws {
    let setup = try Setup()
    let sampling = Sampling(
      temperature: 0, repetitionPenalty: 1.3, generator: RandomGenerator(seed: 0))
    let answers = try setup.generator.generate(
      setup.prompts, imageFeatures: setup.features, maxNewTokens: 8, sampling: sampling)
    for (prompt, answer) in zip(setup.prompts, answers) {
      for (step, id) in answer.ids.enumerated() {
        var scores = try setup.logits(prompt, Array(answer.ids[..<step]))
        for seen in Set(prompt.promptIDs + answer.ids[..<step]) {
          scores[Int(seen)] *= scores[Int(seen)] > 0 ? 1 / 1.3 : 1.3
        }
        #expect(scores.indices.max { scores[$0] < scores[$1] } == Int(id))
      }
    }
    let plain = try setup.generator.generate(
      setup.prompts, imageFeatures: setup.features, maxNewTokens: 8)
    #expect(plain.map(\.ids) != answers.map(\.ids))
  }

  @Test func streamedPiecesAddUp() throws {
    var setup = try Setup()
    let whole = try setup.generator.generate(
      setup.prompts, imageFeatures: setup.features, maxNewTokens: 8)
    for stops in [[], [String(try #require(whole[0].text.dropFirst(3).first)), "never said"]] {
      setup.generator.stops = stops
      var pieces = setup.prompts.map { _ in [String]() }
      let answers = try setup.generator.generate(
        setup.prompts, imageFeatures: setup.features, maxNewTokens: 8, onText: { pieces[$0].append($1) })
      #expect(pieces.map { $0.joined() } == answers.map(\.text))
      #expect(pieces.contains { $0.count > 1 })
    }
  }

  @Test func companyDoesNotMatter() throws {
    let setup = try Setup()
    var other = setup.prompts
    other.reverse()
    let together = try setup.generator.generate(
      setup.prompts, imageFeatures: setup.features, maxNewTokens: 6)
    let reversed = try setup.generator.generate(other, imageFeatures: setup.features, maxNewTokens: 6)
    #expect(together.map(\.ids) == reversed.reversed().map(\.ids))
    #expect(try setup.generator.generate([], imageFeatures: setup.features, maxNewTokens: 6).isEmpty)
  }

  /// Whatever came before an answer in its place in the cache.
  @Test(arguments: [1, 7]) func severalWaysAreEachByItself(copies: Int) throws {
    let setup = try Setup()
    let prompts = Array(repeating: setup.prompts, count: copies).flatMap(\.self)
    let ways = [
      Sampling(temperature: 1.5, generator: RandomGenerator(seed: 1)), Sampling.greedy,
      Sampling(temperature: 1, repetitionPenalty: 1.3, generator: RandomGenerator(seed: 2)), Sampling.greedy,
    ]
    var pieces = ""
    let together = try setup.generator.generate(
      prompts, imageFeatures: setup.features, maxNewTokens: 9, samplings: ways, attentionLayer: 1,
      onText: { prompt, text in if prompt == 0 { pieces += text } })
    for (found, sampling) in zip(together, ways) {
      let alone = try setup.generator.generate(
        prompts, imageFeatures: setup.features, maxNewTokens: 9, sampling: sampling, attentionLayer: 1)
      #expect(found == alone)
    }
    #expect(together[1] == together[3] && together[0] != together[1])
    #expect(pieces == together.map { $0[0].text }.joined())
    #expect(
      try setup.generator.generate(
        [], imageFeatures: setup.features, maxNewTokens: 9, samplings: ways
      ).map(\.count) == [0, 0, 0, 0])
    #expect(
      try setup.generator.generate(prompts, imageFeatures: setup.features, maxNewTokens: 9, samplings: [])
        .isEmpty)
  }

  @Test func samplingFollowsTheDistribution() throws {
    let setup = try Setup()
    let sampling = Sampling(temperature: 0.7, generator: RandomGenerator(seed: 4))
    let prompts = Array(repeating: setup.prompts[0], count: 4000)
    let answers = try setup.generator.generate(
      prompts, imageFeatures: setup.features, maxNewTokens: 1, sampling: sampling)
    let again = try setup.generator.generate(
      prompts, imageFeatures: setup.features, maxNewTokens: 1, sampling: sampling)
    #expect(answers.map(\.ids) == again.map(\.ids))
    let expected = (Tensor(try setup.logits(setup.prompts[0], [])) / 0.7).softmax(axis: 0)
    for (id, probability) in expected.array(of: Double.self).enumerated() {
      let share = Double(answers.count { $0.ids[0] == Int32(id) }) / 4000
      #expect(abs(share - probability) < 0.03)
    }
  }

  @Test func cutOffs() throws {
    let setup = try Setup()
    let prompts = Array(repeating: setup.prompts[0], count: 300)
    let scores = try setup.logits(setup.prompts[0], [])
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    func tokens(_ sampling: Sampling) throws -> Set<Int> {
      let answers = try setup.generator.generate(
        prompts, imageFeatures: setup.features, maxNewTokens: 1, sampling: sampling)
      return Set(answers.map { Int($0.ids[0]) })
    }
    let random = RandomGenerator(seed: 8)
    #expect(try tokens(Sampling(temperature: 5, topK: 2, generator: random)) == Set(order.prefix(2)))
    #expect(try tokens(Sampling(temperature: 1, topP: 1e-6, generator: random)) == [order[0]])
    #expect(try tokens(.greedy) == [order[0]])
    #expect(try tokens(Sampling(temperature: 20, generator: random)).count > 10)
  }

  @Test func promptWithoutRoom() throws {
    let setup = try Setup()
    let long = PackedExample(promptIDs: Array(repeating: 4, count: 60))
    #expect(throws: PromptError.self) {
      try setup.generator.generate([long], imageFeatures: setup.features, maxNewTokens: 5)
    }
  }
}
