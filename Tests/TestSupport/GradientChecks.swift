import Tensor

/// The largest difference between two gradients of a module's parameters, relative to the largest element of
/// the first; infinite where one has a gradient that the other has not.
public func gradientDifference(_ a: Gradients, _ b: Gradients, of module: some Module) -> Double {
  var (worst, scale) = (0.0, 0.0)
  for (_, parameter) in module.trainableParameters() {
    let (x, y) = (a[parameter]?.array(of: Double.self) ?? [], b[parameter]?.array(of: Double.self) ?? [])
    if x.count != y.count { return .infinity }
    for (first, second) in zip(x, y) {
      worst = max(worst, abs(first - second))
      scale = max(scale, abs(first))
    }
  }
  return worst / max(scale, 1e-12)
}

/// The central difference of a scalar while a parameter moves along a direction; the parameter has its value
/// again afterwards.
public func centralDifference(
  _ parameter: Parameter, along direction: Tensor, step: Double = 1e-5, of value: () -> Tensor
) -> Double {
  noGradient {
    let start = parameter.tensor.detached()
    parameter.tensor = start + direction * step
    let above = value().item()
    parameter.tensor = start - direction * step
    let below = value().item()
    parameter.tensor = start
    return (above - below) / (2 * step)
  }
}
