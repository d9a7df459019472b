/// A piece of a run's files that is the same wherever everything it depends on is the same, so that another
/// run can take it over in place of making it again.
///
/// Every key of the configuration names the parts that read it directly (`ConfigurationReference` shows
/// them); a part depends on those keys and on those of all parts it needs.
public enum RunPart: String, CaseIterable, Codable, Sendable, Comparable {
  /// The base model.
  case sft
  /// Multi-image prompts.
  case compose
  /// The base model's answers to them, with attention and perplexity: `select/answers.jsonl`.
  case answers
  /// What the rules of selection make of these answers.
  case select
  /// The trained model.
  case train
  /// The held-out questions: `evaluate/questions/`.
  case questions
  /// The base model's answers to them: `evaluate/before.jsonl`.
  case before
  /// The trained model's answers, and the figures.
  case evaluate
  /// The report.
  case report

  /// The part that a stage ends with.
  public init(_ stage: Stage) {
    self =
      switch stage {
      case .sft: .sft
      case .compose: .compose
      case .select: .select
      case .train: .train
      case .evaluate: .evaluate
      case .report: .report
      }
  }

  /// The stage whose folder the part lies in.
  public var stage: Stage {
    switch self {
    case .sft: .sft
    case .compose: .compose
    case .answers, .select: .select
    case .train: .train
    case .questions, .before, .evaluate: .evaluate
    case .report: .report
    }
  }

  /// The parts it is made from, directly or through others.
  public var needs: Set<RunPart> {
    switch self {
    case .sft, .compose, .questions: []
    case .answers: [.sft, .compose]
    case .select: [.sft, .compose, .answers]
    case .train: [.sft, .compose, .answers, .select]
    case .before: [.sft, .questions]
    case .evaluate: [.sft, .compose, .answers, .select, .train, .questions, .before]
    case .report: Set(RunPart.allCases).subtracting([.report])
    }
  }

  public static func < (left: RunPart, right: RunPart) -> Bool {
    allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
  }
}
