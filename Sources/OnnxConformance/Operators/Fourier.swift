import Tensor

extension OperatorTable {
  static let fourier: [String: OnnxOperator] = [
    "DFT": { call in
      let x = try call.tensor()
      try call.require(x.rank >= 2 && [1, 2].contains(x.shape[x.rank - 1]), "shape \(x.shape)")
      let named = try call.version < 20 ? call.integer("axis", default: 1) : call.number(2, default: -2)
      let axis = try call.axis(named, rank: x.rank)
      let length = try call.optional(1) == nil ? nil : call.number(1)
      try call.require(axis < x.rank - 1 && 1..<1 << 24 ~= (length ?? 1), "length \(length ?? 0)")
      let (isInverse, isOneSided) = (try call.flag("inverse"), try call.flag("onesided"))
      if isInverse && isOneSided {
        return [x.viewAsComplex().irfft(n: length, axis: axis).expandedDimensions(axis: -1)]
      }
      if x.shape[x.rank - 1] == 1, !isInverse {
        let numbers = x.squeezed(axis: -1)
        let result = isOneSided ? numbers.rfft(n: length, axis: axis) : numbers.fft(n: length, axis: axis)
        return [result.viewAsReal()]
      }
      try call.require(!isOneSided, "one side of complex numbers")
      let numbers =
        x.shape[x.rank - 1] == 2 ? x.viewAsComplex() : ComplexTensor(x.squeezed(axis: -1))
      return [
        (isInverse ? numbers.ifft(n: length, axis: axis) : numbers.fft(n: length, axis: axis)).viewAsReal()
      ]
    },
    "STFT": { call in
      let signal = try call.tensor()
      try call.require(signal.rank == 3, "shape \(signal.shape)")
      let step = try call.number(1)
      let window = call.optional(2)
      let length = try call.optional(3) == nil ? window?.count ?? signal.shape[1] : call.number(3)
      try call.require(
        step > 0 && 1...max(signal.shape[1], 1) ~= length, "frames of \(length), every \(step)")
      func frames(_ x: Tensor) -> Tensor {
        let pieces = x.unfolded(axis: 1, size: length, step: step)
        return window.map { pieces * $0 } ?? pieces
      }
      let isOneSided = try call.flag("onesided", default: true)
      if signal.shape[2] == 1 {
        let pieces = frames(signal.squeezed(axis: -1))
        return [(isOneSided ? pieces.rfft() : pieces.fft()).viewAsReal()]
      }
      try call.require(!isOneSided, "one side of complex numbers")
      let complex = signal.viewAsComplex()
      return [
        ComplexTensor(real: frames(complex.real), imaginary: frames(complex.imaginary)).fft().viewAsReal()
      ]
    },
  ]
}
