import CTensorKernels

extension Tensor {
  /// The numbers `start`, `start + step`, … before `end`, NumPy's `arange` with two or three arguments: shape
  /// `[⌈(end − start) / step⌉]`, empty where there are none.
  /// - Precondition: finite numbers, and a step that is not 0.
  public static func arange(from start: Double, to end: Double, by step: Double = 1, dtype: DType = .float32)
    -> Tensor
  {
    tensorRequire(
      step != 0 && start.isFinite && end.isFinite && step.isFinite, "arange",
      "needs finite numbers and a step other than 0, found \(start), \(end) and step \(step)")
    let count = Swift.max(0, ((end - start) / step).rounded(.up))
    tensorRequire(
      count < 0x1p47, "arange", "\(count) numbers from \(start) to \(end) by \(step) are too many")
    return counting(Int(count), from: start, by: step, dtype: dtype)
  }

  /// Another spelling of ``arange(from:to:by:dtype:)``.
  @available(*, deprecated, renamed: "arange(from:to:by:dtype:)")
  public static func arange(_ start: Double, _ end: Double, step: Double = 1, dtype: DType = .float32)
    -> Tensor
  {
    arange(from: start, to: end, by: step, dtype: dtype)
  }

  /// `count` numbers from `start` to `end` at equal distances, both ends included, NumPy's `linspace`: shape
  /// `[count]`.
  /// - Precondition: the count is not negative.
  public static func linspace(_ start: Double, _ end: Double, count: Int, dtype: DType = .float32) -> Tensor {
    tensorRequire(count >= 0, "linspace", "needs a count of at least 0, found \(count)")
    let step = (end - start) / Double(Swift.max(count - 1, 1))
    let result = tensorOperation("linspace") { counting(count, from: start, by: step, dtype: dtype) }
    if count > 1 { full([], end, dtype: dtype).write(into: result[count - 1]) }
    return result
  }

  /// Another spelling of ``linspace(_:_:count:dtype:)``.
  @available(*, deprecated, renamed: "linspace(_:_:count:dtype:)")
  public static func linspace(_ start: Double, _ end: Double, _ count: Int, dtype: DType = .float32) -> Tensor
  {
    linspace(start, end, count: count, dtype: dtype)
  }

  /// `start + i · step` for i below `count`, computed in double precision and rounded once; integers are
  /// exact where start and step are 0 and 1.
  static func counting(_ count: Int, from start: Double, by step: Double, dtype: DType) -> Tensor {
    let isPlain = start == 0 && step == 1
    switch dtype {
    case .int32 where isPlain, .int64 where isPlain, .float32, .float64: break
    case .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool:
      return counting(
        count, from: start, by: step, dtype: isPlain && !dtype.isFloatingPoint ? .int64 : .float64
      )
      .to(dtype)
    }
    let result = Tensor(uninitialized: [count], dtype: dtype)
    Threads.parallel(count, grain: 1 << 14) { range in
      let (first, n) = (range.lowerBound, Int64(range.count))
      switch dtype {
      case .float32: tk_arange_f32(n, Int64(first), start, step, result.pointer(Float.self) + first)
      case .float64: tk_arange_f64(n, Int64(first), start, step, result.pointer(Double.self) + first)
      case .int32: tk_arange_i32(n, Int64(first), result.pointer(Int32.self) + first)
      default: tk_arange_i64(n, Int64(first), result.pointer(Int64.self) + first)
      }
    }
    return result
  }

  /// The sum of the main diagonal of two axes, NumPy's `trace`.
  public func trace(offset: Int = 0, axis1: Int = -2, axis2: Int = -1) -> Tensor {
    tensorOperation("trace") { diagonal(offset: offset, axis1: axis1, axis2: axis2).sum(axes: [-1]) }
  }
}
