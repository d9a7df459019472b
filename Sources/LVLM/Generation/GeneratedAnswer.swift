/// What a model answered to one prompt.
public struct GeneratedAnswer: Equatable, Sendable {
  /// Why an answer ended.
  public enum End: String, Sendable {
    /// The model said eos.
    case eos
    /// The text reached the template's stop string.
    case stop
    /// No more tokens were allowed.
    case length
  }

  /// The tokens, the last one eos when the model said it.
  public var ids: [Int32] = []
  /// The answer without eos and stop string.
  public var text = ""
  /// For each token the logarithm of its probability (temperature 1, nothing cut off).
  public var logProbabilities: [Float] = []
  /// For each token the logarithm of the greatest probability of that step.
  public var maximumLogProbabilities: [Float] = []
  /// Why the answer ended.
  public var end = End.length
  /// Where the answer looked, when a layer was named: mean over its tokens without eos.
  public var attention: ImageAttention?

  /// An answer without tokens.
  public init() {}
}
