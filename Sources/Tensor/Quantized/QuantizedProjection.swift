/// The log-probability of one target per row under `softmax(hidden · weightᵀ)`, with a quantised weight.
///
/// Neither the `[n, vocab]` logits nor the weight's values are ever stored as a whole. Differentiable in
/// `hidden`, once; the weight is a constant.
/// - Parameters:
///   - hidden: `[n, width]`, computed with as Float32.
///   - weight: `[vocab, width]`, the output projection.
///   - targets: `n` vocabulary indices.
/// - Returns: `[n]` of type Float32.
/// - Precondition: every target is a row of `weight`.
public func targetLogProbabilities(hidden: Tensor, weight: QuantizedMatrix, targets: [Int32]) -> Tensor {
  tensorRequire(
    hidden.rank == 2 && hidden.shape[1] == weight.shape[1] && hidden.shape[0] == targets.count,
    "targetLogProbabilities",
    "hidden \(hidden.shape), quantised weight \(weight.shape) and \(targets.count) targets do not fit")
  let (n, width, vocabulary) = (hidden.shape[0], hidden.shape[1], weight.shape[0])
  if let outside = targets.first(where: { $0 < 0 || $0 >= vocabulary }) {
    tensorFailure("targetLogProbabilities", "target \(outside) is outside a vocabulary of \(vocabulary)")
  }
  let single = hidden.to(.float32)
  let (h, w) = (single.detached().contiguous(), weight.blocks)
  let (result, lse) = (
    Tensor(uninitialized: [n], dtype: .float32), Tensor(uninitialized: [n], dtype: .float32)
  )
  if n == 0 { return result }
  TargetLogProbabilityKernels.forward(
    n: n, width: width, vocabulary: vocabulary, hidden: h.pointer(Float.self), weight: w.rawPointer,
    format: .blocks(weight.encoding), targets: targets, result: result.pointer(), lse: lse.pointer())

  return Tensor.recorded("targetLogProbabilities", from: [single], result) { gradient, _ in
    Tensor.requireFirstDerivative("targetLogProbabilities")
    let g = gradient.contiguous()
    let dHidden = Tensor(uninitialized: h.shape, dtype: .float32)
    TargetLogProbabilityKernels.backward(
      n: n, width: width, vocabulary: vocabulary, hidden: h.pointer(Float.self), weight: w.rawPointer,
      format: .blocks(weight.encoding), targets: targets, lse: lse.pointer(), g: g.pointer(),
      hiddenGradient: dHidden.pointer(), weightGradient: nil)
    return [dHidden]
  }
}
