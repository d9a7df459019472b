import Checkpoint
import Foundation
import LVLM
import Records
import Tensor

/// Answers to a file of prompts, written to another file as they come; what is there of an earlier call is
/// not made again.
public struct BatchAnswers {
  /// What a call did.
  public struct Outcome: Equatable, Sendable {
    /// Prompts that were answered now.
    public var answered: Int
    /// Prompts whose answers were there.
    public var found: Int
    /// Tokens of the answers that were made now.
    public var tokens: Int
  }

  /// JSONL file, or JSON list, of prompts.
  public let file: String
  /// JSONL file of answers.
  public let output: URL
  /// Tokens of an answer at most.
  public var maxNewTokens = 256
  /// How they are chosen; every prompt has a stream of chance of its own, by its place in the file.
  public var sampling = Sampling.greedy
  /// Texts that end an answer besides the template's.
  public var stops: [String] = []
  /// The model's files, which answers depend on and which are never written over.
  package var content: ModelContent?
  /// Answers at a time, at most.
  public var rows = 16
  /// Tokens of prompts and answers at a time; a longer one goes alone.
  public var tokens = 16_384
  /// Begins anew in place of going on, in a file with answers in it.
  public var fresh = false

  /// Answers to `file` in `output`.
  public init(_ file: String, output: String) {
    self.file = file
    self.output = URL(fileURLWithPath: output)
  }

  /// What an answer depends on beside its prompt.
  private func settings(of loaded: PretrainedModel) throws -> [BatchAnswerFile.Setting] {
    let template = "\(loaded.template.name) \(Digest.of(loaded.template.jinja).prefix(16))"
    let stream = sampling.isGreedy ? "none" : "\(sampling.generator.split(0).first)"
    let named: [(name: String, value: String)] =
      try (content?.settings() ?? []) + [
        ("template", template), ("max_new_tokens", "\(maxNewTokens)"),
        ("temperature", "\(sampling.temperature)"), ("top_k", sampling.topK.map { "\($0)" } ?? "none"),
        ("top_p", sampling.topP.map { "\($0)" } ?? "none"),
        ("repetition_penalty", "\(sampling.repetitionPenalty)"), ("random_stream", stream),
        ("stops", OrderedJSON.array(stops.map(OrderedJSON.string)).line),
      ]
    return named.map { .init(name: $0.name, value: $0.value) }
  }

  /// Answers what is not answered yet.
  ///
  /// - Parameter model: opened once all records and pictures have been looked at.
  /// - Throws: `UnusableRecords`, `DataError`, `RowFileError` or `CheckpointError` before the first answer
  ///   for whatever cannot be asked or written, with every file as it was; `InterruptedRun` where a signal
  ///   asked for a stop.
  public func run(_ model: @autoclosure () throws -> PretrainedModel, console: Console) throws -> Outcome {
    let prompts = try BatchPrompt.read(file, console: console)
    let inputs = [file] + (content?.paths ?? []) + prompts.flatMap(\.files)
    try OutputPlace.requireFile(output.path, option: "--output", inputs: inputs)
    let answers = try BatchAnswerFile(output)
    defer { answers.removeIfUnused() }
    if fresh { try answers.requireAnswers() }
    let loaded = try model()
    let settings = try settings(of: loaded)
    let earlier = fresh ? .init() : try answers.earlier(prompts, settings: settings)
    let examples = try examples(of: prompts, loaded)
    if earlier.isCut {
      console.message("\(output.path): its last line was cut short and is made again")
    }
    if fresh || earlier.isCut { try answers.cut(to: earlier.bytes) }
    return try answer(prompts, examples, earlier.answered, settings, answers, loaded, console)
  }

  private func answer(
    _ prompts: [BatchPrompt], _ examples: [PackedExample], _ done: Set<Int>,
    _ settings: [BatchAnswerFile.Setting], _ answers: BatchAnswerFile, _ loaded: PretrainedModel,
    _ console: Console
  ) throws -> Outcome {
    let pending = prompts.indices.filter { !done.contains($0) }
    if !done.isEmpty {
      console.message("\(done.count) of \(prompts.count) answers are there; \(pending.count) are made now")
    }
    let longest = pending.map { examples[$0].promptIDs.count + maxNewTokens }.max() ?? 1
    let batch = ContinuousBatch(
      Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop, stops: stops),
      rows: rows, tokens: max(tokens, longest))
    let writer = try answers.writer()
    var queue = pending[...]
    var places: [Int: Int] = [:]
    var finished: [Int: GeneratedAnswer] = [:]
    var next = pending[...]
    var made = 0
    func request(_ index: Int) -> ContinuousBatch.Request {
      var sampling = sampling
      sampling.generator = sampling.generator.split(UInt64(index))
      return .init(examples[index], maxNewTokens: maxNewTokens, sampling: sampling)
    }
    while !queue.isEmpty || batch.count > 0 {
      try Interruption.check("answer \(prompts.count - next.count) of \(prompts.count)")
      let count = batch.fitting(queue.prefix(rows).map(request))
      if count > 0 {
        let chosen = Array(queue.prefix(count))
        queue = queue.dropFirst(count)
        for (id, index) in zip(try add(chosen, prompts, request, batch, loaded), chosen) {
          places[id] = index
          if !batch.isUnderWay(id) { finished[index] = batch.finish(id) }
        }
      } else {
        for id in batch.step() { finished[places[id] ?? 0] = batch.finish(id) }
      }
      // In the order of the prompts, so that the file is the same whatever was decoded with what.
      while let index = next.first, let answer = finished.removeValue(forKey: index) {
        try writer.write(row(prompts[index], answer, settings).jsonLine)
        made += answer.ids.count
        next = next.dropFirst()
      }
    }
    try writer.synchronize()
    try writer.close()
    return Outcome(answered: pending.count, found: done.count, tokens: made)
  }

  /// Puts prompts into the batch, with their pictures one after the other.
  private func add(
    _ chosen: [Int], _ prompts: [BatchPrompt], _ request: (Int) -> ContinuousBatch.Request,
    _ batch: ContinuousBatch, _ loaded: PretrainedModel
  ) throws -> [Int] {
    var pictures: [RGBImage] = []
    var isAlone: [Bool] = []
    let requests = try chosen.map { index in
      var request = request(index)
      let first = pictures.count
      do {
        pictures += try prompts[index].files.map { try RGBImage(contentsOf: $0) }
      } catch let error as ImageError {
        throw prompts[index].error("\(error)")
      }
      request.prompt.images = Array(first..<pictures.count)
      isAlone += Array(repeating: pictures.count == first + 1, count: pictures.count - first)
      return request
    }
    return try batch.add(requests, imageFeatures: loaded.imageFeatures(pictures, isAlone: isAlone))
  }

  /// - Throws: `UnusableRecords` with every prompt that the model cannot be asked.
  private func examples(of prompts: [BatchPrompt], _ loaded: PretrainedModel) throws -> [PackedExample] {
    var examples: [PackedExample] = []
    var problems: [DataError] = []
    for prompt in prompts {
      do {
        examples.append(try example(of: prompt, loaded))
      } catch let error where error is PromptError || error is ImageError || error is TokenizerError {
        problems.append(prompt.error("\(error)"))
      }
    }
    try BatchPrompt.refuse(problems)
    return examples
  }

  private func example(of prompt: BatchPrompt, _ loaded: PretrainedModel) throws -> PackedExample {
    let marks = String(repeating: Tokenizer.imageMark + "\n", count: prompt.files.count)
    let question = prompt.text.contains(Tokenizer.imageMark) ? prompt.text : marks + prompt.text
    guard loaded.processor != nil || prompt.files.isEmpty else {
      throw PromptError.imageCount(marks: 0, images: prompt.files.count, prompt: prompt.text)
    }
    return try loaded.encoder.example(
      question: question, images: Array(prompt.files.indices),
      grids: loaded.encoder.grids(ofFiles: prompt.files), room: maxNewTokens)
  }

  private func row(
    _ prompt: BatchPrompt, _ answer: GeneratedAnswer, _ settings: [BatchAnswerFile.Setting]
  ) -> BatchAnswerFile.Row {
    .init(
      id: prompt.id, prompt: prompt.text, images: prompt.images, images_crc32: prompt.checksums,
      answer: answer.text, finish_reason: answer.end == .length ? "length" : "stop", tokens: answer.ids.count,
      settings: settings)
  }
}

extension RandomGenerator {
  /// A number that tells one stream of chance from another.
  fileprivate var first: UInt64 {
    var copy = self
    return copy.next()
  }
}
