import LVLM
import MultiImageData

/// A canvas of several pictures of the data source that is drawn when it is looked at, for supervised
/// training: what ``Composer`` writes to files for the other stages.
public struct ComposedPicture: Hashable, Sendable {
  /// A grid, or a picture in a picture.
  public var kind: CompositionKind
  /// The pictures in order; for picture-in-picture the inner one, then the outer one.
  public var sources: [ImageReference]
  /// Sizes, see ``CompositionOptions``.
  public var cell: Int
  /// See ``CompositionOptions``.
  public var innerScale: Double
  /// See ``CompositionOptions``.
  public var minimumOuterSide: Int

  /// Creates a canvas.
  public init(_ kind: CompositionKind, sources: [ImageReference], options: CompositionOptions) {
    self.kind = kind
    self.sources = sources
    cell = options.cell
    innerScale = options.innerScale
    minimumOuterSide = options.minimumOuterSide
  }

  /// Draws it.
  /// - Throws: what reading a picture throws.
  package func drawn(from source: any QuestionSource) throws -> RGBImage {
    let pictures = try sources.map { try source.image(for: $0) }
    return Composer.canvas(
      kind, pictures,
      options: CompositionOptions(cell: cell, innerScale: innerScale, minimumOuterSide: minimumOuterSide))
  }
}
