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
  if gate.dtype.isHalfPrecision { return swiGLU(gate.to(.float32), up.to(.float32)).to(gate.dtype) }
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

/// The gated half of LLaMA's feed-forward layer, `silu(x gateᵀ) · (x upᵀ)`; see ``swiGLU(_:_:)``.
///
/// Where no gradient is recorded, large products never leave the caches; the result is the same to the last
/// bit.
/// - Parameters:
///   - x: `[..., inputs]`.
///   - gate: `[outputs, inputs]`.
///   - up: `[outputs, inputs]`.
/// - Returns: `[..., outputs]`.
public func swiGLU(_ x: Tensor, gate: Tensor, up: Tensor) -> Tensor {
  let isRecorded = GradientMode.isEnabled && [x, gate, up].contains { $0.requiresGradient }
  let isSingle = [x, gate, up].allSatisfy { $0.dtype == .float32 }
  let lead = Array(x.shape.dropLast())
  let m = lead.reduce(1, *)
  guard !isRecorded, isSingle, gate.rank == 2, gate.shape == up.shape, x.shape.last == gate.shape[1],
    ProductPlan.suitsGated(m: m, n: gate.shape[0], k: gate.shape[1])
  else {
    return swiGLU(linear(x, weight: gate), linear(x, weight: up))
  }
  let (n, k) = (gate.shape[0], gate.shape[1])
  let (rows, gate, up) = (x.detached().contiguous(), gate.withDenseRows(), up.withDenseRows())
  let result = Tensor(uninitialized: lead + [n], dtype: .float32)
  GatedProduct(
    m: m, n: n, k: k, a: rows.pointer(), gate: gate.pointer(), gateStride: gate.strides[0], up: up.pointer(),
    upStride: up.strides[0], c: result.pointer()
  ).run()
  return result
}
