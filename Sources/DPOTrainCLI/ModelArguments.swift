/// What the options that name a model say of themselves, in every command that has them.
enum ModelArguments {
  /// `--model`.
  static let model =
    "Model directory, run directory, checkpoint of a run (step-N.h5), or GGUF file of a language model."
  /// `--adapter`.
  static let adapter = "PEFT directory, or checkpoint of a LoRA run (step-N.h5), to put on it."
}
