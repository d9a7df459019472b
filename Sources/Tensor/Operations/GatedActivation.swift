/// `silu(gate) · up`, the gated activation of LLaMA's feed-forward layers (Shazeer, "GLU variants improve
/// transformer", 2020).
///
/// Derivatives with `s = sigmoid(gate)`: `g · up · s (1 + gate (1 − s))` and `g · gate · s`.
/// - Parameters:
///   - gate: any shape.
///   - up: of the same shape.
public func swiGLU(_ gate: Tensor, _ up: Tensor) -> Tensor {
  tensorRequire(
    gate.shape == up.shape && gate.dtype == up.dtype, "swiGLU",
    "gate \(gate.shape) of \(gate.dtype) and up \(up.shape) of \(up.dtype) differ")
  guard gate.dtype == gate.fusedType else { return gate.silu() * up }
  let (gate, up) = (gate.contiguous(), up.contiguous())
  let result = Tensor(uninitialized: gate.shape, dtype: gate.dtype)
  func forward<T: FusedScalar>(_: T.Type) {
    Threads.parallel(gate.count, grain: 16384) { range in
      let start = range.lowerBound
      T.swiGLUKernel(
        gate.pointer() + start, up.pointer() + start, result.pointer() + start, Int64(range.count))
    }
  }
  gate.withFusedType("swiGLU") { forward($0) }

  return Tensor.recorded("swiGLU", from: [gate, up], result) { gradient, _ in
    if GradientMode.isEnabled {
      let s = gate.sigmoid()
      return [gradient * up * (s * (1 + gate * (1 - s))), gradient * gate.silu()]
    }
    let dy = gradient.contiguous()
    let dGate = Tensor(uninitialized: gate.shape, dtype: gate.dtype)
    let dUp = Tensor(uninitialized: gate.shape, dtype: gate.dtype)
    func backward<T: FusedScalar>(_: T.Type) {
      Threads.parallel(gate.count, grain: 16384) { range in
        let start = range.lowerBound
        T.swiGLUBackwardKernel(
          gate.pointer() + start, up.pointer() + start, dy.pointer() + start, dGate.pointer() + start,
          dUp.pointer() + start, Int64(range.count))
      }
    }
    gate.withFusedType("swiGLU") { backward($0) }
    return [dGate, dUp]
  }
}
