import LVLM
import DPOTrain
import MultiImageData
import TestData
import Testing

/// Weights of image features give the ratio that ``AttentionRatio`` gives, whatever the map.
@Suite struct FeatureWeightsTests {
  private static let records = [
    composed(.sequence, count: 3, target: 2), composed(.sequence, count: 5, target: 5),
    composed(.grid, count: 4, target: 3, rows: 2, columns: 2),
    composed(.grid, count: 6, target: 5, rows: 2, columns: 3),
    composed(.pictureInPicture, count: 2, target: 1),
    comparing(composed(.sequence, count: 4, target: 2), [2, 4]),
    comparing(composed(.grid, count: 4, target: 1, rows: 2, columns: 2), [1, 4]),
  ]

  /// A record that compares two pictures.
  private static func comparing(_ record: ComposedRecord, _ targets: [Int]) -> ComposedRecord {
    var record = record
    record.targets = targets
    return record
  }

  @Test func ratiosOfAnyMap() throws {
    let grid = FeatureGrid(rows: 7, columns: 7)
    for record in Self.records {
      let count = record.kind == .sequence ? record.count : 1
      let maps = (0..<count).map { image in
        (0..<49).map { patch -> Double in Double((patch * 31 + image * 17) % 23) / 23 }
      }
      let weights = try record.featureWeights(grids: maps.map { _ in grid }).map(Double.init)
      let all: [Double] = Array(maps.joined())
      #expect(weights.count == all.count)
      let part: Double = zip(weights, all).reduce(0.0) { $0 + $1.0 * $1.1 }
      let share = part / all.reduce(0, +)
      let expected: Double = try AttentionRatio(maps: maps, record: record, grid: grid).ratio
      #expect(abs(share - expected) < 1e-6, "\(record.id)")
    }
  }

  /// Of pictures in tiles, padding and separators count neither above nor below the line.
  @Test func ratiosOfTiles() throws {
    func span(_ start: Double, _ end: Double) -> PictureSpan { PictureSpan(from: start, to: end, of: 6) }
    let grid = FeatureGrid(
      (0..<9).map { place in
        let (row, column) = (Double(place / 3) * 2, Double(place % 3) * 2)
        // The last column lies half beside the picture.
        return PictureRegion(
          x: span(column, column == 4 ? 8 : column + 2), y: span(row, row + 2))
      } + [nil, PictureRegion(x: span(0, 6), y: span(0, 6))])
    for record in Self.records {
      let count = record.kind == .sequence ? record.count : 1
      let maps = (0..<count).map { image in
        (0..<11).map { patch -> Double in Double((patch * 31 + image * 17) % 23) / 23 }
      }
      let grids = maps.map { _ in grid }
      let weights = try record.featureWeights(grids: grids).map(Double.init)
      let counted = record.countedWeights(grids: grids)?.map(Double.init)
      #expect((counted == nil) == (record.kind == .sequence))
      let all: [Double] = Array(maps.joined())
      let part: Double = zip(weights, all).reduce(0.0) { $0 + $1.0 * $1.1 }
      let whole: Double = zip(counted ?? all.map { _ in 1 }, all).reduce(0.0) { $0 + $1.0 * $1.1 }
      let expected = try AttentionRatio(maps: maps, record: record, grids: grids).ratio
      #expect(abs(part / whole - expected) < 1e-6, "\(record.id)")
    }
  }

  /// A class token belongs to its picture, and to no cell of it.
  @Test func featuresThatAreNoPatches() throws {
    let grid = FeatureGrid(rows: 7, columns: 7, leading: 1)
    for record in Self.records {
      let pictures = record.kind == .sequence ? record.count : 1
      let weights = try record.featureWeights(grids: Array(repeating: grid, count: pictures))
      #expect(weights.count == 50 * pictures)
      let isAsked = record.kind == .sequence && record.asked.contains(1)
      #expect(weights[0] == (isAsked ? 1 : 0), "\(record.id)")
      #expect(
        throws: AttentionRatioError.imageCount(record: record.id, found: 0, expected: pictures)
      ) { try record.featureWeights(grids: []) }
    }
  }
}
