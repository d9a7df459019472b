import LVLM
import Tensor

/// What the worker's thread does in turns: lets requests in, gives every answer a token, tells what is done.
final class AnswerLoop {
  private struct Waiting {
    var job: AnswerJob
    /// The prompt, once it was looked at.
    var prepared: Prepared?
  }

  private struct Prepared {
    var request: ContinuousBatch.Request
    var pictures: [RGBImage]
  }

  private struct UnderWay {
    var job: AnswerJob
    var promptTokens: Int
    var layer: Int?
    var pictures: [RGBImage]
  }

  private let models: [ServedModel]
  private let limits: ServerLimits
  private let batches: [ContinuousBatch]
  private var waiting: [[Waiting]]
  private var underWay: [[Int: UnderWay]]

  init(_ models: [ServedModel], limits: ServerLimits) {
    self.models = models
    self.limits = limits
    batches = models.map { model in
      let loaded = model.loaded
      return ContinuousBatch(
        Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop),
        rows: limits.batch, tokens: max(limits.cacheTokens, 2))
    }
    waiting = models.map { _ in [] }
    underWay = models.map { _ in [:] }
  }

  var isIdle: Bool { waiting.allSatisfy(\.isEmpty) && underWay.allSatisfy(\.isEmpty) }

  func receive(_ jobs: [AnswerJob]) {
    for job in jobs { waiting[job.model].append(Waiting(job: job)) }
  }

  /// One token for every answer under way, after those that there is room for were let in.
  func turn() {
    for model in models.indices {
      dropLate(model)
      letIn(model)
      for id in batches[model].step() { finish(id, model) }
    }
  }

  /// The end of the thread.
  func abandon() {
    let error = APIError(503, "the server is going down", code: "shutting_down")
    let jobs = waiting.joined().map(\.job) + underWay.flatMap(\.values).map(\.job)
    for job in jobs { job.tell(.failed(error)) }
  }

  private func tooLate() -> APIError {
    APIError(
      503, "the answer took longer than \(limits.requestSeconds) seconds", code: "timeout", retryAfter: 30)
  }

  /// Why a request is not worked on any more.
  private func end(of job: AnswerJob) -> APIError? {
    if job.isAbandoned.isSet { return APIError(499, "the client has gone") }
    return ContinuousClock.now > job.deadline ? tooLate() : nil
  }

  private func dropLate(_ model: Int) {
    waiting[model].removeAll { waiting in
      guard let error = end(of: waiting.job) else { return false }
      waiting.job.tell(.failed(error))
      return true
    }
    for (id, one) in underWay[model] {
      guard let error = end(of: one.job) else { continue }
      underWay[model][id] = nil
      _ = batches[model].finish(id)
      one.job.tell(.failed(error))
    }
  }

  // MARK: In

  private func letIn(_ model: Int) {
    let batch = batches[model]
    var place = 0
    while place < waiting[model].count, place < limits.batch - batch.count {
      if end(of: waiting[model][place].job) != nil || waiting[model][place].prepared != nil {
        place += 1
        continue
      }
      do throws(APIError) {
        waiting[model][place].prepared = try prepare(waiting[model][place].job, model)
        place += 1
      } catch {
        waiting[model].remove(at: place).job.tell(.failed(error))
      }
    }
    let ready = waiting[model].prefix(place).prefix { $0.prepared != nil }.compactMap(\.prepared)
    let count = batch.fitting(ready.map(\.request))
    guard count > 0 else { return }
    let chosen = waiting[model].prefix(count).map(\.job)
    waiting[model].removeFirst(count)
    begin(chosen, Array(ready.prefix(count)), model)
  }

  private func begin(_ jobs: [AnswerJob], _ prepared: [Prepared], _ model: Int) {
    var pictures: [RGBImage] = []
    var isAlone: [Bool] = []
    var requests: [ContinuousBatch.Request] = []
    for one in prepared {
      var request = one.request
      let first = pictures.count
      pictures += one.pictures
      isAlone += one.pictures.map { _ in one.pictures.count == 1 }
      request.prompt.images = Array(first..<pictures.count)
      requests.append(request)
    }
    do {
      let features = try models[model].loaded.imageFeatures(pictures, isAlone: isAlone)
      let ids = try batches[model].add(requests, imageFeatures: features)
      for (index, id) in ids.enumerated() {
        underWay[model][id] = UnderWay(
          job: jobs[index], promptTokens: requests[index].prompt.promptIDs.count,
          layer: requests[index].attentionLayer,
          pictures: requests[index].attentionLayer == nil ? [] : prepared[index].pictures)
        if !batches[model].isUnderWay(id) { finish(id, model) }
      }
    } catch {
      for job in jobs { job.tell(.failed(APIError(400, "\(error)"))) }
    }
  }

  /// Decodes the pictures, encodes the prompt.
  private func prepare(_ job: AnswerJob, _ model: Int) throws(APIError) -> Prepared {
    let (loaded, request) = (models[model].loaded, job.request)
    guard loaded.processor != nil || request.pictures.isEmpty else {
      throw APIError(
        400, "\(request.pictures[0].place): the model \(models[model].name) reads text alone",
        param: request.pictures[0].place)
    }
    let pictures = try decode(request.pictures)
    let example: PackedExample
    do {
      let grids = try zip(request.pictures, pictures).map { source, picture in
        try loaded.encoder.geometry.grid(
          of: source.place, width: picture.width, height: picture.height, isAlone: pictures.count == 1)
      }
      let history = zip(request.questions, request.answers).map { (question: $0, answer: $1) }
      example = try loaded.encoder.example(
        system: request.system, history: history, question: request.questions[request.answers.count],
        images: Array(pictures.indices), grids: grids, room: request.maxTokens)
    } catch let error as PromptError {
      throw described(error, request)
    } catch {
      throw APIError(422, "\(error)", param: "messages")
    }
    let longest = batches[model].longest
    guard example.promptIDs.count + request.maxTokens <= longest else {
      throw tooLong(example.promptIDs.count, request, longest)
    }
    return Prepared(
      request: .init(
        example, maxNewTokens: request.maxTokens, sampling: sampling(request), stops: request.stops,
        attentionLayer: try attentionLayer(request, model), onText: onText(job)), pictures: pictures)
  }

  private func onText(_ job: AnswerJob) -> ((String) -> Void)? {
    guard job.request.isStreamed else { return nil }
    return { job.tell(.text($0)) }
  }

  private func sampling(_ request: ChatRequest) -> Sampling {
    Sampling(
      temperature: request.temperature, topK: request.topK, topP: request.topP,
      repetitionPenalty: request.repetitionPenalty,
      generator: RandomGenerator(seed: request.seed ?? UInt64.random(in: 0...UInt64.max)))
  }

  private func attentionLayer(_ request: ChatRequest, _ model: Int) throws(APIError) -> Int? {
    guard request.givesAttention, !request.pictures.isEmpty else { return nil }
    let layers = models[model].loaded.model.configuration.text.hiddenLayerCount
    let layer = request.attentionLayer ?? layers / 2
    guard layer < layers else {
      throw APIError(
        400, "attention_layer: found \(layer), expected 0 to \(layers - 1)", param: "attention_layer")
    }
    return layer
  }

  private func described(_ error: PromptError, _ request: ChatRequest) -> APIError {
    switch error {
    case .tooLong(let tokens, let context, _), .noRoom(let tokens, _, let context, _):
      tooLong(tokens, request, context)
    default: APIError(400, "\(error)", param: "messages")
    }
  }

  private func tooLong(_ tokens: Int, _ request: ChatRequest, _ context: Int) -> APIError {
    APIError(
      400,
      "messages: found \(tokens) tokens, and \(request.maxTokens) for the answer, expected at most "
        + "\(context) together", param: "messages", code: "context_length_exceeded")
  }

  private func decode(_ sources: [ChatRequest.Picture]) throws(APIError) -> [RGBImage] {
    var left = limits.picturePixels
    var pictures: [RGBImage] = []
    for source in sources {
      do throws(ImageError) {
        let picture = try RGBImage(
          decoding: source.bytes, name: source.place, limits: ImageLimits(maximumPixels: max(left, 0)))
        left -= picture.width * picture.height
        pictures.append(picture)
      } catch {
        switch error.reason {
        case .tooManyPixels(let width, let height, _):
          throw APIError(
            413,
            "\(source.place): found \(width)x\(height) pixels, expected at most \(limits.picturePixels) of "
              + "all pictures together", param: source.place, code: "image_too_large")
        case .sideTooLong, .tooManyBytes:
          throw APIError(413, "\(error)", param: source.place, code: "image_too_large")
        default: throw APIError(422, "\(error)", param: source.place, code: "invalid_image")
        }
      }
    }
    return pictures
  }

  // MARK: Out

  private func finish(_ id: Int, _ model: Int) {
    guard let one = underWay[model].removeValue(forKey: id) else { return }
    let answer = batches[model].finish(id)
    let loaded = models[model].loaded
    var told = AnswerJob.Answer(
      text: answer.text, isCutOff: answer.end == .length, promptTokens: one.promptTokens,
      answerTokens: answer.ids.count)
    if one.job.request.givesLogProbabilities {
      told.logProbabilities = zip(answer.ids, answer.logProbabilities).map { id, value in
        (id == loaded.tokenizer.eosID ? "" : loaded.tokenizer.decode([id]), value)
      }
    }
    if let layer = one.layer, let map = answer.attention {
      let sums = one.pictures.indices.map { Double(map[$0].reduce(0, +)) }
      let all = sums.reduce(0, +)
      let drawing = loaded.processor.map { AttentionPicture.draw(map, over: $0.seen(one.pictures)) }
      told.attention = .init(
        layer: layer, png: (try? drawing?.pngBytes()) ?? [], shares: sums.map { all > 0 ? $0 / all : 0 })
    }
    one.job.tell(.done(told))
  }
}
