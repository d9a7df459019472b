import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Pictures with other numbers of features than their neighbours, and rectangles of any kind.
@Suite struct FeatureGridTests {
  /// Two tiles side by side of 2×2 patches each, a row end behind each row of tiles' patches, and a view of
  /// the whole in 1×2.
  static let tiled: FeatureGrid = {
    func region(_ x: Double, _ y: Double, _ columns: Double, _ rows: Double) -> PictureRegion {
      PictureRegion(x: .init(from: x, to: x + 1, of: columns), y: .init(from: y, to: y + 1, of: rows))
    }
    let rows = [0.0, 1].flatMap { y in [0.0, 1, 2, 3].map { Optional(region($0, y, 4, 2)) } + [nil] }
    return FeatureGrid(rows + [region(0, 0, 2, 1), region(1, 0, 2, 1)])
  }()

  @Test func sharesOfRectangles() {
    let left = Self.tiled.weights(x: 0...0.5, y: 0...1)
    let half: [Double] = [1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0]
    #expect(left == half)
    let corner = Self.tiled.weights(x: 0.625...1, y: 0.5...1)
    let cut: [Double] = [0, 0, 0, 0, 0, 0, 0, 0.5, 1, 0, 0, 0.375]
    #expect(corner == cut)
    #expect(Self.tiled.weights(x: 0...1, y: 0...1).reduce(0, +) == 10)
    #expect(FeatureGrid([]).weights(x: 0...1, y: 0...1).isEmpty)
  }

  /// A lattice is a grid of rectangles like any other.
  @Test(arguments: [(1, 1), (2, 3), (7, 7), (24, 24)]) func latticesAreGrids(rows: Int, columns: Int) {
    let lattice = FeatureGrid(rows: rows, columns: columns, leading: 1)
    let plain = FeatureGrid(lattice.regions)
    #expect(lattice.count == rows * columns + 1 && plain.lattice == nil && lattice != plain)
    let ranges: [ClosedRange<Double>] = [0...1, (1.0 / 3)...(2.0 / 3), 0.5...1, (1.0 / 6)...(5.0 / 6)]
    for (x, y) in zip(ranges, ranges.reversed()) {
      let found: [Double] = lattice.weights(x: x, y: y)
      #expect(found == plain.weights(x: x, y: y) && found[0] == 0)
      let area: Double = (x.upperBound - x.lowerBound) * (y.upperBound - y.lowerBound)
      let sum: Double = found.reduce(0, +) / Double(rows * columns)
      #expect(abs(sum - area) < 1e-9)
    }
  }

  /// Prompts whose pictures have different numbers of features give the numbers that each feature gives by
  /// itself, in every place that looks at features.
  @Test func picturesOfDifferentSizes() throws {
    let model = try TinyModel.make()
    let grids = [TinyModel.grid, FeatureGrid(rows: 1, columns: 3), Self.tiled]
    let layout = FeatureLayout(grids)
    #expect(layout.rowCount == 19 && layout[0] == 0..<4 && layout[1] == 4..<7 && layout[2] == 7..<19)
    var random = RandomGenerator(seed: 4)
    let rows = Tensor.randomNormal([19, model.configuration.text.hiddenSize], using: &random)
    let features = ImageFeatures(rows, layout: layout)
    func tokens(_ images: [Int]) -> [Int32] {
      [1] + images.flatMap { Array(repeating: TinyModel.imageID, count: grids[$0].count) + [6] }
    }
    func logProbabilities(_ images: [Int], _ features: ImageFeatures, order: [Int]) throws -> [Float] {
      let example = PackedExample(promptIDs: tokens(images), images: order, completions: [[7, 8, 2]])
      let batch = try PackedBatch(
        [example], sharesPrefix: true, imageTokenID: TinyModel.imageID, features: features.layout)
      return noGradient { model.logProbabilities(batch, imageFeatures: features) }.array(of: Float.self)
    }
    let images = [2, 0, 1]
    let found = try logProbabilities(images, features, order: images)
    // The same rows as pictures of one feature each.
    let single = FeatureLayout(repeating: FeatureGrid(rows: 1, columns: 1), count: 19)
    let flat = images.flatMap { Array(layout[$0]) }
    #expect(found == (try logProbabilities(images, ImageFeatures(rows, layout: single), order: flat)))
    #expect(found != (try logProbabilities(images, features, order: images.reversed()).reversed()))

    let example = PackedExample(
      promptIDs: tokens(images), images: images, completions: [[7, 8, 2], [9, 2]])
    let batch = try PackedBatch(
      [example], sharesPrefix: true, imageTokenID: TinyModel.imageID, features: layout)
    let attention = model.imageAttention(batch, imageFeatures: features, layer: 1)[0]
    #expect(attention.imageCount == 3 && attention.grids == images.map { grids[$0] })
    #expect(images.indices.map { attention[$0].count } == [12, 4, 3])
    #expect(Array(attention[0]) + Array(attention[1]) + Array(attention[2]) == attention.values)
    #expect(attention.values.allSatisfy { $0 > 0 })
  }

  @Test func promptsHaveAsManyImageTokensAsFeatures() throws {
    let tokenizer = try Tokenizer(
      json: Data(contentsOf: Fixtures.url("tokenizers/smollm.json")), bos: "<|im_start|>", eos: "<|im_end|>")
    var configuration = TinyModel.configuration
    configuration.text.contextLength = 256
    let encoder = PromptEncoder(tokenizer: tokenizer, template: .chatML, configuration: configuration)
    let ids = try encoder.example(
      question: "<image>\n<image>\nWhich?", images: [0, 1], grids: [Self.tiled, TinyModel.grid]
    ).promptIDs
    #expect(ids.count { $0 == encoder.imageTokenID } == 16)
    #expect(throws: PromptError.self) { try encoder.encode("<image>", grids: [Self.tiled, Self.tiled]) }
  }

  @Test func mapsForTheEye() {
    var attention = ImageAttention(grids: [Self.tiled])
    attention.values[7] = 1
    let drawn = AttentionPicture.draw(attention, over: [RGBImage(width: 8, height: 8, colour: .white)])
    // The third patch of the lower row: red there, pale elsewhere.
    #expect(drawn.width == 224 && drawn[140, 170] != drawn[10, 10] && drawn[140, 170] == drawn[113, 113])
    #expect(drawn[140, 100] == drawn[10, 10] && drawn[170, 170] == drawn[10, 10])
  }
}
