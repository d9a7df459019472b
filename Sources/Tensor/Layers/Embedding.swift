/// A table of vectors looked up by integer.
open class Embedding: Module {
  /// `[entries, width]`.
  public let weight: Parameter

  /// Entries from a normal distribution.
  public init(
    _ entries: Int, _ width: Int, standardDeviation: Double = 1, using generator: inout RandomGenerator
  ) {
    weight = Parameter(
      Tensor.randomNormal([entries, width], standardDeviation: standardDeviation, using: &generator))
  }

  /// A table around an existing parameter.
  public init(weight: Parameter) { self.weight = weight }

  /// Maps integers of any shape to `indices.shape + [width]`.
  open func callAsFunction(_ indices: Tensor) -> Tensor { weight.tensor.rows(at: indices) }

  open func visitParameters(_ visitor: inout ParameterVisitor) { visitor.add("weight", weight) }

  /// The table as a tensor of floating-point values.
  package var weightValues: Tensor { weight.tensor }
}
