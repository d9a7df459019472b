import DPOTrain
import Evaluation
import MultiImageData

/// Everything that decides what a run does: one struct per section of the YAML file.
///
/// Properties are the YAML keys in camel case; `docs/configuration.md` lists every key with its default and
/// allowed values. A value made in code can be checked with the same rules as a file.
public struct RunConfiguration: Sendable, Equatable {
  /// Name, place and seed of the run.
  public var run = Run()
  /// Shape of the vision-language model, or where an existing one is.
  public var model = Model()
  /// Vocabulary and chat template.
  public var tokenizer = Tokenizer()
  /// Where images and conversations come from.
  public var data = Data()
  /// Supervised training of the base model.
  public var sft = SFT()
  /// Multi-image prompts.
  public var compose = Compose()
  /// Which answers become rejected ones.
  public var select = Select()
  /// Preference optimization.
  public var train = Train()
  /// Held-out questions and intervals.
  public var evaluate = Evaluate()
  /// What the report shows.
  public var report = Report()
  /// Where keys were given, for messages.
  var places = ConfigurationPlaces()

  /// All defaults.
  public init() {}
}
