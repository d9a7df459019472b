import Checkpoint
import Foundation
import LVLM
import MultiImageData
import Tensor
import TestSupport
import Testing

/// `dpotrain dpo`: a model and pairs that are there already.
@Suite struct OwnPairsTests {
  private static let model = BuiltCommand.packageRoot
    .appendingPathComponent("Tests/Fixtures/verification/llava_tiny").path

  /// Twelve pairs about squares, in our own format; a third with two pictures.
  private static func pairs() -> [PreferencePair] {
    (0..<12).map { index in
      let images = index % 3 == 0 ? ["a\(index % 4).png", "a3.png"] : ["a\(index % 4).png"]
      let marks = String(repeating: "<image>\n", count: images.count)
      return PreferencePair(
        id: "p\(index)", images: images, prompt: "\(marks)What is number \(index)?", chosen: "a red dog",
        rejected: "two cats \(index)")
    }
  }

  private static func write(_ pairs: [PreferencePair], to folder: URL) throws {
    for shade in 0..<4 {
      var pixels: [UInt8] = []
      for place in 0..<120 { pixels += [UInt8(60 * shade), UInt8(place % 12 * 9), UInt8(place / 12 * 11)] }
      let picture = RGBImage(width: 12, height: 10, pixels: pixels)
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("pictures"), withIntermediateDirectories: true)
      try picture.writePNG(to: folder.appendingPathComponent("pictures/a\(shade).png").path)
    }
    try PreferencePairFile.write(pairs, to: folder.appendingPathComponent("pairs.jsonl").path)
  }

  private static func arguments(_ more: [String] = [], to output: String = "out") -> [String] {
    [
      "dpo", "--model", model, "--pairs", "pairs.jsonl", "--images", "pictures", "--output-dir", output,
      // The model has room for 128 tokens.
      "--set", "tokenizer.template=plain",
      "--set", "train.max_steps=6", "--set", "train.per_device_train_batch_size=4", "--set",
      "train.save_steps=2", "--set", "train.logging_steps=1", "--set", "train.learning_rate=0.01",
    ] + more
  }

  private static func weights(_ run: URL) throws -> Data {
    try Data(contentsOf: run.appendingPathComponent("train/model/model.safetensors"))
  }

  private static func withPairs(
    _ pairs: [PreferencePair] = pairs(), _ body: (URL) throws -> Void
  ) throws {
    try BuiltCommand.withFolder { folder in
      try write(pairs, to: folder)
      try body(folder)
    }
  }

  @Test func oneCommandFromPairsToAModel() throws {
    try Self.withPairs { folder in
      let first = try BuiltCommand.run(Self.arguments(["--set", "data.eval_share=0.25"]), in: folder)
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output.contains("9 pairs in the format mia-dpo, 3 held out"))
      #expect(first.output.contains("3 pairs held out"))
      let run = folder.appendingPathComponent("out")
      let report = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(report.contains("Pairs held out") && !report.contains("Not in this report"))
      for stage in ["sft", "compose", "select", "evaluate"] {
        #expect(!FileManager.default.fileExists(atPath: run.appendingPathComponent(stage).path), "\(stage)")
        #expect(!report.contains("the stage \(stage)"), "\(stage)")
      }
      let before = try Self.weights(run)
      let again = try BuiltCommand.run(Self.arguments(["--set", "data.eval_share=0.25"]), in: folder)
      #expect(again.output.contains("train: done before") && again.output.contains("3 pairs held out"))
      // The configuration file that it left says the same.
      let file = try BuiltCommand.run("--config", "out/config.yaml", in: folder)
      #expect(file.status == 0 && file.output.contains("train: done before"), "\(file.errors)")
      let sft = try BuiltCommand.run("sft", "--config", "out/config.yaml", in: folder)
      #expect(sft.status == 1 && sft.errors.contains("has no stage sft, only train and report"))
      #expect(try Self.weights(run) == before)
      let plan = try BuiltCommand.run("plan", "--config", "out/config.yaml", in: folder)
      #expect(plan.status == 0 && plan.output.contains("stays: train, report"), "\(plan.errors)")
      #expect(!plan.output.contains("composed") && plan.output.contains("6 steps of 4 pairs"))
    }
  }

  /// The same pairs in any format train the same weights.
  @Test func formatsAreSpellings() throws {
    try Self.withPairs { folder in
      var found: Set<Data> = []
      for format in PairFormat.allCases where format != .rlaifV {
        let name = "pairs-\(format.rawValue).json"
        let converted = try BuiltCommand.run(
          "convert", "pairs.jsonl", name, "--to", format.rawValue, in: folder)
        #expect(converted.status == 0, "\(converted.errors)")
        let call = try BuiltCommand.run(
          Self.arguments(["--pairs", name, "--quiet"], to: format.rawValue), in: folder)
        #expect(call.status == 0, "\(format): \(call.errors)")
        found.insert(try Self.weights(folder.appendingPathComponent(format.rawValue)))
      }
      #expect(found.count == 1)
    }
  }

  /// A run that is killed in every step ends in the bytes of one that is not, its best look's weights too.
  @Test func killedRunsEndTheSame() throws {
    try Self.withPairs { folder in
      let more = [
        "--set", "data.eval_share=0.25", "--set", "train.eval_steps=1", "--set",
        "train.load_best_model_at_end=true", "--set", "train.max_steps=200", "--set",
        "train.early_stopping_patience=40", "--set", "train.eval_samples=2", "--set",
        "train.eval_max_new_tokens=5", "--quiet",
      ]
      let whole = try BuiltCommand.run(Self.arguments(more), in: folder)
      #expect(whole.status == 0, "\(whole.errors)")
      let (process, _) = try BuiltCommand.start(Self.arguments(more, to: "killed"), in: folder)
      let metrics = folder.appendingPathComponent("killed/metrics.jsonl")
      for _ in 0..<5000 where process.isRunning {
        if let text = try? String(contentsOf: metrics, encoding: .utf8), text.contains("\"step\": 5,") {
          break
        }
        usleep(1000)
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let last = try BuiltCommand.run(Self.arguments(more, to: "killed"), in: folder)
      #expect(last.status == 0, "\(last.errors)")
      for name in [
        "metrics.jsonl", "train/held_out.json", "train/held_out_answers.jsonl",
        "train/model/model.safetensors",
      ] {
        let (one, other) = (
          try TinyRun.bytes(of: name, in: folder.appendingPathComponent("out")),
          try TinyRun.bytes(of: name, in: folder.appendingPathComponent("killed"))
        )
        #expect(one == other, "\(name)")
      }
    }
  }

  /// Another content of the pairs, or of a picture, trains again; another value of a key too.
  @Test func changesTrainAgain() throws {
    try Self.withPairs { folder in
      #expect(try BuiltCommand.run(Self.arguments(), in: folder).status == 0)
      var pairs = Self.pairs()
      pairs[4].rejected = "no cats"
      try Self.write(pairs, to: folder)
      let changed = try BuiltCommand.run(Self.arguments(), in: folder)
      #expect(changed.errors.contains("data.pairs: files hold something else than they did; redoes train"))
      let other = RGBImage(width: 12, height: 10, pixels: [UInt8](repeating: 7, count: 360))
      try other.writePNG(to: folder.appendingPathComponent("pictures/a1.png").path)
      let picture = try BuiltCommand.run(Self.arguments(), in: folder)
      #expect(picture.errors.contains("data.pairs: files hold something else than they did; redoes train"))
      let key = try BuiltCommand.run(Self.arguments(["--set", "train.beta=0.2"]), in: folder)
      #expect(key.errors.contains("train.beta: 0.1 there, 0.2 here; redoes train"), "\(key.errors)")
    }
  }

  /// What cannot be used is told before the model is trained, and `skip` leaves it out.
  @Test func badPairs() throws {
    var pairs = Self.pairs()
    pairs[1].images = ["nowhere.png"]
    pairs[2].rejected = pairs[2].chosen
    try Self.withPairs(pairs) { folder in
      let file = folder.appendingPathComponent("pairs.jsonl")
      var text = try String(contentsOf: file, encoding: .utf8)
      text +=
        "{\"id\": \"x\", \"image\": \"a0.png\", \"prompt\": \"no mark\", \"chosen\": \"a\", \"rejected\": "
        + "\"b\"}\n"
      try Data(text.utf8).write(to: file)
      let stopped = try BuiltCommand.run(Self.arguments(), in: folder)
      #expect(stopped.status == 1)
      for part in [
        "pairs.jsonl:2: record p1", "nowhere.png", "pairs.jsonl:3: record p2", "pairs.jsonl:13: record x",
        "3 records cannot be used",
      ] { #expect(stopped.errors.contains(part), "\(part): \(stopped.errors)") }
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
      // A list with all its records in one line loses no others.
      let records = text.split(separator: "\n").joined(separator: ", ")
      try Data("[\(records)]".utf8).write(to: folder.appendingPathComponent("line.json"))
      let inOne = try BuiltCommand.run(
        Self.arguments(
          ["--pairs", "line.json", "--set", "run.on_bad_record=skip", "--set", "data.eval_share=0.25"],
          to: "line"), in: folder)
      #expect(inOne.status == 0, "\(inOne.errors)")
      #expect(
        inOne.output.contains("line.json: 7 pairs in the format mia-dpo, 3 held out"), "\(inOne.output)")
      let lost = try String(
        contentsOf: folder.appendingPathComponent("line/omissions.txt"), encoding: .utf8)
      #expect(lost.split(separator: "\n").count == 3, "\(lost)")
      let skipped = try BuiltCommand.run(Self.arguments(["--set", "run.on_bad_record=skip"]), in: folder)
      #expect(skipped.status == 0, "\(skipped.errors)")
      let omitted = try String(
        contentsOf: folder.appendingPathComponent("out/omissions.txt"), encoding: .utf8)
      #expect(omitted.split(separator: "\n").count == 3, "\(omitted)")
    }
  }

  @Test func badCalls() throws {
    try Self.withPairs { folder in
      for (arguments, sentence) in [
        (Self.arguments(["--set", "sft.max_steps=3"]), "a run on pairs of one's own has no such stage"),
        (Self.arguments(["--model", "nowhere"]), "nowhere: no such model (model.path)"),
        (Self.arguments(["--pairs", "nowhere.json"]), "nowhere.json: no such file"),
        (Self.arguments(["--adapter", "dora"]), "train.adapter"),
        (Self.arguments(["--set", "train.eval_steps=2"]), "data.eval_pairs or data.eval_share"),
        (Self.arguments(["--set", "train.eval_samples=2"]), "data.eval_pairs or data.eval_share"),
        (Self.arguments(["--set", "data.source=shapes"]), "the pairs are the data"),
        (Self.arguments(["--set", "train.rounds=2"]), "it needs prompts that the run composed"),
        (Self.arguments(["--eval-pairs", "pairs.jsonl"]), "expected pairs that are not trained on"),
        (
          Self.arguments(["--set", "data.eval_share=0.5", "--set", "train.load_best_model_at_end=true"]),
          "eval_steps of 1 or more"
        ),
      ] {
        let call = try BuiltCommand.run(arguments, in: folder)
        #expect(call.status == 1 && call.errors.contains(sentence), "\(arguments): \(call.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
      let without = try BuiltCommand.run(
        "plan", "--config", try TinyRun.write(to: folder), "--set",
        "train.eval_steps=2", in: folder)
      #expect(without.errors.contains("train.eval_steps: found 2 without data.pairs"), "\(without.errors)")
    }
  }

  /// A run does not move or remove what it is made from.
  @Test func inputsWhereTheRunWritesAreRefused() throws {
    try Self.withPairs { folder in
      #expect(try BuiltCommand.run(Self.arguments(), in: folder).status == 0)
      let (pairs, inside) = (
        folder.appendingPathComponent("pairs.jsonl"), folder.appendingPathComponent("out/pairs.jsonl")
      )
      try FileManager.default.copyItem(at: pairs, to: inside)
      for more in [
        ["--pairs", "out/pairs.jsonl"], ["--eval-pairs", "out/pairs.jsonl"], ["--model", "out/train/model"],
      ] {
        for fresh in [[], ["--fresh"]] {
          let call = try BuiltCommand.run(Self.arguments(more + fresh), in: folder)
          #expect(call.status == 1 && call.errors.contains("lies in run.output_dir"), "\(call.errors)")
        }
      }
      #expect(try Data(contentsOf: inside) == Data(contentsOf: pairs))
      #expect(!(try Self.weights(folder.appendingPathComponent("out")).isEmpty))
    }
  }

  /// Keys that another format reads, and shares that leave nothing, are errors.
  @Test func nothingIsPassedOver() throws {
    try Self.withPairs { folder in
      let text =
        #"{"system": "Be brief.", "prompt": "What?", "chosen": "a dog", "rejected": "two cats"}"# + "\n"
      try Data(text.utf8).write(to: folder.appendingPathComponent("system.jsonl"))
      let system = try BuiltCommand.run(Self.arguments(["--pairs", "system.jsonl"]), in: folder)
      #expect(system.status == 1 && system.errors.contains("has a key \"system\""), "\(system.errors)")
      for command in ["dpo", "plan"] {
        let share = ["--set", "data.eval_share=0.99"]
        let call =
          command == "dpo"
          ? try BuiltCommand.run(Self.arguments(share), in: folder)
          : try BuiltCommand.run(
            [
              "plan", "--config", try TinyRun.write(to: folder), "--set", "data.eval_share=0.99",
            ], in: folder)
        #expect(call.status == 1)
        if command == "dpo" { #expect(call.errors.contains("holds out all 12 prompts"), "\(call.errors)") }
      }
    }
  }

  /// What the base model says does not depend on how training weighs tokens and pairs.
  @Test func figuresBeforeTraining() throws {
    struct Figures: Decodable {
      struct One: Decodable {
        struct Margin: Decodable { let mean: Double }
        let loss: Double, nll_loss: Double
        let reward_margin: Margin
      }
      let before: One, after: One
    }
    try Self.withPairs { folder in
      func figures(_ setting: String) throws -> Figures {
        let call = try BuiltCommand.run(
          Self.arguments(["--set", "data.eval_share=0.25", "--set", setting, "--quiet"], to: setting),
          in: folder)
        #expect(call.status == 0, "\(call.errors)")
        let file = folder.appendingPathComponent("\(setting)/train/held_out.json")
        return try JSONDecoder().decode(Figures.self, from: Data(contentsOf: file))
      }
      let usual = try figures("train.beta=0.1")
      #expect(abs(usual.before.reward_margin.mean) < 1e-5)
      for setting in ["train.ld_alpha=0.5", "train.use_weighting=true", "train.adapter=none"] {
        let found = try figures(setting)
        #expect(abs(found.before.nll_loss - usual.before.nll_loss) < 1e-4, "\(setting)")
        #expect(abs(found.before.reward_margin.mean) < 1e-5, "\(setting)")
      }
      // A loss without a reference has rewards from the start.
      let simpo = try figures("train.loss_type=simpo")
      #expect(abs(simpo.before.reward_margin.mean) > 1e-2)
      #expect(abs(simpo.before.nll_loss - usual.before.nll_loss) < 1e-4)
    }
  }

  /// At every look the model answers a few prompts held out, as the report and `watch` show.
  @Test func answersToPromptsHeldOut() throws {
    struct Row: Decodable, Equatable {
      let step: Int
      let id, prompt, answer, chosen, rejected: String
      let images: [String]
    }
    try Self.withPairs { folder in
      let call = try BuiltCommand.run(
        Self.arguments([
          "--set", "data.eval_share=0.25", "--set", "train.eval_steps=3", "--set", "train.eval_samples=2",
          "--set", "train.eval_max_new_tokens=6",
        ]), in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let run = folder.appendingPathComponent("out")
      let text = try String(
        contentsOf: run.appendingPathComponent("train/held_out_answers.jsonl"), encoding: .utf8)
      let rows = try text.split(separator: "\n").map {
        try JSONDecoder().decode(Row.self, from: Data($0.utf8))
      }
      #expect(rows.map(\.step) == [0, 0, 3, 3, 6, 6])
      #expect(rows[0].id != rows[1].id && rows[0].id == rows[2].id && rows[1].id == rows[5].id)
      let pairs = Self.pairs()
      for row in rows {
        let pair = try #require(pairs.first { $0.id == row.id })
        #expect(row.prompt == pair.prompt && row.chosen == pair.chosen && row.rejected == pair.rejected)
        #expect(
          row.images.map { URL(fileURLWithPath: $0).lastPathComponent } == pair.images
            && row.images.allSatisfy { FileManager.default.fileExists(atPath: $0) })
      }
      // The last answers are those of the model that was written.
      let last = rows[4]
      let asked = try BuiltCommand.run(
        ["generate", "--model", "out/train/model", "--template", "plain", "--max-new-tokens", "6"]
          + last.images.flatMap { ["--image", $0] } + ["--prompt", last.prompt], in: folder)
      #expect(asked.status == 0, "\(asked.errors)")
      #expect(asked.output.contains(last.answer), "\(asked.output) has no \(last.answer)")
      let report = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
      #expect(report.contains("Answers to prompts held out") && report.contains("<dt>step 6</dt>"))
      let watch = try BuiltCommand.run("watch", "--once", "out", in: folder)
      #expect(watch.output.contains("answer after step 0, \(rows[0].id): What is number"), "\(watch.output)")
      #expect(watch.output.components(separatedBy: "answer after step").count == 7)
    }
  }

  /// Weights that stay as they are win and lose nothing, and a run that made nothing better says so.
  @Test func trainingThatChangesNothing() throws {
    struct Figures: Decodable {
      struct Share: Decodable { let mean: Double }
      struct One: Decodable { let reward_accuracy: Share }
      struct Best: Decodable {
        let step: Int
        let metric: String
      }
      let before: One, after: One
      let best_look: Best
    }
    try Self.withPairs { folder in
      for metric in ["eval_loss", "eval_rewards/accuracies"] {
        let call = try BuiltCommand.run(
          Self.arguments(
            [
              "--set", "data.eval_share=0.25", "--set", "train.learning_rate=1e-30", "--set",
              "train.eval_steps=2", "--set", "train.adapter=none", "--set",
              "train.metric_for_best_model=\(metric)",
            ], to: metric), in: folder)
        #expect(call.status == 0, "\(call.errors)")
        let sentence = "Training made the model no better on the pairs held out: \(metric) was "
        #expect(call.output.contains(sentence), "\(call.output)")
        let run = folder.appendingPathComponent(metric)
        let figures = try JSONDecoder().decode(
          Figures.self, from: Data(contentsOf: run.appendingPathComponent("train/held_out.json")))
        #expect(figures.before.reward_accuracy.mean == 0 && figures.after.reward_accuracy.mean == 0)
        #expect(figures.best_look.step == 0 && figures.best_look.metric == metric)
        let report = try String(contentsOf: run.appendingPathComponent("report.html"), encoding: .utf8)
        #expect(report.contains(sentence))
        for line in try String(contentsOf: run.appendingPathComponent("metrics.jsonl"), encoding: .utf8)
          .split(separator: "\n")
        {
          let row = try #require(
            JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
          #expect(row["rewards/accuracies"] as? Double == 0)
          for name in ["logits/chosen", "logits/rejected", "entropy", "mean_token_accuracy", "num_tokens"] {
            #expect(row[name] is Double, "\(name): \(line)")
          }
          guard row["eval_loss"] != nil else { continue }
          #expect(row["eval_rewards/accuracies"] as? Double == 0)
          for name in ["logits/chosen", "logits/rejected", "entropy", "mean_token_accuracy"] {
            #expect(row["eval_\(name)"] is Double, "\(name): \(line)")
          }
        }
      }
    }
  }

  /// The part of a pair that is too long is told, with its tokens and those before it.
  @Test func theLongPartIsTold() throws {
    var pairs = Self.pairs()
    pairs[1].rejected = Array(repeating: "cats", count: 200).joined(separator: " ")
    pairs[2].chosen = Array(repeating: "dogs", count: 200).joined(separator: " ")
    pairs[4].prompt += Array(repeating: " really", count: 200).joined()
    try Self.withPairs(pairs) { folder in
      let call = try BuiltCommand.run(Self.arguments(), in: folder)
      #expect(call.status == 1)
      for words in [
        #/record p1: rejected answer "cats cats.*": found \d+ tokens after a prompt of \d+, expected at most/#,
        #/record p2: chosen answer "dogs dogs.*": found \d+ tokens after a prompt of \d+, expected at most/#,
        #/record p4: prompt "<image>.*": found \d+ tokens, expected at most \d+ \(the context length\)/#,
      ] {
        #expect(call.errors.contains(words), "\(call.errors)")
      }
    }
  }

  /// Adapters learn on the matrices of a GGUF file as they lie there, and are written alone.
  @Test func adaptersOnAGGUFFile() throws {
    try BuiltCommand.withFolder { folder in
      var bytes = try Data(contentsOf: Fixtures.url("tokenizers/tiny.gguf"))
      let key = try #require(bytes.range(of: Data("llama.context_length".utf8)))
      bytes.replaceSubrange(key.upperBound + 4..<key.upperBound + 8, with: [0, 4, 0, 0])
      try bytes.write(to: folder.appendingPathComponent("tiny.gguf"))
      let pairs = (0..<8).map {
        PreferencePair(
          id: "\($0)", images: [], prompt: "What is \($0)?", chosen: "it is \($0)", rejected: "no")
      }
      let file = folder.appendingPathComponent("pairs.jsonl")
      try PreferencePairFile.write(pairs, to: file.path)
      func arguments(_ more: [String] = []) -> [String] {
        [
          "dpo", "--model", "tiny.gguf", "--pairs", "pairs.jsonl", "--output-dir", "out", "--set",
          "train.max_steps=6", "--set", "train.per_device_train_batch_size=4", "--set",
          "train.learning_rate=0.01", "--set", "train.gamma=0", "--set", "data.eval_share=0.25",
        ] + more
      }
      let call = try BuiltCommand.run(arguments(), in: folder)
      #expect(call.status == 0, "\(call.errors)")
      let adapter = folder.appendingPathComponent("out/train/adapter")
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out/train/model").path))
      // What was trained is what the adapter gives the file.
      let gguf = folder.appendingPathComponent("tiny.gguf")
      let (base, trained) = (try PretrainedModel.load(from: gguf), try PretrainedModel.load(from: gguf))
      try trained.model.loadAdapter(from: adapter)
      func margin(_ loaded: PretrainedModel) throws -> Float {
        let example = try loaded.encoder.example(
          question: "What is 3?", images: [], answers: ["it is 3", "no"])
        let batch = try PackedBatch(
          [example], sharesPrefix: true, imageTokenID: Int32(loaded.model.configuration.imageTokenIndex))
        let scores = loaded.model.logProbabilities(batch, imageFeatures: try loaded.imageFeatures([]))
          .array(of: Float.self)
        return zip(batch.completionOfTarget, scores).reduce(0) { $0 + ($1.0 == 0 ? $1.1 : -$1.1) }
      }
      #expect(try margin(trained) > margin(base) + 1)
      let none = try BuiltCommand.run(arguments(["--adapter", "none"]), in: folder)
      #expect(none.status == 1 && none.errors.contains("the file's weights stay as they are"))
      try PreferencePairFile.write(
        [PreferencePair(id: "p", images: ["a.png"], prompt: "<image>What?", chosen: "a", rejected: "b")],
        to: file.path)
      let shown = try BuiltCommand.run(arguments(), in: folder)
      #expect(shown.status == 1 && shown.errors.contains("is a language model without a vision tower"))
    }
  }
}
