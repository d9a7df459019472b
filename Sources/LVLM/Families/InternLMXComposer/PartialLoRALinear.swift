public import Tensor

/// A linear layer that maps rows of pictures in another way: `y = x Wᵀ`, and at those rows
/// `+ (alpha / rank) · (x Aᵀ) Bᵀ`.
///
/// The second path belongs to the model ("partial LoRA", Dong et al. 2024, arXiv:2401.16420); an adapter of
/// training stands beside it and acts at every row.
public final class PartialLoRALinear: Linear {
  /// `[rank, inputs]`.
  public let partialA: Parameter
  /// `[outputs, rank]`.
  public let partialB: Parameter
  /// The factor in front of the low-rank product.
  public let scale: Double

  /// A layer with random weights, and zeros in B.
  public init(
    _ inputs: Int, _ outputs: Int, rank: Int, alpha: Double, using generator: inout RandomGenerator
  ) {
    tensorRequire(rank > 0, "PartialLoRALinear", "the rank must be positive, found \(rank)")
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    let weight = Parameter(
      .randomUniform([outputs, inputs], in: -bound..<bound, using: &generator))
    partialA = Parameter(.randomUniform([rank, inputs], in: -bound..<bound, using: &generator))
    partialB = Parameter(.zeros([outputs, rank]))
    scale = alpha / Double(rank)
    super.init(weight: weight)
  }

  /// A layer around existing parameters.
  public init(weight: Parameter, partialA: Parameter, partialB: Parameter, scale: Double) {
    self.partialA = partialA
    self.partialB = partialB
    self.scale = scale
    super.init(weight: weight)
  }

  /// Maps `[rows, inputs]` to `[rows, outputs]`.
  /// - Parameter imageRows: numbers of the rows that came out of pictures, each once; nil for none.
  public func callAsFunction(_ x: Tensor, imageRows: Tensor?) -> Tensor {
    Self.map(
      x, weight: weight.tensor, partialA: partialA.tensor, partialB: partialB.tensor, scale: scale,
      imageRows: imageRows)
  }

  /// The map as a function of all that it depends on.
  package static func map(
    _ x: Tensor, weight: Tensor, partialA: Tensor, partialB: Tensor, scale: Double, imageRows: Tensor?
  ) -> Tensor {
    let result = linear(x, weight: weight)
    guard let imageRows, imageRows.count > 0 else { return result }
    let product = linear(linear(x.rows(at: imageRows), weight: partialA), weight: partialB)
    return result.replacingRows(at: imageRows, with: result.rows(at: imageRows) + product * scale)
  }

  public override func visitParameters(_ visitor: inout ParameterVisitor) {
    super.visitParameters(&visitor)
    visitor.add("Plora_A.weight", partialA)
    visitor.add("Plora_B.weight", partialB)
  }
}
