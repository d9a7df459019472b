/// A Fourier transform along one axis: the input is cut or filled with zeros to `n` elements, and so is the
/// output, of which `output` elements are wanted.
///
/// The three kinds are closed under taking gradients. That of a transform is its conjugate transpose: of a
/// complex one the transform of the other direction, and of one of real numbers that to real numbers, where
/// what stands for two frequencies counts once or twice.
struct FourierTransform {
  /// The extent of the axis before.
  var input: Int
  /// The number of points.
  var n: Int
  /// The extent of the axis afterwards.
  var output: Int
  /// What every element is multiplied by.
  var scale: Double
  /// Whether the exponent is positive.
  var isInverse = false
  /// What the frequencies between the first and the last of a real sequence are multiplied by beside.
  var middle = 1.0

  /// The numbers of frequencies of `n` real numbers.
  var frequencies: Int { n / 2 + 1 }

  /// The gradient of a complex transform, as another one.
  var adjoint: FourierTransform {
    FourierTransform(input: output, n: n, output: input, scale: scale, isInverse: !isInverse)
  }

  /// The gradient of a transform from real numbers, as one to real numbers. That counts every frequency but
  /// the first and the last twice, the gradient once; the other way round as well.
  func realAdjoint(middle factor: Double) -> FourierTransform {
    FourierTransform(input: output, n: n, output: input, scale: scale, middle: middle * factor)
  }
}

extension FourierTransform {
  /// The transform of complex numbers, or of real ones where there is no imaginary part.
  func complex(
    _ name: StaticString, _ real: Tensor, _ imaginary: Tensor?, axis: Int
  ) -> ComplexParts {
    let (x, y) = (real.detached().contiguous(), imaginary?.detached().contiguous())
    let result =
      real.dtype == .float32
      ? FourierRun<Float>(self, x.shape, axis).complex(x, y)
      : FourierRun<Double>(self, x.shape, axis).complex(x, y)
    let transform = adjoint
    let isReal = imaginary == nil
    let outputs = Tensor.recordedJointly(
      name, from: [real] + (imaginary.map { [$0] } ?? []), [result.real, result.imaginary]
    ) { gradients, outputs in
      let (a, b) = Self.filled(gradients, outputs)
      let found = transform.complex(name, a, b, axis: axis)
      return isReal ? [found.real] : [found.real, found.imaginary]
    }
    return (outputs[0], outputs[1])
  }

  /// The lowest frequencies of real numbers.
  func fromReal(_ name: StaticString, _ real: Tensor, axis: Int) -> ComplexParts {
    let x = real.detached().contiguous()
    let result =
      real.dtype == .float32
      ? FourierRun<Float>(self, x.shape, axis).fromReal(x)
      : FourierRun<Double>(self, x.shape, axis).fromReal(x)
    let transform = realAdjoint(middle: 0.5)
    let outputs = Tensor.recordedJointly(name, from: [real], [result.real, result.imaginary]) {
      gradients, outputs in
      let (a, b) = Self.filled(gradients, outputs)
      return [transform.toReal(name, a, b, axis: axis)]
    }
    return (outputs[0], outputs[1])
  }

  /// Real numbers from their lowest frequencies, with a positive exponent.
  func toReal(_ name: StaticString, _ real: Tensor, _ imaginary: Tensor, axis: Int) -> Tensor {
    let (x, y) = (real.detached().contiguous(), imaginary.detached().contiguous())
    let result =
      real.dtype == .float32
      ? FourierRun<Float>(self, x.shape, axis).toReal(x, y)
      : FourierRun<Double>(self, x.shape, axis).toReal(x, y)
    let transform = realAdjoint(middle: 2)
    return Tensor.recorded(name, from: real, imaginary, result) { gradient, _ in
      let found = transform.fromReal(name, gradient, axis: axis)
      return [found.real, found.imaginary]
    }
  }

  /// What arrived at the two parts, zeros where nothing did.
  private static func filled(_ gradients: [Tensor?], _ outputs: [Tensor]) -> (Tensor, Tensor) {
    let parts = zip(gradients, outputs).map { $0 ?? Tensor.zeros($1.shape, dtype: $1.dtype) }
    return (parts[0], parts[1])
  }
}
