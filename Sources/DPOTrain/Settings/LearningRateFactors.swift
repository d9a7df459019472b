/// Parameters that learn at another rate than the common one.
public struct LearningRateFactors: Sendable {
  /// Of the second matrices of adapters, B: LoRA+ (Hayou et al. 2024, arXiv:2402.12354, section 4).
  public var loraB: Double
  /// Of the layers between vision encoder and decoder.
  public var projector: Double
  /// Of the vision encoder.
  public var vision: Double

  /// Creates factors; 1 is the common rate.
  public init(loraB: Double = 1, projector: Double = 1, vision: Double = 1) {
    self.loraB = loraB
    self.projector = projector
    self.vision = vision
  }

  /// The factor of a parameter, by its name in the model.
  public subscript(name: String) -> Double {
    let part =
      name.hasPrefix("vision_tower.") ? vision : name.hasPrefix("multi_modal_projector.") ? projector : 1
    return name.hasSuffix(".lora_B.weight") ? part * loraB : part
  }
}
