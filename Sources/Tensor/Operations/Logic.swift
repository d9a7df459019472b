extension Tensor {
  /// Whether any element over some axes (all when omitted) is not zero, as bool; false over no elements.
  public func any(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    (detached() .!= 0).sum(axes: axes, keepDims: keepDims) .> 0
  }

  /// Whether every element over some axes (all when omitted) is not zero, as bool; true over no elements.
  public func all(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    (detached() .== 0).sum(axes: axes, keepDims: keepDims) .== 0
  }
}
