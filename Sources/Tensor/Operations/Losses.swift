extension Tensor {
  /// Losses of single elements as one number or as they are.
  fileprivate func reduced(by reduction: Reduction) -> Tensor {
    switch reduction {
    case .none: self
    case .mean: mean()
    case .sum: sum()
    }
  }

  fileprivate func requireShape(of other: Tensor, _ operation: String) {
    tensorRequire(shape == other.shape, operation, "shapes \(shape) and \(other.shape) differ")
  }
}

/// The squared error `(x − y)²`, PyTorch's `mse_loss`; tensors of one shape.
public func mseLoss(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "mseLoss")
  return (x - y).square().reduced(by: reduction)
}

/// The absolute error `|x − y|`, PyTorch's `l1_loss`; tensors of one shape.
public func l1Loss(_ x: Tensor, _ y: Tensor, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "l1Loss")
  return (x - y).abs().reduced(by: reduction)
}

/// The squared error where it is small, the absolute one elsewhere: with `d = |x − y|`, `d² / (2 beta)` below
/// `beta`, else `d − beta / 2` (PyTorch's `smooth_l1_loss`); tensors of one shape.
public func smoothL1Loss(_ x: Tensor, _ y: Tensor, beta: Double = 1, reduction: Reduction = .mean) -> Tensor {
  x.requireShape(of: y, "smoothL1Loss")
  tensorRequire(beta >= 0, "smoothL1Loss", "beta must not be negative, found \(beta)")
  if beta == 0 { return l1Loss(x, y, reduction: reduction) }
  let distance = (x - y).abs()
  return Tensor.select(distance .< beta, distance.square() * (0.5 / beta), distance - 0.5 * beta)
    .reduced(by: reduction)
}

/// The cross-entropy `softplus(x) − x t` of targets between 0 and 1 under the probability `sigmoid(x)`,
/// PyTorch's `binary_cross_entropy_with_logits`; tensors of one shape.
public func binaryCrossEntropy(logits: Tensor, targets: Tensor, reduction: Reduction = .mean) -> Tensor {
  logits.requireShape(of: targets, "binaryCrossEntropy")
  return (logits.softplus() - logits * targets).reduced(by: reduction)
}

/// The divergence `t (ln t − x)` of a distribution with log-probabilities `x` from the distribution `t`,
/// PyTorch's `kl_div`; zero where `t` is. Tensors of one shape; the divergence of a batch is the sum divided
/// by its size.
public func klDivergence(logProbabilities: Tensor, target: Tensor, reduction: Reduction = .mean) -> Tensor {
  logProbabilities.requireShape(of: target, "klDivergence")
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
