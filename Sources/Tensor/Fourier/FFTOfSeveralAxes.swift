/// The axes of a transform in the order they are done, the last first, and the number of points of each.
private struct FourierAxes {
  var steps: [(axis: Int, n: Int?)]

  /// - Parameters:
  ///   - extents: NumPy's `s`: the points of every axis, −1 for all there are.
  ///   - axes: the axes; when omitted the last ones, as many as there are extents, or all.
  init(_ tensor: Tensor, _ operation: String, _ extents: [Int]?, _ axes: [Int]?) {
    let rank = tensor.rank
    tensorRequire(
      axes != nil || (extents?.count ?? 0) <= rank, operation,
      "the extents \(extents ?? []) are more than the axes of shape \(tensor.shape)")
    let chosen = axes ?? Array((rank - (extents?.count ?? rank))..<rank)
    let numbers = chosen.map { tensor.normalizedAxis($0, operation) }
    tensorRequire(Set(numbers).count == numbers.count, operation, "an axis is named twice in \(chosen)")
    let points = extents ?? [Int](repeating: -1, count: numbers.count)
    tensorRequire(
      points.count == numbers.count, operation,
      "the extents \(points) and the axes \(chosen) are not of one number")
    steps = zip(numbers, points).map { ($0, $1 == -1 ? nil : $1) }.reversed()
  }

  /// As before, where the last axis is one of real numbers, which there must be.
  init(real tensor: Tensor, _ operation: String, _ extents: [Int]?, _ axes: [Int]?) {
    self.init(tensor, operation, extents, axes)
    tensorRequire(!steps.isEmpty, operation, "needs at least one axis")
  }
}

extension ComplexTensor {
  /// Transforms along one axis after the other.
  fileprivate func transformed(
    _ name: StaticString, _ steps: some Sequence<(axis: Int, n: Int?)>, _ norm: FFTNorm, isInverse: Bool
  ) -> ComplexTensor {
    steps.reduce(self) { tensor, step in
      tensor.real.transformed(name, tensor.imaginary, step.n, step.axis, norm, isInverse: isInverse)
    }
  }

  fileprivate func transformed(
    _ name: StaticString, _ s: [Int]?, _ axes: [Int]?, _ norm: FFTNorm, isInverse: Bool
  ) -> ComplexTensor {
    transformed(name, FourierAxes(real, "\(name)", s, axes).steps, norm, isInverse: isInverse)
  }

  fileprivate func toReal(
    _ name: StaticString, _ s: [Int]?, _ axes: [Int]?, _ norm: FFTNorm
  ) -> Tensor {
    let steps = FourierAxes(real: real, "\(name)", s, axes).steps
    let last = steps[0]
    return transformed(name, steps.dropFirst(), norm, isInverse: true)
      .toReal(name, last.n, last.axis, norm, isInverse: true)
  }
}

extension Tensor {
  fileprivate func realTransformed(
    _ name: StaticString, _ s: [Int]?, _ axes: [Int]?, _ norm: FFTNorm
  ) -> ComplexTensor {
    let steps = FourierAxes(real: self, "\(name)", s, axes).steps
    let last = steps[0]
    return realTransformed(name, last.n, last.axis, norm, isInverse: false)
      .transformed(name, steps.dropFirst(), norm, isInverse: false)
  }
}

extension Tensor {
  /// The discrete Fourier transform over two axes: NumPy's `fft.fft2`; see ``fftn(s:axes:norm:)``.
  public func fft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fft2") { ComplexTensor(self).transformed("fft2", s, axes, norm, isInverse: false) }
  }

  /// The inverse of ``fft2(s:axes:norm:)``: NumPy's `fft.ifft2`.
  public func ifft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifft2") { ComplexTensor(self).transformed("ifft2", s, axes, norm, isInverse: true) }
  }

  /// The discrete Fourier transform of real numbers over two axes: NumPy's `fft.rfft2`; see
  /// ``rfftn(s:axes:norm:)``.
  public func rfft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("rfft2") { realTransformed("rfft2", s, axes, norm) }
  }

  /// The discrete Fourier transform over several axes: NumPy's `fft.fftn`.
  /// - Parameters:
  ///   - s: how many points are transformed along each axis: the axis is cut, or filled with zeros at its
  ///     end; −1 stands for its extent. The extents of the axes when omitted.
  ///   - axes: the axes; when omitted the last ones, as many as `s` has, or all without it.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with the extents of `s` along the axes.
  /// - Precondition: no axis is named twice, `s` has one number for each, and all are at least 1.
  public func fftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fftn") { ComplexTensor(self).transformed("fftn", s, axes, norm, isInverse: false) }
  }

  /// The inverse of ``fftn(s:axes:norm:)``: NumPy's `fft.ifftn`.
  public func ifftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifftn") { ComplexTensor(self).transformed("ifftn", s, axes, norm, isInverse: true) }
  }

  /// The discrete Fourier transform of real numbers over several axes, without the half that mirrors the
  /// other: NumPy's `fft.rfftn`.
  ///
  /// The last of the axes is done as ``rfft(n:axis:norm:)``, the others as ``fft(n:axis:norm:)``.
  /// - Parameters:
  ///   - s: how many points are transformed along each axis; see ``fftn(s:axes:norm:)``.
  ///   - axes: the axes, at least one.
  ///   - norm: how the result is scaled.
  /// - Returns: this shape with the extents of `s` along the axes, of the last one half of it and one more.
  /// - Precondition: no axis is named twice, `s` has one number for each, and all are at least 1.
  public func rfftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("rfftn") { realTransformed("rfftn", s, axes, norm) }
  }
}

extension ComplexTensor {
  /// The discrete Fourier transform over two axes: NumPy's `fft.fft2`; see ``fftn(s:axes:norm:)``.
  public func fft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fft2") { transformed("fft2", s, axes, norm, isInverse: false) }
  }

  /// The inverse of ``fft2(s:axes:norm:)``: NumPy's `fft.ifft2`.
  public func ifft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifft2") { transformed("ifft2", s, axes, norm, isInverse: true) }
  }

  /// The inverse of ``Tensor/rfft2(s:axes:norm:)``, real numbers: NumPy's `fft.irfft2`; see
  /// ``irfftn(s:axes:norm:)``.
  public func irfft2(s: [Int]? = nil, axes: [Int] = [-2, -1], norm: FFTNorm = .backward) -> Tensor {
    tensorOperation("irfft2") { toReal("irfft2", s, axes, norm) }
  }

  /// The discrete Fourier transform over several axes: NumPy's `fft.fftn`; see
  /// ``Tensor/fftn(s:axes:norm:)``, whose arguments it has.
  /// - Precondition: no axis is named twice, `s` has one number for each, and all are at least 1.
  public func fftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("fftn") { transformed("fftn", s, axes, norm, isInverse: false) }
  }

  /// The inverse of ``fftn(s:axes:norm:)``: NumPy's `fft.ifftn`.
  public func ifftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> ComplexTensor {
    tensorOperation("ifftn") { transformed("ifftn", s, axes, norm, isInverse: true) }
  }

  /// The inverse of ``Tensor/rfftn(s:axes:norm:)``, real numbers: NumPy's `fft.irfftn`.
  /// - Parameters:
  ///   - s: how many numbers the result has along each axis. When omitted the extents of the axes, and for
  ///     the last one twice its extent less two.
  ///   - axes: the axes, at least one.
  ///   - norm: how the result is scaled.
  /// - Precondition: no axis is named twice, `s` has one number for each, and all are at least 1.
  public func irfftn(s: [Int]? = nil, axes: [Int]? = nil, norm: FFTNorm = .backward) -> Tensor {
    tensorOperation("irfftn") { toReal("irfftn", s, axes, norm) }
  }
}
