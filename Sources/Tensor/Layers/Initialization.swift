/// First values of weights, with the formulas of PyTorch's `torch.nn.init`.
///
/// Shapes are `[outputs, inputs]` or, for convolutions, `[outputs, inputs, kernel...]`: the fan-in is `inputs` times the size
/// of the kernel, the fan-out `outputs` times it.
public enum Initialization {
  /// Which side of a layer keeps its variance.
  public enum Fan: Sendable {
    /// Values on the way forward.
    case input
    /// Gradients on the way back.
    case output
  }

  /// Uniform over `±gain · √(6 / (fanIn + fanOut))` (Glorot and Bengio, 2010).
  public static func xavierUniform(
    _ shape: [Int], gain: Double = 1, dtype: DType = .float32, using generator: inout RandomGenerator
  ) -> Tensor {
    let (input, output) = fans(shape, "xavierUniform")
    let bound = gain * (6 / Double(max(1, input + output))).squareRoot()
    return Tensor.randomUniform(shape, in: -bound..<bound, dtype: dtype, using: &generator)
  }

  /// Normal with deviation `gain · √(2 / (fanIn + fanOut))` (Glorot and Bengio, 2010).
  public static func xavierNormal(
    _ shape: [Int], gain: Double = 1, dtype: DType = .float32, using generator: inout RandomGenerator
  ) -> Tensor {
    let (input, output) = fans(shape, "xavierNormal")
    return Tensor.randomNormal(
      shape, standardDeviation: gain * (2 / Double(max(1, input + output))).squareRoot(), dtype: dtype,
      using: &generator)
  }

  /// Uniform over `±√(3 · 2 / ((1 + slope²) · fan))` (He et al., 2015).
  /// - Parameter slope: the negative slope of a leaky ReLU behind the layer; 0 for a ReLU.
  public static func kaimingUniform(
    _ shape: [Int], slope: Double = 0, fan: Fan = .input, dtype: DType = .float32,
    using generator: inout RandomGenerator
  ) -> Tensor {
    let bound = 3.0.squareRoot() * kaimingDeviation(shape, slope, fan, "kaimingUniform")
    return Tensor.randomUniform(shape, in: -bound..<bound, dtype: dtype, using: &generator)
  }

  /// Normal with deviation `√(2 / ((1 + slope²) · fan))` (He et al., 2015).
  /// - Parameter slope: the negative slope of a leaky ReLU behind the layer; 0 for a ReLU.
  public static func kaimingNormal(
    _ shape: [Int], slope: Double = 0, fan: Fan = .input, dtype: DType = .float32,
    using generator: inout RandomGenerator
  ) -> Tensor {
    Tensor.randomNormal(
      shape, standardDeviation: kaimingDeviation(shape, slope, fan, "kaimingNormal"), dtype: dtype,
      using: &generator)
  }

  /// Normal, kept within `range`: PyTorch's `trunc_normal_`.
  public static func truncatedNormal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, in range: ClosedRange<Double> = -2...2,
    dtype: DType = .float32, using generator: inout RandomGenerator
  ) -> Tensor {
    Tensor.randomTruncatedNormal(
      shape, mean: mean, standardDeviation: standardDeviation, in: range, dtype: dtype, using: &generator)
  }

  private static func kaimingDeviation(
    _ shape: [Int], _ slope: Double, _ fan: Fan, _ operation: String
  ) -> Double {
    let (input, output) = fans(shape, operation)
    return (2 / (1 + slope * slope) / Double(max(1, fan == .input ? input : output))).squareRoot()
  }

  private static func fans(_ shape: [Int], _ operation: String) -> (input: Int, output: Int) {
    tensorRequire(shape.count >= 2, operation, "needs [outputs, inputs, ...], found shape \(shape)")
    guard shape.count >= 2 else { return (1, 1) }
    let kernel = shape.dropFirst(2).reduce(1, *)
    return (shape[1] * kernel, shape[0] * kernel)
  }
}
