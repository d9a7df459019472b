import LVLM
import MultiImageData

/// Which layers' attention a run reads, and what it makes of an answer's maps.
package struct AttentionProfile {
  /// What the model is asked to keep.
  package let capture: AttentionRequest
  private let layer: Int?
  private let isWhole: Bool

  /// The reading that settings ask for, of a decoder of `layers` layers; of all of them where the answers
  /// decide which one counts.
  package init(_ settings: SelectionSettings, layers: Int) {
    layer = settings.layer.index(of: layers)
    isWhole = settings.layerProfile || layer == nil
    capture = AttentionRequest(
      layers: isWhole ? 0..<layers : (layer ?? 0)..<(layer ?? 0) + 1,
      reading: AttentionReading(heads: settings.heads, queries: settings.queries))
  }

  /// Attention ratios of an answer to a composed prompt: that of the layer, with shares, where there is one,
  /// and those of all layers.
  /// - Throws: ``AttentionRatioError``.
  package func ratios(
    _ answer: AttendedAnswer, record: ComposedRecord
  ) throws -> (chosen: AttentionRatio?, byLayer: [Double]?) {
    let all = try all(answer, record: record)
    return (layer.map { all[$0 - capture.layers.lowerBound] }, isWhole ? all.map(\.ratio) : nil)
  }

  private func all(
    _ answer: AttendedAnswer, record: ComposedRecord
  ) throws -> [AttentionRatio] {
    try answer.attention.map { attention in
      try AttentionRatio(
        maps: Self.maps(attention), record: record, grids: attention.grids)
    }
  }

  /// An answer as rules look at it; where no layer is chosen yet, with what each of them says.
  /// - Parameter record: `nil` for a single image.
  /// - Throws: ``AttentionRatioError``.
  package func judged(
    _ answer: AttendedAnswer, record: ComposedRecord?, keepsMap: Bool
  ) throws -> AnsweredPrompt.Answer {
    let found = try record.map { try all(answer, record: $0) }
    let readings = answer.attention.indices.map { place in
      AnsweredPrompt.Reading(
        ratio: found?[place].ratio ?? 1, shares: found?[place].shares ?? [1],
        attention: keepsMap ? Self.map(answer.attention[place]) : nil)
    }
    let judged = AnsweredPrompt.Answer(
      text: answer.answer.trimmedText, perplexity: answer.answer.perplexity, readings: readings,
      layerRatios: isWhole ? found?.map(\.ratio) : nil)
    return layer.map { judged.read(by: $0 - capture.layers.lowerBound) } ?? judged
  }

  /// The maps for people; none where features are not an even division of their picture, the same for all.
  private static func map(_ attention: ImageAttention) -> AttentionMap? {
    guard let lattice = attention.grids.first?.lattice,
      attention.grids.allSatisfy({ $0.lattice == lattice })
    else { return nil }
    return AttentionMap(
      rows: lattice.rows, columns: lattice.columns,
      values: maps(attention).map { Array($0.dropFirst(lattice.leading)) })
  }

  private static func maps(_ attention: ImageAttention) -> [[Double]] {
    (0..<attention.imageCount).map { attention[$0].map(Double.init) }
  }
}
