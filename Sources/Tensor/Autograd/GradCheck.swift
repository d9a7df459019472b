/// Compares recorded gradients with finite differences.
///
/// Every input is perturbed element by element, in Float64, by ±`step`; the function must be deterministic.
/// - Parameters:
///   - inputs: where to check; converted to Float64.
///   - step: the perturbation.
///   - tolerance: the allowed difference, absolute and relative to the larger of the two.
///   - function: maps the inputs to a tensor of any shape, whose elements are weighted differently and added up.
/// - Returns: the largest disagreement relative to `tolerance`'s rule; at most 1 means agreement.
public func gradCheck(
  _ inputs: [Tensor], step: Double = 1e-6, tolerance: Double = 1e-5, _ function: ([Tensor]) -> Tensor
) -> Double {
  let points = inputs.map { $0.detached().to(.float64).contiguous() }
  func weighted(_ output: Tensor) -> Tensor {
    let weights = (0..<output.count).map { 0.5 + Double(($0 &* 7919) % 13) / 13 }
    return (output * Tensor(weights, shape: output.shape)).sum()
  }
  let leaves = points.map { $0.requiringGradient() }
  let gradients = weighted(function(leaves)).backward()
  var worst = 0.0
  for (which, point) in points.enumerated() {
    let found = (gradients[leaves[which]] ?? Tensor.zeros(point.shape, dtype: .float64)).array(
      of: Double.self)
    let values = point.array(of: Double.self)
    for i in values.indices {
      func value(_ delta: Double) -> Double {
        var moved = values
        moved[i] += delta
        var arguments = points
        arguments[which] = Tensor(moved, shape: point.shape)
        return weighted(function(arguments)).item()
      }
      let expected = (value(step) - value(-step)) / (2 * step)
      let allowed = tolerance * Swift.max(1, Swift.max(abs(expected), abs(found[i])))
      worst = Swift.max(
        worst, found[i].isNaN || expected.isNaN ? .infinity : abs(expected - found[i]) / allowed)
    }
  }
  return worst
}
