import DPOTrain
import Foundation
import Records
import Runs
import Testing

/// Which decoder layer `train.attention_weight` reads.
@Suite struct AttentionLayerChoiceTests {
  private func configuration(_ select: String, _ train: String = "null") throws -> RunConfiguration {
    try RunConfiguration(
      yaml: "model: {text_config: {num_hidden_layers: 6}}\nselect: {layer: \(select)}\n"
        + "train: {attention_layer: \(train)}\n", file: "c.yaml")
  }

  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("layer-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("select"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func ownOrSelections() throws {
    try withFolder { folder in
      for (select, train, layer) in [
        ("2", "null", 2), ("0.5", "null", 3), ("2", "4", 4), ("auto", "1.0", 5), ("auto", "0", 0),
      ] {
        let found = try configuration(select, train).attentionLayer(of: 6, ofRun: folder)
        #expect(found == layer, "\(select), \(train)")
      }
    }
  }

  /// What `auto` came to is the layer whose ratios the answers have.
  @Test func theLayerThatWasFound() throws {
    try withFolder { folder in
      let auto = try configuration("auto")
      #expect(throws: AttentionLayerError.self) { try auto.attentionLayer(of: 3, ofRun: folder) }
      let file = folder.appendingPathComponent("select/answers.jsonl")
      func answer(_ ratio: Double, _ layers: [Double]?) -> AnsweredPrompt {
        AnsweredPrompt(
          id: "\(ratio)",
          greedy: .init(text: "a", perplexity: 1, ratio: ratio, shares: [ratio], layerRatios: layers),
          samples: [])
      }
      try RowFile.write([answer(0.5, [0.1, 0.5, 0.3]), answer(0.3, [0.3, 0.3, 0.2])], to: file)
      let found = try auto.attentionLayer(of: 3, ofRun: folder)
      #expect(found == 1)
      // Answers of another model, or without ratios by layer, say nothing.
      #expect(throws: AttentionLayerError.self) { try auto.attentionLayer(of: 1, ofRun: folder) }
      try RowFile.write([answer(0.5, nil)], to: file)
      let error = try #require(throws: AttentionLayerError.self) {
        try auto.attentionLayer(of: 3, ofRun: folder)
      }
      #expect("\(error)".hasPrefix("train.attention_layer: found null with select.layer auto"))
    }
  }

  /// Written and read again it is the same.
  @Test func keysSurviveWritingAndReading() throws {
    for layer in ["null", "3", "0.25", "1.0"] {
      let first = try configuration("auto", layer)
      let second = try RunConfiguration(yaml: first.yaml, file: "written")
      #expect(second.train == first.train)
    }
  }
}
