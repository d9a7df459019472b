/// The gradient of a function of one tensor, JAX's `grad`.
///
///     let slope = grad { x in (x * x * x).sum() }
///     slope(Tensor([2.0]))                      // [12]
///     grad { slope($0).sum() }(Tensor([2.0]))   // [12], the second derivative
///
/// The gradient is itself recorded when it depends on something that requires a gradient, so `grad` can be
/// nested, inside and outside of other recorded computations. There are forms for two and three tensors and
/// for an array of them; a closure whose parameters could be either is taken to have tensors. A function that
/// throws gives one that throws.
/// - Parameter function: gives a tensor of one element.
/// - Returns: a function that gives the gradient, of the shape of its argument; zeros if the function is
///   constant.
public func grad(
  _ function: @escaping (Tensor) -> Tensor
) -> (Tensor) -> Tensor {
  { x in
    let found = differentiate([x]) { function($0[0]) }
    return found.gradients[0]
  }
}

/// The gradient of a function of one tensor that throws; see `grad`.
public func grad(
  _ function: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> Tensor {
  { x in
    let found = try differentiate([x]) { try function($0[0]) }
    return found.gradients[0]
  }
}

/// The gradients of a function of two tensors; see `grad`.
public func grad(
  _ function: @escaping (Tensor, Tensor) -> Tensor
) -> (Tensor, Tensor) -> (Tensor, Tensor) {
  { x, y in
    let found = differentiate([x, y]) { function($0[0], $0[1]) }
    return (found.gradients[0], found.gradients[1])
  }
}

/// The gradients of a function of two tensors that throws; see `grad`.
public func grad(
  _ function: @escaping (Tensor, Tensor) throws -> Tensor
) -> (Tensor, Tensor) throws -> (Tensor, Tensor) {
  { x, y in
    let found = try differentiate([x, y]) { try function($0[0], $0[1]) }
    return (found.gradients[0], found.gradients[1])
  }
}

/// The gradients of a function of three tensors; see `grad`.
public func grad(
  _ function: @escaping (Tensor, Tensor, Tensor) -> Tensor
) -> (Tensor, Tensor, Tensor) -> (Tensor, Tensor, Tensor) {
  { x, y, z in
    let found = differentiate([x, y, z]) { function($0[0], $0[1], $0[2]) }
    return (found.gradients[0], found.gradients[1], found.gradients[2])
  }
}

/// The gradients of a function of three tensors that throws; see `grad`.
public func grad(
  _ function: @escaping (Tensor, Tensor, Tensor) throws -> Tensor
) -> (Tensor, Tensor, Tensor) throws -> (Tensor, Tensor, Tensor) {
  { x, y, z in
    let found = try differentiate([x, y, z]) { try function($0[0], $0[1], $0[2]) }
    return (found.gradients[0], found.gradients[1], found.gradients[2])
  }
}

/// The gradients of a function of any number of tensors, in one array; see `grad`.
public func grad(
  _ function: @escaping ([Tensor]) -> Tensor
) -> ([Tensor]) -> [Tensor] {
  { arguments in
    differentiate(arguments, function).gradients
  }
}

/// The gradients of a function of any number of tensors, in one array that throws; see `grad`.
public func grad(
  _ function: @escaping ([Tensor]) throws -> Tensor
) -> ([Tensor]) throws -> [Tensor] {
  { arguments in
    try differentiate(arguments, function).gradients
  }
}

/// The value and the gradient of a function of one tensor; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor) -> Tensor
) -> (Tensor) -> (value: Tensor, gradient: Tensor) {
  { x in
    let found = differentiate([x]) { function($0[0]) }
    return (found.value, found.gradients[0])
  }
}

/// The value and the gradient of a function of one tensor that throws; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor) throws -> Tensor
) -> (Tensor) throws -> (value: Tensor, gradient: Tensor) {
  { x in
    let found = try differentiate([x]) { try function($0[0]) }
    return (found.value, found.gradients[0])
  }
}

/// The value and the gradients of a function of two tensors; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor, Tensor) -> Tensor
) -> (Tensor, Tensor) -> (value: Tensor, gradients: (Tensor, Tensor)) {
  { x, y in
    let found = differentiate([x, y]) { function($0[0], $0[1]) }
    return (found.value, (found.gradients[0], found.gradients[1]))
  }
}

/// The value and the gradients of a function of two tensors that throws; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor, Tensor) throws -> Tensor
) -> (Tensor, Tensor) throws -> (value: Tensor, gradients: (Tensor, Tensor)) {
  { x, y in
    let found = try differentiate([x, y]) { try function($0[0], $0[1]) }
    return (found.value, (found.gradients[0], found.gradients[1]))
  }
}

/// The value and the gradients of a function of three tensors; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor, Tensor, Tensor) -> Tensor
) -> (Tensor, Tensor, Tensor) -> (value: Tensor, gradients: (Tensor, Tensor, Tensor)) {
  { x, y, z in
    let found = differentiate([x, y, z]) { function($0[0], $0[1], $0[2]) }
    return (found.value, (found.gradients[0], found.gradients[1], found.gradients[2]))
  }
}

/// The value and the gradients of a function of three tensors that throws; see `grad`.
public func valueAndGrad(
  _ function: @escaping (Tensor, Tensor, Tensor) throws -> Tensor
) -> (Tensor, Tensor, Tensor) throws -> (value: Tensor, gradients: (Tensor, Tensor, Tensor)) {
  { x, y, z in
    let found = try differentiate([x, y, z]) { try function($0[0], $0[1], $0[2]) }
    return (found.value, (found.gradients[0], found.gradients[1], found.gradients[2]))
  }
}

/// The value and the gradients of a function of any number of tensors, in one array; see `grad`.
public func valueAndGrad(
  _ function: @escaping ([Tensor]) -> Tensor
) -> ([Tensor]) -> (value: Tensor, gradients: [Tensor]) {
  { arguments in
    differentiate(arguments, function)
  }
}

/// The value and the gradients of a function of any number of tensors, in one array that throws; see `grad`.
public func valueAndGrad(
  _ function: @escaping ([Tensor]) throws -> Tensor
) -> ([Tensor]) throws -> (value: Tensor, gradients: [Tensor]) {
  { arguments in
    try differentiate(arguments, function)
  }
}

/// Value and gradients of a function that gives one element.
func differentiate(
  _ arguments: [Tensor], _ function: ([Tensor]) throws -> Tensor
) rethrows -> (value: Tensor, gradients: [Tensor]) {
  let evaluation = try Evaluation(arguments) { [try function($0)] }
  let output = evaluation.outputs[0]
  tensorRequire(
    output.count == 1, "grad", "the function must give one element, found shape \(output.shape)")
  let gradients = evaluation.pullback(
    [Tensor.ones(output.shape, dtype: output.dtype)], keepsRecord: evaluation.isPartOfRecord)
  return (evaluation.values[0], gradients)
}
