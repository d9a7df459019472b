import MultiImageData

extension RunConfiguration {
  /// `compose`: how many multi-image prompts of each format are made, and their geometry.
  public typealias Compose = CompositionSettings
}
