import Tensor

/// Answers in the making: prompts are read once, then all answers grow together, token by token. Prompts can
/// join at any time, and an answer that is done leaves at once.
final class GenerationSession {
  /// How one answer is made.
  struct Settings {
    /// Tokens at most, eos included.
    var maxNewTokens: Int
    /// How they are chosen; its generator is the answer's own.
    var sampling: Sampling
    /// Texts that end the answer.
    var stops: [String]
    /// Tokens that end it besides eos: special ones, which no text shows.
    var stopIDs: Set<Int32> = []
    /// Whether eos ends it.
    var stopsAtEnd = true
    /// The layer whose image attention is kept.
    var attentionLayer: Int?
    /// Called with every piece of text that no later token can change.
    var onText: ((String) -> Void)?
  }

  /// An answer in the making.
  private struct Slot {
    var answer = GeneratedAnswer()
    var settings: Settings
    /// First cache row of the sequence.
    var start: Int
    /// Tokens of the sequence whose keys are in the cache.
    var length: Int
    /// The prompt.
    var promptIDs: [Int32]
    /// The features of its pictures.
    var grids: [FeatureGrid]
    /// Offsets from `start` of the image tokens.
    var imageColumns: [Int]
    var attention: ImageAttention?
    var stream = AnswerStream()
    var isDone = false
  }

  /// What a finished answer left in the cache: prompt and answer, as far as they were read.
  struct Kept {
    var start: Int
    var ids: [Int32]
    var grids: [FeatureGrid]
  }

  private let model: VisionLanguageModel
  private let tokenizer: Tokenizer
  /// Called with the logits that choose the next tokens.
  var onLogits: ((Tensor) -> Void)?
  private var regions: CacheRegions
  private var slots: [Int: Slot] = [:]
  private var nextID = 0
  /// Answers under way, in the order in which they began.
  private(set) var active: [Int] = []
  private let cache: KeyValueCache
  private let fastStep: DecodingStep?
  private let mostRows: Int

  /// - Parameters:
  ///   - capacity: tokens of all sequences together that the cache has room for.
  ///   - rows: answers at a time that are decoded in the fast way, at most.
  ///   - mostKeys: the longest sequence at its end.
  init(model: VisionLanguageModel, tokenizer: Tokenizer, capacity: Int, rows: Int, mostKeys: Int) {
    self.model = model
    self.tokenizer = tokenizer
    regions = CacheRegions(capacity: capacity)
    mostRows = min(rows, DecodingStep.mostRows)
    cache = KeyValueCache(
      model.configuration.text, capacity: capacity, dtype: model.decoder.activationType)
    fastStep = DecodingStep(model.decoder, cache: cache, rows: mostRows, mostKeys: mostKeys)
  }

  /// How many of the first of some sequences, of so many tokens, have room beside those under way.
  func fitting(_ counts: [Int]) -> Int {
    var regions = regions
    return counts.prefix { regions.take($0) != nil }.count
  }

  /// Reads prompts and chooses the first token of their answers.
  ///
  /// - Parameters:
  ///   - batch: prompts without answers.
  ///   - settings: one for each.
  /// - Returns: a name for each answer.
  /// - Precondition: there is room for them all.
  func add(_ batch: PackedBatch, _ settings: [Settings], imageFeatures: ImageFeatures) -> [Int] {
    let (added, hidden) = read(batch, settings, imageFeatures: imageFeatures)
    Profile.phase("prompts") { begin(added, hidden) }
    return added
  }

  /// Reads prompts of which answers can begin, several one after the other, by ``restart(_:_:after:)``.
  ///
  /// - Returns: a name for each answer, and the hidden states that choose their first tokens.
  /// - Precondition: there is room for them all.
  func read(
    _ batch: PackedBatch, _ settings: [Settings], imageFeatures: ImageFeatures
  ) -> (answers: [Int], hidden: Tensor) {
    let added = zip(batch.sequences, settings).map { sequence, settings in
      insert(
        Array(batch.inputIDs[sequence.prompt]), settings, grids: batch.grids(of: sequence),
        imageColumns: batch.imageRows[sequence.imageRows].map { Int($0) - sequence.prompt.lowerBound })
    }
    var pass = DecoderPass(batch, onlyOutputs: true)
    pass.cache = cache
    cache.isPrefilling = true
    cache.runs = zip(batch.sequences, added).map { sequence, id in
      .init(source: sequence.prompt.lowerBound, count: sequence.prompt.count, destination: slots[id]!.start)
    }
    let hidden = Profile.phase("prompts") {
      model.decoder(model.embeddings(batch, imageFeatures: imageFeatures), pass: pass)
    }
    return (added, hidden)
  }

  /// Begins answers anew where their prompts end, whose keys and values stay in the cache; what there was of
  /// them is given up.
  func restart(_ ids: [Int], _ settings: [Settings], after hidden: Tensor) {
    active.removeAll { ids.contains($0) }
    for (id, settings) in zip(ids, settings) {
      guard let slot = slots[id] else { continue }
      slots[id] = Slot(
        settings: settings, start: slot.start, length: slot.promptIDs.count, promptIDs: slot.promptIDs,
        grids: slot.grids, imageColumns: slot.imageColumns,
        attention: settings.attentionLayer.map { _ in ImageAttention(grids: slot.grids) })
    }
    begin(ids, hidden)
  }

  /// As ``add(_:_:imageFeatures:)``, for one prompt that goes on where a kept one ends: what both begin with
  /// is not read again.
  func add(
    _ batch: PackedBatch, _ settings: Settings, imageFeatures: ImageFeatures, after kept: Kept
  ) -> Int {
    let sequence = batch.sequences[0]
    let ids = Array(batch.inputIDs[sequence.prompt])
    let grids = batch.grids(of: sequence)
    let columns = batch.imageRows.map(Int.init)
    let known = common(ids, grids, kept)
    guard known > 0, regions.next(ids.count + settings.maxNewTokens - 1) == kept.start else {
      return add(batch, [settings], imageFeatures: imageFeatures)[0]
    }
    let id = insert(ids, settings, grids: grids, imageColumns: columns)
    let (start, count) = (kept.start, ids.count - known)
    var tail = Array(ids[known...])
    let rows = columns.filter { $0 >= known }.map { Int32($0 - known) }
    for row in rows { tail[Int(row)] = 0 }
    var embedded = model.decoder.embed(tail)
    if !rows.isEmpty {
      let features = imageFeatures.rows.rows(at: Tensor(Array(batch.featureRows.suffix(rows.count))))
      embedded = embedded.replacingRows(at: Tensor(rows), with: features)
    }
    cache.isPrefilling = false
    cache.runs = [.init(source: 0, count: count, destination: start + known)]
    var pass = DecoderPass(
      positions: (known..<ids.count).map(Int32.init),
      layout: AttentionLayout(
        segments: [
          .init(queries: 0..<count, keys: [start..<start + known], causal: start + known..<start + ids.count)
        ]))
    pass.sequenceLengths = Array(repeating: Int32(ids.count), count: count)
    pass.cache = cache
    if !rows.isEmpty { pass.imageRows = Tensor(rows) }
    pass.outputs = .init(
      rows: Tensor([Int32(count - 1)]), positions: [Int32(ids.count - 1)], lengths: [Int32(ids.count)],
      layout: AttentionLayout(segments: [.init(queries: 0..<1, keys: [start..<start + ids.count])]))
    if rows.last == Int32(count - 1) { pass.outputs?.imageRows = Tensor([Int32(0)]) }
    Profile.phase("prompts") { begin([id], model.decoder(embedded, pass: pass)) }
    return id
  }

  /// Tokens that a prompt begins with as the kept one does, at least one of its own left out; none of a
  /// picture where the pictures are not cut alike.
  private func common(_ ids: [Int32], _ grids: [FeatureGrid], _ kept: Kept) -> Int {
    // Of a stretched context the keys depend on how long the sequence is.
    guard !model.configuration.text.stretchesContext else { return 0 }
    var count = zip(ids, kept.ids).prefix { $0 == $1 }.count
    if grids.prefix(kept.grids.count) != kept.grids[...] {
      let image = Int32(model.configuration.imageTokenIndex)
      count = min(count, ids.firstIndex(of: image) ?? ids.count)
    }
    return min(count, ids.count - 1)
  }

  private func insert(
    _ ids: [Int32], _ settings: Settings, grids: [FeatureGrid], imageColumns: [Int]
  ) -> Int {
    let start = regions.take(ids.count + settings.maxNewTokens - 1)
    tensorRequire(start != nil, "GenerationSession", "no room for \(ids.count) tokens and an answer")
    defer { nextID += 1 }
    slots[nextID] = Slot(
      settings: settings, start: start ?? 0, length: ids.count, promptIDs: ids, grids: grids,
      imageColumns: imageColumns,
      attention: settings.attentionLayer.map { _ in ImageAttention(grids: grids) })
    return nextID
  }

  private func begin(_ added: [Int], _ hidden: Tensor) {
    choose(from: hidden, for: added)
    active += added.filter { !slots[$0]!.isDone }
  }

  /// Gives every answer under way its next token.
  func step() {
    guard !active.isEmpty else { return }
    Profile.phase("next tokens") { choose(from: readTokens(), for: active) }
    active.removeAll { slots[$0]!.isDone }
  }

  /// An answer, and its room for others.
  /// - Parameter keeps: told what the cache has of it, until something else is put there.
  func finish(_ id: Int, keeps: ((Kept) -> Void)? = nil) -> GeneratedAnswer {
    guard let slot = slots.removeValue(forKey: id) else { return GeneratedAnswer() }
    active.removeAll { $0 == id }
    regions.release(slot.start)
    keeps?(
      Kept(
        start: slot.start,
        ids: Array((slot.promptIDs + slot.answer.ids).prefix(slot.length)), grids: slot.grids))
    return complete(slot)
  }

  /// An answer as it is, which keeps its room.
  func answer(_ id: Int) -> GeneratedAnswer { slots[id].map(complete) ?? GeneratedAnswer() }

  private func complete(_ slot: Slot) -> GeneratedAnswer {
    var slot = slot
    slot.answer.attention = slot.attention
    slot.answer.text = text(of: slot)
    if let onText = slot.settings.onText,
      let rest = slot.stream.next(slot.answer.text, isFinal: true, stops: slot.settings.stops)
    {
      onText(rest)
    }
    return slot.answer
  }

  /// Tokens of an answer so far.
  func tokenCount(of id: Int) -> Int { slots[id]?.answer.ids.count ?? 0 }

  /// The text of an answer up to the first of the stop texts in it.
  private func text(of slot: Slot) -> String {
    let text = tokenizer.decode(slot.answer.ids)
    guard slot.answer.end == .stop else { return text }
    let ends = slot.settings.stops.compactMap { text.firstRange(of: $0)?.lowerBound }
    return ends.min().map { String(text[..<$0]) } ?? text
  }

  /// Ids of the answer so far, and of the prompt where the family counts it.
  private func seen(_ slot: Slot) -> Set<Int32> {
    guard model.configuration.penaltySeesPrompt else { return Set(slot.answer.ids) }
    return Set(slot.promptIDs).union(slot.answer.ids)
  }

  /// Reads the last token of each active answer; returns its normed hidden state.
  private func readTokens() -> Tensor {
    var rows: [DecodingStep.Row] = []
    var newest: [Int32] = []
    for id in active {
      let slot = slots[id]!
      slots[id]!.length += 1
      rows.append(.init(position: Int32(slot.length), keys: slot.start..<slot.start + slot.length + 1))
      newest.append(slot.answer.ids[slot.answer.ids.count - 1])
    }
    let observe = observer(rows)
    let embedded = model.decoder.embed(newest)
    if let fastStep, rows.count <= mostRows { return fastStep(embedded, rows: rows, observe: observe) }
    cache.isPrefilling = false
    cache.runs = rows.enumerated().map { .init(source: $0, count: 1, destination: $1.keys.upperBound - 1) }
    var pass = DecoderPass(positions: rows.map(\.position), layout: AttentionLayout(segments: []))
    pass.layout.segments = rows.enumerated().map { .init(queries: $0..<$0 + 1, keys: [$1.keys], causal: nil) }
    pass.sequenceLengths = rows.map { Int32($0.keys.count) }
    pass.cache = cache
    if let observe { pass.observe = { layer, query, key, _ in observe(layer, query, key) } }
    return model.decoder(embedded, pass: pass)
  }

  /// Takes the image attention of the newest tokens, of answers that are asked for it.
  private func observer(_ rows: [DecodingStep.Row]) -> ((Int, Tensor, Tensor) -> Void)? {
    let asked = active.enumerated().filter { slots[$1]!.attention != nil }
    guard !asked.isEmpty else { return nil }
    let scale = 1 / Double(model.configuration.text.headSize).squareRoot()
    return { [unowned self] layer, query, key in
      for (row, id) in asked where slots[id]?.settings.attentionLayer == layer {
        let probabilities = attentionProbabilities(
          query: query.slice(axis: 0, row..<row + 1), key: key.slice(axis: 0, rows[row].keys),
          layout: AttentionLayout(
            segments: [.init(queries: 0..<1, keys: [0..<rows[row].keys.count], causal: nil)]),
          rows: [0], scale: scale)
        let columns = slots[id]!.imageColumns
        slots[id]!.attention?.add(probabilities, columns: columns)
      }
    }
  }

  /// Chooses the next token of each of some answers from its hidden state.
  private func choose(from hidden: Tensor, for chosen: [Int]) {
    let logits = model.decoder.logits(hidden)
    onLogits?(logits)
    let totals = logits.logSumExp(axes: [1]).array(of: Float.self)
    let scores = logits.array(of: Float.self)
    let count = model.configuration.text.vocabularySize
    for (row, id) in chosen.enumerated() {
      choose(from: scores[row * count..<(row + 1) * count], total: totals[row], for: id)
    }
  }

  private func choose(from own: ArraySlice<Float>, total: Float, for id: Int) {
    // Taken out, so that what grows is not copied.
    guard var slot = slots.removeValue(forKey: id) else { return }
    defer { slots[id] = slot }
    let sampling = slot.settings.sampling
    var random = sampling.generator
    let token = sampling.choose(
      from: own, isFirst: slot.answer.ids.isEmpty, seen: seen(slot), using: &random)
    slot.settings.sampling.generator = random
    let best = sampling.isGreedy && !sampling.changesScores ? token : Sampling.best(own)
    slot.answer.ids.append(Int32(token))
    slot.answer.logProbabilities.append(own[own.startIndex + token] - total)
    slot.answer.maximumLogProbabilities.append(own[own.startIndex + best] - total)
    if slot.settings.stopsAtEnd, token == model.configuration.text.eosTokenID {
      slot.answer.end = .eos
      slot.isDone = true
      return
    }
    if slot.settings.stopsAtEnd, slot.settings.stopIDs.contains(Int32(token)) {
      slot.answer.end = .stop
      slot.isDone = true
      return
    }
    if slot.answer.ids.count >= slot.settings.maxNewTokens { slot.isDone = true }
    let (stops, onText) = (slot.settings.stops, slot.settings.onText)
    guard onText != nil || !stops.isEmpty else { return }
    let text = tokenizer.decode(slot.answer.ids)
    if stops.contains(where: text.contains) {
      slot.answer.end = .stop
      slot.isDone = true
    } else if let onText, let piece = slot.stream.next(text, isFinal: false, stops: stops) {
      onText(piece)
    }
  }
}
