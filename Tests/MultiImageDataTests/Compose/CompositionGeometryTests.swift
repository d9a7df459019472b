import LVLM
import MultiImageData
import Testing

@Suite struct CompositionGeometryTests {
  @Test(
    "Canvas sizes and cell origins of the paper, at 448",
    arguments: [
      (2, 1, 2, 936, 488), (3, 1, 3, 1424, 488), (4, 2, 2, 936, 976), (6, 2, 3, 1424, 976),
      (9, 3, 3, 1424, 1464),
    ])
  func grid(count: Int, rows: Int, columns: Int, width: Int, height: Int) throws {
    let geometry = try #require(GridGeometry(count: count, cell: 448))
    #expect(geometry.rows == rows && geometry.columns == columns)
    #expect(geometry.width == width && geometry.height == height)
    #expect(geometry.gap == 40 && geometry.labelIndent == 20 && geometry.labelHeight == 28)
    for number in 1...count {
      let (row, column) = ((number - 1) / columns, (number - 1) % columns)
      #expect(
        geometry.region(number)
          == PixelRectangle(x: column * 488, y: row * 488 + 40, width: 448, height: 448))
    }
  }

  @Test func otherCountsHaveNoGrid() {
    for count in [0, 1, 5, 7, 8, 10] { #expect(GridGeometry(count: count, cell: 448) == nil) }
  }

  @Test func smallCellsScaleGapsAndLabels() throws {
    let geometry = try #require(GridGeometry(count: 4, cell: 64))
    #expect(geometry.gap == 6 && geometry.labelIndent == 3 && geometry.labelHeight == 5)
    #expect(geometry.width == 134 && geometry.height == 140)
    #expect(geometry.region(4) == PixelRectangle(x: 70, y: 76, width: 64, height: 64))
    let tiny = try #require(GridGeometry(count: 9, cell: 4))
    #expect(tiny.gap == 0 && tiny.width == 12 && tiny.height == 12)
    let flat = RGBImage(width: 2, height: 2, colour: .black)
    #expect(Collage.grid([RGBImage](repeating: flat, count: 9), geometry: tiny).mean.red == 0)
  }

  @Test func picturesStandAtTheTopLeftUnderTheirLabels() throws {
    let geometry = try #require(GridGeometry(count: 2, cell: 112))
    let wide = RGBImage(width: 40, height: 20, colour: RGBColour(200, 0, 0))
    let high = RGBImage(width: 10, height: 30, colour: RGBColour(0, 0, 200))
    let canvas = Collage.grid([wide, high], geometry: geometry)
    #expect(canvas.width == 234 && canvas.height == 122)
    #expect(canvas[0, 10] == RGBColour(200, 0, 0) && canvas[111, 65] == RGBColour(200, 0, 0))
    #expect(canvas[50, 66] == .white && canvas[50, 121] == .white)
    #expect(canvas[122, 10] == RGBColour(0, 0, 200) && canvas[122 + 36, 121] == RGBColour(0, 0, 200))
    #expect(canvas[122 + 37, 60] == .white && canvas[115, 60] == .white)
    let strip = canvas.cropped(x: 0, y: 0, width: 234, height: 10)
    #expect(strip.pixels.contains { $0 < 128 })
    #expect(strip.cropped(x: 0, y: 0, width: geometry.labelIndent, height: 10).mean.red == 255)
    // The two labels differ in their last glyph only.
    let first = strip.cropped(x: 5, y: 0, width: 45, height: 10)
    let second = strip.cropped(x: 127, y: 0, width: 45, height: 10)
    #expect(first != second)
    #expect(
      first.cropped(x: 0, y: 0, width: 29, height: 10) == second.cropped(x: 0, y: 0, width: 29, height: 10))
  }

  @Test func innerPictureByTheReleasedRule() {
    func region(_ outer: (Int, Int), _ inner: (Int, Int), _ scale: Double) -> PixelRectangle {
      Collage.innerRegion(
        outerWidth: outer.0, outerHeight: outer.1, innerWidth: inner.0, innerHeight: inner.1, scale: scale)
    }
    #expect(region((640, 480), (300, 400), 0.7) == PixelRectangle(x: 194, y: 72, width: 252, height: 336))
    #expect(region((640, 480), (800, 200), 0.7) == PixelRectangle(x: 96, y: 184, width: 448, height: 112))
    #expect(region((640, 480), (640, 480), 0.5) == PixelRectangle(x: 160, y: 120, width: 320, height: 240))
    #expect(region((48, 48), (48, 48), 0.5) == PixelRectangle(x: 12, y: 12, width: 24, height: 24))
    #expect(region((3, 3), (1000, 1), 0.5).height == 1)
    let outer = RGBImage(width: 40, height: 20, colour: .black)
    let composed = Collage.pictureInPicture(
      inner: RGBImage(width: 7, height: 7, colour: .white), outer: outer, scale: 0.5)
    #expect(composed.width == 40 && composed.height == 20)
    #expect(composed[15, 5] == .white && composed[24, 14] == .white && composed[14, 5] == .black)
  }

  private func record(_ kind: CompositionKind, _ count: Int, _ target: Int, _ layout: CompositionLayout?)
    -> ComposedRecord
  {
    ComposedRecord(
      id: "r", kind: kind, count: count, target: target, images: ["a"], prompt: "<image>", answer: "x",
      answersOfOthers: [], family: "f", question: "q", source: "s", layout: layout)
  }

  @Test(
    "Even blocks of the patch map", arguments: [(2, 24, 12), (3, 24, 8), (4, 12, 12), (6, 12, 8), (9, 8, 8)])
  func evenBlocks(count: Int, high: Int, wide: Int) throws {
    let geometry = try #require(GridGeometry(count: count, cell: 448))
    for target in 1...count {
      let layout = CompositionLayout(
        width: geometry.width, height: geometry.height, rows: geometry.rows, columns: geometry.columns,
        region: geometry.region(target))
      let weights = try #require(
        record(.grid, count, target, layout).patchWeights(grid: .init(rows: 24, columns: 24)))
      let (row, column) = ((target - 1) / geometry.columns, (target - 1) % geometry.columns)
      for y in 0..<24 {
        for x in 0..<24 {
          let inside = y / high == row && x / wide == column
          #expect(weights[y * 24 + x] == (inside ? 1 : 0))
        }
      }
    }
  }

  @Test func mapsThatDoNotDivideAreSharedAtTheBorder() throws {
    let geometry = try #require(GridGeometry(count: 3, cell: 448))
    let layout = CompositionLayout(
      width: geometry.width, height: geometry.height, rows: 1, columns: 3, region: geometry.region(2))
    let weights = try #require(record(.grid, 3, 2, layout).patchWeights(grid: .init(rows: 1, columns: 4)))
    #expect(zip(weights, [0, 2.0 / 3, 2.0 / 3, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    var total = [Double](repeating: 0, count: 8 * 8)
    for target in 1...3 {
      let part = try #require(record(.grid, 3, target, layout).patchWeights(grid: .init(rows: 8, columns: 8)))
      for (index, weight) in part.enumerated() { total[index] += weight }
    }
    #expect(total.allSatisfy { abs($0 - 1) < 1e-9 })
  }

  @Test func theCentreSquareIsRowsFourToNineteen() throws {
    let layout = CompositionLayout(
      width: 640, height: 480, rows: 1, columns: 1,
      region: PixelRectangle(x: 160, y: 120, width: 320, height: 240))
    let weights = try #require(
      record(.pictureInPicture, 2, 1, layout).patchWeights(grid: .init(rows: 24, columns: 24)))
    for y in 0..<24 {
      for x in 0..<24 {
        #expect(weights[y * 24 + x] == ((4...19).contains(y) && (4...19).contains(x) ? 1 : 0))
      }
    }
  }

  @Test func exactRegionsFollowPaddingAndCropping() throws {
    // 640x480 padded to 640x640: the inner picture is columns 160 ..< 480, rows 200 ..< 440.
    let layout = CompositionLayout(
      width: 640, height: 480, rows: 1, columns: 1,
      region: PixelRectangle(x: 160, y: 120, width: 320, height: 240))
    let padded = try #require(
      record(.pictureInPicture, 2, 1, layout)
        .patchWeights(grid: .init(rows: 16, columns: 16), mapping: .exact))
    for y in 0..<16 {
      for x in 0..<16 {
        #expect(padded[y * 16 + x] == ((4..<12).contains(x) && (5..<11).contains(y) ? 1 : 0))
      }
    }
    // Cropped to 480x480: columns 80 ..< 400, rows 120 ..< 360.
    let cropped = try #require(
      record(.pictureInPicture, 2, 1, layout)
        .patchWeights(grid: .init(rows: 12, columns: 12), mapping: .exact, fit: .crop)
    )
    for y in 0..<12 {
      for x in 0..<12 {
        #expect(cropped[y * 12 + x] == ((2..<10).contains(x) && (3..<9).contains(y) ? 1 : 0))
      }
    }
  }

  @Test func exactCellsOfAPaddedGridAreWhereTheProcessorPutsThem() throws {
    let geometry = try #require(GridGeometry(count: 2, cell: 56))
    #expect(geometry.gap == 5)
    let black = RGBImage(width: 8, height: 8, colour: .black)
    let white = RGBImage(width: 8, height: 8, colour: .white)
    for target in 1...2 {
      let canvas = Collage.grid(target == 1 ? [black, white] : [white, black], geometry: geometry)
      let layout = CompositionLayout(
        width: geometry.width, height: geometry.height, rows: 1, columns: 2, region: geometry.region(1))
      let weights = try #require(
        record(.grid, 2, target, layout).patchWeights(grid: .init(rows: 39, columns: 39), mapping: .exact))
      let processor = ImageProcessor(
        ImageProcessorConfiguration(
          size: 39, mean: [1, 1, 1], standardDeviation: [1, 1, 1], resampling: .box))
      let square = processor.square(canvas)
      for y in 0..<39 {
        for x in 0..<39 {
          // Labels are ink outside the cell: look at the cell's rows only.
          guard weights[y * 39 + x] > 0 || weights[y * 39] > 0 || weights[y * 39 + 38] > 0 else { continue }
          let ink = 1 - Double(square[x, y].green) / 255
          #expect(abs(ink - weights[y * 39 + x]) < 0.02, "\(target) \(x) \(y)")
        }
      }
    }
  }

  @Test func aSequenceHasNoRegion() {
    #expect(record(.sequence, 2, 1, nil).patchWeights(grid: .init(rows: 6, columns: 6)) == nil)
  }
}
