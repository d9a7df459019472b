import Synchronization

/// A flag that is set once, such as that nobody waits for an answer any more.
final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

/// A request on its way through the worker.
struct AnswerJob: Sendable {
  /// What the worker tells of it.
  enum Event: Sendable {
    /// The next piece of the answer.
    case text(String)
    /// The whole answer; nothing follows.
    case done(Answer)
    /// There is none; nothing follows.
    case failed(APIError)
  }

  /// An answer.
  struct Answer: Sendable {
    var text: String
    var isCutOff: Bool
    var promptTokens: Int
    var answerTokens: Int
    /// The tokens' texts and log-probabilities, where they were asked for.
    var logProbabilities: [(text: String, value: Float)]?
    /// Where the answer looked, where that was asked for and there are pictures.
    var attention: Attention?
  }

  /// Where an answer looked.
  struct Attention: Sendable {
    var layer: Int
    /// The pictures side by side, redder where more attention fell, as PNG.
    var png: [UInt8]
    /// The part of the attention to pictures that each of them got.
    var shares: [Double]
  }

  /// The place of its model.
  var model: Int
  var request: ChatRequest
  /// When it has taken too long.
  var deadline: ContinuousClock.Instant
  /// Set when nobody waits for it any more.
  var isAbandoned: Flag
  /// Takes what the worker tells, on the worker's thread.
  var tell: @Sendable (Event) -> Void
}
