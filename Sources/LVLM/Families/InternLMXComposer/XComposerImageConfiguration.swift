/// How InternLM-XComposer2.5 cuts pictures into views.
///
/// The published files say none of it; the defaults are what the model's own `chat` does.
public struct XComposerImageConfiguration: Equatable, Sendable {
  /// Where white is put until the height is a whole number of tiles.
  public enum Padding: String, CaseIterable, Sendable {
    /// Below, or to the right of a tall picture, as in `chat`.
    case end
    /// Half above, rounded down, and half below, or left and right of a tall picture, as in finetuning.
    case centred
  }

  /// Side of a view in pixels (`tile_size`).
  public var tileSide: Int
  /// Side of a patch of the vision tower in pixels; two by two patches are one feature.
  public var patchSide: Int
  /// Tiles that a picture may have that is alone in its prompt (`hd_num`).
  public var budget: Int
  /// Tiles that each of several pictures may have (`hd_num_multi`).
  public var budgetOfSeveral: Int
  /// Where white is put (`padding`).
  public var padding: Padding
  /// How much wider a picture may become, rounded up to whole tiles (`scale_margin`).
  public var margin: Double
  /// Mean of each channel on the scale 0 … 1.
  public var mean: [Double]
  /// Standard deviation of each channel on the scale 0 … 1.
  public var standardDeviation: [Double]

  /// Settings; those of the model's own `chat` unless told otherwise.
  public init(
    tileSide: Int = 560, patchSide: Int = 14, budget: Int = 24, budgetOfSeveral: Int = 6,
    padding: Padding = .end, margin: Double = 1, mean: [Double] = ImageProcessorConfiguration.clipMean,
    standardDeviation: [Double] = ImageProcessorConfiguration.clipStandardDeviation
  ) {
    self.tileSide = tileSide
    self.patchSide = patchSide
    self.budget = budget
    self.budgetOfSeveral = budgetOfSeveral
    self.padding = padding
    self.margin = margin
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Side of a feature's cell in pixels of a tile.
  var cellSide: Int { 2 * patchSide }
  /// Features along a side of a view.
  var cellsPerSide: Int { tileSide / cellSide }
}
