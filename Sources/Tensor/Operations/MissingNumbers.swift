// Reductions in which a NaN counts as missing, named as NumPy's. Of integers and bools nothing is missing.

extension Tensor {
  /// The sum over some axes (all when omitted) of the elements that are not NaN, NumPy's `nansum`; over none
  /// it is 0.
  public func nanSum(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("nanSum") { present(or: 0).sum(axes: axes, keepDims: keepDims) }
  }

  /// The mean over some axes (all when omitted) of the elements that are not NaN, NumPy's `nanmean`; over
  /// none it is NaN.
  public func nanMean(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("nanMean") {
      if !dtype.isFloatingPoint { return mean(axes: axes, keepDims: keepDims) }
      if dtype.isHalfPrecision { return to(.float32).nanMean(axes: axes, keepDims: keepDims).to(dtype) }
      let count = (.!isNaN()).countNonZero(axes: axes, keepDims: keepDims).to(dtype)
      return nanSum(axes: axes, keepDims: keepDims) / count
    }
  }

  /// The largest element over some axes (all when omitted) that is not NaN, NumPy's `nanmax`; where all are,
  /// it is NaN. Equal ones share the gradient.
  /// - Precondition: no reduced axis is empty.
  public func nanMax(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("nanMax") {
      markingMissing(present(or: -.infinity).max(axes: axes, keepDims: keepDims), axes, keepDims)
    }
  }

  /// The smallest element over some axes (all when omitted) that is not NaN, NumPy's `nanmin`; where all are,
  /// it is NaN. Equal ones share the gradient.
  /// - Precondition: no reduced axis is empty.
  public func nanMin(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("nanMin") {
      markingMissing(present(or: .infinity).min(axes: axes, keepDims: keepDims), axes, keepDims)
    }
  }

  /// The sum over one axis of what is not NaN; see ``nanSum(axes:keepDims:)``.
  public func nanSum(axis: Int, keepDims: Bool = false) -> Tensor { nanSum(axes: [axis], keepDims: keepDims) }

  /// The mean over one axis of what is not NaN; see ``nanMean(axes:keepDims:)``.
  public func nanMean(axis: Int, keepDims: Bool = false) -> Tensor {
    nanMean(axes: [axis], keepDims: keepDims)
  }

  /// The largest element over one axis that is not NaN; see ``nanMax(axes:keepDims:)``.
  public func nanMax(axis: Int, keepDims: Bool = false) -> Tensor { nanMax(axes: [axis], keepDims: keepDims) }

  /// The smallest element over one axis that is not NaN; see ``nanMin(axes:keepDims:)``.
  public func nanMin(axis: Int, keepDims: Bool = false) -> Tensor { nanMin(axes: [axis], keepDims: keepDims) }

  /// The elements, with a number in place of every NaN.
  private func present(or number: Double) -> Tensor {
    dtype.isFloatingPoint ? Tensor.select(isNaN(), number, self) : self
  }

  /// NaN where nothing was there to reduce.
  private func markingMissing(_ result: Tensor, _ axes: [Int]?, _ keepDims: Bool) -> Tensor {
    if !dtype.isFloatingPoint { return result }
    let isMissing = isNaN().all(axes: axes, keepDims: keepDims)
    return isMissing.any().item() == 0 ? result : Tensor.select(isMissing, Double.nan, result)
  }
}
