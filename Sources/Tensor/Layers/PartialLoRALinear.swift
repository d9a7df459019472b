/// A linear layer that maps rows of pictures in another way: `y = x Wᵀ`, and at those rows
/// `+ (alpha / rank) · (x Aᵀ) Bᵀ`.
///
/// The second path belongs to the model ("partial LoRA", Dong et al. 2024, arXiv:2401.16420); an adapter of
/// training stands beside it and acts at every row.
public final class PartialLoRALinear: Linear {
  /// A, `[rank, inputs]`.
  public let partialA: Linear
  /// B, `[outputs, rank]`.
  public let partialB: Linear
  /// The factor in front of the low-rank product.
  public let scale: Double

  /// A layer with random weights, and zeros in B.
  public init(
    _ inputs: Int, _ outputs: Int, rank: Int, alpha: Double, using generator: inout RandomGenerator
  ) {
    tensorRequire(rank > 0, "PartialLoRALinear", "the rank must be positive, found \(rank)")
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    let weight = Parameter(.randomUniform([outputs, inputs], in: -bound..<bound, using: &generator))
    partialA = Linear(inputs, rank, bias: false, using: &generator)
    partialB = Linear(weight: Parameter(.zeros([outputs, rank])))
    scale = alpha / Double(rank)
    super.init(weight: weight)
  }

  /// A layer around existing parameters.
  public init(weight: Parameter, partialA: Parameter, partialB: Parameter, scale: Double) {
    self.partialA = Linear(weight: partialA)
    self.partialB = Linear(weight: partialB)
    self.scale = scale
    super.init(weight: weight)
  }

  /// Maps `[rows, inputs]` to `[rows, outputs]`.
  /// - Parameter marked: numbers of the rows that came out of pictures, each once; nil for none.
  public override func callAsFunction(_ x: Tensor, marked: Tensor?) -> Tensor {
    let result = self(x)
    // Without such rows the gradient of A and B is zero and not missing, as in the published code: where the
    // model itself is trained, weight decay reaches them all the same.
    guard let marked = marked ?? (partialA.weight.isTrainable ? Tensor([Int32]()) : nil) else {
      return result
    }
    let added = partialB(partialA(x.rows(at: marked))) * scale
    return result.replacingRows(at: marked, with: result.rows(at: marked) + added)
  }

  public override func visitParameters(_ visitor: inout ParameterVisitor) {
    super.visitParameters(&visitor)
    visitor.child("Plora_A", partialA)
    visitor.child("Plora_B", partialB)
  }

  package override var rowForm: RowForm? { RowForm(weight: StoredMatrix(weight.tensor), bias: nil) }
}
