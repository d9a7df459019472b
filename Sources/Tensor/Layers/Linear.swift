/// An affine map of the last axis: `x Wᵀ + b`, with PyTorch's names and layout.
open class Linear: Module {
  /// `[outputs, inputs]`.
  public let weight: Parameter
  /// `[outputs]`.
  public let bias: Parameter?

  /// Weights from a uniform distribution over ±1/√inputs, as PyTorch initialises them.
  public init(_ inputs: Int, _ outputs: Int, bias: Bool = true, using generator: inout RandomGenerator) {
    Initialization.requireExtents([inputs, outputs], "Linear")
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    weight = Parameter(Tensor.randomUniform([outputs, inputs], in: -bound..<bound, using: &generator))
    self.bias =
      bias ? Parameter(Tensor.randomUniform([outputs], in: -bound..<bound, using: &generator)) : nil
  }

  /// A layer around existing parameters.
  public init(weight: Parameter, bias: Parameter? = nil) {
    self.weight = weight
    self.bias = bias
  }

  /// Maps `[..., inputs]` to `[..., outputs]`.
  open func callAsFunction(_ x: Tensor) -> Tensor {
    linear(x, weight: weight.tensor, bias: bias?.tensor)
  }

  /// As ``callAsFunction(_:)``, for layers that do something else to some rows.
  /// - Parameters:
  ///   - x: `[rows, inputs]`.
  ///   - marked: the indices of those rows, integers; nil for none. An ordinary layer does not look at them.
  open func callAsFunction(_ x: Tensor, marked: Tensor?) -> Tensor { self(x) }

  open func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
  }

  /// Rows and columns of the weight: outputs, inputs.
  package var weightShape: [Int] { weight.shape }

  /// The weight as a tensor of floating-point values.
  package var weightValues: Tensor { weight.tensor }

  /// The layer as products of a few unmarked rows compute it; nil for one that is something else than a
  /// weight, a bias and an adapter: a subclass is, until it says otherwise.
  package var rowForm: RowForm? {
    type(of: self) == Linear.self ? RowForm(weight: StoredMatrix(weight.tensor), bias: bias?.tensor) : nil
  }

  /// The layer as an adapter's own pass computes it; nil where it learns, and for a subclass until it says
  /// otherwise.
  package var frozenMap: FrozenMap? {
    guard type(of: self) == Linear.self, !weight.tensor.requiresGradient,
      !(bias?.tensor.requiresGradient ?? false)
    else { return nil }
    return FrozenMap(weight: weight.tensor, bias: bias?.tensor)
  }

  /// The weight if the layer is `x Wᵀ` and nothing else; a subclass is something else until it says
  /// otherwise.
  package var soleWeight: Tensor? { type(of: self) == Linear.self && bias == nil ? weight.tensor : nil }
}

/// What a linear layer is for products of a few rows.
package struct RowForm {
  /// The weight as it is stored.
  package var weight: StoredMatrix
  /// `[outputs]`.
  package var bias: Tensor?
  /// What is added: `scale · (x downᵀ) upᵀ`.
  package var adapter: (down: Tensor, up: Tensor, scale: Double)?

  /// A form of a layer.
  package init(weight: StoredMatrix, bias: Tensor?) {
    self.weight = weight
    self.bias = bias
  }
}

/// A linear layer with a low-rank adapter: `x Wᵀ + b + (alpha / rank) · (x Aᵀ) Bᵀ`.
///
/// The base weight is frozen; A starts Kaiming-uniform and B at zero, so that training starts from the base
/// model (Hu et al., "LoRA", 2021; initialisation as in PEFT).
///
/// A decomposed one learns the lengths m of the rows for themselves: its weight is `m · V / ‖V‖`, row by row,
/// with `V = W + (alpha / rank) · B A`, and m starts as the lengths of W's rows. ‖V‖ is a constant to
/// gradients. (Liu et al., "DoRA", 2024, arXiv:2402.09353, section 4.3; as PEFT computes it.)
public final class LoRALinear: Linear {
  /// `[rank, inputs]`.
  public let loraA: Parameter
  /// `[outputs, rank]`.
  public let loraB: Parameter
  /// Lengths of the rows, `[outputs]`; nil unless the weight is decomposed.
  public let magnitude: Parameter?
  /// The width of the adapter.
  public let rank: Int
  /// The scale's numerator.
  public let alpha: Double
  /// Whether the adapter takes part; off gives the base layer.
  public var isAdapterEnabled = true
  /// What drops elements of the adapter's input while it is trained; every call draws the same.
  package var inputDropout: (probability: Double, generator: RandomGenerator)?
  /// The layer beneath.
  package let base: Linear
  /// The lengths of V's rows, and what they were computed from.
  private var lengths: (down: Tensor, up: Tensor, weight: Tensor, values: Tensor)?

  /// Wraps `base`, whose parameters become frozen.
  /// - Parameter decomposesWeight: whether the lengths of the rows are learned for themselves.
  /// - Precondition: rows of pictures are not mapped in another way by a layer that is decomposed.
  public init(
    base: Linear, rank: Int, alpha: Double, decomposesWeight: Bool = false,
    using generator: inout RandomGenerator
  ) {
    tensorRequire(
      !decomposesWeight || !(base is PartialLoRALinear), "LoRALinear",
      "a layer with another weight for some rows has no lengths of rows")
    let (outputs, inputs) = (base.weightShape[0], base.weightShape[1])
    tensorRequire(rank > 0, "LoRALinear", "the rank must be positive, found \(rank)")
    Initialization.requireExtents([inputs, outputs, rank], "LoRALinear")
    // Kaiming-uniform with a = √5 is uniform over ±1/√inputs.
    let bound = 1 / Double(max(inputs, 1)).squareRoot()
    loraA = Parameter(Tensor.randomUniform([rank, inputs], in: -bound..<bound, using: &generator))
    loraB = Parameter(Tensor.zeros([outputs, rank]))
    magnitude =
      decomposesWeight
      ? Parameter(noGradient { base.weightValues.to(.float32).norm(axis: 1) }) : nil
    self.rank = rank
    self.alpha = alpha
    self.base = base
    super.init(weight: base.weight, bias: base.bias)
    base.setTrainable(false)
  }

  /// The factor in front of the low-rank product.
  public var scale: Double { alpha / Double(rank) }

  /// The shape of ``mergedWeight()``.
  package var mergedShape: [Int] { base.weightShape }

  /// The base weight with the adapter added, `[outputs, inputs]`.
  public func mergedWeight() -> Tensor {
    noGradient {
      let sum = weightValues + loraB.tensor.matmul(loraA.tensor) * scale
      guard let magnitude else { return sum }
      return sum * (magnitude.tensor / sum.norm(axis: 1)).reshaped([sum.shape[0], 1])
    }
  }

  public override func callAsFunction(_ x: Tensor) -> Tensor { inOnePass(x) ?? adapted(base(x), x) }

  public override func callAsFunction(_ x: Tensor, marked: Tensor?) -> Tensor {
    inOnePass(x) ?? adapted(base(x, marked: marked), x)
  }

  /// The layer as one operation; nil where something else than a frozen map and a low-rank product takes
  /// part, or types differ.
  private func inOnePass(_ x: Tensor) -> Tensor? {
    let (down, up) = (loraA.tensor, loraB.tensor)
    guard isAdapterEnabled, magnitude == nil, inputDropout == nil, x.dtype == .float32 || x.dtype == .float64,
      down.dtype == x.dtype, up.dtype == x.dtype, ![x, down, up].contains(where: { $0.isStandIn }),
      x.shape.last == down.shape[1], let frozen = base.frozenMap, frozen.resultType(x.dtype) == x.dtype
    else { return nil }
    let lead = Array(x.shape.dropLast())
    return adaptedLinear(
      x.reshaped([lead.reduce(1, *), down.shape[1]]), frozen, down: down, up: up, scale: scale
    ).reshaped(lead + [up.shape[0]])
  }

  private func adapted(_ result: Tensor, _ x: Tensor) -> Tensor {
    guard isAdapterEnabled else { return result }
    // Scaled while it is narrow.
    let added = linear(linear(dropped(x), weight: loraA.tensor) * scale, weight: loraB.tensor)
    guard let magnitude else { return result + added }
    let ratio = magnitude.tensor / rowLengths()
    guard let bias else { return (result + added) * ratio }
    return (result - bias.tensor + added) * ratio + bias.tensor
  }

  private func dropped(_ x: Tensor) -> Tensor {
    guard let inputDropout else { return x }
    var generator = inputDropout.generator
    return dropout(x, probability: inputDropout.probability, using: &generator)
  }

  /// ‖V‖ for each row, worked out again when something it depends on has changed. What is kept refers to the
  /// memory of those values, so that a change takes other memory.
  private func rowLengths() -> Tensor {
    noGradient {
      let (down, up, weight) = (loraA.tensor, loraB.tensor, base.weight.tensor)
      if let lengths, lengths.down.storage === down.storage, lengths.up.storage === up.storage,
        lengths.weight.storage === weight.storage
      {
        return lengths.values
      }
      let values = (weightValues + up.matmul(down) * scale).norm(axis: 1)
      lengths = (down.detached(), up.detached(), weight.detached(), values)
      return values
    }
  }

  package override var weightShape: [Int] { base.weightShape }
  package override var weightValues: Tensor { base.weightValues }
  package override var rowForm: RowForm? {
    guard var form = base.rowForm, isAdapterEnabled else { return base.rowForm }
    guard form.adapter == nil, magnitude == nil, inputDropout == nil else { return nil }
    form.adapter = (loraA.tensor, loraB.tensor, scale)
    return form
  }
  package override var soleWeight: Tensor? { isAdapterEnabled ? nil : base.soleWeight }

  public override func visitParameters(_ visitor: inout ParameterVisitor) {
    base.visitParameters(&visitor)
    visitor.add("lora_A.weight", loraA)
    visitor.add("lora_B.weight", loraB)
    visitor.add("lora_magnitude_vector", magnitude)
  }
}
