import DPOTrain

extension RunConfiguration {
  /// `tokenizer`: vocabulary and chat template.
  public struct Tokenizer: Sendable, Equatable {
    /// How a question is wrapped before the answer.
    public typealias Template = TemplateChoice

    /// Number of pieces of the SentencePiece vocabulary trained on the run's own texts.
    public var vocabSize = 512
    /// How a question is wrapped before the answer; `nil` takes the model's own, and `plain` for a new one.
    public var template: Template?

    /// All defaults.
    public init() {}
  }
}
