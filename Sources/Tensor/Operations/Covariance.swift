extension Tensor {
  /// The covariances of variables, NumPy's `cov`: `[variables, observations]` to `[variables, variables]`; a
  /// vector is one variable and gives its variance without axes. Integers become float32.
  /// - Parameter correction: subtracted from the number of observations in the denominator, which is not
  ///   below 0.
  public func covariance(correction: Double = 1) -> Tensor {
    tensorRequire(
      rank == 1 || rank == 2, "covariance", "needs rows of observations, found shape \(shape)")
    return tensorOperation("covariance") {
      // A Float holds every byte; 32 and 64 bits would lose digits in it.
      if dtype == .int32 || dtype == .int64 {
        return to(.float64).covariance(correction: correction).to(.float32)
      }
      if let rounded = inSinglePrecision({ $0.covariance(correction: correction) }) { return rounded }
      let rows = rank == 1 ? reshaped([1, count]) : self
      let deviations = rows - rows.mean(axes: [1], keepDims: true)
      let products = deviations.matmul(deviations.transposed())
      let result = products / Swift.max(Double(rows.shape[1]) - correction, 0)
      return rank == 1 ? result.reshaped([]) : result
    }
  }

  /// The coefficients of correlation of variables, from −1 to 1, NumPy's `corrcoef`: `[variables,
  /// observations]` to `[variables, variables]`. They are NaN for a variable without variance. Integers
  /// become float32.
  public func correlationCoefficients() -> Tensor {
    tensorRequire(
      rank == 1 || rank == 2, "correlationCoefficients", "needs rows of observations, found shape \(shape)")
    return tensorOperation("correlationCoefficients") {
      if dtype == .int32 || dtype == .int64 { return to(.float64).correlationCoefficients().to(.float32) }
      if let rounded = inSinglePrecision({ $0.correlationCoefficients() }) { return rounded }
      let covariances = covariance()
      if rank == 1 { return covariances / covariances }
      let deviations = covariances.diagonal().sqrt()
      let scaled = covariances / deviations.expandedDimensions(axis: 1) / deviations
      return scaled.clamped(-1, 1)
    }
  }
}
