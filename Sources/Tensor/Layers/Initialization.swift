/// First values of weights, with the formulas of PyTorch's `torch.nn.init`.
///
/// Shapes are `[outputs, inputs]` or, for convolutions, `[outputs, inputs, kernel...]`: the fan-in is
/// `inputs` times the size of the kernel, the fan-out `outputs` times it.
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
    requireFinite(gain, "xavierUniform", "gain")
    let bound = gain * (6 / Double(max(1, input + output))).squareRoot()
    return Tensor.randomUniform(shape, in: -bound..<bound, dtype: dtype, using: &generator)
  }

  /// Normal with deviation `gain · √(2 / (fanIn + fanOut))` (Glorot and Bengio, 2010).
  public static func xavierNormal(
    _ shape: [Int], gain: Double = 1, dtype: DType = .float32, using generator: inout RandomGenerator
  ) -> Tensor {
    let (input, output) = fans(shape, "xavierNormal")
    requireFinite(gain, "xavierNormal", "gain")
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

  /// Fails with the name of a layer when the extents of its weight are negative or their product is beyond
  /// all memory.
  static func requireExtents(_ extents: [Int], _ layer: String) {
    tensorRequire(
      Tensor.elementCount(extents).map { $0 < 1 << 45 } ?? false, layer,
      "sizes must not be negative or beyond all memory, found \(extents)")
  }

  private static func kaimingDeviation(
    _ shape: [Int], _ slope: Double, _ fan: Fan, _ operation: String
  ) -> Double {
    let (input, output) = fans(shape, operation)
    requireFinite(slope * slope, operation, "slope")
    return (2 / (1 + slope * slope) / Double(max(1, fan == .input ? input : output))).squareRoot()
  }

  private static func requireFinite(_ value: Double, _ operation: String, _ name: String) {
    tensorRequire(
      value >= 0 && value.isFinite, operation, "the \(name) must be finite and not negative, found \(value)")
  }

  private static func fans(_ shape: [Int], _ operation: String) -> (input: Int, output: Int) {
    tensorRequire(shape.count >= 2, operation, "needs [outputs, inputs, ...], found shape \(shape)")
    requireExtents(shape, operation)
    let kernel = shape.dropFirst(2).reduce(1, *)
    return (shape[1] * kernel, shape[0] * kernel)
  }
}
