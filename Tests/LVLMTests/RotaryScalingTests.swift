import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Positions scaled by the rule `linear`, wherever a release says so; numbers are
/// `processors/make_answers.py`'s.
@Suite struct RotaryScalingTests: ModelCopies {
  private static let linear = -41.980281

  /// Gives the decoder other keys of rotary positions than it has.
  private func rope(_ keys: [String: Any], _ folder: URL) throws {
    try edit("config.json", section: "text_config", folder) { text in
      for key in ["rope_parameters", "rope_scaling", "rope_theta"] { text[key] = nil }
      text.merge(keys) { $1 }
    }
  }

  @Test func everyPlaceOfTheFactor() throws {
    let factor: [String: Any] = ["rope_type": "linear", "factor": 4.0]
    let legacy: [String: Any] = ["type": "linear", "factor": 4]
    try withCopy { folder in
      try rope(["rope_theta": 500.0], folder)
      try expect(-37.911747, folder)
      let all: [[String: Any]] = [
        ["rope_parameters": factor.merging(["rope_theta": 500]) { $1 }],
        ["rope_scaling": legacy, "rope_theta": 500.0], ["rope_scaling": factor, "rope_theta": 500],
        ["rope_scaling": factor.merging(["rope_theta": 500]) { $1 }],
        ["rope_scaling": legacy, "rope_parameters": factor, "rope_theta": 500],
        ["rope_scaling": [String: Int](), "rope_parameters": factor, "rope_theta": 500],
      ]
      for keys in all {
        try rope(keys, folder)
        try expect(Self.linear, folder)
      }
      let saved = folder.appending(component: "saved")
      try PretrainedModel.load(from: folder, template: .plain).save(to: saved)
      try expect(Self.linear, saved)
      let text = try #require(
        object(saved.appending(component: "config.json"))["text_config"] as? [String: Any])
      // Releases from 4.38 to 4.42 refuse a third key.
      #expect((text["rope_scaling"] as? [String: Any])?.keys.sorted() == ["factor", "type"])
      #expect((text["rope_parameters"] as? [String: Any])?["factor"] as? Double == 4)
    }
  }

  @Test func placesThatContradictEachOther() throws {
    let cases: [(keys: [String: Any], words: String)] = [
      (
        [
          "rope_scaling": ["type": "linear", "factor": 2],
          "rope_parameters": ["rope_type": "linear", "factor": 4],
        ],
        "text_config.rope_scaling: found positions of type \"linear\" divided by 2.0, expected positions of "
          + "type \"linear\" divided by 4.0, which rope_parameters says"
      ),
      (
        ["rope_theta": 5000, "rope_parameters": ["rope_theta": 10_000]],
        "text_config.rope_theta: found a rope_theta of 5000.0, expected 10000.0, which rope_parameters says"
      ),
      (
        ["rope_scaling": ["type": "longrope", "factor": 8]],
        "text_config.rope_scaling: found rotary embeddings of type \"longrope\", expected one of \"default\""
      ),
    ]
    try withCopy { folder in
      for (keys, words) in cases {
        try rope(keys, folder)
        #expect(message(folder).contains(words), "\(message(folder))")
      }
    }
  }

  /// A factor is the same as positions that far apart.
  @Test func aFactorDividesPositions() {
    var generator = RandomGenerator(seed: 4)
    let x = Tensor.randomNormal([3, 2, 8], using: &generator)
    let scaled = rotary(x, positions: [0, 6, 300], base: 500, factor: 2)
    let plain = rotary(x, positions: [0, 3, 150], base: 500)
    #expect((scaled - plain).abs().max().item() < 1e-5)
    #expect((scaled - rotary(x, positions: [0, 6, 300], base: 500)).abs().max().item() > 0.1)
  }

  @Test func languageModelsOfGGUFFiles() throws {
    func real(_ key: String, _ value: Float) -> EditedGGUF.Value {
      .init(key: key, type: 6, bytes: withUnsafeBytes(of: value.bitPattern.littleEndian) { Data($0) })
    }
    func text(_ key: String, _ value: String) -> EditedGGUF.Value {
      let count = withUnsafeBytes(of: UInt64(value.utf8.count).littleEndian) { Data($0) }
      return .init(key: key, type: 8, bytes: count + Data(value.utf8))
    }
    func hidden(_ values: [EditedGGUF.Value]) throws -> (
      scaling: RotaryScaling, context: Int, states: Tensor
    ) {
      try Fixtures.withTemporaryDirectory { folder in
        var file = try EditedGGUF(Fixtures.url("tokenizers/tiny.gguf"))
        file.values += values
        let url = folder.appending(component: "model.gguf")
        try file.encoded().write(to: url)
        let loaded = try PretrainedModel.load(from: url)
        let batch = try PackedBatch(
          [PackedExample(promptIDs: [1, 5, 9, 12, 20], images: [])], sharesPrefix: true,
          imageTokenID: loaded.encoder.imageTokenID)
        let model = loaded.model
        let states = noGradient { model.hiddenStates(batch, imageFeatures: try! loaded.imageFeatures([])) }
        let text = model.configuration.text
        return (text.ropeScaling, text.contextLength, states)
      }
    }
    let plain = try hidden([])
    #expect(plain.scaling == .none)
    let key = "llama.rope.scaling"
    let scaled = try hidden([text("\(key).type", "linear"), real("\(key).factor", 4)])
    #expect(scaled.scaling == .linear(factor: 4))
    #expect((scaled.states - plain.states).abs().max().item() > 1e-4)
    // llama.cpp's reading: no type is linear, an older key counts, none switches it off.
    for values in [[real("\(key).factor", 4)], [real("llama.rope.scale_linear", 4)]] {
      let other = try hidden(values)
      #expect(other.scaling == .linear(factor: 4))
      #expect((other.states - scaled.states).abs().max().item() == 0)
    }
    #expect(try hidden([text("\(key).type", "none"), real("\(key).factor", 4)]).scaling == .none)
    #expect(try hidden([real("\(key).factor", 0)]).scaling == .none)
    func count(_ key: String, _ value: UInt32) -> EditedGGUF.Value {
      .init(key: key, type: 4, bytes: withUnsafeBytes(of: value.littleEndian) { Data($0) })
    }
    let yarn = [text("\(key).type", "yarn"), real("\(key).factor", 4)]
    let long = try hidden(yarn + [count("\(key).original_context_length", 16)])
    #expect(long.scaling == .yarn(.init(factor: 4, originalContext: 16)))
    #expect((long.states - scaled.states).abs().max().item() > 1e-4)
    let unstated = RotaryScaling.yarn(.init(factor: 4, originalContext: plain.context))
    #expect(try hidden(yarn).scaling == unstated)
    #expect(try hidden(yarn + [count("\(key).original_context_length", 0)]).scaling == unstated)
    #expect(try hidden([text("\(key).type", "yarn")]).scaling == .none)
  }
}
