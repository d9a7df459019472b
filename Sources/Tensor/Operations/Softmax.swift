extension Tensor {
  /// `exp(x) / Σ exp(x)` over one axis, without overflow.
  ///
  /// Derivative: `y (g − Σ g y)`.
  public func softmax(axis: Int = -1) -> Tensor {
    if isStandIn { return overBatch(axis: axis, "softmax") { $0.softmax(axis: $1) } }
    return alongLastAxis(axis, "softmax") { x in
      let result = Self.rowwise(x, Float.softmaxKernel, Double.softmaxKernel)
      return x.recorded("softmax", from: x, result, keepingOutput: true) { gradient, output in
        let y = output!
        if GradientMode.isEnabled {
          let product = gradient * y
          return product - y * product.sum(axes: [-1], keepDims: true)
        }
        return rowwiseBackward(y, gradient, Float.softmaxBackwardKernel, Double.softmaxBackwardKernel)
      }
    }
  }

  /// `x − ln Σ exp(x)` over one axis, without overflow.
  ///
  /// Derivative: `g − softmax(x) Σ g`.
  public func logSoftmax(axis: Int = -1) -> Tensor {
    if isStandIn { return overBatch(axis: axis, "logSoftmax") { $0.logSoftmax(axis: $1) } }
    return alongLastAxis(axis, "logSoftmax") { x in
      let result = Self.rowwise(x, Float.logSoftmaxKernel, Double.logSoftmaxKernel)
      return x.recorded("logSoftmax", from: x, result, keepingOutput: true) { gradient, output in
        let y = output!
        if GradientMode.isEnabled {
          return gradient - y.exp() * gradient.sum(axes: [-1], keepDims: true)
        }
        return rowwiseBackward(y, gradient, Float.logSoftmaxBackwardKernel, Double.logSoftmaxBackwardKernel)
      }
    }
  }

  /// Applies `body` to a contiguous tensor in which `axis` is the last.
  private func alongLastAxis(_ axis: Int, _ operation: String, _ body: (Tensor) -> Tensor) -> Tensor {
    if dtype != fusedType {
      let result = to(fusedType).alongLastAxis(axis, operation, body)
      return dtype.isFloatingPoint ? result.to(dtype) : result
    }
    tensorRequire(rank > 0, operation, "a scalar has no axis")
    let axis = normalizedAxis(axis, operation)
    if axis == rank - 1 { return body(contiguous()) }
    return body(transposed(axis, -1).contiguous()).transposed(axis, -1)
  }

  private static func rowwise(_ x: Tensor, _ single: Float.RowsKernel, _ double: Double.RowsKernel) -> Tensor
  {
    let (rows, width) = x.rowsAndWidth
    let result = Tensor(uninitialized: x.shape, dtype: x.dtype)
    Threads.parallel(rows, grain: rowGrain(width)) { range in
      let (start, count, n) = (range.lowerBound * width, Int64(range.count), Int64(width))
      if x.dtype == .float32 {
        single(x.pointer() + start, result.pointer() + start, count, n)
      } else {
        double(x.pointer() + start, result.pointer() + start, count, n)
      }
    }
    return result
  }
}

private func rowwiseBackward(
  _ y: Tensor, _ gradient: Tensor, _ single: Float.RowsBackwardKernel, _ double: Double.RowsBackwardKernel
) -> Tensor {
  let (rows, width) = y.rowsAndWidth
  let gradient = gradient.contiguous()
  let result = Tensor(uninitialized: y.shape, dtype: y.dtype)
  Threads.parallel(rows, grain: rowGrain(width)) { range in
    let (start, count, n) = (range.lowerBound * width, Int64(range.count), Int64(width))
    if y.dtype == .float32 {
      single(y.pointer() + start, gradient.pointer() + start, result.pointer() + start, count, n)
    } else {
      double(y.pointer() + start, gradient.pointer() + start, result.pointer() + start, count, n)
    }
  }
  return result
}
