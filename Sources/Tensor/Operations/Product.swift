extension Tensor {
  /// The product over some axes (all when omitted). Integers and bools multiply as int64.
  ///
  /// The derivative of an element is the product of the others, which is right where elements are zero, too.
  /// - Parameters:
  ///   - axes: axes to multiply over; negative ones count from the back.
  ///   - keepDims: keeps the multiplied axes with extent 1.
  public func prod(axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    if isStandIn { return overBatch(axes: axes, "prod") { $0.prod(axes: $1, keepDims: keepDims) } }
    let (axes, kept, dropped) = reducedShapes(axes, "prod")
    switch dtype {
    case .float16, .bfloat16: return to(.float32).prod(axes: axes, keepDims: keepDims).to(dtype)
    case .float32, .float64: break
    default: return orderless(.product, "prod", axes: axes, keepDims: keepDims)
    }
    let order = shape.indices.filter { !axes.contains($0) } + axes
    let inner = axes.reduce(1) { $0 * shape[$1] }
    let rows = permuted(order).reshaped([dropped.reduce(1, *), inner])
    return rows.productOfRows().reshaped(keepDims ? kept : dropped)
  }

  /// `[rows, n]` to `[rows]`.
  private func productOfRows() -> Tensor {
    let (rows, n) = (shape[0], shape[1])
    let source = detached().contiguous()
    let result = Tensor(uninitialized: [rows], dtype: dtype)
    func multiply<T: BinaryFloatingPoint>(_: T.Type) {
      let (input, output) = (source.pointer(T.self), result.pointer(T.self))
      Threads.parallel(rows, grain: Swift.max(1, (1 << 14) / Swift.max(n, 1))) { range in
        for row in range {
          var product = 1.0
          for i in row * n..<(row + 1) * n { product *= Double(input[i]) }
          output[row] = T(product)
        }
      }
    }
    if dtype == .float32 { multiply(Float.self) } else { multiply(Double.self) }
    let x = self
    return recorded("prod", from: self, result) { gradient, _ in
      gradient.reshaped([rows, 1]) * x.productsOfOthers()
    }
  }

  /// For every element of `[rows, n]` the product of the other elements of its row.
  private func productsOfOthers() -> Tensor {
    let (rows, n) = (shape[0], shape[1])
    guard GradientMode.isEnabled else {
      let source = detached().contiguous()
      let result = Tensor(uninitialized: shape, dtype: dtype)
      func multiply<T: BinaryFloatingPoint>(_: T.Type) {
        let (input, output) = (source.pointer(T.self), result.pointer(T.self))
        Threads.parallel(rows, grain: Swift.max(1, (1 << 14) / Swift.max(n, 1))) { range in
          for row in range {
            var before = 1.0
            for i in row * n..<(row + 1) * n {
              output[i] = T(before)
              before *= Double(input[i])
            }
            var behind = 1.0
            for i in (row * n..<(row + 1) * n).reversed() {
              output[i] = T(Double(output[i]) * behind)
              behind *= Double(input[i])
            }
          }
        }
      }
      if dtype == .float32 { multiply(Float.self) } else { multiply(Double.self) }
      return result
    }
    if n == 0 { return self }
    func before(_ x: Tensor) -> Tensor {
      let one = Tensor.ones([rows, 1], dtype: dtype)
      return Tensor.concatenated([one, x.slice(axis: 1, 0..<n - 1)], axis: 1).cumprod(axis: 1)
    }
    return before(self) * before(flipped(axes: [1])).flipped(axes: [1])
  }
}
