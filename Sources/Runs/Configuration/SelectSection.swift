import DPOTrain

extension RunConfiguration {
  /// `select`: the attention rule that decides which answers become rejected ones, and post-selection.
  public typealias Select = SelectionSettings
}
