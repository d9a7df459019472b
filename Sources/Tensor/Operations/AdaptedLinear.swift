/// The frozen map of a linear layer, as a low-rank adapter needs it: forward, and a gradient back through it.
package struct FrozenMap {
  /// Maps `[rows, inputs]` to `[rows, outputs]`, without a record.
  var forward: (Tensor) -> Tensor
  /// Maps gradients of outputs to those of inputs, with a record where one is wanted.
  var backward: (Tensor) -> Tensor
  /// The type of results for an input of float32 or float64.
  let resultType: (_ input: DType) -> DType
}

extension FrozenMap {
  /// `x Wᵀ + b`.
  package init(weight: Tensor, bias: Tensor?) {
    let type = bias.map { DType.promoted(weight.dtype, $0.dtype) } ?? weight.dtype
    self.init(
      forward: { x in noGradient { linear(x, weight: weight, bias: bias) } },
      backward: { $0.matmul(weight) }, resultType: { DType.promoted($0, type) })
  }
}

/// `x Wᵀ + b + scale · (x Aᵀ) Bᵀ` with a frozen W and b: LoRA's forward pass (Hu et al. 2021,
/// arXiv:2106.09685, equation 3) as one operation.
///
/// The narrow product is added where the wide one lies, and so are their gradients: nothing of the width of
/// the outputs exists twice. No gradient of W or b is computed.
///
/// Derivatives with `h = x Aᵀ` and `n = scale · g B`: `g W + n A`, `nᵀ x` and `scale · gᵀ h`.
/// - Parameters:
///   - x: `[rows, inputs]` of float32 or float64.
///   - frozen: the map by W and b, whose results have the type of `x`.
///   - down: A, `[rank, inputs]`, of the same type.
///   - up: B, `[outputs, rank]`, of the same type.
package func adaptedLinear(_ x: Tensor, _ frozen: FrozenMap, down: Tensor, up: Tensor, scale: Double)
  -> Tensor
{
  let narrow = noGradient { x.matmul(down.transposed()) }
  let result = Tensor.scaledProduct(narrow, up.transposed(), scale: scale, addedTo: frozen.forward(x))
  return Tensor.recorded("adapted_linear", from: [x, down, up], result) { gradient, _ in
    if GradientMode.isEnabled {
      let narrowGradient = gradient.matmul(up) * scale
      return [
        x.requiresGradient ? frozen.backward(gradient) + narrowGradient.matmul(down) : nil,
        down.requiresGradient ? narrowGradient.transposed().matmul(x) : nil,
        up.requiresGradient ? gradient.transposed().matmul(x.matmul(down.transposed())) * scale : nil,
      ]
    }
    let needsNarrow = x.requiresGradient || down.requiresGradient
    let narrowGradient = needsNarrow ? Tensor.scaledProduct(gradient, up, scale: scale) : nil
    return [
      x.requiresGradient
        ? narrowGradient.map {
          Tensor.scaledProduct($0, down, scale: 1, addedTo: frozen.backward(gradient))
        } : nil,
      down.requiresGradient ? narrowGradient?.transposed().matmul(x) : nil,
      up.requiresGradient ? Tensor.scaledProduct(gradient.transposed(), narrow, scale: scale) : nil,
    ]
  }
}
