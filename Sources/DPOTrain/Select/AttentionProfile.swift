import LVLM

/// Which layers' attention a run reads, and what it makes of an answer's maps.
struct AttentionProfile {
  /// What the model is asked to keep.
  let capture: AttentionRequest
  private let layer: Int?
  private let isWhole: Bool

  /// The reading that settings ask for, of a decoder of `layers` layers.
  /// - Parameter layer: the one whose ratio counts; that of the settings when nil, and none where these leave
  ///   it to the answers.
  init(_ settings: RunConfiguration.Select, layers: Int, layer: Int? = nil) {
    self.layer = layer ?? settings.layer.index(of: layers)
    isWhole = settings.layerProfile || self.layer == nil
    capture = AttentionRequest(
      layers: isWhole ? 0..<layers : (self.layer ?? 0)..<(self.layer ?? 0) + 1,
      reading: AttentionReading(heads: settings.heads, queries: settings.queries))
  }

  /// Attention ratios of an answer to a composed prompt: that of the layer, with shares, where there is one,
  /// and those of all layers.
  /// - Throws: ``AttentionRatioError``.
  func ratios(
    _ answer: AttendedAnswer, record: ComposedRecord, patchesPerSide: Int
  ) throws -> (chosen: AttentionRatio?, byLayer: [Double]?) {
    let all = try answer.attention.map { attention in
      try AttentionRatio(
        maps: Self.maps(attention), record: record, rows: patchesPerSide, columns: patchesPerSide)
    }
    return (layer.map { all[$0 - capture.layers.lowerBound] }, isWhole ? all.map(\.ratio) : nil)
  }

  /// An answer as rules look at it.
  /// - Parameter record: `nil` for a single image.
  /// - Throws: ``AttentionRatioError``.
  func judged(
    _ answer: AttendedAnswer, record: ComposedRecord?, patchesPerSide: Int, keepsMap: Bool
  ) throws -> AnsweredPrompt.Answer {
    let found = try record.map { try ratios(answer, record: $0, patchesPerSide: patchesPerSide) }
    return AnsweredPrompt.Answer(
      text: answer.answer.trimmedText, perplexity: answer.answer.perplexity,
      ratio: found?.chosen?.ratio ?? 1, shares: found?.chosen?.shares ?? [1], layerRatios: found?.byLayer,
      attention: keepsMap
        ? layer.map {
          AttentionMap(
            rows: patchesPerSide, columns: patchesPerSide,
            values: Self.maps(answer.attention[$0 - capture.layers.lowerBound]))
        } : nil)
  }

  private static func maps(_ attention: ImageAttention) -> [[Double]] {
    (0..<attention.imageCount).map { attention[$0].map(Double.init) }
  }
}
