public import LVLM
public import MultiImageData

/// The share of an answer's attention to images that falls on the image the prompt names: on both where two
/// are compared, on the one that fits where one is asked for.
///
/// R(y) = A_target / A_total (MIA-DPO, equation 4), on the mean over heads and answer tokens of one layer's
/// attention to image patches. Attention to text does not enter, and nothing is re-normalised per image. Of a
/// picture that is cut into tiles what fell on padding and on features that stand for no part of it is no
/// attention to a cell or an inset, nor to what surrounds them.
public struct AttentionRatio: Sendable, Equatable {
  /// R, between 0 and 1; 0 when the answer pays no attention to images at all.
  public var ratio: Double
  /// The share of each picture (sequence), cell (grid), or of the centre and its surroundings (pic-in-pic).
  public var shares: [Double]

  /// Measures one answer.
  /// - Parameters:
  ///   - maps: Attention to the features of each image the model saw, `[images][features]`.
  ///   - record: The composed prompt that was answered.
  ///   - grids: What the features of each image stand for.
  /// - Throws: ``AttentionRatioError`` when the maps do not fit the grids or the record.
  public init(maps: [[Double]], record: ComposedRecord, grids: [FeatureGrid]) throws {
    let expected = record.kind == .sequence ? record.count : 1
    guard maps.count == expected, grids.count == expected else {
      throw AttentionRatioError.imageCount(record: record.id, found: maps.count, expected: expected)
    }
    for (map, grid) in zip(maps, grids) where map.count != grid.count {
      throw AttentionRatioError.mapSize(record: record.id, found: map.count, expected: grid.count)
    }
    for target in record.asked where !(1...record.count).contains(target) {
      throw AttentionRatioError.noSuchTarget(record: record.id, target: target, count: record.count)
    }
    let total = Self.total(maps, record.kind, grids[0])
    func on(_ target: Int) -> Double {
      guard let weights = record.patchWeights(of: target, grid: grids[0]) else {
        return maps[target - 1].reduce(0, +)
      }
      return zip(weights, maps[0]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func share(_ part: Double) -> Double { total > 0 ? min(part / total, 1) : 0 }
    ratio = share(record.asked.reduce(0) { $0 + on($1) })
    switch record.kind {
    case .sequence, .grid:
      shares = (1...record.count).map { share(on($0)) }
    case .pictureInPicture:
      shares = [ratio, total > 0 ? 1 - ratio : 0]
    }
  }

  /// All attention that counts: of pictures of their own everything, of parts of one picture what fell on it.
  private static func total(_ maps: [[Double]], _ kind: CompositionKind, _ grid: FeatureGrid) -> Double {
    guard kind != .sequence, grid.lattice == nil else { return maps.reduce(0) { $0 + $1.reduce(0, +) } }
    return zip(grid.weights(x: 0...1, y: 0...1), maps[0]).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// As ``init(maps:record:grids:)``, of images that all have one grid.
  public init(maps: [[Double]], record: ComposedRecord, grid: FeatureGrid) throws {
    try self.init(maps: maps, record: record, grids: maps.map { _ in grid })
  }
}

/// Attention maps that do not fit the prompt they are said to belong to.
public enum AttentionRatioError: Error, Equatable, CustomStringConvertible {
  /// A map with another number of patches than the model's.
  case mapSize(record: String, found: Int, expected: Int)
  /// Not one map for each picture.
  case imageCount(record: String, found: Int, expected: Int)
  /// A target that is none of the pictures.
  case noSuchTarget(record: String, target: Int, count: Int)

  /// The record, what was found, what was expected.
  public var description: String {
    switch self {
    case .mapSize(let record, let found, let expected):
      "record \(record): an attention map has \(found) values, expected \(expected)"
    case .imageCount(let record, let found, let expected):
      "record \(record): attention to \(found) images, expected \(expected)"
    case .noSuchTarget(let record, let target, let count):
      "record \(record): the target is number \(target) of \(count) pictures"
    }
  }
}
