import DPOTrain
import Foundation
import Records
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

  @Test("answers that wait for a layer are read again as they were written")
  func unread() throws {
    let map = AttentionMap(rows: 1, columns: 2, values: [[0.25, 0.5], [0.125, 0.125]])
    let answer = AnsweredPrompt.Answer(
      text: "red", perplexity: 1.5,
      readings: [
        .init(ratio: 0.5, shares: [0.5, 0.5], attention: nil),
        .init(ratio: 0.75, shares: [0.75, 0.25], attention: map),
      ], layerRatios: [0.5, 0.75])
    let row = AnsweredPrompt(id: "a", greedy: answer, samples: [answer])
    let stored = try JSONDecoder().decode(AnsweredPrompt.self, from: Data(row.json.pretty.utf8))
    #expect(stored == row)
    let read = AnsweredPrompt.Answer(
      text: "red", perplexity: 1.5, ratio: 0.75, shares: [0.75, 0.25], layerRatios: [0.5, 0.75],
      attention: map)
    #expect(stored.read(by: 1) == AnsweredPrompt(id: "a", greedy: read, samples: [read]))
    #expect(stored.read(by: 1).read(by: 0) == stored.read(by: 1))
  }
}
