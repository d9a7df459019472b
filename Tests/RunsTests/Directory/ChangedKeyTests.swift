import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Runs
import TestSupport
import Testing

/// Every key of the schema, changed: which parts of a run fall, and what is said about it.
@Suite struct ChangedKeyTests {
  /// What has to stand beside a key, and another value where it cannot be guessed.
  private static let particular: [String: (beside: [String], value: String?)] = [
    "data.path": (["data.source=fashion"], "elsewhere"), "data.names": (["data.source=emoji"], "elsewhere"),
    "data.image_root": (["data.source=llava", "data.path=a.json"], "elsewhere"),
    "data.turns": (["data.source=llava", "data.path=a.json"], "first"),
    "data.shares.shapes": (["data.source=mixture", "data.shares.shapes=1", "data.shares.fashion=1"], "2"),
    "data.shares.fashion": (["data.source=mixture", "data.shares.shapes=1", "data.shares.fashion=1"], "2"),
    "data.shares.emoji": (["data.source=mixture", "data.shares.shapes=1", "data.shares.emoji=1"], "2"),
    "data.shares.stamps": (["data.source=mixture", "data.shares.shapes=1", "data.shares.stamps=1"], "2"),
    "model.text_config.num_key_value_heads": ([], "1"),
    "sft.train_decoder": (["model.language_model=a.gguf"], "false"),
    "select.thresholds.sequence": ([], "{2: 0.6, 3: 0.5, 4: 0.4, 5: 0.3}"),
    "select.thresholds.grid": ([], "{2: 0.6, 3: 0.5, 4: 0.4, 6: 0.3, 9: 0.2}"),
    "train.discopop_tau": (["train.loss_type=discopop"], "0.1"),
    "train.dpop_lambda": (["train.loss_type=dpop"], "2"),
    "train.sync_ref_model": (["train.precompute_ref_log_probs=false"], "true"),
    "train.simpo_gamma": (["train.loss_type=simpo"], "2"),
    "train.f_alpha_divergence_coef": (["train.f_divergence_type=alpha_divergence"], "0.25"),
    "train.label_smoothing": (["train.loss_type=robust"], "0.25"),
    "train.single_image_share": (["compose.single=50"], "0.25"),
    "sft.vision_pretraining.composed_share": (["sft.composed.pic_in_pic=1"], "0.5"),
    "sft.stop_accuracy": (["sft.eval_steps=10"], "0.5"),
    "sft.composed.sequence": ([], "{3: 1}"), "sft.composed.grid": ([], "{4: 1}"),
    "data.pairs": (ownPairs, "other.json"), "data.pairs_format": (ownPairs, "trl"),
    "data.eval_pairs": (ownPairs + ["data.eval_pairs=a.json"], "b.json"),
    "data.eval_share": (ownPairs, "0.25"),
    "train.eval_steps": (ownPairs + ["data.eval_share=0.5"], "7"),
    "train.load_best_model_at_end": (ownPairs + ["data.eval_share=0.5", "train.eval_steps=7"], "true"),
    "train.metric_for_best_model": (ownPairs + ["data.eval_share=0.5"], "eval_rewards/margins"),
    "train.eval_samples": (ownPairs + ["data.eval_share=0.5"], "4"),
    "train.eval_max_new_tokens": (ownPairs + ["data.eval_share=0.5"], "7"),
    "train.early_stopping_patience": (ownPairs + ["data.eval_share=0.5", "train.eval_steps=7"], "3"),
  ]

  /// A run on pairs that are there.
  private static let ownPairs = ["model.path=model", "data.pairs=pairs.json"]

  /// A setting that gives a key another value than it has.
  private static func values(_ key: String, value: String, expected: String) -> [String] {
    if let value = particular[key]?.value { return [value] }
    var values: [String] = []
    if let number = Int(value) {
      values += [number + 1, number + 2, number * 2, number - 1, number + 8].map(String.init)
    } else if let number = Double(value) {
      values += [number / 2, number + 0.25, number * 2, 0.5].map { "\($0)" }
    } else if value == "true" || value == "false" {
      values.append(value == "true" ? "false" : "true")
    }
    for mark in ["one of ", "from "] {
      guard let place = expected.range(of: mark) else { continue }
      let names = expected[place.upperBound...].components(separatedBy: ", ").filter { $0 != value }
      values += names + names.map { "[\($0)]" }
    }
    values += ["other", "[0.1]", "0.5", "3", "[2]", "{total: 7}", "null"]
    return values
  }

  /// The rows of the reference page: key, default, expectation and the parts that a change redoes.
  private static var rows: [(key: String, value: String, expected: String, redoes: [RunPart])] {
    var section = ""
    return ConfigurationReference.markdown.split(separator: "\n").compactMap { line in
      if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
      guard line.hasPrefix("| `") else { return nil }
      let cells = line.replacing("\\|", with: "\u{1}").split(separator: "|").map {
        $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "")
      }
      return (
        "\(section).\(cells[0].replacing(" *", with: ""))", cells[1], cells[2],
        cells[4].components(separatedBy: ", ").compactMap(RunPart.init(rawValue:))
      )
    }
  }

  private static func configuration(_ settings: [String]) -> RunConfiguration? {
    try? RunConfiguration(yaml: "run: {name: run}", file: "test", overrides: settings)
  }

  /// Two configurations that differ in a key.
  private static func pair(
    _ key: String, _ value: String, _ expected: String
  ) -> (base: RunConfiguration, other: RunConfiguration)? {
    let beside = particular[key]?.beside ?? []
    guard let base = configuration(beside) else { return nil }
    for value in values(key, value: value, expected: expected) {
      if let other = configuration(beside + ["\(key)=\(value)"]), other.values[key] != base.values[key] {
        return (base, other)
      }
    }
    return nil
  }

  @Test func thePartsThatFallAreThoseOfTheReference() throws {
    #expect(Self.rows.count > 110)
    for (key, value, expected, redoes) in Self.rows {
      guard let (base, other) = Self.pair(key, value, expected) else {
        Issue.record("\(key): no other value was found; give it one in the table of this test")
        continue
      }
      // Of keys that make others come and go, such as model.path, more may fall.
      let also = Set(base.values.keys).symmetricDifference(other.values.keys)
      let others = base.values.keys.filter { $0 != key && base.values[$0] != other.values[$0] }
      guard also.isEmpty, others.isEmpty else { continue }
      let expectedParts = Set(
        RunPart.allCases.filter { part in
          redoes.contains { part == $0 || part.needs.contains($0) }
            && (!base.hasOwnPairs || base.stages.contains(part.stage))
        }
      ).subtracting([.report])
      let found = Set(
        RunPart.allCases.filter {
          base.stages.contains($0.stage) && base.hash(of: $0) != other.hash(of: $0)
        }
      ).subtracting([.report])
      #expect(
        found == expectedParts, "\(key): \(found.sorted()) fall, the reference says \(expectedParts.sorted())"
      )
    }
  }

  /// What a key names is looked at, whatever key it is.
  @Test func everyKeyOfAPathIsLookedAt() {
    let keys = Self.rows.filter { $0.expected == "a path" }.map(\.key)
    // Where the run itself goes is no input of it.
    #expect(Set(keys).subtracting(["run.output_dir"]) == Set(OutsideFiles.keys), "\(keys)")
  }

  @Test func whatDiffersIsSaidWithBothValuesAndTheParts() throws {
    try Fixtures.withTemporaryDirectory { folder in
      do {
        let run = try RunDirectory(RunConfiguration.writing(to: folder) { $0.train.gamma = 0.1 })
        for part in RunPart.allCases { try run.markDone(part, seconds: 1) }
      }
      let other = RunConfiguration.writing(to: folder) {
        $0.train.gamma = 0.3
        $0.evaluate.questions = 7
      }
      let states = try PartStates(other, in: folder)
      #expect(
        states.changes.map(\.description) == [
          "train.gamma: 0.1 there, 0.3 here; redoes train, evaluate, report",
          "evaluate.questions: 400 there, 7 here; redoes questions, before, evaluate, report",
        ])
      #expect(states.done == [.sft, .compose, .answers, .select])
      #expect(states.stale == [.train, .questions, .before, .evaluate])
      let run = try RunDirectory(other)
      let error = #expect(throws: RunDirectoryError.self) { try run.requirePrerequisites(of: .evaluate) }
      #expect(
        "\(error!)".contains(
          "train, which is not done with these settings (train.gamma: 0.1 there, 0.3 here)"))
    }
  }

  /// A run of a version without these keys is done, as long as they have their defaults.
  @Test func keysThatAreNewRedoNothing() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let configuration = RunConfiguration.writing(to: folder)
      do {
        let run = try RunDirectory(configuration)
        for part in RunPart.allCases { try run.markDone(part, seconds: 1) }
      }
      let new = [
        "loss_weights", "use_rslora", "use_dora", "lora_dropout", "loraplus_lr_ratio",
        "projector_learning_rate", "vision_learning_rate", "optim", "adam_epsilon", "sync_ref_model",
        "ref_model_sync_steps", "ref_model_mixup_alpha", "lr_scheduler_kwargs.num_cycles",
        "lr_scheduler_kwargs.power", "lr_scheduler_kwargs.lr_end", "lr_scheduler_kwargs.timescale",
      ].map { "train.\($0)" }
      let file = folder.appendingPathComponent(RunPart.train.recordName)
      var record = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
      var settings = try #require(record["settings"] as? [String: String])
      for key in new { #expect(settings.removeValue(forKey: key) != nil, "\(key)") }
      record["settings"] = settings
      record["key"] = "of another version"
      record["crc32"] = nil
      record["files"] = nil
      try JSONSerialization.data(withJSONObject: record).write(to: file)
      #expect(try PartStates(configuration, in: folder).done.contains(.train))
      let other = RunConfiguration.writing(to: folder) { $0.train.useDoRA = true }
      #expect(try !PartStates(other, in: folder).done.contains(.train))
    }
  }

  /// Answers of looks during supervised training are made and graded as those of evaluation.
  @Test(arguments: [0, 10]) func looksReadWhatEvaluationReads(evalSteps: Int) {
    var base = RunConfiguration()
    base.sft.evalSteps = evalSteps
    for edit: (inout RunConfiguration) -> Void in [
      { $0.evaluate.grader = .text }, { $0.evaluate.maxNewTokens += 1 }, { $0.evaluate.batchTokens += 1 },
    ] {
      var other = base
      edit(&other)
      #expect((base.hash(of: .sft) != other.hash(of: .sft)) == (evalSteps > 0))
      #expect(base.hash(of: .compose) == other.hash(of: .compose))
      #expect(base.hash(of: .before) != other.hash(of: .before))
    }
  }

  @Test func policiesAreInNoHash() {
    let base = RunConfiguration()
    for edit: (inout RunConfiguration) -> Void in [
      { $0.run.onBadRecord = .skip }, { $0.run.threads = 3 }, { $0.run.name = "other" },
      { $0.train.saveSteps += 1 },
      { $0.sft.saveSteps += 1 }, { $0.train.saveTotalLimit += 1 }, { $0.report.samples += 1 },
    ] {
      var other = base
      edit(&other)
      for part in RunPart.allCases where part != .report {
        #expect(base.hash(of: part) == other.hash(of: part))
      }
      #expect(base.hash == other.hash)
    }
  }
}
