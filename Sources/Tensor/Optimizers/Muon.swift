/// Momentum whose directions are made orthogonal (Jordan et al., "Muon: an optimizer for hidden layers in
/// neural networks", 2024), as `torch.optim.Muon` computes it.
///
/// `B ← momentum · B + (1 − momentum) · G`, and a step goes along `orthogonalized(B)`, or with `nesterov`
/// along that of `G + momentum · (B − G)`. It is for matrices: give biases, norms, embeddings and the output
/// layer to ``AdamW``.
public final class Muon: Optimizer, StatefulOptimizer {
  /// How the step size depends on the shape `[A, B]` of a matrix; PyTorch's names.
  public enum RateAdjustment: String, Sendable, CaseIterable {
    /// `√max(1, A / B)`, of the optimizer's authors.
    case original
    /// `0.2 · √max(A, B)`: steps of AdamW's size, whose rate and decay then fit (Liu et al., "Muon is
    /// scalable for LLM training", 2025).
    case matchRMSAdamW = "match_rms_adamw"
  }

  public var learningRate: Double
  /// Each step first multiplies a parameter by `1 − learningRate · weightDecay`.
  public var weightDecay: Double
  /// How much of the previous direction is kept.
  public let momentum: Double
  /// Whether the step looks ahead.
  public let nesterov: Bool
  /// `a`, `b` and `c` of the polynomial `a x + b x³ + c x⁵` that is applied to singular values.
  public let coefficients: (Double, Double, Double)
  /// The smallest norm that a matrix is divided by.
  public let epsilon: Double
  /// How often the polynomial is applied.
  public let iterations: Int
  /// How the step size depends on the shape.
  public let rateAdjustment: RateAdjustment
  /// The type that results of the iteration are rounded to: bfloat16 as in PyTorch, or float32 or float64.
  public let iterationType: DType
  var state = OptimizerState("Muon", slots: ["momentum_buffer"])

  /// Creates an optimizer without history.
  ///
  /// Fails with a ``TensorError`` for negative numbers, 100 iterations or more, and types without floating
  /// point.
  public init(
    learningRate: Double = 1e-3, weightDecay: Double = 0.1, momentum: Double = 0.95, nesterov: Bool = true,
    coefficients: (Double, Double, Double) = (3.4445, -4.7750, 2.0315), epsilon: Double = 1e-7,
    iterations: Int = 5, rateAdjustment: RateAdjustment = .original, iterationType: DType = .bfloat16
  ) {
    tensorRequire(
      learningRate >= 0 && weightDecay >= 0 && momentum >= 0 && epsilon >= 0 && 0..<100 ~= iterations
        && iterationType.isFloatingPoint, "Muon",
      "rate \(learningRate), decay \(weightDecay), momentum \(momentum) and epsilon \(epsilon) must not be "
        + "negative, iterations be 0 to 99, found \(iterations), in floating point, found \(iterationType)")
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.nesterov = nesterov
    self.coefficients = coefficients
    self.epsilon = epsilon
    self.iterations = iterations
    self.rateAdjustment = rateAdjustment
    self.iterationType = iterationType
  }

  public var stepCount: Int { state.stepCount }

  /// Changes every matrix that has a gradient.
  ///
  /// Fails with a ``TensorError`` where a parameter with a gradient is no matrix, before any is changed.
  public func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1,
    isDecayed: (NamedParameter) -> Bool = { _ in true }
  ) {
    for (name, parameter) in parameters where gradients[parameter] != nil {
      tensorRequire(
        parameter.shape.count == 2, "Muon",
        "only matrices can be stepped, found \(name) of shape \(parameter.shape): give it to another "
          + "optimizer")
    }
    state.update(parameters, gradients, decayed: parameters.map(isDecayed)) { update in
      noGradient { change(update, gradientScale) }
    }
  }

  private func change(_ update: OptimizerUpdate, _ gradientScale: Double) {
    let target = update.target
    if target.count == 0 { return }
    let gradient = gradientScale == 1 ? update.gradient : update.gradient * gradientScale
    let buffer = update.slots[0].lerp(gradient, 1 - momentum)
    update.write(buffer, to: update.slots[0])
    let direction = orthogonalized(nesterov ? gradient.lerp(buffer, momentum) : buffer).to(target.dtype)
    let (rows, columns) = (Double(target.shape[0]), Double(target.shape[1]))
    let ratio =
      switch rateAdjustment {
      case .original: max(1, rows / columns).squareRoot()
      case .matchRMSAdamW: 0.2 * max(rows, columns).squareRoot()
      }
    let kept = update.isDecayed ? 1 - learningRate * weightDecay : 1
    update.write(target * kept - direction * (learningRate * ratio), to: target)
  }

  /// A matrix with nearly the same singular vectors whose singular values lie around 1, by Newton and
  /// Schulz's iteration on the matrix divided by its norm.
  private func orthogonalized(_ matrix: Tensor) -> Tensor {
    // The product of the shorter side is the smaller one.
    let isTall = matrix.shape[0] > matrix.shape[1]
    // Products and sums are rounded once, as PyTorch's `addmm` rounds them.
    let type: DType = iterationType == .float64 ? .float64 : .float32
    func rounded(_ x: Tensor) -> Tensor { x.to(iterationType).to(type) }
    var x = rounded(isTall ? matrix.transposed() : matrix)
    x = rounded(x / rounded(x.norm().maximum(epsilon)))
    let (a, b, c) = coefficients
    for _ in 0..<iterations {
      let gram = rounded(x.matmul(x.transposed()))
      let polynomial = rounded(gram * b + gram.matmul(gram) * c)
      x = rounded(x * a + polynomial.matmul(x))
    }
    return isTall ? x.transposed() : x
  }

  public func namedState() -> [(name: String, tensor: Tensor)] { state.named() }

  public func load(
    state saved: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    try state.load(saved, stepCount: stepCount, parameters: parameters)
  }
}
