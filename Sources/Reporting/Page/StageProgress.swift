/// Where one stage of a run stands.
public struct StageProgress: Sendable, Equatable {
  /// Finished, begun, or not yet begun.
  public enum State: String, Sendable {
    /// Finished.
    case done
    /// Begun.
    case underWay
    /// Not yet begun.
    case left
  }

  /// The stage.
  public var stage: String
  /// Where it stands.
  public var state: State
  /// The same in words: `step 120 of 600`.
  public var words: String

  /// Creates an entry.
  public init(stage: String, state: State, words: String) {
    (self.stage, self.state, self.words) = (stage, state, words)
  }
}
