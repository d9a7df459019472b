import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// Scaled positions against transformers' numbers in `rotary/rotary.json`.
@Suite struct RotaryReferenceTests: ModelCopies {
  private func reference(_ section: String) throws -> [String: [String: Any]] {
    let all = try object(Fixtures.url("rotary/rotary.json"))
    return try #require(all[section] as? [String: [String: Any]])
  }

  @Test func angles() throws {
    let cases = try reference("angles")
    #expect(cases.count > 20)
    for (name, expected) in cases {
      let keys = try #require(expected["keys"] as? [String: Any])
      let head = try #require(expected["head_dim"] as? Int)
      for place in ["rope_parameters", "rope_scaling"] {
        let json: [String: Any] = [
          "hidden_size": 2 * head, "num_attention_heads": 2, place: keys,
          "max_position_embeddings": expected["max_position_embeddings"]!,
          "rope_theta": expected["rope_theta"]!,
        ]
        let configuration = try JSONDecoder().decode(
          TextConfiguration.self, from: JSONSerialization.data(withJSONObject: json))
        let angles = configuration.rotaryAngles
        let numbers = try #require(expected["frequencies"] as? [Double])
        #expect(angles.frequencies.count == numbers.count)
        for (found, expected) in zip(angles.frequencies, numbers) {
          #expect(abs(found / expected - 1) < 1e-5, "\(name): \(found), expected \(expected)")
        }
        #expect(abs(angles.magnitude - (expected["magnitude"] as! Double)) < 1e-12, "\(name)")
        let written = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(TextConfiguration.self, from: written) == configuration, "\(name)")
      }
    }
  }

  /// 120 tokens, most of them behind the original contexts: read at once, and again from a saved model.
  @Test func likelihoods() throws {
    for (name, expected) in try reference("models") {
      try withModel(expected) { folder in
        let numbers = try #require(expected["likelihoods"] as? [Double])
        func check(_ folder: URL) throws {
          let found = try likelihoods(PretrainedModel.load(from: folder, template: .plain), Self.ids)
          #expect(found.count == numbers.count)
          let difference = zip(found, numbers).map { abs(Double($0) - $1) }.max()
          #expect(difference ?? 1 < 2e-4, "\(name): \(difference ?? 1)")
        }
        try check(folder)
        let saved = folder.appending(component: "saved")
        try PretrainedModel.load(from: folder, template: .plain).save(to: saved)
        try check(saved)
      }
    }
  }

  /// An answer read token by token from a cache is transformers', and as likely as when it is read at once.
  @Test func answers() throws {
    for (name, expected) in try reference("models") {
      try withModel(expected) { folder in
        let loaded = try PretrainedModel.load(from: folder, template: .plain)
        let prompt = Array(Self.ids.prefix(60))
        let generator = Generator(model: loaded.model, tokenizer: loaded.tokenizer)
        for copies in [1, 20] {
          let answers = try generator.generate(
            Array(repeating: PackedExample(promptIDs: prompt), count: copies),
            imageFeatures: loaded.imageFeatures([]), maxNewTokens: 60)
          let answer = try #require(answers.last)
          #expect(answer.ids.map(Int.init) == expected["answer"] as? [Int], "\(name)")
          let whole = try likelihoods(loaded, prompt + answer.ids).suffix(60)
          let difference = zip(answer.logProbabilities, whole).map { abs($0 - $1) }.max() ?? 1
          #expect(difference < 2e-4, "\(name): \(difference)")
        }
      }
    }
  }

  /// Beyond its context the type `dynamic` has no one result.
  @Test func dynamicPositionsEndWithTheContext() throws {
    try withModel(["keys": ["rope_type": "dynamic", "factor": 4.0]]) { folder in
      let ids = (0..<130).map { Int32($0 % 50 + 4) }
      @Sendable func read(_ count: Int) throws -> Int {
        try likelihoods(PretrainedModel.load(from: folder, template: .plain), Array(ids.prefix(count))).count
      }
      let whole = try read(129)
      #expect(whole == 128)
      let words = message { _ = try withTensorErrors { try read(130) } }
      #expect(words.contains("type dynamic are computed up to 128 tokens, found 129"), "\(words)")
    }
  }

  private static let ids: [Int32] = (Int32(0)..<120).map { number in
    let mixed: Int32 = number * number * 7 + number * 37 + 11
    return mixed % 300 + 4
  }

  private func withModel(_ expected: [String: Any], _ body: (URL) throws -> Void) throws {
    try withCopy { folder in
      let keys = try #require(expected["keys"] as? [String: Any])
      try edit("config.json", section: "text_config", folder) { text in
        text["rope_parameters"] = keys.merging(["rope_theta": 500.0]) { $1 }
      }
      try body(folder)
    }
  }

  /// log p of every token but the first.
  private func likelihoods(_ loaded: PretrainedModel, _ ids: [Int32]) throws -> [Float] {
    let batch = try PackedBatch(
      [PackedExample(promptIDs: [ids[0]], completions: [Array(ids.dropFirst())])], sharesPrefix: true,
      imageTokenID: loaded.encoder.imageTokenID)
    let features = try loaded.imageFeatures([])
    return noGradient { loaded.model.logProbabilities(batch, imageFeatures: features) }.array(of: Float.self)
  }
}
