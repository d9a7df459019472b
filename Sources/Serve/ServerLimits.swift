/// What a server takes on, so that no client can take more.
public struct ServerLimits: Sendable, Equatable {
  /// Bytes of a request's body.
  public var bodyBytes = 16 << 20
  /// Bytes of all bodies that are being received or wait.
  public var allBodyBytes = 256 << 20
  /// Pixels of all pictures of a request.
  public var picturePixels = 16_000_000
  /// Tokens of an answer, where the request asks for no number.
  public var usualTokens = 256
  /// Tokens of an answer at most.
  public var answerTokens = 4096
  /// Seconds from a whole request to the end of its answer.
  public var requestSeconds = 300.0
  /// Requests that wait while others are answered; the next one is told to come back.
  public var waiting = 32
  /// Answers that are decoded together.
  public var batch = 8
  /// Tokens of prompts and answers that are decoded together, for each model.
  public var cacheTokens = 16_384
  /// Open connections; for the next one the one that waits longest for a request is closed.
  public var connections = 512
  /// Seconds in which the head of a request has to come, also of the next one on an open connection.
  public var headSeconds = 15.0
  /// Seconds in which its body has to come.
  public var bodySeconds = 60.0
  /// Seconds in which a client has to take some of an answer.
  public var stallSeconds = 30.0

  /// The usual limits.
  public init() {}
}
