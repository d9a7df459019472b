import ArgumentParser
import LVLM
import Records
import Runs

/// The model that a command asks.
package struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp(ModelArguments.model, valueName: "path"))
  package var model: String

  @Option(help: ArgumentHelp(ModelArguments.projector, valueName: "file"))
  package var projector: String?

  @Option(help: ArgumentHelp(ModelArguments.storage, valueName: "type"))
  package var dtype = WeightStorage.auto

  @Option(help: ArgumentHelp(ModelArguments.adapter, valueName: "path"))
  package var adapter: String?

  @Option(help: ArgumentHelp(ModelArguments.template))
  package var template: String?

  package init() {}

  package func validate() throws { try ModelArguments.template(named: template) }

  /// Finds the model that is meant.
  package func find() throws -> ModelChoice { try ModelChoice(model: model, adapter: adapter) }

  /// Opens the model, with the adapter on it.
  package func open() throws -> PretrainedModel { try open(find()) }

  /// Opens the model that ``find()`` gave.
  package func open(_ choice: ModelChoice) throws -> PretrainedModel {
    try open(choice, projector: projector)
  }

  /// Opens another model in the same way.
  package func open(_ path: String) throws -> PretrainedModel {
    try open(try ModelChoice(model: path), projector: nil)
  }

  private func open(_ choice: ModelChoice, projector: String?) throws -> PretrainedModel {
    let (loaded, _) = try choice.open(
      weights: dtype, template: try ModelArguments.template(named: template), projector: projector)
    for note in choice.notes + loaded.notes { Console(isQuiet: false).warning(note) }
    return loaded
  }
}
