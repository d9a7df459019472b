import Checkpoint
import Foundation
import LVLM
import Records
import Tensor

/// Answers to a file of prompts, written to another file as they come; what is there of an earlier call is
/// not made again.
public struct BatchAnswers {
  /// One prompt of the file: `{"id": …, "prompt": …, "images": […]}`.
  struct Prompt {
    var id: String
    var text: String
    /// Paths as the file has them, and where they are.
    var images: [String]
    var files: [String]
  }

  /// One answer.
  struct Row: JSONRow {
    var id: String
    var prompt: String
    var images: [String]
    var answer: String
    var finish_reason: String
    var tokens: Int
    /// Of what the answer depends on beside the prompt.
    var settings: String

    var json: OrderedJSON {
      .members([
        "id": .string(id), "prompt": .string(prompt), "images": .array(images.map(OrderedJSON.string)),
        "answer": .string(answer), "finish_reason": .string(finish_reason), "tokens": .integer(tokens),
        "settings": .string(settings),
      ])
    }
  }

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
  /// What else answers depend on: the model, as the command names it.
  public var model = ""
  /// Answers at a time, at most.
  public var rows = 16
  /// Tokens of prompts and answers at a time; a longer one goes alone.
  public var tokens = 16_384
  /// Begins anew in place of going on.
  public var fresh = false

  /// Answers to `file` in `output`.
  public init(_ file: String, output: String) {
    self.file = file
    self.output = URL(fileURLWithPath: output)
  }

  private var settings: String {
    var parts = [model, "\(maxNewTokens) tokens", "temperature \(sampling.temperature)"]
    if let topK = sampling.topK { parts.append("top-k \(topK)") }
    if let topP = sampling.topP { parts.append("top-p \(topP)") }
    if sampling.repetitionPenalty != 1 {
      parts.append("repetition penalty \(sampling.repetitionPenalty)")
    }
    if !sampling.isGreedy { parts.append("random stream \(sampling.generator.split(0).first)") }
    if !stops.isEmpty { parts.append("stops \(OrderedJSON.array(stops.map(OrderedJSON.string)).line)") }
    return parts.joined(separator: ", ")
  }

  /// Reads the prompts and looks for their pictures.
  /// - Throws: `DataError` or `ImageError` naming the file and the record.
  func prompts() throws -> [Prompt] {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    var found: [Prompt] = []
    var lines: [String: Int] = [:]
    try JSONRecordFile.forEach(file) { record, number, line in
      let prompt = try Prompt(record, number: number, line: line, file: file, folder: folder)
      if let other = lines.updateValue(line, forKey: prompt.id) {
        throw DataError(
          file: file, record: prompt.id,
          problem: "found the id in line \(other) and in line \(line), expected it once")
      }
      for picture in prompt.files { try RGBImage.requirePicture(at: picture) }
      found.append(prompt)
    }
    return found
  }

  /// Answers what is not answered yet.
  ///
  /// - Parameter loaded: the model.
  /// - Throws: `DataError`, `ImageError`, `RowFileError` or `CheckpointError` before the first answer for
  ///   whatever cannot be asked; `InterruptedRun` where a signal asked for a stop.
  public func run(_ loaded: PretrainedModel, console: Console) throws -> Outcome {
    let prompts = try prompts()
    let examples = try prompts.map { try example(of: $0, loaded) }
    let done = try answered(prompts)
    let pending = prompts.indices.filter { done[$0] == nil }
    if !done.isEmpty {
      console.message("\(done.count) of \(prompts.count) answers are there; \(pending.count) are made now")
    }
    let longest = pending.map { examples[$0].promptIDs.count + maxNewTokens }.max() ?? 1
    let batch = ContinuousBatch(
      Generator(model: loaded.model, tokenizer: loaded.tokenizer, stop: loaded.template.stop, stops: stops),
      rows: rows, tokens: max(tokens, longest))
    let writer = try OutputFile(output, reportingAs: output, isAppending: true)
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
        try writer.write(row(prompts[index], answer).jsonLine)
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
    _ chosen: [Int], _ prompts: [Prompt], _ request: (Int) -> ContinuousBatch.Request,
    _ batch: ContinuousBatch, _ loaded: PretrainedModel
  ) throws -> [Int] {
    var pictures: [RGBImage] = []
    var isAlone: [Bool] = []
    let requests = try chosen.map { index in
      var request = request(index)
      let first = pictures.count
      pictures += try prompts[index].files.map { try RGBImage(contentsOf: $0) }
      request.prompt.images = Array(first..<pictures.count)
      isAlone += Array(repeating: pictures.count == first + 1, count: pictures.count - first)
      return request
    }
    return try batch.add(requests, imageFeatures: loaded.imageFeatures(pictures, isAlone: isAlone))
  }

  private func example(of prompt: Prompt, _ loaded: PretrainedModel) throws -> PackedExample {
    let marks = String(repeating: Tokenizer.imageMark + "\n", count: prompt.files.count)
    let question = prompt.text.contains(Tokenizer.imageMark) ? prompt.text : marks + prompt.text
    do {
      guard loaded.processor != nil || prompt.files.isEmpty else {
        throw PromptError.imageCount(marks: 0, images: prompt.files.count, prompt: prompt.text)
      }
      return try loaded.encoder.example(
        question: question, images: Array(prompt.files.indices),
        grids: loaded.encoder.grids(ofFiles: prompt.files), room: maxNewTokens)
    } catch let error as PromptError {
      throw DataError(file: file, record: prompt.id, problem: "\(error)")
    } catch let error as TokenizerError {
      throw DataError(file: file, record: prompt.id, problem: "\(error)")
    }
  }

  private func row(_ prompt: Prompt, _ answer: GeneratedAnswer) -> Row {
    Row(
      id: prompt.id, prompt: prompt.text, images: prompt.images, answer: answer.text,
      finish_reason: answer.end == .length ? "length" : "stop", tokens: answer.ids.count, settings: settings)
  }

  /// Answers of an earlier call, by the place of their prompts.
  private func answered(_ prompts: [Prompt]) throws -> [Int: Row] {
    let files = FileManager.default
    guard files.fileExists(atPath: output.path) else { return [:] }
    if fresh {
      try files.removeItem(at: output)
      return [:]
    }
    let bytes = try StoredBytes.read(output)
    // A line that a kill cut short is no answer.
    if let last = bytes.last, last != UInt8(ascii: "\n") {
      let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.startIndex
      try AtomicFile.write(Data(bytes[..<end]), to: output)
    }
    let places = Dictionary(uniqueKeysWithValues: prompts.enumerated().map { ($1.id, $0) })
    var found: [Int: Row] = [:]
    for (number, row) in try RowFile.read(Row.self, from: output).enumerated() {
      func other(_ key: String, _ has: String, _ wanted: String) -> RowFileError {
        RowFileError(
          file: output.path, line: number + 1, key: key, found: has,
          expected: "\(wanted); --fresh begins anew")
      }
      guard let place = places[row.id] else {
        throw other("id", "\"\(row.id)\"", "an id of \(file)")
      }
      guard row.prompt == prompts[place].text, row.images == prompts[place].images else {
        throw other("prompt", "another prompt than that of \"\(row.id)\" in \(file)", "the same")
      }
      guard row.settings == settings else {
        throw other("settings", "\"\(row.settings)\"", "\"\(settings)\"")
      }
      found[place] = row
    }
    return found
  }
}

extension BatchAnswers.Prompt {
  /// A record of a file of prompts.
  fileprivate init(_ record: OrderedJSON, number: Int, line: Int, file: String, folder: URL) throws {
    func error(_ key: String?, _ problem: String) -> DataError {
      let place = key.map { "key '\($0)': " } ?? ""
      return DataError(file: file, record: "\(number) (line \(line))", problem: place + problem)
    }
    guard case .object(let members) = record else { throw error(nil, "found no object, expected one") }
    (id, text, images) = ("\(number)", "", [])
    var hasPrompt = false
    for member in members {
      switch (member.key, member.value) {
      case ("id", .string(let value)): id = value
      case ("id", .integer(let value)): id = "\(value)"
      case ("id", _): throw error("id", "found \(member.value.line), expected a text or a whole number")
      case ("prompt", .string(let value)): (text, hasPrompt) = (value, true)
      case ("images", .array(let values)):
        images = try values.map { value in
          guard case .string(let path) = value else {
            throw error("images", "found \(value.line), expected a path")
          }
          return path
        }
      case ("image", .string(let path)): images = [path]
      case ("images", .null), ("image", .null): break
      case ("prompt", _), ("images", _), ("image", _):
        throw error(
          member.key,
          "found \(member.value.line), expected \(member.key == "images" ? "a list of paths" : "a text")")
      default: throw error(member.key, "is unknown, expected id, prompt, images")
      }
    }
    guard hasPrompt else { throw error("prompt", "is missing") }
    files = images.map { URL(fileURLWithPath: $0, relativeTo: folder).path }
  }
}

extension RandomGenerator {
  /// A number that tells one stream of chance from another.
  fileprivate var first: UInt64 {
    var copy = self
    return copy.next()
  }
}
