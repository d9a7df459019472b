extension RunConfiguration {
  /// `tokenizer`: vocabulary and chat template.
  public struct Tokenizer: Sendable, Equatable {
    /// How a question is wrapped before the answer.
    public enum Template: String, CaseIterable, Sendable {
      /// The question, a space, the answer: no system sentence.
      case plain
      /// LLaVA-1.5's training template.
      case vicunaV1 = "vicuna_v1"
      /// The template MIA-DPO's released scripts generate rejected answers with.
      case llavaV0 = "llava_v0"
      /// ChatML with SmolLM2-Instruct's system sentence.
      case chatML = "chatml"
    }

    /// Number of pieces of the SentencePiece vocabulary trained on the run's own texts.
    public var vocabSize = 512
    /// How a question is wrapped before the answer; `nil` takes the model's own, and `plain` for a new one.
    public var template: Template?

    /// All defaults.
    public init() {}
  }
}
