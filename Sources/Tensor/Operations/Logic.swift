import CTensorKernels
import Synchronization

extension Tensor {
  /// Whether any element over some axes (all when omitted) is not zero, as bool; false over no elements.
  public func any(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("any") { orderless(.any, "any", axes: axes, keepDims: keepDims) }
  }

  /// Whether every element over some axes (all when omitted) is not zero, as bool; true over no elements.
  public func all(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("all") { orderless(.all, "all", axes: axes, keepDims: keepDims) }
  }

  /// How many elements over some axes (all when omitted) are not zero, as int64.
  public func countNonZero(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("countNonZero") { orderless(.nonZero, "countNonZero", axes: axes, keepDims: keepDims) }
  }

  /// Where elements are not a number, as bool.
  public func isNaN() -> Tensor { detached() .!= detached() }

  /// Where elements are infinite, as bool.
  public func isInfinite() -> Tensor {
    dtype.isFloatingPoint ? detached().abs() .== .infinity : Tensor.zeros(shape, dtype: .bool)
  }

  /// Where elements are numbers and finite, as bool.
  public func isFinite() -> Tensor {
    dtype.isFloatingPoint ? detached().abs() .< .infinity : Tensor.ones(shape, dtype: .bool)
  }

  /// Whether all elements are within `absolute + relative · |other|` of those of `other` after broadcasting
  /// (NumPy's `allclose`); a NaN is close to nothing, an infinity to itself.
  public func isClose(
    to other: Tensor, relative: Double = 1e-5, absolute: Double = 1e-8
  ) -> Bool {
    tensorOperation("isClose") {
      let isSingle = dtype == .float32 && other.dtype == .float32
      let type: DType = isSingle ? .float32 : .float64
      let (a, b) = (detached().to(type), other.detached().to(type))
      let shape = Self.broadcastShape(a.shape, b.shape, "isClose")
      let iteration = StridedIteration(
        shape: shape, strides: [a.broadcastStrides(to: shape), b.broadcastStrides(to: shape)])
      let (strideA, strideB) = (iteration.rowStride(0), iteration.rowStride(1))
      let isFar = Atomic(false)
      iteration.forEachPiece { row, start, length in
        if isFar.load(ordering: .relaxed) { return }
        let offsetA = iteration.offset(0, row: row) + start * strideA
        let offsetB = iteration.offset(1, row: row) + start * strideB
        let isNear =
          isSingle
          ? tk_all_close_f32(
            Int64(length), a.pointer(Float.self) + offsetA, Int64(strideA), b.pointer(Float.self) + offsetB,
            Int64(strideB), relative, absolute)
          : tk_all_close_f64(
            Int64(length), a.pointer(Double.self) + offsetA, Int64(strideA), b.pointer(Double.self) + offsetB,
            Int64(strideB), relative, absolute)
        if isNear == 0 { isFar.store(true, ordering: .relaxed) }
      }
      return !isFar.load(ordering: .relaxed)
    }
  }

  private static func logical(_ name: String, _ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
    tensorRequire(
      a.dtype == .bool && b.dtype == .bool, name, "needs bool on both sides, found \(a.dtype) and \(b.dtype)")
    return (a, b)
  }

  /// Where both are true; tensors of bool, after broadcasting.
  public static func .& (a: Tensor, b: Tensor) -> Tensor {
    let (a, b) = logical("and", a, b)
    return a.minimum(b)
  }

  /// Where at least one is true; tensors of bool, after broadcasting.
  public static func .| (a: Tensor, b: Tensor) -> Tensor {
    let (a, b) = logical("or", a, b)
    return a.maximum(b)
  }

  /// Where exactly one is true; tensors of bool, after broadcasting.
  public static func .^ (a: Tensor, b: Tensor) -> Tensor {
    let (a, b) = logical("exclusive or", a, b)
    return a .!= b
  }

  /// Where `x`, of bool, is false.
  public static prefix func .! (x: Tensor) -> Tensor {
    tensorRequire(x.dtype == .bool, "not", "needs bool, found \(x.dtype)")
    return x .== 0
  }
}
