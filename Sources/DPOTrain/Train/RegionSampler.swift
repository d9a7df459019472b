import LVLM
import MultiImageData
import Tensor

/// Draws what the vision tower looks at before it meets the decoder: single pictures, and canvases of several
/// of which each cell is a region of its own.
package struct RegionSampler: Sendable {
  private let draw: FormatDraw
  private let share: Double
  private let options: CompositionOptions
  private let grid: FeatureGrid

  /// - Parameters:
  ///   - composed: formats with their weights; sequences show single pictures.
  ///   - share: of the pictures that become canvases.
  ///   - grid: the features that are pooled, those of the square the model sees.
  package init(
    source: any QuestionSource, composed: SupervisedSettings.Composed, share: Double,
    options: CompositionOptions, grid: FeatureGrid
  ) {
    draw = FormatDraw(formats: composed.weights.filter { $0.kind != .sequence }, source: source)
    self.share = draw.formats.isEmpty ? 0 : share
    self.options = options
    self.grid = grid
  }

  /// A part of a picture that shows one picture of the source.
  package struct Region {
    /// What it shows.
    package var image: ImageReference
    /// The row of the picture in the batch.
    package var row: Int
    /// Shares of the patches, row by row; they add up to one.
    package var weights: [Float]
  }

  /// The pictures of a step, and their regions.
  package struct Batch {
    package var pictures: [Picture] = []
    package var regions: [Region] = []

    /// The mean feature of every region, `[regions, width]`.
    /// - Parameter features: of the patches, `[pictures, patches, width]`.
    package func pooled(_ features: Tensor) -> Tensor {
      let (patches, width) = (features.shape[1], features.shape[2])
      let weights = Tensor(regions.flatMap(\.weights), shape: [regions.count, 1, patches])
      let isEach = regions.count == pictures.count && regions.enumerated().allSatisfy { $0 == $1.row }
      let own = isEach ? features : features.rows(at: Tensor(regions.map { Int32($0.row) }))
      return weights.matmul(own).reshaped([regions.count, width])
    }
  }

  /// The step that begins from these pictures: some as they are, some among others on a canvas.
  package func batch(of images: [ImageReference], using random: inout RandomGenerator) -> Batch {
    var batch = Batch()
    for image in images {
      let row = batch.pictures.count
      guard share > 0, random.uniform() < share else {
        batch.pictures.append(.source(image))
        batch.regions.append(Region(image: image, row: row, weights: even))
        continue
      }
      let (kind, count) = draw.format(using: &random)
      let sources = draw.images(beginning: image, count: count, using: &random)
      batch.pictures.append(.composed(ComposedPicture(kind, sources: sources, options: options)))
      // Nothing is asked about what an inner picture may hide.
      for (place, shown) in sources.enumerated() where kind == .grid || place == 0 {
        batch.regions.append(
          Region(image: shown, row: row, weights: weights(kind, count: count, target: place + 1)))
      }
    }
    return batch
  }

  /// All patches alike.
  private var even: [Float] {
    let shown = grid.regions.count { $0 != nil }
    return grid.regions.map { $0 == nil ? 0 : 1 / Float(shown) }
  }

  /// The patches of a cell, as the attention ratio counts them.
  private func weights(_ kind: CompositionKind, count: Int, target: Int) -> [Float] {
    let geometry = GridGeometry(count: count, cell: options.cell)
    let weights = ComposedRecord.evenWeights(
      kind, target: target, rows: kind == .grid ? geometry?.rows ?? 1 : 1,
      columns: kind == .grid ? geometry?.columns ?? 1 : 1, grid: grid)
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }
}
