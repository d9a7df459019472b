/// The value of a function and the map from gradients of its value to gradients of its argument (`vᵀ J`),
/// JAX's `vjp`.
///
/// The map can be called any number of times; it keeps the record of the evaluation alive.
/// - Parameters:
///   - function: gives a tensor of any shape.
///   - x: where to evaluate it.
public func vjp(
  _ function: (Tensor) throws -> Tensor, _ x: Tensor
) rethrows -> (value: Tensor, pullback: (Tensor) -> Tensor) {
  let (values, pullback) = try vjp({ [try function($0[0])] }, [x])
  return (values[0], { pullback([$0])[0] })
}

/// The values of a function of several tensors with several results, and the map from gradients of the
/// results to gradients of the arguments; see `vjp`.
public func vjp(
  _ function: ([Tensor]) throws -> [Tensor], _ arguments: [Tensor]
) rethrows -> (values: [Tensor], pullback: ([Tensor]) -> [Tensor]) {
  let evaluation = try Evaluation(arguments, function)
  return (
    evaluation.values,
    { gradients in
      tensorRequire(
        gradients.count == evaluation.outputs.count, "vjp",
        "needs \(evaluation.outputs.count) gradients, found \(gradients.count)")
      let isRecorded =
        GradientMode.isEnabled
        && (evaluation.isPartOfRecord || gradients.contains { $0.requiresGradient })
      return evaluation.pullback(gradients, keepsRecord: true, isRecorded: isRecorded)
    }
  )
}

/// The value of a function and its derivative in a direction (`J v`), JAX's `jvp`.
///
/// There is no forward mode underneath: the pullback `u ↦ uᵀ J` is linear in `u`, and its own pullback at `v`
/// is `J v`, which costs about two backward passes and needs operations whose gradients can be differentiated
/// again.
/// - Parameters:
///   - function: gives a tensor of any shape.
///   - x: where to evaluate it.
///   - direction: `v`, of the shape of `x`.
/// - Returns: the value, and the derivative of the same shape.
public func jvp(
  _ function: (Tensor) throws -> Tensor, _ x: Tensor, _ direction: Tensor
) rethrows -> (value: Tensor, derivative: Tensor) {
  let (values, derivatives) = try jvp({ [try function($0[0])] }, [x], [direction])
  return (values[0], derivatives[0])
}

/// The values of a function of several tensors with several results, and their derivatives in a direction;
/// see `jvp`.
public func jvp(
  _ function: ([Tensor]) throws -> [Tensor], _ arguments: [Tensor], _ directions: [Tensor]
) rethrows -> (values: [Tensor], derivatives: [Tensor]) {
  tensorRequire(
    arguments.count == directions.count && zip(arguments, directions).allSatisfy { $0.shape == $1.shape },
    "jvp",
    "arguments of shapes \(arguments.map(\.shape)) need directions of the same shapes, "
      + "found \(directions.map(\.shape))")
  let evaluation = try Evaluation(arguments, function)
  let inner = evaluation.outputs.map { output in
    let output = output.settled()
    return Tensor.zeros(output.shape, dtype: output.dtype).lifted(like: output).lowered(like: output)
      .requiringGradient()
  }
  let pulled = evaluation.pullback(inner, keepsRecord: true, isRecorded: true)
  var roots: [(node: GradientNode, gradient: Tensor)] = []
  for (gradient, direction) in zip(pulled, directions) {
    let gradient = gradient.settled()
    if let node = gradient.node { roots.append((node, direction.lifted(like: gradient))) }
  }
  let isRecorded =
    GradientMode.isEnabled && (evaluation.isPartOfRecord || directions.contains { $0.requiresGradient })
  let found = BackwardPass.run(
    from: roots, to: inner.map { $0.node! }, keepsRecord: isRecorded, isRecorded: isRecorded)
  return (evaluation.values, inner.map { found[$0] ?? Tensor.zeros($0.shape, dtype: $0.dtype) })
}

/// The Jacobian of a function: shape `value.shape + x.shape`, one backward pass for each element of the
/// value.
public func jacobian(
  _ function: (Tensor) throws -> Tensor, _ x: Tensor
) rethrows -> Tensor {
  let (value, pullback) = try vjp(function, x)
  let units = Tensor.eye(value.count, dtype: value.dtype)
  if value.count == 0 { return Tensor.zeros(value.shape + x.shape, dtype: x.dtype) }
  let rows = (0..<value.count).map { pullback(units[$0].reshaped(value.shape)) }
  return Tensor.stacked(rows).reshaped(value.shape + x.shape)
}

/// The Hessian of a function with one element: shape `x.shape + x.shape`.
public func hessian(
  _ function: (Tensor) throws -> Tensor, _ x: Tensor
) rethrows -> Tensor {
  try jacobian({ try differentiate([$0]) { try function($0[0]) }.gradients[0] }, x)
}

/// The product of the Hessian of a function with a vector, without the Hessian: the gradient of `∇f(x) · v`.
/// - Parameters:
///   - function: gives a tensor of one element.
///   - x: where to evaluate it.
///   - vector: of the shape of `x`.
/// - Returns: a tensor of the shape of `x`.
public func hessianVectorProduct(
  _ function: (Tensor) throws -> Tensor, _ x: Tensor, _ vector: Tensor
) rethrows -> Tensor {
  tensorRequire(
    x.shape == vector.shape, "hessianVectorProduct",
    "a point of shape \(x.shape) needs a vector of the same shape, found \(vector.shape)")
  return try differentiate([x]) { outer in
    let slope = try differentiate(outer) { try function($0[0]) }.gradients[0]
    return (slope * vector).sum()
  }.gradients[0]
}
