/// Batch normalization with a learned scale and shift for every channel; see
/// ``batchNorm(_:mean:variance:weight:bias:epsilon:)``. While it is trained it normalizes by the batch and
/// keeps running statistics, by which it normalizes afterwards (``Module/setTraining(_:)``): PyTorch's
/// `BatchNorm1d`, `2d` and `3d` in one, with its names and rules.
///
/// The statistics are parameters that are not trained, so that they are saved and loaded with the others.
public final class BatchNorm: Layer, TrainingDependent {
  /// `[channels]`, starts as ones; nil without a learned scale and shift.
  public let weight: Parameter?
  /// `[channels]`, starts as zeros; nil without a learned scale and shift.
  public let bias: Parameter?
  /// The mean of every channel over the batches that were seen, `[channels]`, starts as zeros; nil where no
  /// statistics are kept.
  public let runningMean: Parameter?
  /// The variance, with the count less one as denominator, `[channels]`, starts as ones; nil where no
  /// statistics are kept.
  public let runningVariance: Parameter?
  /// How many batches the statistics are of, an int64; nil where none are kept.
  public let batchCount: Parameter?
  /// The number of channels.
  public let channels: Int
  /// What a new batch weighs in the statistics; nil for the mean of all batches.
  public let momentum: Double?
  /// Added to the variance.
  public let epsilon: Double
  public var isTraining = true

  /// A layer for `channels` channels.
  /// - Parameters:
  ///   - momentum: what a new batch weighs in the running statistics; nil for the mean of all batches.
  ///   - isAffine: whether a scale and a shift are learned.
  ///   - tracksStatistics: whether statistics are kept; without them batches are normalized by themselves at
  ///     all times.
  public init(
    _ channels: Int, epsilon: Double = 1e-5, momentum: Double? = 0.1, isAffine: Bool = true,
    tracksStatistics: Bool = true
  ) {
    Initialization.requireExtents([channels], "BatchNorm")
    weight = isAffine ? Parameter(Tensor.ones([channels])) : nil
    bias = isAffine ? Parameter(Tensor.zeros([channels])) : nil
    func kept(_ value: Tensor) -> Parameter? {
      tracksStatistics ? Parameter(value, isTrainable: false) : nil
    }
    runningMean = kept(Tensor.zeros([channels]))
    runningVariance = kept(Tensor.ones([channels]))
    batchCount = kept(Tensor(0, dtype: .int64))
    self.channels = channels
    self.momentum = momentum
    self.epsilon = epsilon
  }

  /// Maps `[batch, channels, ...]` to its shape.
  /// - Precondition: while it is trained, a channel has more than one number in a batch.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    tensorRequire(
      x.rank >= 2 && x.shape[1] == channels, "BatchNorm",
      "needs [batch, \(channels), ...], found shape \(x.shape)")
    let usesRunning = !isTraining && runningMean != nil
    if isTraining { follow(x) }
    return batchNorm(
      x, mean: usesRunning ? runningMean?.tensor.detached() : nil,
      variance: usesRunning ? runningVariance?.tensor.detached() : nil, weight: weight?.tensor,
      bias: bias?.tensor, epsilon: epsilon)
  }

  /// Takes the statistics of a batch into the running ones.
  private func follow(_ x: Tensor) {
    let count = x.count / Swift.max(channels, 1)
    tensorRequire(
      count > 1, "BatchNorm",
      "needs more than one number for every channel in training, found shape \(x.shape)")
    guard let runningMean, let runningVariance, let batchCount else { return }
    noGradient {
      let axes = x.shape.indices.filter { $0 != 1 }
      let seen = batchCount.tensor.item() + 1
      let share = momentum ?? 1 / seen
      batchCount.tensor = Tensor(seen)
      for (kept, found) in [(runningMean, x.mean(axes: axes)), (runningVariance, x.variance(axes: axes))] {
        kept.tensor = kept.tensor.detached().lerp(found.to(kept.dtype), share)
      }
    }
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    visitor.add("weight", weight)
    visitor.add("bias", bias)
    visitor.add("running_mean", runningMean)
    visitor.add("running_var", runningVariance)
    visitor.add("num_batches_tracked", batchCount)
  }
}
