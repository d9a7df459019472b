import CTensorKernels

// Elementary functions with the array API's results for zeros of either sign, infinities and NaN. The branch
// cuts are C's and NumPy's.

extension ComplexTensor {
  /// Whether a part is infinite or not a number: where functions made of real ones have no result, and the
  /// kernel table has.
  var hasEnds: Bool { detached().isFinite().all().item() == 0 }

  /// Applies a function of the kernel table; `slope` is its derivative at `z`, of which `w` is the value.
  func elementary(
    _ name: StaticString, _ function: Int,
    slope: @escaping (_ z: ComplexTensor, _ w: ComplexTensor) -> ComplexTensor
  ) -> ComplexTensor {
    let z = self
    let result = z.values(of: Int32(function))
    let parts = Tensor.recordedJointly(
      name, from: [z.real, z.imaginary], [result.real, result.imaginary]
    ) { gradients, outputs in
      let w = ComplexTensor(outputs[0], outputs[1])
      let found = ComplexTensor(gradients, like: w) * slope(z, w).conjugate()
      return [found.real, found.imaginary]
    }
    return ComplexTensor(parts[0], parts[1])
  }

  /// The values of a function of the kernel table, without a record.
  func values(of function: Int32) -> ComplexTensor {
    let (a, b) = (real.detached().contiguous(), imaginary.detached().contiguous())
    let (x, y) = (Tensor(uninitialized: shape, dtype: a.dtype), Tensor(uninitialized: shape, dtype: a.dtype))
    func run<T>(_: T.Type, _ kernel: ComplexKernel<T>) {
      let (re, im) = (a.pointer(T.self), b.pointer(T.self))
      let (outRe, outIm) = (x.pointer(T.self), y.pointer(T.self))
      Threads.parallel(x.count, grain: 1 << 10) { range in
        let start = range.lowerBound
        kernel(function, Int64(range.count), re + start, im + start, outRe + start, outIm + start)
      }
    }
    if a.dtype == .float64 {
      run(Double.self, tk_complex_unary_f64)
    } else {
      run(Float.self, tk_complex_unary_f32)
    }
    return ComplexTensor(x, y)
  }

  /// e^z − 1, exact near 0.
  public func expm1() -> ComplexTensor { elementary("expm1", Int(TK_COMPLEX_EXPM1)) { $1 + 1 } }
  /// ln(1 + z), exact near 0.
  public func log1p() -> ComplexTensor { elementary("log1p", Int(TK_COMPLEX_LOG1P)) { z, _ in 1 / (z + 1) } }
  /// The logarithm to base 2.
  public func log2() -> ComplexTensor { tensorOperation("log2") { log() * 1.4426950408889634 } }
  /// The logarithm to base 10.
  public func log10() -> ComplexTensor { tensorOperation("log10") { log() * 0.4342944819032518 } }
  /// The sine.
  public func sin() -> ComplexTensor { elementary("sin", Int(TK_COMPLEX_SIN)) { z, _ in z.cos() } }
  /// The cosine.
  public func cos() -> ComplexTensor { elementary("cos", Int(TK_COMPLEX_COS)) { z, _ in -z.sin() } }
  /// The tangent.
  public func tan() -> ComplexTensor { elementary("tan", Int(TK_COMPLEX_TAN)) { 1 + $1 * $1 } }
  /// The hyperbolic sine.
  public func sinh() -> ComplexTensor { elementary("sinh", Int(TK_COMPLEX_SINH)) { z, _ in z.cosh() } }
  /// The hyperbolic cosine.
  public func cosh() -> ComplexTensor { elementary("cosh", Int(TK_COMPLEX_COSH)) { z, _ in z.sinh() } }
  /// The hyperbolic tangent.
  public func tanh() -> ComplexTensor { elementary("tanh", Int(TK_COMPLEX_TANH)) { 1 - $1 * $1 } }
  /// The angle whose sine it is, its real part from −π/2 to π/2.
  public func asin() -> ComplexTensor {
    elementary("asin", Int(TK_COMPLEX_ASIN)) { z, _ in 1 / (1 - z * z).sqrt() }
  }
  /// The angle whose cosine it is, its real part from 0 to π.
  public func acos() -> ComplexTensor {
    elementary("acos", Int(TK_COMPLEX_ACOS)) { z, _ in -1 / (1 - z * z).sqrt() }
  }
  /// The angle whose tangent it is, its real part from −π/2 to π/2.
  public func atan() -> ComplexTensor {
    elementary("atan", Int(TK_COMPLEX_ATAN)) { z, _ in 1 / (1 + z * z) }
  }
  /// The number whose hyperbolic sine it is, its imaginary part from −π/2 to π/2.
  public func asinh() -> ComplexTensor {
    elementary("asinh", Int(TK_COMPLEX_ASINH)) { z, _ in 1 / (1 + z * z).sqrt() }
  }
  /// The number whose hyperbolic cosine it is, its imaginary part from −π to π.
  public func acosh() -> ComplexTensor {
    elementary("acosh", Int(TK_COMPLEX_ACOSH)) { z, _ in 1 / ((z - 1).sqrt() * (z + 1).sqrt()) }
  }
  /// The number whose hyperbolic tangent it is, its imaginary part from −π/2 to π/2.
  public func atanh() -> ComplexTensor {
    elementary("atanh", Int(TK_COMPLEX_ATANH)) { z, _ in 1 / (1 - z * z) }
  }

  /// The number of magnitude 1 in the same direction, z / |z|, and 0 at zero: NumPy's `sign`. Where one part
  /// is infinite, it is ±1 and the other 0; where both are, there is no direction.
  public func sign() -> ComplexTensor {
    tensorOperation("sign") {
      let one = Tensor.ones([], dtype: real.dtype)
      // In between, where the magnitude of the largest and the smallest numbers has all of its digits.
      let (scale, _) = Self.scalesOfRoot(real.detached(), imaginary.detached())
      let scaled = map { $0 * scale }
      let length = scaled.magnitude()
      let isZero = length.detached() .== 0
      let found = scaled / Tensor.select(isZero, one, length)
      // Of zeros whose sign is set, too, it is +0.
      let direction = found.map { Tensor.select(isZero, one - 1, $0) }
      let (a, b) = (real.isInfinite(), imaginary.isInfinite())
      if (a .^ b).any().item() == 0 { return direction }
      func part(_ value: Tensor, _ own: Tensor, _ isOwn: Tensor, _ isOther: Tensor) -> Tensor {
        let beside = Tensor.select(isOther .& .!isOwn, one - 1, value)
        return Tensor.select(isOwn .& .!isOther, own.sign(), beside)
      }
      return ComplexTensor(part(direction.real, real, a, b), part(direction.imaginary, imaginary, b, a))
    }
  }

  /// This tensor raised to complex exponents, e^(w ln z), element by element after broadcasting; z⁰ is 1, and
  /// 0 to a power whose real part is positive is 0. It is computed in double precision.
  public func pow(_ exponent: ComplexTensor) -> ComplexTensor {
    tensorOperation("pow") {
      let type = ComplexDType(holding: DType.promoted(real.dtype, exponent.real.dtype))
      let (z, w) = (to(.complex128), exponent.to(.complex128))
      let isZero = (z.real.detached() .== 0) .& (z.imaginary.detached() .== 0)
      let isFlat = (w.real.detached() .== 0) .& (w.imaginary.detached() .== 0)
      let (one, zero) = (Tensor.ones([], dtype: .float64), Tensor.zeros([], dtype: .float64))
      // One in place of zero, whose logarithm would make NaN of both parts.
      let safe = ComplexTensor(Tensor.select(isZero, one, z.real), Tensor.select(isZero, zero, z.imaginary))
      let power = (w * safe.log()).exp()
      let vanishes = isZero .& (w.real.detached() .> 0)
      let isUndefined = isZero .& .!(w.real.detached() .> 0)
      func part(_ value: Tensor, ofOne: Tensor) -> Tensor {
        let kept = Tensor.select(
          isUndefined, Tensor.full([], .nan, dtype: .float64), Tensor.select(vanishes, zero, value))
        return Tensor.select(isFlat, ofOne, kept)
      }
      return ComplexTensor(part(power.real, ofOne: one), part(power.imaginary, ofOne: zero)).to(type)
    }
  }
}

/// A loop of the kernel table for one type of parts.
private typealias ComplexKernel<T> = (
  Int32, Int64, UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<T>?, UnsafeMutablePointer<T>?
) -> Void
