/// How a discrete Fourier transform of *n* points is scaled; the names are NumPy's and PyTorch's.
public enum FFTNorm: String, Sendable, CaseIterable {
  /// The inverse transform is divided by *n*, the forward one not at all.
  case backward
  /// Both are divided by √*n*, and keep the norm.
  case ortho
  /// The forward transform is divided by *n*, the inverse one not at all.
  case forward

  /// What a transform of `n` points is multiplied by.
  func scale(_ n: Int, isInverse: Bool) -> Double {
    switch self {
    case .backward: isInverse ? 1 / Double(n) : 1
    case .ortho: 1 / Double(n).squareRoot()
    case .forward: isInverse ? 1 : 1 / Double(n)
    }
  }
}

// Transforms of half-precision numbers, integers and bools are computed in Float32, as elsewhere.

extension Tensor {
  /// The discrete Fourier transform along an axis, `Σ x[j] e^(−2πi j k / n)`: NumPy's `fft.fft`.
  ///
  /// Any number of points is fast: *n* log *n* operations, also for primes. The gradient is the transform of
  /// the other direction, and has derivatives of every order.
  /// - Parameters:
  ///   - n: how many points are transformed: the axis is cut, or filled with zeros at its end. The extent of
  ///     the axis when omitted.
  ///   - axis: the axis; negative counts from the back.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with `n` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func fft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fft") { transformed("fft", nil, n, axis, norm) }
  }

  /// The inverse of ``fft(n:axis:norm:)``, with a positive exponent: NumPy's `fft.ifft`.
  public func ifft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifft") { transformed("ifft", nil, n, axis, norm, isInverse: true) }
  }

  /// The discrete Fourier transform of real numbers along an axis, without the half that mirrors the other:
  /// NumPy's `fft.rfft`.
  /// - Parameters:
  ///   - n: how many points are transformed; see ``fft(n:axis:norm:)``.
  ///   - axis: the axis; negative counts from the back.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with `n / 2 + 1` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func rfft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("rfft") { realTransformed("rfft", n, axis, norm, isInverse: false) }
  }

  /// The inverse transform of a spectrum that is real, without the half that mirrors the other: NumPy's
  /// `fft.ihfft`, the inverse of ``ComplexTensor/hfft(n:axis:norm:)``.
  /// - Returns: this shape with `n / 2 + 1` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func ihfft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ihfft") { realTransformed("ihfft", n, axis, norm, isInverse: true).conjugate() }
  }

  /// This tensor in a type that has transforms.
  var forFourier: Tensor { to(dtype == .float64 ? .float64 : .float32) }

  /// The complex transform of this tensor and the imaginary parts.
  func transformed(
    _ name: StaticString, _ imaginary: Tensor?, _ n: Int?, _ axis: Int, _ norm: FFTNorm,
    isInverse: Bool = false
  ) -> ComplexTensor {
    let axis = normalizedAxis(axis, "\(name)")
    let n = points(n ?? shape[axis], "\(name)")
    let transform = FourierTransform(
      input: shape[axis], n: n, output: n, scale: norm.scale(n, isInverse: isInverse), isInverse: isInverse)
    return ComplexTensor(parts: transform.complex(name, forFourier, imaginary, axis: axis))
  }

  /// The transform of real numbers; scaled as the inverse one where that is asked for.
  func realTransformed(
    _ name: StaticString, _ n: Int?, _ axis: Int, _ norm: FFTNorm, isInverse: Bool
  ) -> ComplexTensor {
    let axis = normalizedAxis(axis, "\(name)")
    let n = points(n ?? shape[axis], "\(name)")
    let transform = FourierTransform(
      input: shape[axis], n: n, output: n / 2 + 1, scale: norm.scale(n, isInverse: isInverse))
    return ComplexTensor(parts: transform.fromReal(name, forFourier, axis: axis))
  }

  /// A number of points that can be transformed.
  func points(_ n: Int, _ operation: @autoclosure () -> String) -> Int {
    tensorRequire(
      n >= 1, operation(), "needs at least one point, found \(n) for an axis of a tensor of shape \(shape)")
    tensorRequire(n < 1 << 46, operation(), "\(n) points are beyond all memory")
    return n
  }
}

extension ComplexTensor {
  /// The discrete Fourier transform along an axis, `Σ x[j] e^(−2πi j k / n)`: NumPy's `fft.fft`; see
  /// ``Tensor/fft(n:axis:norm:)``.
  /// - Parameters:
  ///   - n: how many points are transformed: the axis is cut, or filled with zeros at its end. The extent of
  ///     the axis when omitted.
  ///   - axis: the axis; negative counts from the back.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with `n` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func fft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fft") { real.transformed("fft", imaginary, n, axis, norm) }
  }

  /// The inverse of ``fft(n:axis:norm:)``, with a positive exponent: NumPy's `fft.ifft`.
  public func ifft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifft") { real.transformed("ifft", imaginary, n, axis, norm, isInverse: true) }
  }

  /// The inverse of ``Tensor/rfft(n:axis:norm:)``, real numbers: NumPy's `fft.irfft`.
  ///
  /// The imaginary parts of the first and, for an even number of points, of the last frequency count as zero.
  /// - Parameters:
  ///   - n: how many real numbers there are: `n / 2 + 1` frequencies are used, those that are missing as
  ///     zeros. Twice the extent of the axis less two when omitted, which is even.
  ///   - axis: the axis; negative counts from the back.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with `n` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func irfft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> Tensor {
    tensorOperation("irfft") { toReal("irfft", n, axis, norm, isInverse: true) }
  }

  /// The transform of a sequence whose second half mirrors and conjugates the first, and is left out: real
  /// numbers. NumPy's `fft.hfft`.
  /// - Parameters:
  ///   - n: how many real numbers there are; see ``irfft(n:axis:norm:)``.
  ///   - axis: the axis; negative counts from the back.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with `n` elements along the axis.
  /// - Precondition: `n` is at least 1.
  public func hfft(n: Int? = nil, axis: Int = -1, norm: FFTNorm = .backward) -> Tensor {
    tensorOperation("hfft") { conjugate().toReal("hfft", n, axis, norm, isInverse: false) }
  }

  /// The transform to real numbers; scaled as the forward one where that is asked for.
  func toReal(
    _ name: StaticString, _ n: Int?, _ axis: Int, _ norm: FFTNorm, isInverse: Bool
  ) -> Tensor {
    let axis = real.normalizedAxis(axis, "\(name)")
    let n = real.points(n ?? 2 * (shape[axis] - 1), "\(name)")
    let transform = FourierTransform(
      input: shape[axis], n: n, output: n, scale: norm.scale(n, isInverse: isInverse))
    return transform.toReal(name, real, imaginary, axis: axis)
  }
}
