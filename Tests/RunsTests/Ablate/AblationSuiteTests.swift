import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Runs
import TestSupport
import Testing

@Suite("Ablation suite")
struct AblationSuiteTests {
  private func withFile(_ yaml: String, _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("suite-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("suite.yaml")
    try Data(yaml.utf8).write(to: file)
    try Data("train: {beta: 0.2, gamma: 0.3}\n".utf8).write(to: folder.appendingPathComponent("base.yaml"))
    try body(file)
  }

  private static let yaml = """
    base: base.yaml
    set: {evaluate.questions: 20, train.gamma: 0.4}
    seeds: [3, 5]
    output_dir: here
    reference: main
    paper: {columns: [MMMU, BLINK], base: [35.1, 37.1]}
    variants:
      - {name: main, table: One, label: the method, paper: [36.3, 42.9]}
      - {name: beta, table: Two, set: {train.beta: 1}}
      - {name: rule, table: Two, set: {select.max_pairs: 10}}
      - {name: layer, table: Two, set: {select.layer: 1}}
      - {name: again, table: Two, set: {train.beta: 0.2}}

    """

  @Test("every run is the base with the suite's changes, the variant's and its seed, in this order")
  func units() throws {
    try withFile(Self.yaml) { file in
      let suite = try AblationSuite(contentsOf: file, overrides: ["train.gamma=0.5"])
      #expect(suite.units.count == 10 && suite.tables == ["One", "Two"])
      #expect(suite.units.map(\.seed) == Array(repeating: 3, count: 5) + Array(repeating: 5, count: 5))
      let beta = suite.units[6].configuration
      #expect(beta.train.beta == 1 && beta.train.gamma == 0.5 && beta.evaluate.questions == 20)
      #expect(beta.run.seed == 5 && beta.run.name == "beta" && beta.run.outputDirectory == "here/beta-5")
      #expect(suite.units[0].configuration.train.beta == 0.2)
      #expect(suite.variants[0].paper == [36.3, 42.9] && suite.paperBase == [35.1, 37.1])
      let elsewhere = try AblationSuite(contentsOf: file, outputDirectory: "/tmp/there")
      #expect(elsewhere.units[0].configuration.run.outputDirectory == "/tmp/there/main-3")
    }
  }

  @Test("a variant makes only what its changes reach")
  func plan() throws {
    try withFile(Self.yaml) { file in
      let plan = AblationPlan(try AblationSuite(contentsOf: file))
      let parts = plan.own.map(\.parts)
      #expect(
        parts[0] == [.sft, .compose, .answers, .select, .train, .questions, .before, .evaluate]
          && parts[5] == parts[0])
      #expect(parts[1] == [.train, .evaluate])
      #expect(parts[2] == [.select, .train, .evaluate])
      #expect(parts[3] == [.answers, .select, .train, .before, .evaluate])
      #expect(parts[4] == [])
      #expect(plan.description.contains("10 runs: 5 variants, seeds 3, 5, in here"))
    }
  }

  @Test("a suite can take another one's variants")
  func variantsOfAnother() throws {
    try withFile(Self.yaml) { file in
      let other = file.deletingLastPathComponent().appendingPathComponent("other.yaml")
      try Data("base: {train: {beta: 0.7}}\nseeds: [1]\nvariants: suite.yaml\n".utf8).write(to: other)
      let suite = try AblationSuite(contentsOf: other)
      #expect(suite.variants.map(\.name) == ["main", "beta", "rule", "layer", "again"])
      #expect(suite.units[2].configuration.train.beta == 0.7 && suite.outputDirectory == "runs/other")
      #expect(suite.reference == "main" && suite.paperColumns == ["MMMU", "BLINK"])
    }
  }

  @Test("everything wrong with the file is told at once, with its line")
  func problems() throws {
    let yaml = """
      base: {train: {beta: 0.2}}
      seeds: [1, 1]
      reference: nobody
      sets: {a.b: 1}
      paper: {columns: [MMMU], base: [1, 2]}
      variants:
        - {name: a, lable: A}
        - {name: "b c"}
        - {name: a, set: {beta: 1}}

      """
    try withFile(yaml) { file in
      do {
        _ = try AblationSuite(contentsOf: file)
        Issue.record("read")
      } catch let error as ConfigurationError {
        let found = error.problems.map { "\($0.place.split(separator: "/").last!): \($0.key): \($0.message)" }
        #expect(
          found == [
            "suite.yaml:2: seeds: found a list of 2, expected a list of whole numbers, each once",
            "suite.yaml:3: reference: found \"nobody\", expected the name of a variant",
            "suite.yaml:4: sets: unknown key; did you mean set?",
            "suite.yaml:5: paper.base: found a list of 2, expected 1 numbers, one for each of paper.columns",
            "suite.yaml:7: variants.0.lable: unknown key; did you mean table?",
            "suite.yaml:8: variants.1.name: expected a name of letters, digits, dots, dashes and underscores",
            "suite.yaml:9: variants.2.name: found \"a\" twice, expected it once",
            "suite.yaml:9: variants.2.set.beta: expected section.key",
          ])
      }
    }
  }

  @Test("a wrong value names the variant, the line and the key")
  func wrongValue() throws {
    let yaml = "base: {train: {beta: 0.2}}\nvariants:\n  - {name: a, set: {train.beta: -1, train.gama: 1}}\n"
    try withFile(yaml) { file in
      do {
        _ = try AblationSuite(contentsOf: file)
        Issue.record("read")
      } catch let error as AblationError {
        #expect(error.description.contains("variant a: "))
        #expect(error.description.contains("train.beta: found -1, expected a number above 0"))
        #expect(error.description.contains("train.gama: unknown key; did you mean gamma?"))
        #expect(error.description.contains("suite.yaml:3"))
      }
    }
  }

  @Test("the shipped suites resolve", arguments: ["all", "fashion"])
  func shipped(name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let suite = try AblationSuite(
      contentsOf: root.appendingPathComponent("configs/ablations/\(name).yaml"))
    #expect(suite.seeds == [1, 2, 3] && suite.reference == "mia-dpo")
    #expect(suite.units.count == 3 * suite.variants.count && suite.variants.count >= 25)
    // The base model is made once for each seed, whatever a variant changes.
    #expect(AblationPlan(suite).own.count { $0.parts.contains(.sft) } == 3)
    #expect(AblationPlan(suite).own.count { $0.parts.contains(.questions) } == 3)
  }

  /// Which levels become pairs is decided after the base has answered: everything before is shared.
  @Test func levelsShareTheBaseAndItsAnswers() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let suite = try AblationSuite(contentsOf: root.appendingPathComponent("configs/ablations/levels.yaml"))
    #expect(
      suite.variants.map(\.name) == ["level-1", "level-2", "level-3", "all"] && suite.seeds == [1, 2, 3])
    for part in [RunPart.sft, .compose, .answers, .questions, .before] {
      #expect(AblationPlan(suite).own.count { $0.parts.contains(part) } == 3, "\(part)")
    }
    #expect(AblationPlan(suite).own.count { $0.parts.contains(.train) } == 12)
    let first = suite.units[0].configuration
    #expect(first.select.levels == ["name"] && first.compose.compare.total == 1000)
    #expect(first.select.maxPairs == 1500 && first.evaluate.find == 1000)
    let base = try RunConfiguration(contentsOf: root.appendingPathComponent("configs/levels.yaml"))
    #expect(base.sft.composed.compare == 0.15 && base.sft.composed.find == 0.15)
  }
}
