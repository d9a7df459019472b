import LVLM
import MultiImageData
import Tensor

/// Questions about one or more pictures with their answers, to be learned turn by turn.
public struct Conversation: Sendable, Equatable {
  /// One question and its answer.
  public struct Turn: Sendable, Equatable {
    /// The user's words; those of the first turn hold one `<image>` mark per picture.
    public var question: String
    /// What is learned.
    public var answer: String

    /// Creates a turn.
    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  /// For error messages: the record's id.
  public var id: String
  /// The pictures, in the order of the marks.
  public var pictures: [Picture]
  /// The turns, from the first.
  public var turns: [Turn]

  /// Creates a conversation.
  public init(id: String, pictures: [Picture], turns: [Turn]) {
    self.id = id
    self.pictures = pictures
    self.turns = turns
  }
}

/// The token ids of a conversation and which of them are to be predicted.
public struct EncodedConversation: Sendable, Equatable {
  /// Token ids, image tokens expanded.
  public var ids: [Int32]
  /// Indices into ``ids`` of all answer tokens, each answer's eos included.
  public var targets: [Int]

  /// - Throws: ``RecordError`` naming the conversation when marks are not its pictures, an answer is empty or
  ///   it is longer than the context.
  /// - Parameter grids: the features of its pictures; without it each counts as one with the most features.
  public init(_ conversation: Conversation, encoder: PromptEncoder, grids: [FeatureGrid]? = nil) throws {
    do {
      let turns = conversation.turns.map { ($0.question, $0.answer) }
      let encoded =
        try grids.map { try encoder.conversation(turns, grids: $0) }
        ?? encoder.conversation(turns, imageCount: conversation.pictures.count)
      ids = encoded.ids
      targets = encoded.answers.flatMap(\.self)
      guard ids.count <= encoder.contextLength else {
        throw PromptError.tooLong(
          tokens: ids.count, context: encoder.contextLength, prompt: conversation.turns[0].question)
      }
    } catch let error as PromptError {
      throw RecordError(id: conversation.id, reason: "\(error)")
    }
  }
}

/// Mean cross-entropy of the answer tokens of a step's conversations.
public struct SupervisedObjective: TrainingObjective {
  private let model: VisionLanguageModel
  private let features: FeatureStore
  private let encoder: PromptEncoder
  private let sampler: RecordSampler
  private let conversations: (_ step: Int) throws -> [Conversation]

  /// - Parameters:
  ///   - sampler: Counts epochs; `conversations` decides what a step sees.
  ///   - conversations: The conversations of a step, a pure function of its number.
  public init(
    model: VisionLanguageModel, features: FeatureStore, encoder: PromptEncoder, sampler: RecordSampler,
    conversations: @escaping (_ step: Int) throws -> [Conversation]
  ) {
    self.model = model
    self.features = features
    self.encoder = encoder
    self.sampler = sampler
    self.conversations = conversations
  }

  public func recordIDs(ofStep step: Int) -> [String] { (try? conversations(step).map(\.id)) ?? [] }

  public func epoch(afterSteps step: Int) -> Double { sampler.epoch(afterSteps: step) }

  public func outcome(ofStep step: Int) throws -> StepOutcome {
    let records = try conversations(step)
    let encoded = try records.map {
      try EncodedConversation($0, encoder: encoder, grids: try features.grids(of: $0.pictures))
    }
    let batchFeatures = try features.features(of: records.map(\.pictures))
    let batch = try PackedBatch(
      zip(records, encoded).map { record, encoded in
        PackedExample(
          promptIDs: encoded.ids, images: batchFeatures.numbers(of: record.pictures))
      }, sharesPrefix: true, imageTokenID: encoder.imageTokenID, features: batchFeatures.features.layout)
    var rows: [Int32] = []
    var targets: [Int32] = []
    for (sequence, encoded) in zip(batch.sequences, encoded) {
      rows += encoded.targets.map { Int32(sequence.prompt.lowerBound + $0 - 1) }
      targets += encoded.targets.map { encoded.ids[$0] }
    }
    let loss = Profile.phase("forward") {
      let hidden = model.hiddenStates(batch, imageFeatures: batchFeatures.features)
      return -model.decoder.logProbabilities(of: targets, after: hidden.rows(at: Tensor(rows))).mean()
    }
    let value = loss.item()
    return StepOutcome(
      gradients: Profile.phase("backward") { loss.backward() }, loss: value, tokens: batch.tokenCount,
      metrics: [("loss", value, Double(targets.count))])
  }
}
