/// A function of one example made into a function of many: `vmap(f)(x)` is `f` of every slice of `x` along
/// `inAxis`, stacked along `outAxis`; JAX's and `torch.func`'s `vmap`.
///
///     let distances = vmap { point in (point - centre).norm() }(points)   // [n, 3] to [n]
///     let gradients = vmap(grad { loss(of: $0) })(examples)                // a gradient for each example
///
/// The function runs once, for all slices together: a linear layer of one example becomes one product of all.
/// That holds for arithmetic, comparisons, `select`, functions of elements, products of matrices, `linear`,
/// normalizations, softmax, cross-entropy, reductions, running sums, sorting, picking by indices, reshaping,
/// joining, assignment to indices and ranges, and for `grad`, `vjp`, `jvp` and `vmap` inside. Where the
/// function does something else, it runs once for each slice, one after the other, which gives the same
/// results, to rounding: when it looks at values (`item()`, `if`, printing, masks that pick), draws random
/// numbers, calls `backward()`, ``checkpoint(_:)-(()->Tensor)`` or a ``CustomOperation`` that is recorded, or
/// uses an operation that takes no batch yet (convolution, attention, linear algebra, Fourier transforms).
/// Gradients of any order flow to `x` and to what the function captures either way.
///
/// The function should be pure, as for JAX and PyTorch: how often it runs is not promised. What it reads and
/// draws, and tensors that it leaves behind in variables, are noticed, and are then those of one call after
/// the other; a counter of its own, or numbers of another generator than ``RandomGenerator``, are not. A
/// `chunkSize` of 1 calls it once for each slice and does nothing else.
///
/// The result fails with a ``TensorError`` where `x` has no such axis or no slice along it, and where the
/// function gives results of several shapes or types.
/// - Parameters:
///   - function: maps a slice, which does not have the axis.
///   - inAxis: the axis of examples in `x`.
///   - outAxis: the axis of examples in the result.
///   - chunkSize: how many examples are computed together, which bounds the memory for results in between;
///     all when nil.
public func vmap(
  _ function: @escaping (Tensor) -> Tensor, inAxis: Int = 0, outAxis: Int = 0, chunkSize: Int? = nil
) -> (Tensor) -> Tensor {
  { x in VectorizedCall([x], [inAxis], outAxis, chunkSize) { function($0[0]) }.result() }
}

/// As ``vmap(_:inAxis:outAxis:chunkSize:)`` for a function of two tensors; nil stands for one that every
/// example gets as it is.
public func vmap(
  _ function: @escaping (Tensor, Tensor) -> Tensor, inAxes: (Int?, Int?) = (0, 0), outAxis: Int = 0,
  chunkSize: Int? = nil
) -> (Tensor, Tensor) -> Tensor {
  { x, y in
    VectorizedCall([x, y], [inAxes.0, inAxes.1], outAxis, chunkSize) { function($0[0], $0[1]) }.result()
  }
}

/// As ``vmap(_:inAxis:outAxis:chunkSize:)`` for a function of three tensors; nil stands for one that every
/// example gets as it is.
public func vmap(
  _ function: @escaping (Tensor, Tensor, Tensor) -> Tensor, inAxes: (Int?, Int?, Int?) = (0, 0, 0),
  outAxis: Int = 0, chunkSize: Int? = nil
) -> (Tensor, Tensor, Tensor) -> Tensor {
  { x, y, z in
    VectorizedCall([x, y, z], [inAxes.0, inAxes.1, inAxes.2], outAxis, chunkSize) {
      function($0[0], $0[1], $0[2])
    }.result()
  }
}

/// A call of a function for every slice of some operands.
private struct VectorizedCall {
  private let operands: [Tensor]
  /// The axis of examples in each operand, counted from the front; nil where there is none.
  private let axes: [Int?]
  private let outAxis: Int
  private let chunkSize: Int?
  /// How many examples there are.
  private let count: Int
  private let function: ([Tensor]) -> Tensor

  init(
    _ operands: [Tensor], _ axes: [Int?], _ outAxis: Int, _ chunkSize: Int?,
    _ function: @escaping ([Tensor]) -> Tensor
  ) {
    let places = zip(operands, axes).map { operand, axis in
      axis.map { operand.normalizedAxis($0, "vmap") }
    }
    let extents = zip(operands, places).compactMap { operand, axis in axis.map { operand.shape[$0] } }
    tensorRequire(
      !extents.isEmpty && extents.allSatisfy { $0 == extents[0] && $0 > 0 }, "vmap",
      "needs as many slices, and at least one, of shapes \(operands.map(\.shape)) along axes "
        + "\(axes.map { $0.map { "\($0)" } ?? "nil" })")
    tensorRequire(
      chunkSize ?? 1 > 0, "vmap", "the chunk size must be positive, found \(chunkSize ?? 1)")
    self.init(operands: operands, axes: places, outAxis, chunkSize, count: extents[0], function)
  }

  private init(
    operands: [Tensor], axes: [Int?], _ outAxis: Int, _ chunkSize: Int?, count: Int,
    _ function: @escaping ([Tensor]) -> Tensor
  ) {
    (self.operands, self.axes, self.outAxis, self.chunkSize) = (operands, axes, outAxis, chunkSize)
    (self.count, self.function) = (count, function)
  }

  func result() -> Tensor {
    let size = chunkSize ?? count
    if size == 1 { return looped(after: []) }
    if size < count { return chunked(size) }
    let run = BatchRun(count: count)
    var found: Tensor? = outcome(of: run)
    // What refers to a stand-in now was left behind by a function that did not only compute its result.
    let hasLeftSomething = !run.isNarrowed && run.hasStandIns
    if !run.isNarrowed, !hasLeftSomething { return found! }
    if hasLeftSomething {
      run.narrow()
      found = found!.slice(axis: place(in: found!), 0..<1).squeezed(axis: place(in: found!))
    }
    // In a backward pass through what was computed for all, the others bring zeros, and no numbers where the
    // function is not smooth: the first example is then called again, unless it would draw again.
    let isFinal = hasLeftSomething || run.hasDrawn || found!.node == nil && !run.hasWalkedBack
    return looped(after: isFinal ? [found!] : [])
  }

  /// What the function gives in a run for all examples: the batch of results, or that of the first example
  /// where the run is narrowed.
  @inline(never)
  private func outcome(of run: BatchRun) -> Tensor {
    run {
      let slices = zip(operands, axes).map { operand, axis in
        axis.map { run.standIn(for: operand.moved(axis: $0, to: 0)) } ?? operand
      }
      let result = function(slices)
      let place = result.normalizedAxis(outAxis, "vmap", rank: result.rank + 1)
      let found = result.settled()
      if run.isNarrowed { return found }
      if let standIn = found.storage.standIn, standIn.run === run {
        return found.behind(standIn).moved(axis: 0, to: place)
      }
      // The same for every example.
      return found.expanded(to: [run.count] + found.shape).contiguous().moved(axis: 0, to: place)
    }
  }

  private func place(in result: Tensor) -> Int { result.normalizedAxis(outAxis, "vmap") }

  /// The function called for one example after the other, given the first results.
  private func looped(after first: [Tensor]) -> Tensor {
    let slices = zip(operands, axes).map { operand, axis in axis.map { operand.unstacked(axis: $0) } }
    let results =
      first
      + (first.count..<count).map { index in
        function(zip(operands, slices).map { $1?[index] ?? $0 })
      }
    return stackedResults(results, axis: outAxis, "vmap")
  }

  /// So many examples at a time.
  private func chunked(_ size: Int) -> Tensor {
    let results = stride(from: 0, to: count, by: size).map { start in
      let range = start..<Swift.min(start + size, count)
      let part = zip(operands, axes).map { operand, axis in
        axis.map { operand.slice(axis: $0, range) } ?? operand
      }
      return VectorizedCall(operands: part, axes: axes, outAxis, nil, count: range.count, function).result()
    }
    let place = place(in: results[0])
    func shape(_ result: Tensor) -> [Int] {
      var shape = result.shape
      if place < shape.count { shape.remove(at: place) }
      return shape
    }
    for other in results {
      tensorRequire(
        shape(other) == shape(results[0]) && other.dtype == results[0].dtype, "vmap",
        "the function gave \(results[0].dtype) \(shape(results[0])) and \(other.dtype) \(shape(other))")
    }
    return Tensor.concatenated(results, axis: place)
  }
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
