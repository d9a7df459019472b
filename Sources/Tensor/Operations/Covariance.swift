extension Tensor {
  /// The covariances of variables, NumPy's `cov`: `[variables, observations]` to `[variables, variables]`; a
  /// vector is one variable and gives its variance without axes. Integers become float32.
  /// - Parameters:
  ///   - correction: subtracted from the number of observations in the denominator, which is not below 0.
  ///   - frequencies: how often each observation was made, integers `[observations]`.
  ///   - weights: how much each observation counts, `[observations]`; they get a gradient.
  /// - Precondition: frequencies and weights are not negative.
  public func covariance(correction: Double = 1, frequencies: Tensor? = nil, weights: Tensor? = nil)
    -> Tensor
  {
    tensorRequire(
      rank == 1 || rank == 2, "covariance", "needs rows of observations, found shape \(shape)")
    let observations = shape[rank - 1]
    tensorRequire(
      frequencies.map { !$0.dtype.isFloatingPoint } ?? true, "covariance",
      "frequencies must be integers, found \(frequencies?.dtype ?? .int64)")
    for (list, name) in [(frequencies, "frequencies"), (weights, "weights")] {
      guard let list else { continue }
      tensorRequire(
        list.shape == [observations], "covariance",
        "\(name) of shape \(list.shape) do not fit \(observations) observations")
      tensorRequire(
        (list.detached() .< 0).any().item() == 0, "covariance", "\(name) must not be negative, found \(list)")
    }
    return tensorOperation("covariance") {
      let own: DType = dtype.isFloatingPoint ? dtype : .float32
      let type = weights.map { $0.dtype.isFloatingPoint ? DType.promoted(own, $0.dtype) : own } ?? own
      // A Float does not hold the square of 16 bits.
      let isWide = dtype.isInteger || type == .float64
      let computing: DType = isWide ? .float64 : .float32
      let rows = (rank == 1 ? reshaped([1, count]) : self).to(computing)
      let products = rows.weightedCovariance(
        correction, frequencies?.to(computing), weights?.to(computing))
      let result = rank == 1 ? products.reshaped([]) : products
      return result.to(type)
    }
  }

  private func weightedCovariance(_ correction: Double, _ frequencies: Tensor?, _ weights: Tensor?) -> Tensor
  {
    guard let shares = frequencies.map({ times in weights.map { times * $0 } ?? times }) ?? weights else {
      let deviations = self - mean(axes: [1], keepDims: true)
      return deviations.matmul(deviations.transposed()) / Swift.max(Double(shape[1]) - correction, 0)
    }
    let total = shares.sum()
    let deviations = self - (self * shares).sum(axes: [1], keepDims: true) / total
    // Of weights that are no counts the correction is weighted too.
    let lost =
      weights.map { (shares * $0).sum() / total * correction } ?? Tensor.full(like: total, correction)
    return (deviations * shares).matmul(deviations.transposed()) / (total - lost).maximum(0)
  }

  /// The coefficients of correlation of variables, from −1 to 1, NumPy's `corrcoef`: `[variables,
  /// observations]` to `[variables, variables]`. They are NaN for a variable without variance. Integers
  /// become float32.
  public func correlationCoefficients() -> Tensor {
    tensorRequire(
      rank == 1 || rank == 2, "correlationCoefficients", "needs rows of observations, found shape \(shape)")
    return tensorOperation("correlationCoefficients") {
      if dtype.isInteger { return to(.float64).correlationCoefficients().to(.float32) }
      if let rounded = inSinglePrecision({ $0.correlationCoefficients() }) { return rounded }
      let covariances = covariance()
      if rank == 1 { return covariances / covariances }
      let deviations = covariances.diagonal().sqrt()
      let scaled = covariances / deviations.expandedDimensions(axis: 1) / deviations
      return scaled.clamped(-1, 1)
    }
  }
}
