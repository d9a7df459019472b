/// One step of the pipeline; each is a command of its own and leaves its files in its own folder of the
/// run directory.
public enum Stage: String, CaseIterable, Sendable, Comparable {
  /// Supervised training of the base model on single-image conversations.
  case sft
  /// Multi-image prompts from single-image records.
  case compose
  /// Attention-aware selection of rejected answers, and post-selection.
  case select
  /// Preference optimization.
  case train
  /// Accuracy before and after, on held-out questions.
  case evaluate
  /// Tables, plots and attention maps.
  case report

  /// The stages whose files this stage reads, directly or through another stage.
  public var prerequisites: [Stage] {
    switch self {
    case .sft: []
    case .compose: []
    case .select: [.sft, .compose]
    case .train: [.sft, .compose, .select]
    case .evaluate: [.sft, .compose, .select, .train]
    case .report: [.sft, .compose, .select, .train, .evaluate]
    }
  }

  public static func < (left: Stage, right: Stage) -> Bool {
    allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
  }
}
