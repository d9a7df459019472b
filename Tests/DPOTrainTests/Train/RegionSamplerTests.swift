import DPOTrain
import LVLM
import MultiImageData
import Tensor
import Testing

/// What the vision tower looks at before it meets the decoder.
@Suite struct RegionSamplerTests {
  private static let scenes = ShapeScenes(seed: 5, size: 24, counts: [.sft: 50])
  private static let options = CompositionOptions(cell: 24, innerScale: 0.5, minimumOuterSide: 24)

  private static func sampler(
    share: Double, _ change: (inout SupervisedSettings.Composed) -> Void = { _ in }
  ) -> RegionSampler {
    var composed = SupervisedSettings.Composed()
    composed.grid = [4: 1]
    composed.picInPic = 1
    change(&composed)
    return RegionSampler(
      source: scenes, composed: composed, share: share, options: options,
      grid: FeatureGrid(rows: 4, columns: 4))
  }

  private static let images = (0..<20).map { scenes.image(.sft, $0) }

  @Test func regionsAreTheCellsOfTheirCanvas() throws {
    var random = RandomGenerator(seed: 1)
    let batch = Self.sampler(share: 0.7).batch(of: Self.images, using: &random)
    #expect(batch.pictures.count == Self.images.count)
    var kinds: [String: Int] = [:]
    for (row, picture) in batch.pictures.enumerated() {
      let own = batch.regions.filter { $0.row == row }
      for region in own { #expect(abs(region.weights.reduce(0, +) - 1) < 1e-5) }
      switch picture {
      case .source(let image):
        #expect(own.map(\.image) == [image] && image == Self.images[row])
        #expect(own[0].weights.allSatisfy { $0 == 1.0 / 16 })
        kinds["single", default: 0] += 1
      case .composed(let canvas):
        #expect(canvas.sources[0] == Self.images[row])
        #expect(own.map(\.image) == (canvas.kind == .grid ? canvas.sources : [canvas.sources[0]]))
        kinds[canvas.kind.rawValue, default: 0] += 1
        // The first cell of 2 × 2 is the four patches at the upper left.
        if canvas.kind == .grid {
          #expect(own[0].weights.enumerated().allSatisfy { $1 == ([0, 1, 4, 5].contains($0) ? 0.25 : 0) })
        }
      default: Issue.record("\(picture)")
      }
    }
    #expect(kinds.count == 3)
  }

  @Test func pooledFeaturesAreTheMeansOfTheirPatches() throws {
    var random = RandomGenerator(seed: 1)
    let batch = Self.sampler(share: 0.5).batch(of: Self.images, using: &random)
    let features = Tensor.randomNormal([Self.images.count, 16, 3], using: &random)
    let pooled = batch.pooled(features)
    #expect(pooled.shape == [batch.regions.count, 3])
    for (number, region) in batch.regions.enumerated() {
      for column in 0..<3 {
        let expected = (0..<16).reduce(0.0) { sum, patch in
          sum + Double(region.weights[patch]) * features[region.row, patch, column].item()
        }
        #expect(abs(pooled[number, column].item() - expected) < 1e-5)
      }
    }
    let plain = Self.sampler(share: 0).batch(of: Self.images, using: &random)
    #expect(plain.regions.map(\.image) == Self.images)
    #expect((plain.pooled(features) - features.mean(axes: [1])).abs().max().item() < 1e-5)
  }

  @Test func sequencesShowSinglePictures() {
    var random = RandomGenerator(seed: 1)
    let sampler = Self.sampler(share: 1) { ($0.grid, $0.picInPic) = ([:], 0) }
    #expect(sampler.batch(of: Self.images, using: &random).pictures == Self.images.map(Picture.source))
  }
}
