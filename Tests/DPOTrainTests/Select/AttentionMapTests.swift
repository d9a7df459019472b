import DPOTrain
import LVLM
import Testing

/// Maps of attention for people, of pictures in tiles too.
@Suite struct AttentionMapTests {
  private func span(_ start: Double, _ end: Double, of parts: Double = 4) -> PictureSpan {
    PictureSpan(from: start, to: end, of: parts)
  }

  /// One even division is shown as it is, without what stands before it.
  @Test func evenDivisions() throws {
    var attention = ImageAttention(grids: [FeatureGrid(rows: 1, columns: 2, leading: 1)])
    attention.values = [0.5, 0.2, 0.3]
    let map = try #require(AttentionProfile.map(attention))
    #expect(map.rows == 1 && map.columns == 2)
    #expect(map.values == [[Double(Float(0.2)), Double(Float(0.3))]])
  }

  /// Of tiles every feature lies over its rectangle: nothing is lost but what stands for no part.
  @Test func tilesAndTheWhole() throws {
    let tiled = FeatureGrid([
      PictureRegion(x: span(0, 2), y: span(0, 2)), PictureRegion(x: span(2, 4), y: span(0, 2)), nil,
      PictureRegion(x: span(0, 4), y: span(0, 4)),
      // Half of it is padding beside the picture.
      PictureRegion(x: span(3, 5), y: span(0, 4)),
    ])
    var attention = ImageAttention(grids: [tiled, FeatureGrid(rows: 2, columns: 2)])
    attention.values = [0.25, 0.125, 9, 0.5, 0.5, 0, 0, 0, 0.5]
    let map = try #require(AttentionProfile.map(attention))
    #expect(map.values.count == 2 && map.values.allSatisfy { $0.count == map.rows * map.columns })
    func sum(_ picture: Int, rows: Range<Int>, columns: Range<Int>) -> Double {
      rows.reduce(0) { total, row in
        columns.reduce(total) { $0 + map.values[picture][row * map.columns + $1] }
      }
    }
    let half = map.rows / 2
    #expect(abs(sum(0, rows: 0..<map.rows, columns: 0..<map.columns) - (0.25 + 0.125 + 0.5 + 0.25)) < 1e-9)
    #expect(abs(sum(0, rows: 0..<half, columns: 0..<half) - (0.25 + 0.125)) < 1e-9)
    #expect(abs(sum(0, rows: half..<map.rows, columns: 0..<half) - 0.125) < 1e-9)
    #expect(abs(sum(1, rows: half..<map.rows, columns: half..<map.columns) - 0.5) < 1e-9)
    #expect(abs(sum(1, rows: 0..<half, columns: 0..<map.columns)) < 1e-9)
  }

  @Test func noPictureHasNoMap() {
    #expect(AttentionProfile.map(ImageAttention(grids: [])) == nil)
  }
}
