import CTensorKernels

extension ComplexTensor {
  /// The magnitudes √(re² + im²), NumPy's `abs`, without overflow or underflow of the squares.
  ///
  /// At zero, where there is no derivative, the gradient is 0.
  public func magnitude() -> Tensor {
    let (a, b) = (real, imaginary)
    let result = noGradient {
      let (x, y) = (a.detached().abs(), b.detached().abs())
      let large = x.maximum(y)
      // A NaN beside an infinity would count for more than C's hypot lets it.
      let ratio = x.minimum(y) / Tensor.select(large .== 0, Tensor.ones([], dtype: large.dtype), large)
      let length = large * (ratio.square() + 1).sqrt()
      let isInfinite = (x .== Tensor.infinity) .| (y .== Tensor.infinity)
      return isInfinite.any().item() == 0
        ? length : Tensor.select(isInfinite, Tensor.full([], Double.infinity, dtype: length.dtype), length)
    }
    return Tensor.recorded("magnitude", from: a, b, result, keepingOutput: true) { gradient, output in
      guard let length = output else { return [nil, nil] }
      let one = Tensor.ones([], dtype: length.dtype)
      let scaled = gradient / Tensor.select(length.detached() .== 0, one, length)
      return [scaled * a, scaled * b]
    }
  }

  /// ``magnitude()`` under NumPy's and PyTorch's name.
  public func abs() -> Tensor { magnitude() }

  /// The angles in radians, between −π and π; at zero the gradient is 0.
  public func angle() -> Tensor { imaginary.atan2(real) }

  /// e^z.
  public func exp() -> ComplexTensor {
    tensorOperation("exp") {
      if hasEnds { return elementary("exp", Int(TK_COMPLEX_EXP)) { $1 } }
      let size = real.exp()
      let sine = size * imaginary.sin()
      // A real number stays one where its exponential is infinite.
      let isEnd = (imaginary.detached() .== 0) .& size.detached().isInfinite()
      return ComplexTensor(
        size * imaginary.cos(),
        isEnd.any().item() == 0 ? sine : Tensor.select(isEnd, imaginary, sine))
    }
  }

  /// The natural logarithm whose imaginary part lies between −π and π; at zero the gradient is infinite or
  /// NaN.
  ///
  /// The real part is `ln max + ln(1 + (min / max)²) / 2` of the larger and the smaller part, which is finite
  /// where the magnitude is too large for the type.
  public func log() -> ComplexTensor {
    let z = self
    let result = noGradient { () -> ComplexTensor in
      if z.hasEnds { return z.values(of: Int32(TK_COMPLEX_LOG)) }
      let (x, y) = (z.real.detached().abs(), z.imaginary.detached().abs())
      let large = x.maximum(y)
      // Zero and infinity have no ratio.
      let isEnd = (large .== 0) .| (large .== Tensor.infinity)
      let one = Tensor.ones([], dtype: large.dtype)
      let ratio = Tensor.select(isEnd, one - 1, x.minimum(y) / Tensor.select(isEnd, one, large))
      return ComplexTensor(large.log() + 0.5 * ratio.square().log1p(), z.detached().angle())
    }
    let parts = Tensor.recordedJointly(
      "log", from: [z.real, z.imaginary], [result.real, result.imaginary]
    ) { gradients, outputs in
      let found = ComplexTensor(gradients, like: ComplexTensor(outputs[0], outputs[1])) / z.conjugate()
      return [found.real, found.imaginary]
    }
    return ComplexTensor(parts[0], parts[1])
  }

  /// The square root whose real part is not negative; at zero the gradient is infinite or NaN.
  ///
  /// Neither part suffers from cancellation: the one that is a difference is computed from the other.
  public func sqrt() -> ComplexTensor {
    let (a, b) = (real, imaginary)
    let result = noGradient { () -> ComplexTensor in
      let (scale, undo) = Self.scalesOfRoot(a.detached(), b.detached())
      let (x, y) = (a.detached() * scale, b.detached() * scale)
      let large = ((ComplexTensor(x, y).magnitude() * 0.5) + x.abs() * 0.5).sqrt()
      let one = Tensor.ones([], dtype: large.dtype)
      let small = y.abs() / (2 * Tensor.select(large .== 0, one, large))
      let isRight = x .>= 0
      // −0 has the sign that 1 / −0 has.
      let isBelow = (y .< 0) .| ((y .== 0) .& (y.reciprocal() .< 0))
      let isInfinite = y.isInfinite()
      let size = Tensor.select(isInfinite, Double.infinity, Tensor.select(isRight, small, large) * undo)
      let root = Tensor.select(isRight, large, small) * undo
      return ComplexTensor(
        Tensor.select(isInfinite, Double.infinity, root), Tensor.select(isBelow, -size, size))
    }
    let parts = Tensor.recordedJointly("sqrt", from: [a, b], [result.real, result.imaginary]) {
      gradients, outputs in
      let root = ComplexTensor(outputs[0], outputs[1])
      let found = ComplexTensor(gradients, like: root) / (2 * root.conjugate())
      return [found.real, found.imaginary]
    }
    return ComplexTensor(parts[0], parts[1])
  }

  /// Powers of 4 that bring very large and very small numbers to where their magnitude is one too, and what
  /// their roots are multiplied with.
  static func scalesOfRoot(_ x: Tensor, _ y: Tensor) -> (scale: Tensor, undo: Tensor) {
    let isDouble = x.dtype == .float64
    let most = isDouble ? Double.greatestFiniteMagnitude : Double(Float.greatestFiniteMagnitude)
    let least = isDouble ? Double.leastNormalMagnitude : Double(Float.leastNormalMagnitude)
    let size = x.abs().maximum(y.abs())
    let (isHuge, isTiny) = (size .> most / 8, size .< least * 8)
    let one = Tensor.ones([], dtype: x.dtype)
    return (
      Tensor.select(isHuge, 0x1p-4, Tensor.select(isTiny, isDouble ? 0x1p120 : 0x1p60, one)),
      Tensor.select(isHuge, 4.0, Tensor.select(isTiny, isDouble ? 0x1p-60 : 0x1p-30, one))
    )
  }

  /// The sum over some axes (all when omitted).
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) -> ComplexTensor {
    map { $0.sum(axes: axes, keepDims: keepDims) }
  }

  /// The sum over one axis.
  public func sum(axis: Int, keepDims: Bool = false) -> ComplexTensor {
    sum(axes: [axis], keepDims: keepDims)
  }

  /// The mean over some axes (all when omitted).
  public func mean(axes: [Int]? = nil, keepDims: Bool = false) -> ComplexTensor {
    map { $0.mean(axes: axes, keepDims: keepDims) }
  }

  /// The mean over one axis.
  public func mean(axis: Int, keepDims: Bool = false) -> ComplexTensor {
    mean(axes: [axis], keepDims: keepDims)
  }

  /// The matrix product, of four real ones; shapes as in ``Tensor/matmul(_:)->Tensor``.
  public func matmul(_ other: ComplexTensor) -> ComplexTensor {
    ComplexTensor(
      real.matmul(other.real) - imaginary.matmul(other.imaginary),
      real.matmul(other.imaginary) + imaginary.matmul(other.real))
  }

  /// The matrix product with real matrices.
  public func matmul(_ other: Tensor) -> ComplexTensor { map { $0.matmul(other) } }
}

extension Tensor {
  /// The matrix product of real matrices with complex ones.
  public func matmul(_ other: ComplexTensor) -> ComplexTensor { other.map { matmul($0) } }
}
