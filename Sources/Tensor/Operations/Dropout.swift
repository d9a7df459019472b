/// Sets elements to zero with a probability and divides the others by the rest of it, so that the mean stays
/// (Srivastava et al., "Dropout", 2014).
/// - Parameters:
///   - x: any shape.
///   - probability: how likely an element is dropped, 0 to 1.
///   - generator: where the draws come from: one for each element, none when the probability is 0.
/// - Returns: the shape of `x`.
public func dropout(_ x: Tensor, probability: Double, using generator: inout RandomGenerator) -> Tensor {
  tensorRequire(
    probability >= 0 && probability <= 1, "dropout",
    "a probability is between 0 and 1, found \(probability) for shape \(x.shape)")
  if probability == 0 { return x }
  let kept = Tensor.randomBernoulli(
    x.shape, probability: 1 - probability, dtype: x.dtype, using: &generator)
  return x * (probability == 1 ? kept : kept / (1 - probability))
}
