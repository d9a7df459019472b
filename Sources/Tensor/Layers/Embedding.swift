/// A table of vectors looked up by integer.
public final class Embedding: Module {
  /// `[entries, width]`.
  public let weight: Parameter

  /// Entries from a normal distribution.
  public init(
    _ entries: Int, _ width: Int, standardDeviation: Double = 1, using generator: inout RandomGenerator
  ) {
    weight = Parameter(
      Tensor.randomNormal([entries, width], standardDeviation: standardDeviation, using: &generator))
  }

  /// Maps integers of any shape to `indices.shape + [width]`.
  public func callAsFunction(_ indices: Tensor) -> Tensor { weight.tensor.rows(at: indices) }

  public func visitParameters(_ visitor: inout ParameterVisitor) { visitor.add("weight", weight) }
}
