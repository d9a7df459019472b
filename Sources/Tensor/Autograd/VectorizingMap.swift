/// A function of one example made into a function of many: `vmap(f)(x)` is `f` of every slice of `x` along
/// `inAxis`, stacked along `outAxis`; JAX's and `torch.func`'s `vmap`.
///
///     let distances = vmap { point in (point - centre).norm() }(points)   // [n, 3] to [n]
///     let gradients = vmap(grad { loss(of: $0) })(examples)                // a gradient for each example
///
/// The function runs once for each slice, one after the other, and its results are stacked: right for every
/// operation, for functions that look at values, and for gradients of any order, in `x` and in what the
/// function captures. It is not fast: nothing is fused over examples, so a function of small operations costs
/// what its operations cost, times the examples. A linear layer is a small product for each example, several
/// times slower than one product of all. Where an operation takes a batch by itself, as nearly all here do,
/// give it the batch.
///
/// The result fails with a ``TensorError`` where `x` has no such axis or no slice along it, and where the
/// function gives results of several shapes or types.
/// - Parameters:
///   - function: maps a slice, which does not have the axis.
///   - inAxis: the axis of examples in `x`.
///   - outAxis: the axis of examples in the result.
public func vmap(
  _ function: @escaping (Tensor) -> Tensor, inAxis: Int = 0, outAxis: Int = 0
) -> (Tensor) -> Tensor {
  { x in mapped([x], [inAxis], outAxis) { function($0[0]) } }
}

/// As ``vmap(_:inAxis:outAxis:)`` for a function of two tensors; nil stands for one that every example gets
/// as it is.
public func vmap(
  _ function: @escaping (Tensor, Tensor) -> Tensor, inAxes: (Int?, Int?) = (0, 0), outAxis: Int = 0
) -> (Tensor, Tensor) -> Tensor {
  { x, y in mapped([x, y], [inAxes.0, inAxes.1], outAxis) { function($0[0], $0[1]) } }
}

/// As ``vmap(_:inAxis:outAxis:)`` for a function of three tensors; nil stands for one that every example gets
/// as it is.
public func vmap(
  _ function: @escaping (Tensor, Tensor, Tensor) -> Tensor, inAxes: (Int?, Int?, Int?) = (0, 0, 0),
  outAxis: Int = 0
) -> (Tensor, Tensor, Tensor) -> Tensor {
  { x, y, z in
    mapped([x, y, z], [inAxes.0, inAxes.1, inAxes.2], outAxis) { function($0[0], $0[1], $0[2]) }
  }
}

private func mapped(
  _ operands: [Tensor], _ axes: [Int?], _ outAxis: Int, _ function: ([Tensor]) -> Tensor
) -> Tensor {
  let places = zip(operands, axes).map { operand, axis in
    axis.map { operand.normalizedAxis($0, "vmap") }
  }
  let extents = zip(operands, places).compactMap { operand, axis in axis.map { operand.shape[$0] } }
  tensorRequire(
    !extents.isEmpty && extents.allSatisfy { $0 == extents[0] && $0 > 0 }, "vmap",
    "needs as many slices, and at least one, of shapes \(operands.map(\.shape)) along axes "
      + "\(axes.map { $0.map { "\($0)" } ?? "nil" })")
  let slices = zip(operands, places).map { operand, axis in axis.map { operand.unstacked(axis: $0) } }
  let results = (0..<extents[0]).map { index in
    function(zip(operands, slices).map { $1?[index] ?? $0 })
  }
  return stackedResults(results, axis: outAxis, "vmap")
}

/// Results of one function, which must be alike.
private func stackedResults(_ results: [Tensor], axis: Int, _ operation: String) -> Tensor {
  let first = results[0]
  for other in results {
    tensorRequire(
      other.shape == first.shape && other.dtype == first.dtype, operation,
      "the function gave \(first.dtype) \(first.shape) and \(other.dtype) \(other.shape)")
  }
  return Tensor.stacked(results, axis: first.normalizedAxis(axis, operation, rank: first.rank + 1))
}

/// Carries a state through the steps of a sequence: `(carry, output) = step(carry, x)` for every slice `x` of
/// `xs` along its first axis; `jax.lax.scan`.
///
///     let (total, sums) = scan(initial: Tensor(0), over: Tensor([1, 2, 3])) { total, x in
///       (total + x, total + x)
///     }                                        // 6, [1, 3, 6]
///
/// Gradients of any order flow to `initial`, `xs` and what the step captures. The step runs once for each
/// slice and its record is kept: memory grows with the steps; put ``checkpoint(_:)-(()->Tensor)`` around what
/// is large inside.
///
/// Fails with a ``TensorError`` where there is no slice, where the carry changes its shape or type, and where
/// outputs are not alike.
/// - Parameters:
///   - initial: the carry before the first step.
///   - xs: `[steps, ...]`.
///   - isReversed: whether the last slice comes first; outputs stand where their slices do.
///   - step: maps the carry and a slice to the next carry and an output.
/// - Returns: the last carry, and the outputs stacked along their first axis.
/// - Throws: what `step` throws.
public func scan(
  initial: Tensor, over xs: Tensor, isReversed: Bool = false,
  _ step: (_ carry: Tensor, _ x: Tensor) throws -> (carry: Tensor, output: Tensor)
) rethrows -> (carry: Tensor, outputs: Tensor) {
  let (carry, outputs) = try scan(initial: [initial], over: [xs], isReversed: isReversed) { carry, x in
    let (next, output) = try step(carry[0], x[0])
    return ([next], [output])
  }
  return (carry[0], outputs[0])
}

/// As ``scan(initial:over:isReversed:_:)-(Tensor,_,_,_)`` for several carries, sequences of one length, and
/// outputs.
public func scan(
  initial: [Tensor], over xs: [Tensor], isReversed: Bool = false,
  _ step: (_ carry: [Tensor], _ x: [Tensor]) throws -> (carry: [Tensor], output: [Tensor])
) rethrows -> (carry: [Tensor], outputs: [Tensor]) {
  let lengths = xs.map { $0.shape.first ?? 0 }
  tensorRequire(
    !lengths.isEmpty && lengths.allSatisfy { $0 == lengths[0] && $0 > 0 }, "scan",
    "needs sequences of one length of at least one step, found shapes \(xs.map(\.shape))")
  let slices = xs.map { $0.unstacked(axis: 0) }
  var carry = initial
  var outputs: [[Tensor]] = []
  for index in 0..<lengths[0] {
    let place = isReversed ? lengths[0] - 1 - index : index
    let (next, output) = try step(carry, slices.map { $0[place] })
    tensorRequire(
      next.map(\.shape) == carry.map(\.shape) && next.map(\.dtype) == carry.map(\.dtype), "scan",
      "the carry was \(carry.map(\.dtype)) of shapes \(carry.map(\.shape)), the next is \(next.map(\.dtype)) "
        + "of shapes \(next.map(\.shape))")
    tensorRequire(
      outputs.isEmpty || outputs[0].count == output.count, "scan",
      "steps gave \(outputs.first?.count ?? 0) and \(output.count) outputs")
    carry = next
    outputs.append(output)
  }
  if isReversed { outputs.reverse() }
  return (
    carry,
    outputs[0].indices.map { index in stackedResults(outputs.map { $0[index] }, axis: 0, "scan") }
  )
}
