import Foundation
import LVLM
import MultiImageData
import Tensor

/// A question to a model.
public struct AnswerRequest: Sendable, Equatable {
  /// The record's id.
  public var id: String
  /// The pictures, in the order of the marks.
  public var pictures: [Picture]
  /// The user's turn with one `<image>` mark per picture.
  public var prompt: String

  /// Creates a request.
  public init(id: String, pictures: [Picture], prompt: String) {
    self.id = id
    self.pictures = pictures
    self.prompt = prompt
  }
}

/// Which attention of the answers is wanted.
public struct AttentionRequest: Sendable, Equatable {
  /// Decoder layers, from 0.
  public var layers: Range<Int>
  /// What is read of each.
  public var reading: AttentionReading

  /// Creates a request.
  public init(layers: Range<Int>, reading: AttentionReading = AttentionReading()) {
    self.layers = layers
    self.reading = reading
  }
}

/// An answer and where it looked.
public struct AttendedAnswer: Sendable {
  /// The answer.
  public var answer: GeneratedAnswer
  /// One entry per layer that was asked for.
  public var attention: [ImageAttention]
}

/// Answers questions, greedily or by sampling, in batches by number of tokens.
///
/// Batches are a function of the whole list of requests, so that a resumed run computes the same ones.
public struct Answerer {
  private let model: VisionLanguageModel
  private let encoder: PromptEncoder
  private let features: FeatureStore
  private let generator: Generator
  private let maxNewTokens: Int
  private let batchTokens: Int
  private let requests: [AnswerRequest]
  private let promptIDs: [[Int32]]
  /// Indices of the requests of each batch.
  public let batches: [[Int]]

  /// Encodes all requests.
  /// - Throws: ``RecordError`` naming the first one whose marks are not its pictures, or that is longer than
  ///   the context.
  public init(
    _ requests: [AnswerRequest], model: VisionLanguageModel, encoder: PromptEncoder, features: FeatureStore,
    batchTokens: Int, maxNewTokens: Int
  ) throws {
    self.model = model
    self.encoder = encoder
    self.features = features
    self.maxNewTokens = maxNewTokens
    self.batchTokens = batchTokens
    self.requests = requests
    generator = Generator(model: model, tokenizer: encoder.tokenizer, stop: encoder.template.stop)
    promptIDs = try requests.map { request in
      do {
        return try encoder.example(
          question: request.prompt, images: Array(request.pictures.indices),
          grids: try features.grids(of: request.pictures), room: maxNewTokens
        ).promptIDs
      } catch let error as PromptError {
        throw RecordError(id: request.id, reason: "\(error)")
      }
    }
    batches = TokenBatches.byLength(
      lengths: promptIDs.map { $0.count + min(maxNewTokens, 1 << 40) }, budget: batchTokens,
      maximumRecords: 256)
  }

  /// The answers of one batch, in the order of its indices.
  /// - Parameter isBlind: Puts zeros in the place of the image features; the text stays the same.
  public func answers(batch: Int, isBlind: Bool = false) throws -> [GeneratedAnswer] {
    let (examples, features) = try examples(batch: batch, isBlind: isBlind)
    return try Profile.phase("generate") {
      try generator.generate(examples, imageFeatures: features, maxNewTokens: maxNewTokens)
    }
  }

  /// The answers of one batch with their attention to the images, from one teacher-forced pass.
  public func answers(
    batch: Int, attention request: AttentionRequest, sampling: Sampling = .greedy
  ) throws -> [AttendedAnswer] {
    try answers(batch: batch, attention: request, samplings: [sampling])[0]
  }

  /// The answers of one batch in several ways with their attention to the images: the model reads a prompt
  /// once for all its answers, and once more with all of them behind it for their attention.
  /// - Returns: for each way the answers in the order of the batch's indices.
  public func answers(
    batch: Int, attention request: AttentionRequest, samplings: [Sampling]
  ) throws -> [[AttendedAnswer]] {
    let (examples, features) = try examples(batch: batch, isBlind: false)
    let answers = try Profile.phase("generate") {
      try generator.generate(
        examples, imageFeatures: features, maxNewTokens: maxNewTokens, samplings: samplings)
    }
    let tokens =
      examples.reduce(0) { $0 + $1.promptIDs.count } + answers.joined().reduce(0) { $0 + $1.ids.count }
    let isLong = tokens > 2 * batchTokens
    let attention = try (isLong ? answers.map { [$0] } : [answers]).flatMap {
      try imageAttention(request, of: $0, to: examples, features)
    }
    return zip(answers, attention).map { answers, attention in
      zip(answers, attention).map { AttendedAnswer(answer: $0, attention: $1) }
    }
  }

  /// Where answers looked, some ways of a batch in one pass.
  /// - Returns: for each way and prompt one entry per layer.
  private func imageAttention(
    _ request: AttentionRequest, of ways: [[GeneratedAnswer]], to examples: [PackedExample],
    _ features: ImageFeatures
  ) throws -> [[[ImageAttention]]] {
    let answered = examples.enumerated().map { index, example in
      PackedExample(
        promptIDs: example.promptIDs, images: example.images, completions: ways.map { $0[index].ids })
    }
    let packed = try PackedBatch(
      answered, sharesPrefix: true, imageTokenID: encoder.imageTokenID, features: features.layout)
    let layers = Profile.phase("attention") {
      model.imageAttention(packed, imageFeatures: features, layers: request.layers, reading: request.reading)
    }
    return ways.indices.map { way in
      examples.indices.map { index in layers.map { $0[index * ways.count + way] } }
    }
  }

  private func examples(batch: Int, isBlind: Bool) throws -> ([PackedExample], ImageFeatures) {
    // Caches that grow token by token leave buffers of every size.
    if TensorRuntime.cachedBytes > 1 << 29 { TensorRuntime.trim() }
    let indices = batches[batch]
    let own = try features.features(of: indices.map { requests[$0].pictures })
    let examples = indices.map { index in
      PackedExample(
        promptIDs: promptIDs[index], images: own.numbers(of: requests[index].pictures))
    }
    return (examples, isBlind ? own.features.blank : own.features)
  }
}

extension GeneratedAnswer {
  /// `exp(−mean log max_v p_v)` over the steps, the end of sequence included (MIA-DPO's released code).
  var perplexity: Double {
    guard !maximumLogProbabilities.isEmpty else { return .nan }
    let sum = maximumLogProbabilities.reduce(0.0) { $0 + Double($1) }
    return exp(-sum / Double(maximumLogProbabilities.count))
  }

  /// The text without white space at its ends.
  package var trimmedText: String { text.trimmingASCIIWhitespace() }
}
