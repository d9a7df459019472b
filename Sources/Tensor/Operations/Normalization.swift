/// Layer normalization of the last axis: `(x − mean) / √(variance + epsilon) · weight + bias`.
///
/// With `h = (x − mean) r` and `q = g · weight` the derivative of `x` is `r (q − mean(q) − h mean(q h))`
/// (Ba et al., "Layer normalization", 2016).
/// - Parameters:
///   - x: `[..., width]`.
///   - weight: `[width]`, nil for ones.
///   - bias: `[width]`, nil for zeros.
///   - epsilon: added to the variance.
public func layerNorm(_ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5)
  -> Tensor
{
  normalized("layerNorm", x, weight, bias) { x, weight, bias in
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
    let mean = Tensor(uninitialized: [rows], dtype: x.dtype)
    let inverse = Tensor(uninitialized: [rows], dtype: x.dtype)
    func forward<T: FusedScalar>(_: T.Type) {
      Threads.parallel(rows, grain: rowGrain(width)) { range in
        let start = range.lowerBound * width
        T.layerNormKernel(
          x.pointer() + start, weight?.pointer(), bias?.pointer(), T(epsilon), result.pointer() + start,
          mean.pointer() + range.lowerBound, inverse.pointer() + range.lowerBound, Int64(range.count),
          Int64(width))
      }
    }
    x.withFusedType("layerNorm") { forward($0) }

    return Tensor.recorded("layerNorm", from: [x] + [weight, bias].compactMap { $0 }, result) { gradient, _ in
      if GradientMode.isEnabled {
        return composedBackward(
          x, weight, bias, gradient,
          centered: x - x.mean(axes: [-1], keepDims: true), meanOfGradient: true, epsilon: epsilon)
      }
      let dy = gradient.contiguous()
      let dx = Tensor(uninitialized: x.shape, dtype: x.dtype)
      var sums: [Tensor?] = []
      func backward<T: FusedScalar>(_: T.Type) {
        sums = columnSums(
          rows, width, wanted: [weight?.requiresGradient ?? false, bias?.requiresGradient ?? false],
          dtype: x.dtype,
          T.self
        ) { range, sums in
          let start = range.lowerBound * width
          T.layerNormBackwardKernel(
            x.pointer() + start, weight?.pointer(), mean.pointer() + range.lowerBound,
            inverse.pointer() + range.lowerBound, dy.pointer() + start, dx.pointer() + start, sums[0],
            sums[1],
            Int64(range.count), Int64(width))
        }
      }
      x.withFusedType("layerNorm") { backward($0) }
      return [dx] + (weight == nil ? [] : [sums[0]]) + (bias == nil ? [] : [sums[1]])
    }
  }
}

/// Root-mean-square normalization of the last axis: `x / √(mean(x²) + epsilon) · weight`.
///
/// With `q = g · weight` the derivative of `x` is `r (q − x r² mean(q x))` (Zhang and Sennrich, "Root mean
/// square layer normalization", 2019).
/// - Parameters:
///   - x: `[..., width]`.
///   - weight: `[width]`, nil for ones.
///   - epsilon: added to the mean square.
public func rmsNorm(_ x: Tensor, weight: Tensor? = nil, epsilon: Double = 1e-6) -> Tensor {
  normalized("rmsNorm", x, weight, nil) { x, weight, _ in
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
    let inverse = Tensor(uninitialized: [rows], dtype: x.dtype)
    func forward<T: FusedScalar>(_: T.Type) {
      Threads.parallel(rows, grain: rowGrain(width)) { range in
        let start = range.lowerBound * width
        T.rmsNormKernel(
          x.pointer() + start, weight?.pointer(), T(epsilon), result.pointer() + start,
          inverse.pointer() + range.lowerBound, Int64(range.count), Int64(width))
      }
    }
    x.withFusedType("rmsNorm") { forward($0) }

    return Tensor.recorded("rmsNorm", from: [x] + [weight].compactMap { $0 }, result) { gradient, _ in
      if GradientMode.isEnabled {
        return composedBackward(
          x, weight, nil, gradient, centered: x, meanOfGradient: false, epsilon: epsilon)
      }
      let dy = gradient.contiguous()
      let dx = Tensor(uninitialized: x.shape, dtype: x.dtype)
      var sums: [Tensor?] = []
      func backward<T: FusedScalar>(_: T.Type) {
        sums = columnSums(rows, width, wanted: [weight?.requiresGradient ?? false], dtype: x.dtype, T.self) {
          range, sums in
          let start = range.lowerBound * width
          T.rmsNormBackwardKernel(
            x.pointer() + start, weight?.pointer(), inverse.pointer() + range.lowerBound,
            dy.pointer() + start,
            dx.pointer() + start, sums[0], Int64(range.count), Int64(width))
        }
      }
      x.withFusedType("rmsNorm") { backward($0) }
      return [dx] + (weight == nil ? [] : [sums[0]])
    }
  }
}

/// Checks shapes and brings the operands to one contiguous type.
private func normalized(
  _ operation: String, _ x: Tensor, _ weight: Tensor?, _ bias: Tensor?,
  _ body: (Tensor, Tensor?, Tensor?) -> Tensor
) -> Tensor {
  tensorRequire(x.rank > 0, operation, "a scalar has no last axis")
  for operand in [weight, bias].compactMap({ $0 }) {
    tensorRequire(
      operand.shape == [x.shape[x.rank - 1]], operation,
      "weight or bias of shape \(operand.shape) does not fit input of shape \(x.shape)")
  }
  let operands = [x] + [weight, bias].compactMap { $0 }
  if operands.contains(where: { $0.isStandIn }) {
    return normalizedOverBatch(operation, operands, weight != nil, bias != nil, body)
  }
  let type = x.fusedType
  let result = body(
    x.to(type).contiguous(), weight?.to(type).contiguous(), bias?.to(type).contiguous())
  return x.dtype.isFloatingPoint ? result.to(x.dtype) : result
}

/// The normalization of every example, which may have weights of its own.
private func normalizedOverBatch(
  _ operation: String, _ operands: [Tensor], _ hasWeight: Bool, _ hasBias: Bool,
  _ body: (Tensor, Tensor?, Tensor?) -> Tensor
) -> Tensor {
  let batch = BatchOperands(operands)
  if batch.run == nil || !batch.isBatch.dropFirst().contains(true) {
    let tensors = batch.tensors
    return batch.result(
      normalized(
        operation, tensors[0], hasWeight ? tensors[1] : nil, hasBias ? tensors[tensors.count - 1] : nil,
        body))
  }
  let x = operands[0]
  var result = normalized(operation, x.to(x.fusedType), nil, nil, body)
  if hasWeight { result = result * operands[1].to(x.fusedType) }
  if hasBias { result = result + operands[operands.count - 1].to(x.fusedType) }
  return x.dtype.isFloatingPoint ? result.to(x.dtype) : result
}

/// The gradients of both normalizations in differentiable operations.
private func composedBackward(
  _ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, _ gradient: Tensor, centered: Tensor, meanOfGradient: Bool,
  epsilon: Double
) -> [Tensor?] {
  let inverse = (centered.square().mean(axes: [-1], keepDims: true) + epsilon).rsqrt()
  let h = centered * inverse
  let q = weight.map { gradient * $0 } ?? gradient
  var inner = q - h * (q * h).mean(axes: [-1], keepDims: true)
  if meanOfGradient { inner = inner - q.mean(axes: [-1], keepDims: true) }
  let rowAxes = Array(0..<x.rank - 1)
  var gradients: [Tensor?] = [inner * inverse]
  if weight != nil { gradients.append((gradient * h).sum(axes: rowAxes)) }
  if bias != nil { gradients.append(gradient.sum(axes: rowAxes)) }
  return gradients
}

/// Sums over rows: `body` adds the rows of a range to the given vectors of `width` zeros, nil where not
/// wanted.
///
/// The rows are cut in the same way whatever the number of threads, so that the sums are the same too.
private func columnSums<T: FusedScalar>(
  _ rows: Int, _ width: Int, wanted: [Bool], dtype: DType, _: T.Type,
  _ body: (Range<Int>, [UnsafeMutablePointer<T>?]) -> Void
) -> [Tensor?] {
  // At most 512 rows are added in their own type: longer sums would lose digits.
  let chunk = min(512, max(16, (rows + 15) / 16))
  let chunks = max(1, (rows + chunk - 1) / chunk)
  let partial = wanted.map { $0 ? Tensor.zeros([chunks, width], dtype: dtype) : nil }
  func run(_ index: Int) {
    body(
      index * chunk..<min(rows, (index + 1) * chunk), partial.map { $0.map { $0.pointer() + index * width } })
  }
  if rows * width < 16384 {
    for index in 0..<chunks { run(index) }
  } else {
    Threads.forEachTask(chunks, run)
  }
  return partial.map { partial in
    guard let partial else { return nil }
    return partial.sum(axes: [0])
  }
}
