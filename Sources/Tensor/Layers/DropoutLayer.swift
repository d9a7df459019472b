/// A module that behaves differently while it is trained.
public protocol TrainingDependent: Module {
  /// Whether the module is being trained; starts as true.
  var isTraining: Bool { get set }
}

extension Module {
  /// Tells every module of the tree whether it is being trained: PyTorch's `train()` and `eval()`.
  public func setTraining(_ isTraining: Bool) {
    for module in modules() { (module as? any TrainingDependent)?.isTraining = isTraining }
  }
}

/// Sets elements to zero at random while it is trained, and does nothing else; see
/// ``dropout(_:probability:using:)``.
public final class Dropout: Layer, TrainingDependent {
  /// How likely an element is dropped.
  public let probability: Double
  public var isTraining = true
  /// Where the draws come from; its ``RandomGenerator/state`` belongs in a checkpoint.
  public var generator: RandomGenerator

  /// A layer with a generator of its own, split off `generator`, which moves on: layers made one after the
  /// other draw independently.
  public init(_ probability: Double = 0.5, using generator: inout RandomGenerator) {
    tensorRequire(
      probability >= 0 && probability <= 1, "Dropout",
      "a probability is between 0 and 1, found \(probability)")
    self.probability = probability
    let key = generator.next()
    self.generator = generator.split(key)
  }

  /// Maps any shape to itself.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    isTraining ? dropout(x, probability: probability, using: &generator) : x
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {}
}
