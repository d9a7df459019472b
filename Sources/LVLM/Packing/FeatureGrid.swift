import Tensor

/// A stretch of one side of a picture: from `start` to `end`, in parts of which the side has `parts`.
///
/// Numbers of parts, not fractions: a patch of a side of seven ends exactly where the next one begins.
public struct PictureSpan: Hashable, Sendable {
  /// Where it begins.
  public var start: Double
  /// Where it ends.
  public var end: Double
  /// Parts of the whole side.
  public var parts: Double

  /// A stretch.
  public init(from start: Double, to end: Double, of parts: Double) {
    (self.start, self.end, self.parts) = (start, end, parts)
  }

  /// The share of it that lies in a range of fractions of the side.
  package func share(in range: ClosedRange<Double>) -> Double {
    let low = max(range.lowerBound * parts, start)
    let high = min(range.upperBound * parts, end)
    let share = (high - low) / (end - start)
    if share < 1e-9 { return 0 }
    return share > 1 - 1e-9 ? 1 : share
  }
}

/// A rectangle of a picture.
public struct PictureRegion: Hashable, Sendable {
  /// From left to right.
  public var x: PictureSpan
  /// From top to bottom.
  public var y: PictureSpan

  /// A rectangle.
  public init(x: PictureSpan, y: PictureSpan) { (self.x, self.y) = (x, y) }
}

/// The features of one picture, in the order in which the decoder reads them, and the rectangle of the
/// picture that each of them stands for.
///
/// Whatever asks where a model looked asks this: the share of a whole picture, of a cell of a grid, of an
/// inset, maps for the eye. How a family cuts pictures into tiles is the business of what makes the grid.
public struct FeatureGrid: Hashable, Sendable {
  /// An even division of a picture.
  public struct Lattice: Hashable, Sendable {
    /// Patches from top to bottom.
    public var rows: Int
    /// Patches from left to right.
    public var columns: Int
    /// Features before them that stand for no part of the picture, such as a class token.
    public var leading: Int
  }

  /// What a prompt shows in the place of a picture's mark.
  public enum FramePart: Hashable, Sendable {
    /// Words between the features, such as the number of a row of tiles.
    case text(String)
    /// So many of the features, one image token each.
    case features(Int)
  }

  /// How a picture is cut for the vision encoder.
  public struct Tiles: Hashable, Sendable {
    /// Rows of tiles; 0 where the picture is one view.
    public var rows: Int
    /// Columns of tiles; 0 where the picture is one view.
    public var columns: Int
    /// Views in all, the one of the whole picture among them.
    public var views: Int
    /// The view that shows the whole picture.
    public var wholeView = 0
    /// Width of the picture in pixels, 0 where it does not matter.
    public var width: Int
    /// Height of the picture in pixels, 0 where it does not matter.
    public var height: Int

    /// A picture that is one view whatever its size.
    public static let whole = Tiles(rows: 0, columns: 0, views: 1)

    /// Tiles of a picture.
    public init(rows: Int, columns: Int, views: Int, width: Int = 0, height: Int = 0) {
      (self.rows, self.columns, self.views) = (rows, columns, views)
      (self.width, self.height) = (width, height)
    }
  }

  /// For each feature its rectangle; `nil` for one that stands for no part of the picture.
  public let regions: [PictureRegion?]
  /// The division, where the grid is one, row by row.
  public let lattice: Lattice?
  /// What stands in a prompt for the picture: all features one after the other unless told otherwise.
  public let frame: [FramePart]
  /// How the picture is cut for the vision encoder.
  public let tiles: Tiles

  /// A grid of any rectangles.
  /// - Parameters:
  ///   - frame: what stands in a prompt; all features one after the other when nil.
  ///   - tiles: how the picture is cut.
  /// - Precondition: the frame shows as many features as there are.
  public init(_ regions: [PictureRegion?], frame: [FramePart]? = nil, tiles: Tiles = .whole) {
    self.regions = regions
    lattice = nil
    self.frame = frame ?? [.features(regions.count)]
    self.tiles = tiles
    let shown = self.frame.reduce(0) { if case .features(let count) = $1 { $0 + count } else { $0 } }
    tensorRequire(
      shown == regions.count, "FeatureGrid", "found a frame of \(shown) features, expected \(regions.count)")
  }

  /// An even division of a picture, row by row.
  /// - Parameter leading: features before the patches that stand for no part of the picture.
  /// - Precondition: no number is negative.
  public init(rows: Int, columns: Int, leading: Int = 0) {
    regions =
      Array(repeating: nil, count: leading)
      + (0..<rows * columns).map { patch in
        let (row, column) = (Double(patch / columns), Double(patch % columns))
        return PictureRegion(
          x: .init(from: column, to: column + 1, of: Double(columns)),
          y: .init(from: row, to: row + 1, of: Double(rows)))
      }
    lattice = Lattice(rows: rows, columns: columns, leading: leading)
    frame = [.features(regions.count)]
    tiles = .whole
  }

  /// Features of the picture.
  public var count: Int { regions.count }

  /// Tokens that its frame usually has in a prompt: one for each feature, mark and line break.
  package var usualTokens: Int {
    texts.reduce(count) { sum, text in sum + text.count { $0 == "<" || $0 == "\n" } }
  }

  /// The texts of the frame.
  var texts: [String] {
    frame.compactMap { part in
      if case .text(let text) = part { text } else { nil }
    }
  }

  /// More tokens than its frame can have in a prompt: one for each feature and for each byte of text.
  public var mostTokens: Int {
    frame.reduce(0) { sum, part in
      switch part {
      case .features(let count): sum + count
      case .text(let text): sum + text.utf8.count
      }
    }
  }

  /// How much of each feature's rectangle lies in a rectangle of the picture, 0 … 1; 0 for features that
  /// stand for no part of it.
  /// - Parameters:
  ///   - x: from left to right, in fractions of the picture.
  ///   - y: from top to bottom.
  public func weights(x: ClosedRange<Double>, y: ClosedRange<Double>) -> [Double] {
    guard let lattice, lattice.rows * lattice.columns > 0 else {
      return regions.map { $0.map { $0.x.share(in: x) * $0.y.share(in: y) } ?? 0 }
    }
    func shares(_ cells: Int, _ range: ClosedRange<Double>) -> [Double] {
      (0..<cells).map { cell in
        PictureSpan(from: Double(cell), to: Double(cell + 1), of: Double(cells)).share(in: range)
      }
    }
    let across = shares(lattice.columns, x)
    return Array(repeating: 0, count: lattice.leading)
      + shares(lattice.rows, y).flatMap { high in across.map { $0 * high } }
  }
}

/// How many features a picture has, and of what, by its size.
public protocol PictureGeometry: Sendable {
  /// The features of a picture of so many pixels.
  /// - Parameter isAlone: whether its prompt shows no other picture: some families cut it finer then.
  func grid(width: Int, height: Int, isAlone: Bool) -> FeatureGrid

  /// The grid with the most features that a picture can have.
  func largest(isAlone: Bool) -> FeatureGrid

  /// The grid of every picture, where neither size nor company matters; otherwise `nil`.
  var fixed: FeatureGrid? { get }

  /// Why a picture of so many pixels cannot be shown, as a noun phrase; nil where it can.
  func refusal(width: Int, height: Int, isAlone: Bool) -> String?
}

extension PictureGeometry {
  /// The marks `<…>` that frames of pictures have, each once.
  package var marks: [String] {
    var seen = Set<Substring>()
    let texts = [true, false].flatMap { largest(isAlone: $0).texts }
    return texts.flatMap { $0.matches(of: /<[^<>]+>/).map(\.output) }.filter { seen.insert($0).inserted }
      .map(String.init)
  }

  /// Every picture can be shown.
  public func refusal(width: Int, height: Int, isAlone: Bool) -> String? { nil }
}

/// The geometry of models that bring every picture to one square.
public struct FixedGeometry: PictureGeometry, Equatable {
  /// The grid of every picture.
  public let grid: FeatureGrid

  /// A geometry of one grid.
  public init(_ grid: FeatureGrid) { self.grid = grid }

  public func grid(width: Int, height: Int, isAlone: Bool) -> FeatureGrid { grid }
  public func largest(isAlone: Bool) -> FeatureGrid { grid }
  public var fixed: FeatureGrid? { grid }
}
