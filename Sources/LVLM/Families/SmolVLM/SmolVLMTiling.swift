/// How Idefics3 and SmolVLM bring a picture to a whole number of square tiles. Sizes are worked out in double
/// precision and truncated, as their image processor does it.
public struct SmolVLMTiling: Equatable, Sendable {
  /// The side that the longer side of every picture becomes, small pictures too.
  public var longestEdge: Int
  /// Side of a tile, which is what the vision encoder sees.
  public var side: Int
  /// Whether pictures are cut into tiles; otherwise each is one view.
  public var splits: Bool

  /// A way to cut.
  public init(longestEdge: Int, side: Int, splits: Bool = true) {
    (self.longestEdge, self.side, self.splits) = (longestEdge, side, splits)
  }

  /// Width and height in pixels.
  public struct Size: Equatable, Sendable {
    /// From left to right.
    public var width: Int
    /// From top to bottom.
    public var height: Int

    /// A size.
    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
  }

  /// No side of a picture is longer.
  private static let largestSide = 4096

  /// The size that a picture is brought to first: the longer side as long as it shall be, the other one in
  /// proportion and made even.
  public func resized(_ size: Size) -> Size {
    let first = Self.scaled(size, to: longestEdge, isEven: true)
    guard max(first.width, first.height) > Self.largestSide else { return first }
    return Self.scaled(first, to: Self.largestSide, isEven: false)
  }

  private static func scaled(_ size: Size, to edge: Int, isEven: Bool) -> Size {
    let aspect = Double(size.width) / Double(size.height)
    func short(_ exact: Double) -> Int {
      let side = Int(exact)
      return max(isEven ? side + side % 2 : side, 1)
    }
    return size.width >= size.height
      ? Size(width: edge, height: short(Double(edge) / aspect))
      : Size(width: short(Double(edge) * aspect), height: edge)
  }

  /// The size of whole tiles that a picture of a size from ``resized(_:)`` is brought to; one tile where
  /// pictures are not cut.
  public func canvas(_ size: Size) -> Size {
    guard splits else { return Size(width: side, height: side) }
    func whole(_ length: Int) -> Int { (length + side - 1) / side * side }
    let aspect = Double(size.width) / Double(size.height)
    if size.width >= size.height {
      let width = whole(size.width)
      return Size(width: width, height: whole(Int(Double(width) / aspect)))
    }
    let height = whole(size.height)
    return Size(width: whole(Int(Double(height) * aspect)), height: height)
  }

  /// Rows and columns of tiles of a picture, both 0 where it is one view.
  public func tiles(_ size: Size) -> (rows: Int, columns: Int) {
    let canvas = canvas(resized(size))
    let (rows, columns) = (canvas.height / side, canvas.width / side)
    return rows * columns == 1 ? (0, 0) : (rows, columns)
  }
}
