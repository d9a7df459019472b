/// What ``Tensor/quantile(_:axis:keepDims:interpolation:)-(Double,_,_,_)`` gives between two elements; the
/// names are NumPy's.
public enum QuantileInterpolation: String, Sendable, CaseIterable {
  /// The point on the line between both.
  case linear
  /// The smaller element.
  case lower
  /// The larger element.
  case higher
  /// The mean of both.
  case midpoint
  /// The nearer element; of two equally near ones that with the even number.
  case nearest
}

extension Tensor {
  /// The element below which a fraction of the elements lies, NumPy's `quantile`. NaN among the elements
  /// makes it NaN.
  ///
  /// Where the fraction falls between two elements the interpolation decides; the gradient goes to those it
  /// is made of. Linear and midpoint quantiles of integers and bools are float32, the others have their type.
  /// An element that the fraction meets is the quantile, and so is one of two equal ones, infinite ones too;
  /// NumPy's formula subtracts infinities there and gives NaN.
  /// - Parameters:
  ///   - fraction: from 0 to 1.
  ///   - axis: the axis to reduce; all elements when nil.
  ///   - keepDims: keeps the axis with extent 1.
  ///   - interpolation: what is given between two elements.
  /// - Precondition: the axis is not empty.
  public func quantile(
    _ fraction: Double, axis: Int? = nil, keepDims: Bool = false,
    interpolation: QuantileInterpolation = .linear
  ) -> Tensor {
    tensorOperation("quantile") { quantiles([fraction], axis, keepDims, interpolation)[0] }
  }

  /// As ``quantile(_:axis:keepDims:interpolation:)-(Double,_,_,_)`` for several fractions, which are a new
  /// first axis.
  public func quantile(
    _ fractions: [Double], axis: Int? = nil, keepDims: Bool = false,
    interpolation: QuantileInterpolation = .linear
  ) -> Tensor {
    tensorOperation("quantile") {
      let found = quantiles(fractions, axis, keepDims, interpolation)
      return found.isEmpty
        ? quantiles([0], axis, keepDims, interpolation)[0].noneStacked : Tensor.stacked(found)
    }
  }

  /// The middle of the elements in order, or the mean of the two in the middle, NumPy's `median`; see
  /// ``quantile(_:axis:keepDims:interpolation:)-(Double,_,_,_)``. Of finite elements it is finite, also where
  /// the sum of the two, as NumPy takes it, is not. (PyTorch's `median` is the smaller of the
  /// two, the quantile of 0.5 with ``QuantileInterpolation/lower``.)
  public func median(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("median") { quantiles([0.5], axis, keepDims, .linear, isMedian: true)[0] }
  }

  /// No tensor of this shape and type, stacked.
  private var noneStacked: Tensor { Tensor.zeros([0] + shape, dtype: dtype) }

  private func quantiles(
    _ fractions: [Double], _ axis: Int?, _ keepDims: Bool, _ interpolation: QuantileInterpolation,
    isMedian: Bool = false
  ) -> [Tensor] {
    tensorRequire(
      fractions.allSatisfy { (0...1).contains($0) }, "quantile",
      "a fraction must be from 0 to 1, found \(fractions)")
    if interpolation == .linear || interpolation == .midpoint, dtype != .float32 && dtype != .float64 {
      // A Float holds 8 and 16 bits; 32 and 64 would lose digits in it.
      let computing: DType = dtype.exceedsFloat ? .float64 : .float32
      let result: DType = dtype.isHalfPrecision ? dtype : .float32
      return to(computing).quantiles(fractions, axis, keepDims, interpolation, isMedian: isMedian)
        .map { $0.to(result) }
    }
    let (axes, kept, dropped) = reducedShapes(axis.map { [$0] }, "quantile")
    let length = axes.reduce(1) { $0 * shape[$1] }
    let named = keepDims ? kept : dropped
    tensorRequire(length > 0 || dropped.contains(0), "quantile", "nothing to order in shape \(shape)")
    if named.contains(0) { return fractions.map { _ in Tensor.zeros(named, dtype: dtype) } }
    let rows = axis == nil ? flattened() : moved(axis: axes[0], to: -1)
    let order = rows.argsort()
    func element(_ number: Int) -> Tensor {
      rows.gather(axis: -1, order.slice(axis: -1, number..<number + 1)).reshaped(named)
    }
    let isMissing = element(length - 1).isNaN()
    let hasMissing = dtype.isFloatingPoint && isMissing.any().item() != 0
    return fractions.map { fraction in
      let position = fraction * Double(length - 1)
      let lower = Int(position.rounded(.down))
      let upper = Swift.min(lower + 1, length - 1)
      let weight = position - Double(lower)
      let found =
        switch interpolation {
        case .lower: element(lower)
        case .higher: element(weight > 0 ? upper : lower)
        case .nearest: element(Int(position.rounded(.toNearestOrEven)))
        case .linear where isMedian && weight == 0.5: Self.mean(element(lower), element(upper))
        case .linear: Self.between(element(lower), element(upper), weight)
        case .midpoint: Self.between(element(lower), element(upper), weight > 0 ? 0.5 : 0)
        }
      return hasMissing ? Tensor.select(isMissing, Double.nan, found) : found
    }
  }

  /// The mean of two elements, also where their sum is too large for the type, or one of them is infinite.
  private static func mean(_ lower: Tensor, _ upper: Tensor) -> Tensor {
    let sum = lower + upper
    let isLarge = sum.detached().isInfinite()
    return isLarge.any().item() == 0
      ? sum * 0.5 : Tensor.select(isLarge, lower * 0.5 + upper * 0.5, sum * 0.5)
  }

  /// The point at `weight` between two elements in order; at the larger one's side seen from there, so that
  /// it never lies beyond.
  private static func between(_ lower: Tensor, _ upper: Tensor, _ weight: Double) -> Tensor {
    if weight == 0 { return lower }
    let distance = upper - lower
    let point = weight < 0.5 ? lower + distance * weight : upper - distance * (1 - weight)
    // Between two equal infinities the distance is not a number.
    let isFlat = (lower.detached() .== upper.detached()) .& lower.isInfinite()
    return isFlat.any().item() == 0 ? point : Tensor.select(isFlat, lower, point)
  }
}
