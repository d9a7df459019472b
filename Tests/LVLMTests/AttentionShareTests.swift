import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Shares of image attention with a gradient, against the maps of ``AttentionCapture``.
@Suite struct AttentionShareTests {
  /// Weights for the image features of some sequences: 4 a picture.
  private static let targets: [AttentionShare.Target] = [
    .init(sequence: 0, weights: [1, 0.5, 0, 0]), .init(sequence: 1, weights: [0, 0, 1, 1]),
    .init(sequence: 3, weights: [0, 0, 0, 0, 1, 1, 1, 1]),
    .init(sequence: 4, weights: [1, 1, 1, 1, 0, 0, 0, 0]),
  ]

  @Test(arguments: AttentionReading.Queries.allCases, [false, true])
  func isTheRatioOfTheMaps(queries: AttentionReading.Queries, sharesPrefix: Bool) throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(TinyModel.examples, sharesPrefix: sharesPrefix)
    let maps = model.imageAttention(
      batch, imageFeatures: features, layers: 0..<3, reading: AttentionReading(queries: queries))
    for layer in 0..<3 {
      let share = AttentionShare(layer: layer, queries: queries, targets: Self.targets)
      let values = noGradient { model.logProbabilities(batch, imageFeatures: features, share: share) }
      let plain = noGradient { model.logProbabilities(batch, imageFeatures: features) }
      #expect(values.array(of: Float.self) == plain.array(of: Float.self))
      let found = try #require(share.ratios).array(of: Double.self)
      #expect(found.count == Self.targets.count)
      for (target, ratio) in zip(Self.targets, found) {
        let map = maps[layer][target.sequence].values
        let part = zip(target.weights, map).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(ratio - Double(part / map.reduce(0, +))) < 1e-5, "layer \(layer), \(target)")
      }
    }
  }

  /// What does not count, such as padding, is in no divisor.
  @Test func onlySomeFeaturesCount() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(TinyModel.examples)
    let maps = model.imageAttention(batch, imageFeatures: features, layers: 0..<3)
    let target = AttentionShare.Target(sequence: 0, weights: [1, 0.5, 0, 0], counted: [1, 1, 0.25, 0])
    let share = AttentionShare(layer: 1, targets: [target])
    _ = noGradient { model.logProbabilities(batch, imageFeatures: features, share: share) }
    let map = maps[1][0].values
    let expected = (map[0] + 0.5 * map[1]) / (map[0] + map[1] + 0.25 * map[2])
    #expect(abs(try #require(share.ratios).array(of: Float.self)[0] - expected) < 1e-5)
  }

  /// Every parameter before the layer's queries and keys, against central differences in double precision.
  @Test(arguments: [0, 1, 2]) func gradients(layer: Int) throws {
    let model = try TinyModel.make(dtype: .float64)
    let batch = try TinyModel.batch(TinyModel.examples)
    let pixels = TinyModel.pixels(3, dtype: .float64)
    let weights = Tensor([0.3, -1, 0.7, 1.1])
    func value() -> Tensor {
      let share = AttentionShare(layer: layer, targets: Self.targets)
      _ = model.logProbabilities(batch, imageFeatures: model.imageFeatures(pixels), share: share)
      return (share.ratios! * weights).sum()
    }
    let gradients = value().backward()
    var generator = RandomGenerator(seed: 5)
    var largest = 0.0
    for (name, parameter) in model.namedParameters() {
      let direction = Tensor.randomNormal(parameter.shape, dtype: .float64, using: &generator)
      let difference = centralDifference(parameter, along: direction, of: value)
      let derivative = gradients[parameter].map { ($0 * direction).sum().item() } ?? 0
      #expect(abs(derivative - difference) < 1e-5 * max(1, abs(difference)), "\(name)")
      largest = max(largest, abs(derivative))
      let isBehind =
        (layer + 1..<3).contains { name.contains("model.layers.\($0).") }
        || name.contains("v_proj")
          && name.contains("model.layers.\(layer).")
      if isBehind { #expect(gradients[parameter] == nil || derivative == 0, "\(name)") }
    }
    #expect(largest > 1e-3)
  }

  @Test func anAnswerWithoutRowsHasNoShare() throws {
    let model = try TinyModel.make()
    let features = noGradient { model.imageFeatures(TinyModel.pixels(3)) }
    let batch = try TinyModel.batch(TinyModel.examples)
    let share = AttentionShare(
      layer: 1, targets: [.init(sequence: 2, weights: [1, 1, 1, 1, 0, 0, 0, 0]), Self.targets[0]])
    _ = model.logProbabilities(batch, imageFeatures: features, share: share)
    let ratios = try #require(share.ratios)
    #expect(ratios.array(of: Float.self)[0] == 0 && ratios.array(of: Float.self)[1] > 0)
    let gradients = ratios.sum().backward()
    for (name, parameter) in model.namedParameters() {
      #expect(gradients[parameter]?.array(of: Float.self).allSatisfy { $0.isFinite } != false, "\(name)")
    }
    let nothing = AttentionShare(layer: 0, targets: [])
    _ = model.logProbabilities(batch, imageFeatures: features, share: nothing)
    #expect(nothing.ratios?.shape == [0])
  }
}
