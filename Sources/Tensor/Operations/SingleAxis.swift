// One axis by its number, as `axis:`; several, or all, are the forms with `axes:`.

extension Tensor {
  /// The sum over one axis; see ``sum(axes:keepDims:)``.
  public func sum(axis: Int, keepDims: Bool = false) -> Tensor { sum(axes: [axis], keepDims: keepDims) }

  /// The mean over one axis; see ``mean(axes:keepDims:)``.
  public func mean(axis: Int, keepDims: Bool = false) -> Tensor { mean(axes: [axis], keepDims: keepDims) }

  /// The product over one axis; see ``prod(axes:keepDims:)``.
  public func prod(axis: Int, keepDims: Bool = false) -> Tensor { prod(axes: [axis], keepDims: keepDims) }

  /// The largest element over one axis; see ``max(axes:keepDims:)``.
  public func max(axis: Int, keepDims: Bool = false) -> Tensor { max(axes: [axis], keepDims: keepDims) }

  /// The smallest element over one axis; see ``min(axes:keepDims:)``.
  public func min(axis: Int, keepDims: Bool = false) -> Tensor { min(axes: [axis], keepDims: keepDims) }

  /// The variance over one axis; see ``variance(axes:correction:keepDims:)``.
  public func variance(axis: Int, correction: Double = 1, keepDims: Bool = false) -> Tensor {
    variance(axes: [axis], correction: correction, keepDims: keepDims)
  }

  /// The standard deviation over one axis; see ``standardDeviation(axes:correction:keepDims:)``.
  public func standardDeviation(axis: Int, correction: Double = 1, keepDims: Bool = false) -> Tensor {
    standardDeviation(axes: [axis], correction: correction, keepDims: keepDims)
  }

  /// ln Σ e^x over one axis; see ``logSumExp(axes:keepDims:)``.
  public func logSumExp(axis: Int, keepDims: Bool = false) -> Tensor {
    logSumExp(axes: [axis], keepDims: keepDims)
  }

  /// The norm of the vectors along one axis; see ``norm(_:axes:keepDims:)``.
  public func norm(_ order: Double = 2, axis: Int, keepDims: Bool = false) -> Tensor {
    norm(order, axes: [axis], keepDims: keepDims)
  }

  /// Whether any element over one axis is not zero; see ``any(axes:keepDims:)``.
  public func any(axis: Int, keepDims: Bool = false) -> Tensor { any(axes: [axis], keepDims: keepDims) }

  /// Whether every element over one axis is not zero; see ``all(axes:keepDims:)``.
  public func all(axis: Int, keepDims: Bool = false) -> Tensor { all(axes: [axis], keepDims: keepDims) }

  /// How many elements over one axis are not zero; see ``countNonZero(axes:keepDims:)``.
  public func countNonZero(axis: Int, keepDims: Bool = false) -> Tensor {
    countNonZero(axes: [axis], keepDims: keepDims)
  }

  /// One axis backwards; see ``flipped(axes:)``.
  public func flipped(axis: Int) -> Tensor { flipped(axes: [axis]) }
}
