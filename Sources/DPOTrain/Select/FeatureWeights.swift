import LVLM
import MultiImageData

extension ComposedRecord {
  /// How much of each image feature of the prompt belongs to what is asked about, pictures in order: the
  /// weights with which an attention map gives the ratio R of ``AttentionRatio``, `Σ w·m / Σ m`.
  /// - Parameter grids: the features of each picture of the prompt.
  /// - Throws: ``AttentionRatioError`` when there are not as many as pictures.
  package func featureWeights(grids: [FeatureGrid]) throws -> [Float] {
    let expected = kind == .sequence ? count : 1
    guard grids.count == expected else {
      throw AttentionRatioError.imageCount(record: id, found: grids.count, expected: expected)
    }
    guard kind == .sequence else {
      return try asked.reduce(into: [Float](repeating: 0, count: grids[0].count)) { sum, number in
        guard let weights = patchWeights(of: number, grid: grids[0]) else {
          throw AttentionRatioError.imageCount(record: id, found: images.count, expected: 1)
        }
        for (place, weight) in weights.enumerated() { sum[place] += Float(weight) }
      }
    }
    return grids.enumerated().flatMap { place, grid in
      [Float](repeating: asked.contains(place + 1) ? 1 : 0, count: grid.count)
    }
  }

  /// How much of each image feature counts in `Σ m`, the divisor of R: of one picture in tiles what lies on
  /// it, as in ``AttentionRatio``; `nil` where everything does.
  package func countedWeights(grids: [FeatureGrid]) -> [Float]? {
    guard kind != .sequence, let grid = grids.first, grid.lattice == nil else { return nil }
    return grid.weights(x: 0...1, y: 0...1).map(Float.init)
  }
}
