import DPOTrain

extension RunConfiguration {
  /// `sft`: supervised training of the base model, from random weights.
  public typealias SFT = SupervisedSettings
}
