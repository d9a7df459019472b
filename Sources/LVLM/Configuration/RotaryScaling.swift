/// How the angles of rotary positions are changed for contexts longer than a decoder was first trained for:
/// the types of `rope_parameters`, computed as transformers 5 does.
public enum RotaryScaling: Equatable, Sendable {
  /// Plain positions.
  case none
  /// `linear`: positions are divided by the factor.
  case linear(factor: Double)
  /// `dynamic`: plain positions up to the context length. Beyond it transformers turns each token by angles
  /// that depend on the longest sequence it was read with, so that there is no one result; nothing longer is
  /// computed here.
  case dynamic(factor: Double)
  /// `llama3`: slow angles are divided by the factor, fast ones stay, those between are mixed.
  case llama3(Llama3)
  /// `yarn` (Peng et al. 2023, arXiv:2309.00071): the same by other bounds, and components are multiplied.
  case yarn(YaRN)

  /// Numbers of the type `llama3`.
  public struct Llama3: Equatable, Sendable {
    /// What the slow angles are divided by.
    public var factor: Double
    /// Turns within the original context below which an angle is slow: `low_freq_factor`.
    public var slowTurns: Double
    /// Turns within the original context above which an angle is fast: `high_freq_factor`.
    public var fastTurns: Double
    /// The context of the first training: `original_max_position_embeddings`.
    public var originalContext: Int

    /// The numbers; the defaults are LLaMA 3.1's.
    public init(
      factor: Double = 8, slowTurns: Double = 1, fastTurns: Double = 4, originalContext: Int = 8192
    ) {
      self.factor = factor
      self.slowTurns = slowTurns
      self.fastTurns = fastTurns
      self.originalContext = originalContext
    }
  }

  /// Numbers of the type `yarn`.
  public struct YaRN: Equatable, Sendable {
    /// What the slow angles are divided by.
    public var factor: Double
    /// The context of the first training: `original_max_position_embeddings`.
    public var originalContext: Int
    /// Turns within the original context above which an angle is fast: `beta_fast`.
    public var fastTurns: Double
    /// Turns within the original context below which an angle is slow: `beta_slow`.
    public var slowTurns: Double
    /// What components are multiplied by: `attention_factor`; nil to work it out from the factor.
    public var attentionFactor: Double?
    /// `mscale`, of the attention factor that is worked out.
    public var scale: Double?
    /// `mscale_all_dim`, of the attention factor that is worked out.
    public var scaleOfAll: Double?
    /// Whether the bounds between fast and slow are rounded to whole pairs of components: `truncate`.
    public var truncates: Bool

    /// The numbers; the defaults are the paper's.
    public init(
      factor: Double, originalContext: Int, fastTurns: Double = 32, slowTurns: Double = 1,
      attentionFactor: Double? = nil, scale: Double? = nil, scaleOfAll: Double? = nil, truncates: Bool = true
    ) {
      self.factor = factor
      self.originalContext = originalContext
      self.fastTurns = fastTurns
      self.slowTurns = slowTurns
      self.attentionFactor = attentionFactor
      self.scale = scale
      self.scaleOfAll = scaleOfAll
      self.truncates = truncates
    }
  }
}
