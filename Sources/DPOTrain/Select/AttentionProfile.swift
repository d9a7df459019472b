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

  /// Rows and columns of maps for people where features lie in tiles.
  private static let raster = 24

  /// The maps for people: features as they are where they are one even division of all pictures, otherwise
  /// what each has spread over its rectangle of the picture, tiles and the view of the whole together.
  package static func map(_ attention: ImageAttention) -> AttentionMap? {
    guard let first = attention.grids.first else { return nil }
    let maps = maps(attention)
    if let lattice = first.lattice, attention.grids.allSatisfy({ $0.lattice == lattice }) {
      return AttentionMap(
        rows: lattice.rows, columns: lattice.columns,
        values: maps.map { Array($0.dropFirst(lattice.leading)) })
    }
    return AttentionMap(
      rows: raster, columns: raster, values: zip(attention.grids, maps).map(drawn))
  }

  /// The values of features on an even raster of their picture. What lies beside the picture, such as
  /// padding, and features that stand for no part of it are not drawn.
  private static func drawn(_ grid: FeatureGrid, _ values: [Double]) -> [Double] {
    let steps = (0..<raster).map { Double($0) / Double(raster)...Double($0 + 1) / Double(raster) }
    var cells = [Double](repeating: 0, count: raster * raster)
    for case (let region?, let value) in zip(grid.regions, values) where value != 0 {
      let (across, down) = (steps.map { region.x.share(in: $0) }, steps.map { region.y.share(in: $0) })
      for (row, high) in down.enumerated() where high > 0 {
        for (column, wide) in across.enumerated() where wide > 0 {
          cells[row * raster + column] += value * high * wide
        }
      }
    }
    return cells
  }

  private static func maps(_ attention: ImageAttention) -> [[Double]] {
    (0..<attention.imageCount).map { attention[$0].map(Double.init) }
  }
}
