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
    logits.rank > 0 && Array(logits.shape.dropLast()) == targets.shape, "crossEntropy",
    "targets of shape \(targets.shape) do not fit logits of shape \(logits.shape)")
  tensorRequire(
    !targets.dtype.isFloatingPoint, "crossEntropy", "targets must be integers, found \(targets.dtype)")
  if logits.isStandIn || targets.isStandIn {
    return crossEntropyOverBatch(logits, targets, ignoring, labelSmoothing, reduction)
  }
  let numbers = targets.array(of: Int64.self).enumerated().map { row, target -> Int64 in
    if target == Int64(ignoring) { return -1 }
    tensorRequire(
      target >= 0 && target < Int64(classes), "crossEntropy",
      "target \(target) of row \(row) is outside \(classes) classes")
    return target
  }
  let type = logits.fusedType
  let losses = rowLosses(
    logits.reshaped([numbers.count, classes]).to(type).contiguous(), numbers, labelSmoothing)
  let result =
    switch reduction {
    case .none: losses.reshaped(targets.shape)
    case .sum: losses.sum()
    case .mean: losses.sum() / Double(numbers.count { $0 >= 0 })
    }
  return logits.dtype.isFloatingPoint ? result.to(logits.dtype) : result
}

/// The cross-entropy of every example.
private func crossEntropyOverBatch(
  _ logits: Tensor, _ targets: Tensor, _ ignoring: Int, _ labelSmoothing: Double, _ reduction: Reduction
) -> Tensor {
  let losses = Tensor.overBatch([logits.to(logits.fusedType), targets]) { operands, _ in
    crossEntropy(
      operands[0], targets: operands[1], ignoring: ignoring, labelSmoothing: labelSmoothing, reduction: .none)
  }
  let result =
    switch reduction {
    case .none: losses
    case .sum: losses.sum()
    case .mean: losses.sum() / (targets .!= ignoring).countNonZero().to(losses.dtype)
    }
  return logits.dtype.isFloatingPoint ? result.to(logits.dtype) : result
}

/// One loss for each row of contiguous logits `[rows, classes]`, zero where the target is −1.
///
/// The derivative is `softmax(x) − ε / classes − (1 − ε) onehot(target)`, found from the logits and one
/// log-sum-exp per row; neither pass keeps a matrix.
private func rowLosses(_ x: Tensor, _ targets: [Int64], _ smoothing: Double) -> Tensor {
  let (rows, classes) = x.rowsAndWidth
  let logSumExp = Tensor(uninitialized: [rows], dtype: x.dtype)
  let losses = Tensor(uninitialized: [rows], dtype: x.dtype)
  let numbers = Tensor(targets)
  func forward<T: FusedScalar>(_: T.Type) {
    Threads.parallel(rows, grain: rowGrain(classes)) { range in
      let (begin, count, n) = (range.lowerBound, Int64(range.count), Int64(classes))
      T.crossEntropyKernel(
        x.pointer() + begin * classes, logSumExp.pointer() + begin, numbers.pointer() + begin,
        losses.pointer() + begin, count, n, T(smoothing))
    }
  }
  x.withFusedType("crossEntropy") { forward($0) }
  return x.recorded("crossEntropy", from: x, losses) { gradient, _ in
    if GradientMode.isEnabled {
      let counted = (numbers .>= 0).to(x.dtype)
      let wanted =
        // Rows that do not count have −1 here, which is no class.
        numbers.maximum(Tensor.zeros([], dtype: .int64)).oneHot(classes: classes, dtype: x.dtype)
        * (1 - smoothing) + smoothing / Double(classes)
      return (x.softmax() - wanted) * (gradient * counted).expandedDimensions(axis: 1)
    }
    let arrived = gradient.contiguous()
    let dx = Tensor(uninitialized: x.shape, dtype: x.dtype)
    func backward<T: FusedScalar>(_: T.Type) {
      Threads.parallel(rows, grain: rowGrain(classes)) { range in
        let begin = range.lowerBound
        T.crossEntropyBackwardKernel(
          x.pointer() + begin * classes, logSumExp.pointer() + begin, numbers.pointer() + begin,
          arrived.pointer() + begin, dx.pointer() + begin * classes, Int64(range.count), Int64(classes),
          T(smoothing))
      }
    }
    x.withFusedType("crossEntropy") { backward($0) }
    return dx
  }
}
