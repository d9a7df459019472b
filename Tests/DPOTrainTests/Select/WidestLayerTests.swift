import DPOTrain
import Testing

@Suite("The layer whose ratios differ most")
struct WidestLayerTests {
  @Test("spreads are within a format and number of images, never between them")
  func groups() throws {
    // Layer 0 differs between the groups alone, layer 1 by 0.1 within each, layer 2 by 0.2 in one of them.
    let answers: [(group: String, ratios: [Double])] = [
      ("sequence-2", [0.9, 0.4, 0.5]), ("sequence-2", [0.9, 0.6, 0.5]),
      ("sequence-5", [0.1, 0.2, 0.1]), ("sequence-5", [0.1, 0.4, 0.5]),
    ]
    let found = try #require(WidestLayer(answers))
    for (spread, expected) in zip(found.spreads, [0, 0.1, 0.1]) { #expect(abs(spread - expected) < 1e-12) }
    #expect(found.layer == (found.spreads[2] > found.spreads[1] ? 2 : 1))
    #expect(try #require(WidestLayer(answers + [("grid-4", [0, 0, 0]), ("grid-4", [0, 0, 1])])).layer == 2)
    #expect(try #require(WidestLayer(Array(answers.prefix(1)))).layer == 0)
  }

  @Test("without ratios there is no layer")
  func nothing() {
    #expect(WidestLayer([]) == nil && WidestLayer([("sequence-2", [])]) == nil)
  }
}
