import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// LLaVA-OneVision's features: what they are, in which order, and which part of a picture each stands for.
@Suite struct OneVisionFeatureTests {
  /// A connector whose rows end with this number.
  private static func connector(
    from inner: Int, to width: Int, end: Double? = nil, _ resolution: AnyResolution? = nil
  ) throws -> OneVisionConnector {
    var generator = RandomGenerator(seed: 6)
    let connector = OneVisionConnector(
      from: inner, to: width, resolution: try resolution ?? OneVision.processor().resolution,
      using: &generator)
    if let end { try parameter("image_newline", of: connector).tensor = .full([width], end) }
    return connector
  }

  private static func parameter(_ name: String, of module: some Module) throws -> Parameter {
    try #require(module.namedParameters().first { $0.name == name }?.parameter, "\(name)")
  }

  @Test func order() throws {
    let golden = try OneVision.golden("ops.h5")
    let connector = try Self.connector(from: 1, to: 1, end: -1)
    let geometry = try OneVision.processor().resolution
    var found = 0
    for name in try golden.file.entries(in: "pack").map(\.name) {
      let path = "pack/\(name)"
      let grid =
        name == "base"
        ? geometry.grid(width: 20, height: 10, isAlone: false)
        : geometry.grid(
          width: try golden.integer("width", on: path), height: try golden.integer("height", on: path),
          isAlone: true)
      let numbers = Tensor(
        (0..<grid.tiles.views * 25).map { Float($0) }, shape: [grid.tiles.views, 25, 1])
      // Neighbours do not change each other's features.
      let other = geometry.grid(width: 5, height: 7, isAlone: false)
      let between = Tensor.full([1, 25, 1], 7)
      let rows = connector.arranged(
        .concatenated([between, numbers, between]), layout: FeatureLayout([other, grid, other]))
      try golden.expect(rows.slice(axis: 0, 26..<26 + grid.count), is: path)
      #expect(rows.shape == [grid.count + 52, 1] && rows[rows.shape[0] - 1, 0].item() == -1)
      found += 1
    }
    #expect(found == 18)
    #expect(connector.arranged(.zeros([0, 25, 1]), layout: FeatureLayout([])).shape == [0, 1])
  }

  /// Two linear layers, the ends of rows, and weighted means of neighbours where there are too many rows.
  @Test func gradients() throws {
    let resolution = AnyResolution(
      canvases: [.init(height: 4, width: 4), .init(height: 4, width: 8)], viewSide: 4, patchSize: 2,
      tileLimit: 1)
    let connector = try Self.connector(from: 3, to: 2, resolution)
    for (_, parameter) in connector.namedParameters() { parameter.convert(to: .float64) }
    let grids = [(8, 4, true), (4, 4, true), (3, 9, false)].map {
      resolution.grid(width: $0.0, height: $0.1, isAlone: $0.2)
    }
    let views = grids.reduce(0) { $0 + $1.tiles.views }
    #expect(views == 6 && resolution.arrangement(width: 8, height: 4).isShrunk)
    var generator = RandomGenerator(seed: 7)
    let layout = FeatureLayout(grids)
    let weights = Tensor.randomNormal([layout.rowCount, 2], using: &generator).to(.float64)
    let selected = Tensor.randomNormal([views, 4, 3], using: &generator).to(.float64)
    #expect(gradCheck([selected]) { connector($0[0], layout: layout) } <= 1)
    func value() -> Tensor { (connector(selected, layout: layout) * weights).sum() }
    let gradients = value().backward()
    #expect(connector.namedParameters().count == 5)
    for (name, parameter) in connector.namedParameters() {
      let direction = Tensor.randomNormal(parameter.shape, using: &generator).to(.float64)
      let gradient = try #require(gradients[parameter], "\(name)")
      let expected = centralDifference(parameter, along: direction, of: value)
      #expect(abs((gradient * direction).sum().item() - expected) < 1e-6 * max(1, abs(expected)), "\(name)")
    }
  }

  // MARK: Regions

  /// Features that are the mean colour of their patch, of a picture whose red and green tell where one is,
  /// are the colours in the middle of their regions.
  @Test(arguments: [(150, 110), (131, 17), (14, 90), (220, 222), (66, 44), (9, 7)], [true, false])
  func regions(_ size: (width: Int, height: Int), isAlone: Bool) throws {
    let processor = try OneVision.processor()
    var picture = RGBImage(width: size.width, height: size.height, colour: .black)
    for y in 0..<size.height {
      for x in 0..<size.width {
        picture[x, y] = RGBColour(
          UInt8((Double(x) + 0.5) / Double(size.width) * 255),
          UInt8((Double(y) + 0.5) / Double(size.height) * 255), 0)
      }
    }
    let grid = processor.geometry.grid(width: size.width, height: size.height, isAlone: isAlone)
    let views = processor.prepared(picture, isAlone: isAlone)
    let means = views.flatMap { view in
      (0..<25).flatMap { patch in
        let mean = view.cropped(x: patch % 5 * 4, y: patch / 5 * 4, width: 4, height: 4).mean
        return [Float(mean.red / 255), Float(mean.green / 255)]
      }
    }
    let connector = try Self.connector(from: 1, to: 2, end: -1)
    let rows = connector.arranged(
      Tensor(means, shape: [views.count, 25, 2]), layout: FeatureLayout([grid])
    ).array(of: Float.self)
    #expect(rows.count == grid.count * 2)
    // Half a pixel of a view, a level of the colours, and the gaps that tiles leave between their patches.
    let allowed: Double = grid.tiles.views == 1 ? 0.03 : 0.05
    var looked = 0
    for (index, region) in grid.regions.enumerated() {
      guard let region else {
        #expect(rows[index * 2] == -1)
        continue
      }
      let spans = [region.x, region.y]
      for (channel, span) in spans.enumerated() {
        // What lies in padding, which has a colour of its own, tells nothing.
        guard spans.allSatisfy({ $0.start > 0.1 * $0.parts && $0.end < 0.9 * $0.parts }) else { continue }
        let middle = (span.start + span.end) / 2 / span.parts
        #expect(abs(middle - Double(rows[index * 2 + channel])) < allowed, "\(index) of \(size)")
        looked += 1
      }
    }
    // Of a thin picture no patch shows the picture alone.
    #expect(looked > 0 || 4 * min(size.width, size.height) < max(size.width, size.height))
  }

  /// Regions of tiles lie side by side: together they are the picture but for what no patch looks at.
  @Test func sharesOfAPicture() {
    let resolution = AnyResolution(
      canvases: AnyResolutionConfiguration.publishedCanvases, viewSide: 384, patchSize: 14, tileLimit: 9)
    for (width, height) in [(640, 480), (2304, 2304), (1920, 1080), (333, 1000)] {
      let grid = resolution.grid(width: width, height: height, isAlone: true)
      let tiles = Array(729..<grid.count)
      let ends = tiles.filter { grid.regions[$0] == nil }.count
      let whole: [Double] = grid.weights(x: 0...1, y: 0...1)
      let left: [Double] = grid.weights(x: 0...0.5, y: 0...1)
      let upper: [Double] = grid.weights(x: 0...1, y: 0...0.5)
      let count = Double(tiles.count - ends)
      let sums = [whole, left, upper].map { weights in tiles.reduce(0) { $0 + weights[$1] } }
      #expect(abs(sums[0] / count - 1) < 0.03 && abs(sums[1] / sums[0] - 0.5) < 0.01)
      #expect(abs(sums[2] / sums[0] - 0.5) < 0.01)
      #expect(abs(whole[..<729].reduce(0, +) - 729) < 1e-6)
      let area = tiles.compactMap { grid.regions[$0] }.reduce(0) {
        $0 + ($1.x.end - $1.x.start) / $1.x.parts * ($1.y.end - $1.y.start) / $1.y.parts
      }
      #expect(area > 0.95 && area < 1.05, "\(width)x\(height): \(area)")
    }
  }

  // MARK: Tower and connector

  @Test func features() throws {
    let golden = try OneVision.golden("pictures.h5")
    let resolution = try OneVision.processor().resolution
    var generator = RandomGenerator(seed: 0)
    let tower = SiglipTower(
      SiglipConfiguration(
        hiddenSize: 32, intermediateSize: 64, hiddenLayerCount: 2, attentionHeadCount: 4, imageSize: 22,
        patchSize: 4), selecting: -1, appliesLastNorm: false, using: &generator)
    let connector = try Self.connector(from: 32, to: 48)
    let weights = try SafeTensorsFile(reading: OneVision.directory.appending(component: "model.safetensors"))
    let parameters =
      tower.namedParameters(prefix: "vision_tower")
      + connector.namedParameters().map { name, parameter in
        (name == "image_newline" ? name : "multi_modal_projector.\(name)", parameter)
      }
    for (name, parameter) in parameters {
      let array = try weights.array(name)
      #expect(array.shape == parameter.shape, "\(name)")
      parameter.tensor = Tensor(array.floats(), shape: array.shape)
    }
    var hidden = 0
    for file in try golden.file.entries().map(\.name) {
      for mode in try golden.file.entries(in: file).map(\.name) {
        let path = "\(file)/\(mode)"
        let grid = resolution.grid(
          width: try golden.integer("width", on: path), height: try golden.integer("height", on: path),
          isAlone: mode == "anyres")
        let views = try golden.tensor("\(path)/views")
        try noGradient {
          if try golden.file.exists("\(path)/vision_hidden") {
            for (index, state) in tower.hiddenStates(views).enumerated() {
              try golden.expect(state, is: "\(path)/vision_hidden/\(index)")
              hidden += 1
            }
          }
          let selected = tower.selected(views)
          if try golden.file.exists("\(path)/selected") {
            try golden.expect(selected, is: "\(path)/selected")
          }
          try golden.expect(connector(selected, layout: FeatureLayout([grid])), is: "\(path)/packed")
        }
      }
    }
    #expect(hidden > 0)
  }
}
