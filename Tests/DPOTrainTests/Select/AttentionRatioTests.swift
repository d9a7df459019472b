import LVLM
import DPOTrain
import MultiImageData
import TestData
import Testing

@Suite("Attention ratio")
struct AttentionRatioTests {
  @Test("a sequence compares whole images")
  func sequence() throws {
    // Sums 4·1, 4·2, 4·5 of 32 in all: the second has 8/32.
    let maps = [1.0, 2, 5].map { Array(repeating: $0, count: 4) }
    let found = try AttentionRatio(
      maps: maps, record: composed(.sequence, count: 3, target: 2), grid: FeatureGrid(rows: 2, columns: 2))
    #expect(found.ratio == 0.25)
    #expect(found.shares == [0.125, 0.25, 0.625])
  }

  @Test("a grid compares blocks of one image, row by row")
  func grid() throws {
    // 6 × 6 patches in 2 × 3 cells of 3 × 2; cell (1, 2) is number 6. Ones everywhere, tens in that cell:
    // 6 · 10 of 6 · 10 + 30.
    var map = [Double](repeating: 1, count: 36)
    for row in 3..<6 { for column in 4..<6 { map[row * 6 + column] = 10 } }
    let record = composed(.grid, count: 6, target: 6, rows: 2, columns: 3)
    let found = try AttentionRatio(maps: [map], record: record, grid: FeatureGrid(rows: 6, columns: 6))
    #expect(abs(found.ratio - 60.0 / 90) < 1e-12)
    #expect(abs(found.shares.reduce(0, +) - 1) < 1e-12)
  }

  @Test("uniform attention on the centre of 24 × 24 patches is 16² of 24²")
  func centre() throws {
    let record = composed(.pictureInPicture, count: 2, target: 1)
    let map = [Double](repeating: 0.5, count: 576)
    let found = try AttentionRatio(maps: [map], record: record, grid: FeatureGrid(rows: 24, columns: 24))
    #expect(abs(found.ratio - 256.0 / 576) < 1e-12)
  }

  /// Of a picture that is cut into tiles padding and ends of rows are no cell.
  @Test func sharesOfCellsAddUpToOne() throws {
    let record = composed(.grid, count: 2, target: 2, rows: 1, columns: 2)
    func region(_ x: ClosedRange<Double>, _ y: ClosedRange<Double>) -> PictureRegion {
      PictureRegion(
        x: PictureSpan(from: x.lowerBound, to: x.upperBound, of: 2),
        y: PictureSpan(from: y.lowerBound, to: y.upperBound, of: 1))
    }
    // Left half, right half, padding below, the end of a row.
    let grid = FeatureGrid([region(0...1, 0...1), region(1...2, 0...1), region(0...2, 1...2), nil])
    let found = try AttentionRatio(maps: [[0.1, 0.3, 0.4, 0.2]], record: record, grids: [grid])
    #expect(abs(found.ratio - 0.75) < 1e-12)
    #expect(abs(found.shares.reduce(0, +) - 1) < 1e-12)
  }

  @Test("no attention to images gives 0, not a division by zero")
  func none() throws {
    let found = try AttentionRatio(
      maps: [[0, 0, 0, 0], [0, 0, 0, 0]], record: composed(.sequence, count: 2, target: 1),
      grid: FeatureGrid(rows: 2, columns: 2))
    #expect(found.ratio == 0)
  }

  @Test("maps that do not fit are errors")
  func mismatch() {
    let record = composed(.sequence, count: 2, target: 1)
    #expect(throws: AttentionRatioError.mapSize(record: "sequence-2", found: 3, expected: 4)) {
      try AttentionRatio(maps: [[1, 2, 3], [1, 2, 3]], record: record, grid: .init(rows: 2, columns: 2))
    }
    #expect(throws: AttentionRatioError.imageCount(record: "sequence-2", found: 1, expected: 2)) {
      try AttentionRatio(maps: [[1, 2, 3, 4]], record: record, grid: FeatureGrid(rows: 2, columns: 2))
    }
    var off = record
    off.target = 3
    #expect(throws: AttentionRatioError.noSuchTarget(record: "sequence-2", target: 3, count: 2)) {
      try AttentionRatio(maps: [[1, 1, 1, 1], [1, 1, 1, 1]], record: off, grid: .init(rows: 2, columns: 2))
    }
  }
}
