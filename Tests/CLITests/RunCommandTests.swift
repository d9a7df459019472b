import Foundation
import Testing

@Suite struct RunCommandTests {
  @Test func everyStageLeavesItsFiles() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run("--config", config, in: folder)
      #expect(call.status == 0, "\(call.errors)")
      for kind in ["Single image", "Sequence", "Grid collage", "Pic-in-pic"] {
        #expect(call.output.contains(kind))
      }
      #expect(!call.errors.contains("\u{1B}"))
      let run = folder.appendingPathComponent("runs/tiny")
      let names = try FileManager.default.contentsOfDirectory(atPath: run.path)
      for name in [
        "config.yaml", "metrics.jsonl", "pairs.jsonl", "results.json", "report.html", "checkpoints", "sft",
        "compose", "select", "train", "evaluate", "report",
      ] { #expect(names.contains(name), "\(name)") }
      #expect(names.contains { $0.hasPrefix("events.out.tfevents.") })
      let latest = try String(contentsOf: run.appendingPathComponent("checkpoints/latest"), encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(
        FileManager.default.fileExists(atPath: run.appendingPathComponent("checkpoints/\(latest)").path))

      let results = try Data(contentsOf: run.appendingPathComponent("results.json"))
      let files = try TinyRun.fingerprint(of: run)
      let again = try BuiltCommand.run("--config", config, "--quiet", in: folder)
      #expect(again.status == 0)
      #expect(try Data(contentsOf: run.appendingPathComponent("results.json")) == results)
      #expect(try TinyRun.fingerprint(of: run) == files)

      // Another value is told, first by plan, which touches nothing; then what depends on it is made again.
      let changed = ["--config", config, "--set", "train.beta=0.2"]
      let plan = try BuiltCommand.run(["plan"] + changed, in: folder)
      #expect(plan.output.contains("stays: sft, compose, answers, select, questions, before"))
      #expect(plan.output.contains("train.beta: 0.1 there, 0.2 here; redoes train, evaluate, report"))
      #expect(try TinyRun.fingerprint(of: run) == files)
      let early = try BuiltCommand.run(["evaluate"] + changed, in: folder)
      #expect(early.status == 1)
      #expect(
        early.errors.contains(
          "train, which is not done with these settings (train.beta: 0.1 there, 0.2 here)"))
      let other = try BuiltCommand.run(changed + ["--quiet"], in: folder)
      #expect(other.status == 0, "\(other.errors)")
      #expect(
        other.errors.hasPrefix("warning: train.beta: 0.1 there, 0.2 here; redoes train, evaluate, report\n"))
      #expect(other.errors.contains("what it left before is kept in replaced/1"))
      let apart = try BuiltCommand.run(changed + ["--quiet", "--set", "run.output_dir=apart"], in: folder)
      #expect(apart.status == 0, "\(apart.errors)")
      #expect(
        try TinyRun.fingerprint(of: run) == TinyRun.fingerprint(of: folder.appendingPathComponent("apart")))
      // Back to the first value: the first results are there again, and nothing is trained.
      let back = try BuiltCommand.run("--config", config, in: folder)
      #expect(back.status == 0, "\(back.errors)")
      #expect(back.output.contains("train: the same as in replaced/1"), "\(back.output)")
      #expect(try TinyRun.fingerprint(of: run) == files)
      #expect(try Data(contentsOf: run.appendingPathComponent("results.json")) == results)
      let fresh = try BuiltCommand.run("compose", "--config", config, "--fresh", in: folder)
      #expect(fresh.status == 0)
      #expect(!FileManager.default.fileExists(atPath: run.appendingPathComponent("results.json").path))
    }
  }

  @Test func stagesOneByOneGiveTheSameBytes() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      for stage in ["sft", "compose", "select", "train", "evaluate", "report"] {
        let call = try BuiltCommand.run(
          stage, "--config", config, "--set", "run.output_dir=single", in: folder)
        #expect(call.status == 0, "\(stage): \(call.errors)")
      }
      let whole = try TinyRun.fingerprint(of: folder.appendingPathComponent("runs/tiny"))
      let parts = try TinyRun.fingerprint(of: folder.appendingPathComponent("single"))
      #expect(whole == parts)
    }
  }

  /// What must not change training: where reference log-probabilities come from, whether answers share their
  /// prompt, and how a step is split.
  @Test func equivalentSettingsTrainTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let expected = try RunMetrics.train(of: folder.appendingPathComponent("runs/tiny"))
      #expect(expected.count == 8 && abs(expected[0]["loss"]! - 0.693) < 2)
      for (name, settings) in [
        ("live", ["train.precompute_ref_log_probs=false"]), ("unshared", ["train.shares_prefix=false"]),
        ("split", ["train.per_device_train_batch_size=1", "train.gradient_accumulation_steps=2"]),
      ] {
        let run = folder.appendingPathComponent(name)
        let arguments =
          ["--config", config, "--quiet", "--set", "run.output_dir=\(name)"]
          + settings.flatMap { ["--set", $0] }
        for stage in ["sft", "compose", "select", "train"] {
          let call = try BuiltCommand.run([stage] + arguments, in: folder)
          #expect(call.status == 0, "\(name) \(stage): \(call.errors)")
        }
        let found = try RunMetrics.train(of: run)
        #expect(found.count == expected.count)
        for (step, (ours, theirs)) in zip(found, expected).enumerated() {
          for key in ["loss", "grad_norm", "rewards/margins", "logps/chosen"] {
            let (a, b) = (ours[key] ?? .nan, theirs[key] ?? .infinity)
            #expect(abs(a - b) <= 2e-4 * max(1, abs(b)), "\(name), step \(step + 1), \(key): \(a) and \(b)")
          }
        }
      }
    }
  }

  @Test func aStageNeedsTheOnesBeforeIt() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run("train", "--config", config, in: folder)
      #expect(call.status == 1)
      #expect(
        call.errors.hasSuffix(
          "train needs the files of sft, which is not done; run dpotrain sft with this configuration first, "
            + "or dpotrain for all stages\n"))
    }
  }

  @Test(arguments: ["WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"])
  func severalProcessesAreRefused(variable: String) throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run("--config", config, in: folder, environment: [variable: "2"])
      #expect(call.status == 1)
      #expect(call.errors.hasPrefix("error: found \(variable)=2, expected a single process: "))
      #expect(call.errors.hasSuffix("build it with --traits Server,MPI, or start it without the launcher\n"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tiny.yaml"])
    }
  }

  @Test func ofProcessesThatAreRefusedOneSaysWhy() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let call = try BuiltCommand.run(
        "--config", config, in: folder,
        environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"])
      #expect(call.status == 1 && call.errors.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tiny.yaml"])
    }
  }

  @Test(arguments: [
    ("answers", "select/answers.jsonl"), ("before", "evaluate/before.jsonl"),
    ("questions", "evaluate/questions/composed.jsonl"),
  ])
  func aPartOfAStageIsMadeAgain(part: String, file: String) throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      #expect(try BuiltCommand.run("--config", config, "--quiet", in: folder).status == 0)
      let made = folder.appendingPathComponent("runs/tiny/\(file)")
      let before = try Data(contentsOf: made)
      let again = try BuiltCommand.run("--config", config, "--quiet", "--redo", part, in: folder)
      #expect(again.status == 0, "\(again.errors)")
      #expect(try Data(contentsOf: made) == before)
    }
  }
}
