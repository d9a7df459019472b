/// Compares recorded gradients with finite differences.
///
///     let worst = gradCheck([Tensor([0.3, -1.2]), Tensor([2.0])]) { x in x[0].tanh() * x[1] }
///     precondition(worst <= 1)
///
/// Every element of every input is moved by ±`step`, in Float64 whatever the inputs' type, and the central
/// difference is compared with the gradient of a backward pass. The function must be deterministic,
/// differentiable at the inputs, and give tensors of the inputs' type. An input that the function does not
/// depend on counts as having the gradient zero. For second derivatives check a function that takes a
/// gradient itself, such as `{ x in grad { f($0) }(x[0]) }`.
/// - Parameters:
///   - inputs: where to check, any number of tensors of any shapes; converted to Float64.
///   - step: how far each element is moved.
///   - tolerance: the allowed difference, absolute and relative to the larger of the two.
///   - function: maps the inputs to a tensor of any shape, whose elements are weighted differently and added
///     up.
/// - Returns: the largest difference in units of what is allowed: at most 1 means agreement; infinity where
///   one is NaN.
/// - Throws: what `function` throws.
/// - Complexity: two evaluations for each element of the inputs.
public func gradCheck(
  _ inputs: [Tensor], step: Double = 1e-6, tolerance: Double = 1e-5, _ function: ([Tensor]) throws -> Tensor
) rethrows -> Double {
  let points = inputs.map { $0.detached().to(.float64).contiguous() }
  func weighted(_ output: Tensor) -> Tensor {
    let weights = (0..<output.count).map { 0.5 + Double(($0 &* 7919) % 13) / 13 }
    return (output * Tensor(weights, shape: output.shape)).sum()
  }
  let leaves = points.map { $0.requiringGradient() }
  let gradients = weighted(try function(leaves)).backward()
  var worst = 0.0
  for (which, point) in points.enumerated() {
    let found = (gradients[leaves[which]] ?? Tensor.zeros(point.shape, dtype: .float64)).array(
      of: Double.self)
    let values = point.array(of: Double.self)
    for i in values.indices {
      func value(_ delta: Double) throws -> Double {
        var moved = values
        moved[i] += delta
        var arguments = points
        arguments[which] = Tensor(moved, shape: point.shape)
        return weighted(try function(arguments)).item()
      }
      let expected = try (value(step) - value(-step)) / (2 * step)
      let allowed = tolerance * Swift.max(1, Swift.max(abs(expected), abs(found[i])))
      worst = Swift.max(
        worst, found[i].isNaN || expected.isNaN ? .infinity : abs(expected - found[i]) / allowed)
    }
  }
  return worst
}
