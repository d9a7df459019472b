import ArgumentParser
import LVLM

/// What the options that name a model say of themselves, in every command that has them.
package enum ModelArguments {
  /// `--model`.
  package static let model =
    "Model directory, run directory, checkpoint of a run (step-N.h5), or GGUF file of a language model."
  /// `--projector`.
  package static let projector =
    "Vision tower and projector of a GGUF file (mmproj); the one *mmproj*.gguf beside it when left out."
  /// `--adapter`.
  package static let adapter = "PEFT directory, or checkpoint of a LoRA run (step-N.h5), to put on it."
  /// `--dtype` of a model that is asked.
  package static let storage =
    "How weights are kept: auto (as a GGUF file has them, else float32), float32, bfloat16 or quantized."
  /// The names that `--template` takes.
  package static let templates = ChatTemplate.all.map(\.name).joined(separator: ", ")
  /// `--template`.
  package static let template = "Chat template: \(templates); the model's own when left out."

  /// The chat template of that name; `nil` of none.
  /// - Throws: `ValidationError` for another name.
  @discardableResult
  package static func template(named name: String?) throws -> ChatTemplate? {
    guard let name else { return nil }
    guard let template = ChatTemplate(named: name) else {
      throw ValidationError("--template: found \(name), expected one of \(templates)")
    }
    return template
  }
}

extension WeightStorage: ExpressibleByArgument {
  /// Whether weights lie in their file is nobody's to choose: the command knows how often it reads them.
  private static let choices = allCases.filter { $0 != .mapped }

  public init?(argument: String) {
    guard let choice = Self.choices.first(where: { $0.rawValue == argument }) else { return nil }
    self = choice
  }

  public static var allValueStrings: [String] { choices.map(\.rawValue) }
}
