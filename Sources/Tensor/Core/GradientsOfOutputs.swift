/// The gradients of `output` with respect to chosen tensors, PyTorch's `autograd.grad`.
///
/// Unlike ``Tensor/backward(from:keepingGraph:)`` it stops there: the record is followed no further than it
/// takes to reach `inputs`, which may be results of operations as well as leaves.
/// - Parameters:
///   - output: a tensor that was recorded.
///   - inputs: tensors that require a gradient.
///   - gradient: the gradient that arrives at `output`, of its shape; a one for an output of one element when
///     omitted.
///   - keepingGraph: keeps the record and records the backward pass itself, for higher derivatives.
/// - Returns: for every input its gradient, or nil if `output` does not depend on it.
public func gradients(
  of output: Tensor, withRespectTo inputs: [Tensor], from gradient: Tensor? = nil, keepingGraph: Bool = false
) -> [Tensor?] {
  BatchRun.noteBackward()
  if output.isStandIn || gradient?.isStandIn ?? false {
    return gradients(
      of: output.firstExample(), withRespectTo: inputs, from: gradient?.firstExample(),
      keepingGraph: keepingGraph)
  }
  guard let root = output.node else {
    tensorFailure("gradients", "nothing was recorded: no input requires a gradient")
  }
  let targets = inputs.map { input in
    guard let node = input.node else {
      tensorFailure("gradients", "an input of shape \(input.shape) does not require a gradient")
    }
    return node
  }
  tensorRequire(
    gradient != nil || output.count == 1, "gradients",
    "needs an output with one element, found shape \(output.shape); pass the gradient of the output")
  let seed = gradient ?? Tensor.ones(output.shape, dtype: output.dtype)
  tensorRequire(
    seed.shape == output.shape, "gradients",
    "the gradient has shape \(seed.shape), the output \(output.shape)")
  let found = BackwardPass.run(
    from: [(root, seed)], to: targets, keepsRecord: keepingGraph, isRecorded: keepingGraph)
  return inputs.map { found[$0] }
}
