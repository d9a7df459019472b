extension Tensor {
  /// The norm `(Σ |x|^order)^(1/order)` of the vectors along some axes (all when omitted), NumPy's and
  /// PyTorch's `vector_norm`.
  ///
  /// An infinite order gives the largest magnitude, minus infinity the smallest, 0 the number of elements
  /// that are not zero. The gradient at a vector of zeros is zero.
  /// - Parameters:
  ///   - order: the exponent.
  ///   - axes: the axes of the vectors; negative ones count from the back.
  ///   - keepDims: keeps those axes with extent 1.
  public func norm(_ order: Double = 2, axes: [Int]? = nil, keepDims: Bool = false) -> Tensor {
    tensorOperation("norm") { length(order, axes: axes, keepDims: keepDims) }
  }

  private func length(_ order: Double, axes: [Int]?, keepDims: Bool) -> Tensor {
    if isStandIn { return overBatch(axes: axes, "norm") { $0.length(order, axes: $1, keepDims: keepDims) } }
    // A Float does not hold the square of 16 bits.
    if dtype.isInteger {
      return to(.float64).length(order, axes: axes, keepDims: keepDims).to(.float32)
    }
    if let rounded = inSinglePrecision({ $0.length(order, axes: axes, keepDims: keepDims) }) {
      return rounded
    }
    let (axes, kept, dropped) = reducedShapes(axes, "norm")
    let shape = keepDims ? kept : dropped
    switch order {
    case .infinity: return abs().max(axes: axes).reshaped(shape)
    case -.infinity: return abs().min(axes: axes).reshaped(shape)
    case 0: return (detached() .!= 0).sum(axes: axes).to(dtype).reshaped(shape)
    case 1: return abs().sum(axes: axes).reshaped(shape)
    default: break
    }
    let x = self
    let norm = noGradient {
      order == 2
        ? square().sum(axes: axes, keepDims: true).sqrt()
        : abs().pow(order).sum(axes: axes, keepDims: true).pow(1 / order)
    }
    return recorded("norm", from: self, norm, keepingOutput: true) { gradient, output in
      // d|x|/dx_i = sign(x_i) (|x_i| / |x|)^(order − 1), where nothing is divided by zero.
      let zero = Tensor.zeros([], dtype: x.dtype)
      let length = Tensor.select(output! .== 0, zero + 1, output!)
      if order == 2 { return x * (gradient / length) }
      let ratio = Tensor.select(x .== 0, zero + 1, x.abs() / length).pow(order - 1)
      return Tensor.select(x .== 0, zero, x.sign() * ratio * gradient)
    }.reshaped(shape)
  }

  /// The vectors along an axis divided by their norm, or by `epsilon` where the norm is smaller (PyTorch's
  /// `normalize`).
  public func normalized(axis: Int = -1, order: Double = 2, epsilon: Double = 1e-12) -> Tensor {
    tensorOperation("normalized") {
      inSinglePrecision { $0.normalized(axis: axis, order: order, epsilon: epsilon) }
        ?? self / norm(order, axes: [axis], keepDims: true).clamped(epsilon, .infinity)
    }
  }
}
