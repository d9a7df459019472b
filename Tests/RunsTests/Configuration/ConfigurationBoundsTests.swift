import Foundation
import Runs
import Testing

/// Every key with a number, with numbers that no run can have: reading, checking and planning end with a
/// sentence or work.
@Suite struct ConfigurationBoundsTests {
  private static let hostile = [
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "-1", "0", "1", "1000000000",
    "1e308", "-1e308",
    "1e-308", "nan", ".nan", "inf", ".inf", "1e400",
  ]

  /// Dotted keys of the schema whose values are numbers, with their defaults.
  private static let keys: [(key: String, expectation: String)] = {
    var (section, keys) = ("", [(key: String, expectation: String)]())
    for line in ConfigurationReference.markdown.split(separator: "\n") {
      if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
      let cells = line.dropFirst(2).components(separatedBy: " | ")
      guard line.hasPrefix("| `"), cells.count > 3, cells[2].contains("number") else { continue }
      keys.append(("\(section).\(cells[0].prefix { $0 != " " }.filter { $0 != "`" })", cells[2]))
    }
    return keys
  }()

  @Test func noNumberOfAnyKeyEndsTheProcess() throws {
    #expect(Self.keys.count > 60)
    var refused = 0
    for (key, _) in Self.keys {
      for value in Self.hostile {
        do {
          let configuration = try RunConfiguration(
            yaml: "run: {name: r}\n", file: "c.yaml", overrides: ["\(key)=\(value)"])
          _ = try RunPlan(configuration).description
        } catch let error as ConfigurationError {
          #expect("\(error)".contains("expected"), "\(key)=\(value): \(error)")
          refused += 1
        }
      }
    }
    #expect(refused > Self.keys.count * 5)
  }

  /// Every integer key at the end of its range, all at once, as far as the checks between keys let them.
  @Test func allKeysAtTheirUpperEndsArePlanned() throws {
    var overrides: [String] = []
    for (key, expectation) in Self.keys {
      guard
        let range = expectation.range(of: #"whole number from -?\d+ to \d+"#, options: .regularExpression),
        let last = expectation[range].split(separator: " ").last
      else { continue }
      overrides.append("\(key)=\(last)")
    }
    #expect(overrides.count > 35)
    for key in overrides {
      do {
        let configuration = try RunConfiguration(yaml: "run: {name: r}\n", file: "c.yaml", overrides: [key])
        #expect(try RunPlan(configuration).peakBytes > 0)
      } catch is ConfigurationError {}
    }
    let together =
      overrides.filter { override in
        ![
          "patch_size", "vision_feature_layer", "num_key_value_heads", "image_size", "vision_config",
          "text_config.num_attention_heads",
          "vocab_size", "select.layer", "cell_size", "eval_steps", "early_stopping_patience",
          "ref_model_sync_steps", "eval_samples", "eval_max_new_tokens",
        ].contains { override.contains($0) }
      } + [
        "train.num_train_epochs=1000000", "model.text_config.num_attention_heads=65536",
        "model.text_config.num_key_value_heads=65536",
      ]
    let configuration = try RunConfiguration(yaml: "run: {name: r}\n", file: "c.yaml", overrides: together)
    let plan = try RunPlan(configuration)
    #expect(plan.peakBytes > 1 << 60 && plan.trainSteps.count > 0 && plan.trainTokens > 0)
    #expect(plan.description.contains("memory"))
  }

  /// Texts that cost a reader of YAML much more than their length.
  @Test func multiplyingAliasesAndDeepNestingAreRefused() {
    func doubling(_ levels: Int, _ use: String) -> String {
      var lines = ["a0: &a0 [x, x]"]
      for level in 1...levels { lines.append("a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]") }
      return lines.joined(separator: "\n") + "\n" + use + "\n"
    }
    let texts = [
      doubling(30, "? *a30\n: 1"), doubling(30, "{*a30: 1}"), doubling(30, "run: *a30"),
      doubling(14, "run: {? *a14 : 1}"),
      String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
      "a: " + String(repeating: "- ", count: 100_000), "&a [*a]", "run: &r {? *r : 1}",
    ]
    let start = ContinuousClock.now
    for text in texts {
      #expect(throws: ConfigurationError.self, "\(text.prefix(40))") {
        try RunConfiguration(yaml: text, file: "c.yaml", overrides: [])
      }
    }
    #expect(ContinuousClock.now - start < .seconds(20))
  }
}
