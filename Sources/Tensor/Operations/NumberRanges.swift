extension Tensor {
  /// The numbers `start, start + step, …` before `end`, NumPy's `arange` with three arguments.
  /// - Precondition: `step` is not 0.
  public static func arange(from start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32)
    -> Tensor
  {
    tensorRequire(step != 0 && step.isFinite, "arange", "the step must be finite and not 0, found \(step)")
    let count = Swift.max(0, Int(((end - start) / step).rounded(.up)))
    return Tensor((0..<count).map { start + Double($0) * step }).to(dtype)
  }

  /// `count` numbers at equal distances from `start` to `end`, both included, NumPy's `linspace`.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    tensorRequire(count >= 0, "linspace", "the count must not be negative, found \(count)")
    let step = count > 1 ? (end - start) / Double(count - 1) : 0
    return Tensor((0..<count).map { $0 == count - 1 && count > 1 ? end : start + Double($0) * step }).to(
      dtype)
  }

  /// The sum of the main diagonal of two axes, NumPy's `trace`.
  public func trace(offset: Int = 0, axis1: Int = -2, axis2: Int = -1) -> Tensor {
    diagonal(offset: offset, axis1: axis1, axis2: axis2).sum(axes: [-1])
  }
}
