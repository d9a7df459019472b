import Tensor
import TestSupport
import Testing

/// Values of PyTorch's `BatchNorm1d`.
@Suite struct BatchNormTests {
  private let x = Tensor([1, -2, 3, 0.5, 4, -1, 2, 2, -3, 7, 0, 1.5] as [Float], shape: [2, 2, 3])
  private let y = Tensor([0.5, 1, -1, 2, -2, 0.25, 3, 3, 1, 0, 1, -4] as [Float], shape: [2, 2, 3])

  private func expect(_ found: Tensor?, _ expected: [Double]) throws {
    let found = try #require(found)
    #expect(found.array(of: Double.self).count == expected.count)
    for (a, b) in zip(found.array(of: Double.self), expected) { #expect(abs(a - b) < 2e-6 * max(1, abs(b))) }
  }

  @Test(arguments: [
    (
      0.1 as Double?, [0.17, 0.13416666], [1.5785, 2.08704164],
      [
        1.821248, -2.954348, 5.004979, -0.003231, -2.425941, 1.035073, 3.413114, 3.413114, -4.546213,
        -4.50255,
        0.342871, -0.695434,
      ]
    ),
    (
      nil, [0.875, 0.77083331], [4.13749981, 6.8302083],
      [
        0.622905, -2.326821, 2.58939, 0.35363, -0.985587, 0.92758, 1.606147, 1.606147, -3.310063, -2.133486,
        0.544946, -0.029003,
      ]
    ),
  ])
  func trainsAndEvaluates(momentum: Double?, mean: [Double], variance: [Double], evaluated: [Double]) throws {
    let layer = BatchNorm(2, momentum: momentum)
    layer.weight?.tensor = Tensor([2, -1])
    layer.bias?.tensor = Tensor([0.5, 0.25])
    try expect(
      layer(x),
      [
        0.950987, -1.754936, 2.754936, 0.800791, -0.484388, 1.351581, 1.852962, 1.852962, -2.65691, -1.585969,
        0.984388, 0.433597,
      ])
    _ = layer(y)
    try expect(layer.runningMean?.tensor, mean)
    try expect(layer.runningVariance?.tensor, variance)
    #expect(layer.batchCount?.tensor.item() == 2)
    layer.setTraining(false)
    try expect(layer(x), evaluated)
    #expect(layer.batchCount?.tensor.item() == 2)
  }

  @Test func gradients() throws {
    let layer = BatchNorm(2)
    let input = x.requiringGradient()
    let found = (layer(input) * Tensor.arange(12).reshaped([2, 2, 3])).sum().backward()
    try expect(
      found[input],
      [
        -1.758086, -1.582277, -0.672659, -1.369757, -1.233606, -0.536351, 1.039563, 1.490551, 1.482908,
        0.404326,
        1.233606, 1.501781,
      ])
    try expect(found[#require(layer.weight)], [-2.70592308, 2.93755031])
    try expect(found[#require(layer.bias)], [24, 42])
    // Statistics never take part, whatever somebody makes trainable.
    layer.setTrainable(true)
    layer.setTraining(false)
    let evaluated = layer(x).sum().backward()
    #expect(try evaluated[#require(layer.runningMean)] == nil)
  }

  @Test func namesFormsAndErrors() throws {
    let layer = BatchNorm(3)
    #expect(
      layer.namedParameters().map(\.name)
        == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"])
    #expect(layer.trainableParameters().map(\.name) == ["weight", "bias"])
    #expect(
      layer(Tensor.ones([2, 3])).shape == [2, 3] && layer(Tensor.ones([2, 3, 4, 5])).shape == [2, 3, 4, 5])
    let half = layer(Tensor.ones([2, 3, 4], dtype: .bfloat16))
    #expect(half.dtype == .bfloat16 && layer.runningMean?.dtype == .float32)
    let bare = BatchNorm(3, isAffine: false, tracksStatistics: false)
    #expect(bare.namedParameters().isEmpty)
    bare.setTraining(false)
    #expect(abs(bare(x.reshaped([4, 3])).mean().item()) < 1e-6)
    for wrong in [[1, 3], [2], [2, 4], [0, 3]] {
      #expect(throws: TensorError.self) { try withTensorErrors { BatchNorm(3)(Tensor.ones(wrong)) } }
    }
  }
}
