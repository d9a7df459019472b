import Tensor

/// The state of one call of
/// ``Generator/generate(_:imageFeatures:maxNewTokens:sampling:attentionLayer:onText:)``.
struct GenerationSession {
  /// An answer in the making.
  private struct Slot {
    var answer = GeneratedAnswer()
    /// First cache row of the sequence.
    var start: Int
    /// Tokens of the sequence whose keys are in the cache.
    var length: Int
    /// Offsets from `start` of the image tokens.
    var imageColumns: [Int]
    var random: RandomGenerator
    var stream = AnswerStream()
    var isDone = false
  }

  /// Collects the image attention of one layer while answers grow.
  private final class Attention {
    struct Row {
      var map: Int
      var keys: Range<Int>
      var imageColumns: [Int]
    }

    let layer: Int
    let scale: Double
    var maps: [ImageAttention]

    init(layer: Int, scale: Double, maps: [ImageAttention]) {
      self.layer = layer
      self.scale = scale
      self.maps = maps
    }

    func row(of slot: Slot, map: Int) -> Row {
      Row(map: map, keys: slot.start..<slot.start + slot.length, imageColumns: slot.imageColumns)
    }

    func record(query: Tensor, key: Tensor, rows: [Row]) {
      for (index, row) in rows.enumerated() {
        let all = 0..<row.keys.count
        let probabilities = attentionProbabilities(
          query: query.slice(axis: 0, index..<index + 1), key: key.slice(axis: 0, row.keys),
          layout: AttentionLayout(segments: [.init(queries: 0..<1, keys: [all], causal: nil)]),
          rows: [0], scale: scale)
        maps[row.map].add(probabilities, columns: row.imageColumns)
      }
    }
  }

  private let model: VisionLanguageModel
  private let tokenizer: Tokenizer
  private let stops: [String]
  private let stopIDs: Set<Int32>
  private let stopsAtEnd: Bool
  private let onText: ((Int, String) -> Void)?
  private let onLogits: ((Tensor) -> Void)?
  private let batch: PackedBatch
  private let maxNewTokens: Int
  private let sampling: Sampling
  private let attention: Attention?
  private var slots: [Slot]
  private let cache: KeyValueCache
  private let step: DecodingStep?

  init(
    generator: Generator, batch: PackedBatch, maxNewTokens: Int, sampling: Sampling, attentionLayer: Int?,
    onText: ((Int, String) -> Void)?
  ) {
    model = generator.model
    tokenizer = generator.tokenizer
    stops = generator.stops
    stopIDs = generator.stopIDs
    stopsAtEnd = generator.stopsAtEnd
    self.onText = onText
    onLogits = generator.onLogits
    self.batch = batch
    self.maxNewTokens = maxNewTokens
    self.sampling = sampling
    var capacity = 0
    var slots: [Slot] = []
    for (index, sequence) in batch.sequences.enumerated() {
      let slot = Slot(
        start: capacity, length: sequence.prompt.count,
        imageColumns: batch.imageRows[sequence.imageRows].map { Int($0) - sequence.prompt.lowerBound },
        random: sampling.generator.split(UInt64(index)))
      slots.append(slot)
      capacity += sequence.prompt.count + maxNewTokens - 1
    }
    self.slots = slots
    attention = attentionLayer.map { layer in
      Attention(
        layer: layer, scale: 1 / Double(generator.model.configuration.text.headSize).squareRoot(),
        maps: batch.sequences.map { ImageAttention(grids: batch.grids(of: $0)) })
    }
    cache = KeyValueCache(
      model.configuration.text, capacity: capacity, dtype: model.decoder.activationType)
    step = DecodingStep(
      model.decoder, cache: cache, rows: min(slots.count, DecodingStep.mostRows),
      mostKeys: (slots.map(\.length).max() ?? 0) + maxNewTokens)
  }

  mutating func run(imageFeatures: ImageFeatures) -> [GeneratedAnswer] {
    var active = Array(slots.indices)
    var hidden = readPrompts(imageFeatures: imageFeatures)
    for step in 1...maxNewTokens {
      choose(from: hidden, for: active)
      active.removeAll { slots[$0].isDone }
      if active.isEmpty || step == maxNewTokens { break }
      hidden = readTokens(of: active)
    }
    return slots.indices.map { index in
      var answer = slots[index].answer
      answer.attention = attention?.maps[index]
      answer.text = text(of: answer)
      if let onText, let rest = slots[index].stream.next(answer.text, isFinal: true, stops: stops) {
        onText(index, rest)
      }
      return answer
    }
  }

  /// The text of an answer up to the first of the stop texts in it.
  private func text(of answer: GeneratedAnswer) -> String {
    let text = tokenizer.decode(answer.ids)
    guard answer.end == .stop else { return text }
    let ends = stops.compactMap { text.firstRange(of: $0)?.lowerBound }
    return ends.min().map { String(text[..<$0]) } ?? text
  }

  /// Ids of the answer so far of one slot, and of the prompt where the family counts it.
  private func seen(_ slot: Int) -> Set<Int32> {
    guard model.configuration.penaltySeesPrompt else { return Set(slots[slot].answer.ids) }
    return Set(batch.inputIDs[batch.sequences[slot].prompt]).union(slots[slot].answer.ids)
  }

  /// Reads all prompts; returns the normed hidden state at the end of each.
  private func readPrompts(imageFeatures: ImageFeatures) -> Tensor {
    var pass = DecoderPass(batch, onlyOutputs: true)
    pass.cache = cache
    cache.isPrefilling = true
    cache.runs = zip(batch.sequences, slots).map { sequence, slot in
      .init(source: sequence.prompt.lowerBound, count: sequence.prompt.count, destination: slot.start)
    }
    return model.decoder(model.embeddings(batch, imageFeatures: imageFeatures), pass: pass)
  }

  /// Reads the last token of each active answer; returns its normed hidden state.
  private mutating func readTokens(of active: [Int]) -> Tensor {
    var rows: [DecodingStep.Row] = []
    for index in active {
      let slot = slots[index]
      slots[index].length += 1
      rows.append(.init(position: Int32(slot.length), keys: slot.start..<slot.start + slot.length + 1))
    }
    var observe: ((Int, Tensor, Tensor) -> Void)?
    if let attention {
      let observed = active.map { attention.row(of: slots[$0], map: $0) }
      observe = { layer, query, key in
        if layer == attention.layer { attention.record(query: query, key: key, rows: observed) }
      }
    }
    let embedded = model.decoder.embed(active.compactMap { slots[$0].answer.ids.last })
    if let step, rows.count <= DecodingStep.mostRows { return step(embedded, rows: rows, observe: observe) }
    cache.isPrefilling = false
    cache.runs = rows.enumerated().map { .init(source: $0, count: 1, destination: $1.keys.upperBound - 1) }
    var pass = DecoderPass(positions: rows.map(\.position), layout: AttentionLayout(segments: []))
    pass.layout.segments = rows.enumerated().map { .init(queries: $0..<$0 + 1, keys: [$1.keys], causal: nil) }
    pass.sequenceLengths = rows.map { Int32($0.keys.count) }
    pass.cache = cache
    if let observe { pass.observe = { layer, query, key, _ in observe(layer, query, key) } }
    return model.decoder(embedded, pass: pass)
  }

  /// Chooses the next token of each active answer from its hidden state.
  private mutating func choose(from hidden: Tensor, for active: [Int]) {
    let logits = model.decoder.logits(hidden)
    onLogits?(logits)
    let totals = logits.logSumExp(axes: [1]).array(of: Float.self)
    let scores = logits.array(of: Float.self)
    let count = model.configuration.text.vocabularySize
    let eos = stopsAtEnd ? Int32(model.configuration.text.eosTokenID) : -1
    for (row, index) in active.enumerated() {
      let own = scores[row * count..<(row + 1) * count]
      var random = slots[index].random
      let token = sampling.choose(
        from: own, isFirst: slots[index].answer.ids.isEmpty, seen: seen(index), using: &random)
      slots[index].random = random
      let best = sampling.isGreedy && !sampling.changesScores ? token : Sampling.best(own)
      slots[index].answer.ids.append(Int32(token))
      slots[index].answer.logProbabilities.append(own[own.startIndex + token] - totals[row])
      slots[index].answer.maximumLogProbabilities.append(own[own.startIndex + best] - totals[row])
      if Int32(token) == eos {
        slots[index].answer.end = .eos
        slots[index].isDone = true
        continue
      }
      if stopsAtEnd, stopIDs.contains(Int32(token)) {
        slots[index].answer.end = .stop
        slots[index].isDone = true
        continue
      }
      guard onText != nil || !stops.isEmpty else { continue }
      let text = tokenizer.decode(slots[index].answer.ids)
      if stops.contains(where: text.contains) {
        slots[index].answer.end = .stop
        slots[index].isDone = true
      } else if let onText, let piece = slots[index].stream.next(text, isFinal: false, stops: stops) {
        onText(index, piece)
      }
    }
  }
}
