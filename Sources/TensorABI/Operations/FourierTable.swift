import Tensor

extension OperationTable {
  /// Fourier transforms: `n` and `axis` of one axis, `s` and `axes` of several, and `norm`.
  static let fourier: [String: Operation] = [
    "fft": complex { call in
      let (n, axis, norm) = try call.transform()
      return try call.value().asComplex.fft(n: n, axis: axis, norm: norm)
    },
    "ifft": complex { call in
      let (n, axis, norm) = try call.transform()
      return try call.value().asComplex.ifft(n: n, axis: axis, norm: norm)
    },
    "rfft": complex { call in
      let (n, axis, norm) = try call.transform()
      return try call.real().rfft(n: n, axis: axis, norm: norm)
    },
    "irfft": real { call in
      let (n, axis, norm) = try call.transform()
      return try call.value().asComplex.irfft(n: n, axis: axis, norm: norm)
    },
    "hfft": real { call in
      let (n, axis, norm) = try call.transform()
      return try call.value().asComplex.hfft(n: n, axis: axis, norm: norm)
    },
    "ihfft": complex { call in
      let (n, axis, norm) = try call.transform()
      return try call.real().ihfft(n: n, axis: axis, norm: norm)
    },
    "fftn": complex { call in
      let (s, axes, norm) = try call.transforms()
      return try call.value().asComplex.fftn(s: s, axes: axes, norm: norm)
    },
    "ifftn": complex { call in
      let (s, axes, norm) = try call.transforms()
      return try call.value().asComplex.ifftn(s: s, axes: axes, norm: norm)
    },
    "rfftn": complex { call in
      let (s, axes, norm) = try call.transforms()
      return try call.real().rfftn(s: s, axes: axes, norm: norm)
    },
    "irfftn": real { call in
      let (s, axes, norm) = try call.transforms()
      return try call.value().asComplex.irfftn(s: s, axes: axes, norm: norm)
    },
    "fftshift": moving { $1.fftshift(axes: try $0.axes()) },
    "ifftshift": moving { $1.ifftshift(axes: try $0.axes()) },
    "fftfreq": real { call in
      try Tensor.fftfreq(
        call.attributes.integer("n"), spacing: call.attributes.number("d"), dtype: call.frequencyType())
    },
    "rfftfreq": real { call in
      try Tensor.rfftfreq(
        call.attributes.integer("n"), spacing: call.attributes.number("d"), dtype: call.frequencyType())
    },
  ]
}

extension Call {
  fileprivate func transform() throws -> (n: Int?, axis: Int, norm: FFTNorm) {
    (
      try attributes.integer(ifAny: "n"), try attributes.integer(ifAny: "axis") ?? -1,
      try attributes.choice("norm", FFTNorm.backward)
    )
  }

  fileprivate func transforms() throws -> (s: [Int]?, axes: [Int]?, norm: FFTNorm) {
    (
      try attributes.integers(ifAny: "s"), try attributes.integers(ifAny: "axes"),
      try attributes.choice("norm", FFTNorm.backward)
    )
  }

  fileprivate func frequencyType() throws -> DType {
    guard case .real(let type) = try attributes.type("dtype") else { throw fail("frequencies are real") }
    return type
  }
}
