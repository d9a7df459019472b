extension Tensor {
  /// Losses of single elements as one number or as they are.
  fileprivate func reduced(by reduction: Reduction) -> Tensor {
    switch reduction {
    case .none: self
    case .mean: mean()
    case .sum: sum()
    }
  }

  /// `body` of two tensors in float32, rounded once, where they promote to half precision; else nil.
  fileprivate func inSinglePrecision(with other: Tensor, _ body: (Tensor, Tensor) -> Tensor) -> Tensor? {
    let type = DType.promoted(dtype, other.dtype)
    return type.isHalfPrecision ? body(to(.float32), other.to(.float32)).to(type) : nil
  }

  fileprivate func requireShape(of other: Tensor, _ operation: String) {
    tensorRequire(shape == other.shape, operation, "shapes \(shape) and \(other.shape) differ")
  }
}

/// The squared error `(x − y)²`, PyTorch's `mse_loss`; tensors of one shape.
public func mseLoss(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "mseLoss")
  if let rounded = x.inSinglePrecision(with: y, { mseLoss($0, $1, reduction: reduction) }) { return rounded }
  return (x - y).square().reduced(by: reduction)
}

/// The absolute error `|x − y|`, PyTorch's `l1_loss`; tensors of one shape.
public func l1Loss(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "l1Loss")
  if let rounded = x.inSinglePrecision(with: y, { l1Loss($0, $1, reduction: reduction) }) { return rounded }
  return (x - y).abs().reduced(by: reduction)
}

/// The squared error where it is small, the absolute one elsewhere: with `d = |x − y|`, `d² / (2 beta)` below
/// `beta`, else `d − beta / 2` (PyTorch's `smooth_l1_loss`); tensors of one shape.
public func smoothL1Loss(_ x: Tensor, _ y: Tensor, beta: Double = 1, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "smoothL1Loss")
  if let rounded = x.inSinglePrecision(with: y, { smoothL1Loss($0, $1, beta: beta, reduction: reduction) }) {
    return rounded
  }
  tensorRequire(beta >= 0, "smoothL1Loss", "beta must not be negative, found \(beta)")
  if beta == 0 { return l1Loss(x, y, reduction: reduction) }
  let distance = (x - y).abs()
  let isSmall = .!(distance .>= beta)
  // What is not small stays out of the square, whose slope may be infinite.
  let small = Tensor.select(isSmall, distance, Tensor.zeros([], dtype: distance.dtype))
  return Tensor.select(isSmall, small.square() * (0.5 / beta), distance - 0.5 * beta)
    .reduced(by: reduction)
}

/// The cross-entropy `softplus(x) − x t` of targets between 0 and 1 under the probability `sigmoid(x)`,
/// PyTorch's `binary_cross_entropy_with_logits`; tensors of one shape. An infinite logit costs nothing where
/// the target agrees with it (PyTorch: NaN).
public func binaryCrossEntropy(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  logits.requireShape(of: targets, "binaryCrossEntropy")
  if let rounded = logits.inSinglePrecision(
    with: targets, { binaryCrossEntropy(logits: $0, targets: $1, reduction: reduction) })
  {
    return rounded
  }
  let isInfinite = logits.isInfinite()
  if isInfinite.any().item() == 0 {
    return (logits.softplus() - logits * targets).reduced(by: reduction)
  }
  // Where a logit is infinite: its magnitude times how far the target is from it, which is nothing where it
  // is right.
  let zero = Tensor.zeros([], dtype: logits.dtype)
  let isRight = isInfinite .& (targets .== (logits.detached() .> 0).to(targets.dtype))
  let x = Tensor.select(isInfinite, zero, logits)
  let wrong = Tensor.select(isInfinite .& .!isRight, logits, zero)
  let losses = Tensor.select(
    isInfinite, wrong.relu() * (1 - targets) + (-wrong).relu() * targets, x.softplus() - x * targets)
  return Tensor.select(isRight, zero, losses).reduced(by: reduction)
}

/// The divergence `t (ln t − x)` of a distribution with log-probabilities `x` from the distribution `t`,
/// PyTorch's `kl_div`; zero where `t` is and `x` is finite. Tensors of one shape; the divergence of a batch
/// is the sum divided by its size.
public func klDivergence(logProbabilities: Tensor, target: Tensor, reduction: Reduction = .mean) -> Tensor {
  logProbabilities.requireShape(of: target, "klDivergence")
  if let rounded = logProbabilities.inSinglePrecision(
    with: target, { klDivergence(logProbabilities: $0, target: $1, reduction: reduction) })
  {
    return rounded
  }
  let one = Tensor.ones([], dtype: target.dtype)
  let logarithm = Tensor.select(target .> 0, target, one).log()
  return (target * (logarithm - logProbabilities)).reduced(by: reduction)
}

/// The negative log-probability of class numbers, PyTorch's `nll_loss`.
/// - Parameters:
///   - logProbabilities: `[..., classes]`.
///   - targets: integers `[...]`.
///   - ignoring: rows with this target count nowhere and get no gradient.
///   - reduction: how the rows become one number; the mean is over the rows that are not ignored.
public func nllLoss(
  _ logProbabilities: Tensor, targets: Tensor, ignoring: Int = -100, reduction: Reduction = .mean
) -> Tensor {
  if let rounded = logProbabilities.inSinglePrecision({
    nllLoss($0, targets: targets, ignoring: ignoring, reduction: reduction)
  }) {
    return rounded
  }
  let classes = logProbabilities.shape.last ?? 0
  tensorRequire(
    logProbabilities.rank > 0 && Array(logProbabilities.shape.dropLast()) == targets.shape, "nllLoss",
    "targets of shape \(targets.shape) do not fit log-probabilities of shape \(logProbabilities.shape)")
  tensorRequire(!targets.dtype.isFloatingPoint, "nllLoss", "targets must be integers, found \(targets.dtype)")
  let numbers = targets.array(of: Int64.self)
  let counts = numbers.enumerated().map { row, target in
    if target == Int64(ignoring) { return false }
    tensorRequire(
      target >= 0 && target < Int64(classes), "nllLoss",
      "target \(target) of row \(row) is outside \(classes) classes")
    return true
  }
  let safe = Tensor(zip(numbers, counts).map { $1 ? $0 : 0 }, shape: [numbers.count, 1])
  let found = -logProbabilities.reshaped([numbers.count, classes]).gather(axis: 1, safe)
  let losses = Tensor.select(
    Tensor(counts), found.reshaped([numbers.count]), Tensor.zeros([], dtype: found.dtype))
  return switch reduction {
  case .none: losses.reshaped(targets.shape)
  case .sum: losses.sum()
  case .mean: losses.sum() / Double(counts.count { $0 })
  }
}
