/// Computes `body` without keeping what its backward pass needs, and computes it again when the backward pass
/// gets there (activation checkpointing; Chen et al., "Training deep nets with sublinear memory cost", 2016).
///
///     for layer in layers {
///       let input = x
///       x = checkpoint { layer(input) }
///     }
///
/// Values and gradients are those of `body()`, of any order, for everything `body` captures that requires a
/// gradient: inputs and parameters alike. Between the two evaluations only what `body` captures stays in
/// memory.
///
/// `body` runs twice and must compute the same both times. In particular a ``RandomGenerator`` that it draws
/// from must start from the same state: give each evaluation its own copy.
///
///     let state = generator.split(step)
///     x = checkpoint {
///       var generator = state
///       return dropout(input, 0.1, using: &generator)
///     }
/// - Parameter body: the computation; it must not call `backward()` on what it captures.
/// - Returns: what `body` returns.
public func checkpoint(_ body: @escaping () -> Tensor) -> Tensor { checkpoint { [body()] }[0] }

/// As ``checkpoint(_:)-(()->Tensor)`` for a computation with several results.
public func checkpoint(_ body: @escaping () -> [Tensor]) -> [Tensor] {
  // Inside another checkpoint's first evaluation there is nothing to save.
  guard GradientMode.state == .on else { return body() }
  // The second evaluation comes after the run of a batch.
  BatchRun.narrowAll()
  let start = GradientNode.latestNumber
  let outputs = GradientMode.with(.dependencies) { body() }
  // What is older than this evaluation comes from outside, and its own record is none of ours.
  let inputs = BackwardPass.reachable(from: outputs.compactMap(\.node), through: { $0.number > start })
    .filter { $0.number <= start }
  if inputs.isEmpty { return outputs.map { $0.detached() } }
  let shapes = outputs.map(\.shape)
  let joint = GradientNode(name: "checkpoint", inputs: inputs, outputs: [], count: outputs.count) {
    gradients, _ in
    let isRecorded = GradientMode.isEnabled
    let again = GradientMode.with(.on) { body() }
    tensorRequire(
      again.map(\.shape) == shapes, "checkpoint",
      "the second evaluation gave shapes \(again.map(\.shape)), the first \(shapes)")
    var roots: [(node: GradientNode, gradient: Tensor)] = []
    for (output, gradient) in zip(again, gradients) {
      if let node = output.node, let gradient { roots.append((node, gradient)) }
    }
    let found = BackwardPass.run(from: roots, to: inputs, keepsRecord: isRecorded, isRecorded: isRecorded)
    return inputs.map { found[$0] }
  }
  return outputs.enumerated().map { index, output in
    guard output.node != nil else { return output }
    var result = output
    result.node = GradientNode(component: index, of: joint)
    return result
  }
}
