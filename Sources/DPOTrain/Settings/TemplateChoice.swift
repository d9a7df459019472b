import LVLM

/// How a question is wrapped before the answer.
public enum TemplateChoice: String, CaseIterable, Sendable {
  /// The question, a space, the answer: no system sentence.
  case plain
  /// LLaVA-1.5's training template.
  case vicunaV1 = "vicuna_v1"
  /// The template MIA-DPO's released scripts generate rejected answers with.
  case llavaV0 = "llava_v0"
  /// ChatML with SmolLM2-Instruct's system sentence.
  case chatML = "chatml"
  /// SmolVLM's and Idefics3's `User:` and `Assistant:`.
  case smolVLM = "smolvlm"
  /// LLaVA-OneVision's.
  case oneVision = "onevision"
  /// LLaVA-OneVision's of its first months: ChatML without a system sentence.
  case oneVisionChatML = "onevision_chatml"
  /// InternLM-XComposer2.5's, without a system text.
  case xComposer = "xcomposer"
  /// The same with the system text of its published examples.
  case xComposerSystem = "xcomposer_system"
}

extension TemplateChoice {
  /// The template of this name.
  package var chatTemplate: ChatTemplate {
    switch self {
    case .plain: .plain
    case .vicunaV1: .vicunaV1
    case .llavaV0: .llavaV0
    case .chatML: .chatML
    case .smolVLM: .smolVLM
    case .oneVision: .oneVision
    case .oneVisionChatML: .oneVisionChatML
    case .xComposer: .xComposer
    case .xComposerSystem: .xComposerSystem
    }
  }
}
