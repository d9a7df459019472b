extension Tensor {
  /// The elements without what comes after their point, NumPy's `trunc`: −0 stays what it is, and −0.5
  /// becomes it. Integers are what they are.
  public func trunc() -> Tensor {
    switch dtype {
    case .float16, .bfloat16: return to(.float32).trunc().to(dtype)
    case .float32, .float64: break
    default: return self
    }
    let result =
      dtype == .float32
      ? Elementwise.mapped(self, as: .float32) { (x: Float) in x.rounded(.towardZero) }
      : Elementwise.mapped(self, as: .float64) { (x: Double) in x.rounded(.towardZero) }
    return recorded("trunc", from: self, result) { gradient, _ in
      Tensor.zeros(gradient.shape, dtype: gradient.dtype)
    }
  }

  /// Where elements have a minus sign, as bool, NumPy's `signbit`: also of −0 and of a NaN with the sign.
  public func signBit() -> Tensor {
    switch dtype {
    case .float16, .bfloat16: Elementwise.mapped(self, as: .bool) { (x: UInt16) in x >> 15 != 0 }
    case .float32: Elementwise.mapped(self, as: .bool) { (x: Float) in x.sign == .minus }
    case .float64: Elementwise.mapped(self, as: .bool) { (x: Double) in x.sign == .minus }
    case .int8, .int16, .int32, .int64: detached() .< 0
    case .uint8, .uint16, .uint32, .uint64, .bool: Tensor.zeros(shape, dtype: .bool)
    }
  }

  /// Where elements are infinite and positive, as bool, NumPy's `isposinf`.
  public func isPositiveInfinity() -> Tensor {
    dtype.isFloatingPoint ? detached() .== Double.infinity : Tensor.zeros(shape, dtype: .bool)
  }

  /// Where elements are infinite and negative, as bool, NumPy's `isneginf`.
  public func isNegativeInfinity() -> Tensor {
    dtype.isFloatingPoint ? detached() .== -Double.infinity : Tensor.zeros(shape, dtype: .bool)
  }
}
