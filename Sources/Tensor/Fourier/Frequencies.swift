extension Tensor {
  /// The frequencies that ``fft(n:axis:norm:)`` of `n` points gives, in cycles for each unit of `spacing`,
  /// the distance of two points: `0, 1, …, −2, −1` over `n · spacing`. NumPy's `fft.fftfreq`.
  /// - Returns: `[n]`.
  /// - Precondition: `n` is at least 1, and `spacing` is a number other than zero.
  public static func fftfreq(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    tensorOperation("fftfreq") {
      frequencies("fftfreq", n, spacing, dtype, n) { $0 < (n + 1) / 2 ? $0 : $0 - n }
    }
  }

  /// The frequencies that ``rfft(n:axis:norm:)`` of `n` points gives: `0, 1, …, n / 2` over `n · spacing`.
  /// NumPy's `fft.rfftfreq`.
  /// - Returns: `[n / 2 + 1]`.
  /// - Precondition: `n` is at least 1, and `spacing` is a number other than zero.
  public static func rfftfreq(_ n: Int, spacing: Double = 1, dtype: DType = .float32) -> Tensor {
    tensorOperation("rfftfreq") { frequencies("rfftfreq", n, spacing, dtype, n / 2 + 1) { $0 } }
  }

  private static func frequencies(
    _ name: String, _ n: Int, _ spacing: Double, _ dtype: DType, _ count: Int, _ number: (Int) -> Int
  ) -> Tensor {
    tensorRequire(n >= 1, name, "needs at least one point, found \(n)")
    tensorRequire(
      spacing != 0 && spacing.isFinite, name, "needs a finite distance other than 0, found \(spacing)")
    tensorRequire(
      dtype.isFloatingPoint, name, "frequencies have fractions, which \(dtype) has not")
    let result = Tensor(uninitialized: [count], dtype: .float64)
    let values = result.pointer(Double.self)
    let unit = 1 / (Double(n) * spacing)
    for index in 0..<count { values[index] = Double(number(index)) * unit }
    return result.to(dtype)
  }

  /// The frequency zero moved to the middle of some axes (all when omitted): NumPy's `fft.fftshift`.
  public func fftshift(axes: [Int]? = nil) -> Tensor {
    tensorOperation("fftshift") { shifted("fftshift", axes) { $0 / 2 } }
  }

  /// The inverse of ``fftshift(axes:)``: NumPy's `fft.ifftshift`.
  public func ifftshift(axes: [Int]? = nil) -> Tensor {
    tensorOperation("ifftshift") { shifted("ifftshift", axes) { -($0 / 2) } }
  }

  private func shifted(_ name: String, _ axes: [Int]?, _ shift: (Int) -> Int) -> Tensor {
    (axes ?? Array(shape.indices)).reduce(self) { tensor, axis in
      let axis = normalizedAxis(axis, name)
      return tensor.rolled(shift(shape[axis]), axis: axis)
    }
  }
}

extension ComplexTensor {
  /// The frequency zero moved to the middle of some axes (all when omitted): NumPy's `fft.fftshift`.
  public func fftshift(axes: [Int]? = nil) -> ComplexTensor { map { $0.fftshift(axes: axes) } }

  /// The inverse of ``fftshift(axes:)``: NumPy's `fft.ifftshift`.
  public func ifftshift(axes: [Int]? = nil) -> ComplexTensor { map { $0.ifftshift(axes: axes) } }
}
