/// How a loss over many rows becomes one number.
public enum Reduction: Sendable {
  /// One loss for each row.
  case none
  /// The mean over the rows that count.
  case mean
  /// The sum.
  case sum
}

/// The cross-entropy between logits and class numbers, PyTorch's `cross_entropy`.
///
/// `loss = (1 − ε) · (−log softmax(x)[target]) + ε · mean(−log softmax(x))`.
/// - Parameters:
///   - logits: `[..., classes]`.
///   - targets: integers `[...]`.
///   - ignoring: rows with this target count nowhere and get no gradient.
///   - labelSmoothing: ε, spread evenly over the classes.
///   - reduction: how the rows become one number; the mean is over the rows that are not ignored.
public func crossEntropy(
  _ logits: Tensor, targets: Tensor, ignoring: Int = -100, labelSmoothing: Double = 0,
  reduction: Reduction = .mean
) -> Tensor {
  let classes = logits.shape.last ?? 0
  tensorRequire(
    Array(logits.shape.dropLast()) == targets.shape, "crossEntropy",
    "targets of shape \(targets.shape) do not fit logits of shape \(logits.shape)")
  let numbers = targets.array(of: Int64.self)
  let counts = numbers.map { $0 != Int64(ignoring) }
  let rows = logits.reshaped([numbers.count, classes]).logSoftmax(axis: -1)
  let safe = Tensor(numbers.map { $0 == Int64(ignoring) ? 0 : $0 }, shape: [numbers.count, 1])
  var losses = -rows.gather(axis: 1, safe).reshaped([numbers.count])
  if labelSmoothing > 0 {
    losses = losses * (1 - labelSmoothing) - rows.mean(axes: [1]) * labelSmoothing
  }
  losses = Tensor.select(Tensor(counts), losses, Tensor.zeros([], dtype: losses.dtype))
  return switch reduction {
  case .none: losses.reshaped(targets.shape)
  case .sum: losses.sum()
  case .mean: losses.sum() / Double(counts.count { $0 })
  }
}
