import CTensorKernels

extension Tensor {
  /// Every element limited to `lower ... upper`; limited elements get no gradient. Whole limits keep an
  /// integer type, others give float32 (see ``DType``). NaN stays NaN, and a limit that is NaN makes
  /// everything NaN.
  public func clamped(_ lower: Double, _ upper: Double) -> Tensor {
    clamped(TensorNumber(lower), TensorNumber(upper))
  }

  /// Every element limited to `lower ... upper`; limited elements get no gradient. Whole limits keep an
  /// integer type, others give float32 (see ``DType``). NaN stays NaN, and a limit that is NaN makes
  /// everything NaN.
  public func clamped(_ lower: Int, _ upper: Int) -> Tensor {
    clamped(TensorNumber(lower), TensorNumber(upper))
  }

  /// Every element limited to `lower ... upper`; limited elements get no gradient. Whole limits keep an
  /// integer type, others give float32 (see ``DType``). NaN stays NaN, and a limit that is NaN makes
  /// everything NaN.
  public func clamped<Number: TensorScalar>(_ lower: Number, _ upper: Number) -> Tensor {
    clamped(TensorNumber(lower), TensorNumber(upper))
  }

  private func clamped(_ lower: TensorNumber, _ upper: TensorNumber) -> Tensor {
    if isStandIn { return overBatch { x, _ in x.clamped(lower, upper) } }
    let type = DType.promoted(DType.promoted(dtype, kind: lower.kind), kind: upper.kind)
    let computing: DType = type.isHalfPrecision ? .float32 : type
    let result = Elementwise.clamp(
      self, lower.tensor(as: computing, "clamped"), upper.tensor(as: computing, "clamped"),
      computing: computing, as: type)
    let source = self
    return recorded("clamped", from: self, result) { gradient, _ in
      let isInside =
        source.compared(Int(TK_GE), with: lower) .& source.compared(Int(TK_LE), with: upper)
      return gradient * isInside.to(gradient.dtype)
    }
  }
}
