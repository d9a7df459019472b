import MultiImageData

extension ComposedRecord {
  /// How much of each image feature of the prompt belongs to what is asked about, pictures in order: the
  /// weights with which an attention map gives the ratio R of ``AttentionRatio``, `Σ w·m / Σ m`.
  /// - Parameters:
  ///   - featuresPerImage: image tokens of one picture.
  ///   - patchesPerSide: patches of a picture from top to bottom and from left to right.
  /// - Throws: ``AttentionRatioError`` when the features are not the patches.
  package func featureWeights(featuresPerImage: Int, patchesPerSide: Int) throws -> [Float] {
    guard featuresPerImage == patchesPerSide * patchesPerSide else {
      throw AttentionRatioError.mapSize(
        record: id, found: featuresPerImage, expected: patchesPerSide * patchesPerSide)
    }
    guard kind == .sequence else {
      return try asked.reduce(into: [Float](repeating: 0, count: featuresPerImage)) { sum, number in
        guard let weights = patchWeights(of: number, rows: patchesPerSide, columns: patchesPerSide) else {
          throw AttentionRatioError.imageCount(record: id, found: images.count, expected: 1)
        }
        for (place, weight) in weights.enumerated() { sum[place] += Float(weight) }
      }
    }
    return (1...count).flatMap { number in
      [Float](repeating: asked.contains(number) ? 1 : 0, count: featuresPerImage)
    }
  }
}
