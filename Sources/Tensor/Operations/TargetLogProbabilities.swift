/// The log-probability of one target per row under `softmax(hidden · weightᵀ)`.
///
/// The `[n, vocab]` logits are never stored: they exist block by block, in the forward pass and again in the
/// backward pass, with `d/dlogits = g (onehot − softmax)`.
/// - Parameters:
///   - hidden: `[n, width]`.
///   - weight: `[vocab, width]`, the output projection, of the type of `hidden` or in half precision.
///   - targets: `n` vocabulary indices.
/// - Returns: `[n]`.
/// - Precondition: every target is a row of `weight`. First derivatives only.
public func targetLogProbabilities(hidden: Tensor, weight: Tensor, targets: [Int32]) -> Tensor {
  tensorRequire(
    hidden.rank == 2 && weight.rank == 2 && hidden.shape[1] == weight.shape[1]
      && hidden.shape[0] == targets.count, "targetLogProbabilities",
    "hidden \(hidden.shape), weight \(weight.shape) and \(targets.count) targets do not fit")
  let (n, width, vocabulary) = (hidden.shape[0], hidden.shape[1], weight.shape[0])
  if let outside = targets.first(where: { $0 < 0 || $0 >= vocabulary }) {
    tensorFailure("targetLogProbabilities", "target \(outside) is outside a vocabulary of \(vocabulary)")
  }
  let type = DType.promoted(hidden.fusedType, weight.fusedType)
  let readsHalf = weight.dtype.isHalfPrecision && type == .float32
  if hidden.dtype != type || weight.dtype != type && !readsHalf {
    return targetLogProbabilities(
      hidden: hidden.to(type), weight: readsHalf ? weight : weight.to(type), targets: targets
    ).to(DType.promoted(hidden.dtype, weight.dtype))
  }
  let (h, w) = (hidden.detached().contiguous(), weight.detached().contiguous())
  let result = Tensor(uninitialized: [n], dtype: hidden.dtype)
  if n == 0 { return result }
  let lse = Tensor(uninitialized: [n], dtype: hidden.dtype)
  func forward<T: FusedScalar>(_: T.Type) {
    TargetLogProbabilityKernels.forward(
      n: n, width: width, vocabulary: vocabulary, hidden: h.pointer(T.self), weight: w.rawPointer,
      format: .elements(w.dtype), targets: targets,
      result: result.pointer(), lse: lse.pointer())
  }
  hidden.withFusedType("targetLogProbabilities") { forward($0) }

  return Tensor.recorded("targetLogProbabilities", from: [hidden, weight], result) { gradient, _ in
    Tensor.requireFirstDerivative("targetLogProbabilities")
    let g = gradient.contiguous()
    let dHidden = hidden.requiresGradient ? Tensor(uninitialized: h.shape, dtype: h.dtype) : nil
    let dWeight = weight.requiresGradient ? Tensor(uninitialized: w.shape, dtype: h.dtype) : nil
    func backward<T: FusedScalar>(_: T.Type) {
      TargetLogProbabilityKernels.backward(
        n: n, width: width, vocabulary: vocabulary, hidden: h.pointer(T.self), weight: w.rawPointer,
        format: .elements(w.dtype), targets: targets, lse: lse.pointer(), g: g.pointer(),
        hiddenGradient: dHidden?.pointer(),
        weightGradient: dWeight?.pointer())
    }
    hidden.withFusedType("targetLogProbabilities") { backward($0) }
    return [dHidden, dWeight?.to(w.dtype)]
  }
}
