import Foundation
import Testing

/// Training in rounds, and pairs in other orders, with the program as built.
@Suite struct RoundsRunTests {
  private static let rounds = ["--quiet", "--set", "train.rounds=3"]

  private func bytes(_ path: String, of run: URL) throws -> Data {
    try Data(contentsOf: run.appendingPathComponent(path))
  }

  @Test func eachRoundAnswersWithAndStartsFromTheModelBefore() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let first = try BuiltCommand.run("--config", config, "--quiet", in: folder)
      #expect(first.status == 0, "\(first.errors)")
      let result = try BuiltCommand.run(
        ["--config", config, "--set", "run.output_dir=rounds"] + Self.rounds, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let (one, three) = (
        folder.appendingPathComponent("runs/tiny"), folder.appendingPathComponent("rounds")
      )
      let two = three.appendingPathComponent("earlier_round")
      let nested = two.appendingPathComponent("earlier_round")
      // The first round is a run of one round.
      for path in ["pairs.jsonl", "compose/records.jsonl", "train/model/model.safetensors"] {
        #expect(try bytes(path, of: nested) == bytes(path, of: one), "\(path)")
      }
      let runs = [nested, two, three]
      for path in ["compose/records.jsonl", "select/answers.jsonl", "train/model/model.safetensors"] {
        #expect(Set(try runs.map { try bytes(path, of: $0) }).count == 3, "\(path)")
      }
      #expect(Set(try runs.map { try bytes("sft/model/model.safetensors", of: $0) }).count == 1)
      #expect(try bytes("evaluate/before.jsonl", of: three) == bytes("evaluate/before.jsonl", of: one))
      // What training starts from is the model of the round before: no margin at first.
      let start = try #require(RunMetrics.train(of: three).first)
      #expect(abs(try #require(start["rewards/margins"])) < 1e-5)
    }
  }

  @Test func roundsThatAreKilledAnywhereEndUpTheSame() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let whole = try BuiltCommand.run(
        ["--config", config, "--set", "run.output_dir=whole"] + Self.rounds, in: folder)
      #expect(whole.status == 0, "\(whole.errors)")
      let arguments = ["--config", config, "--set", "run.output_dir=killed"] + Self.rounds
      let run = folder.appendingPathComponent("killed")
      let signs = [
        "earlier_round/sft/done.json", "earlier_round/earlier_round/select/answers.jsonl",
        "earlier_round/earlier_round/checkpoints", "earlier_round/train/done.json", "select/answers.jsonl",
        "train/model",
      ]
      for sign in signs {
        let (process, _) = try BuiltCommand.start(arguments, in: folder)
        let path = run.appendingPathComponent(sign).path
        for _ in 0..<20_000 where process.isRunning && !FileManager.default.fileExists(atPath: path) {
          usleep(1000)
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let last = try BuiltCommand.run(arguments, in: folder)
      #expect(last.status == 0, "\(last.errors)")
      #expect(
        try TinyRun.fingerprint(of: run) == TinyRun.fingerprint(of: folder.appendingPathComponent("whole")))
    }
  }

  @Test func aChangedKeyOfTrainingRedoesTheAnswersOfLaterRounds() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let arguments = ["--config", config, "--set", "run.output_dir=rounds", "--set", "train.rounds=2"]
      #expect(try BuiltCommand.run(arguments + ["--quiet"], in: folder).status == 0)
      let again = try BuiltCommand.run(arguments, in: folder)
      #expect(again.status == 0 && again.output.contains("select: done before"), "\(again.output)")
      let answers = try bytes("select/answers.jsonl", of: folder.appendingPathComponent("rounds"))
      let changed = try BuiltCommand.run(arguments + ["--set", "train.learning_rate=1e-3"], in: folder)
      #expect(changed.status == 0, "\(changed.errors)")
      #expect(changed.errors.contains("train.learning_rate"))
      #expect(try bytes("select/answers.jsonl", of: folder.appendingPathComponent("rounds")) != answers)
      let fresh = try BuiltCommand.run(
        [
          "--config", config, "--quiet", "--set", "run.output_dir=fresh", "--set", "train.rounds=2", "--set",
          "train.learning_rate=1e-3",
        ], in: folder)
      #expect(fresh.status == 0, "\(fresh.errors)")
      #expect(
        try bytes("train/model/model.safetensors", of: folder.appendingPathComponent("rounds"))
          == bytes("train/model/model.safetensors", of: folder.appendingPathComponent("fresh")))
    }
  }

  @Test func copiesInOtherOrdersTakePartInTraining() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      func run(_ name: String, _ more: String...) throws -> BuiltCommand {
        try BuiltCommand.run(
          ["--config", config, "--set", "run.output_dir=\(name)"] + more.flatMap { ["--set", $0] }, in: folder
        )
      }
      let copies = try run("copies", "train.permuted_copies=2")
      #expect(copies.status == 0, "\(copies.errors)")
      let pairs = try String(
        decoding: bytes("pairs.jsonl", of: folder.appendingPathComponent("copies")), as: UTF8.self
      )
      .split(separator: "\n")
      // Two pictures have one other order, three have five.
      let more = pairs.reduce(0) {
        $0 + ($1.contains("sequence-2-") ? 1 : $1.contains("sequence-3-") ? 2 : 0)
      }
      #expect(more > 0)
      #expect(copies.output.contains("train: \(pairs.count + more) pairs"), "\(copies.output)")
      let none = try run(
        "none", "train.permuted_copies=2", "compose.sequence={2: 0}", "select.formats=[grid, pic_in_pic]")
      #expect(none.status == 0, "\(none.errors)")
      #expect(none.errors.contains("train.permuted_copies has no effect"))
    }
  }

  @Test func copiesTakePartInEveryTermOfTheLossAndEveryRound() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let result = try BuiltCommand.run(
        ["--config", config, "--set", "run.output_dir=all"]
          + [
            "train.permuted_copies=1", "train.attention_weight=0.5", "train.image_weight=1",
            "train.image_corruption=swap", "train.rounds=2", "select.layer=auto",
          ].flatMap { ["--set", $0] }, in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let run = folder.appendingPathComponent("all")
      for round in [run, run.appendingPathComponent("earlier_round")] {
        let rows = try RunMetrics.train(of: round)
        #expect(rows.count == 8)
        for row in rows {
          #expect((row["attention/chosen"] ?? -1) > 0 && row["rewards/image_margins"]?.isFinite == true)
        }
      }
    }
  }

  @Test func theNumberOfRoundsAloneIsToldToDiffer() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let arguments = ["--config", config, "--set", "run.output_dir=rounds"]
      #expect(
        try BuiltCommand.run(arguments + ["--quiet", "--set", "train.rounds=2"], in: folder).status == 0)
      let one = try BuiltCommand.run(["plan"] + arguments, in: folder)
      let text = one.output + one.errors
      #expect(text.contains("train.rounds: 2 there, 1 here"), "\(text)")
      #expect(!text.contains("nothing here") && !text.contains("nothing there"), "\(text)")
    }
  }

  @Test func aStageThatLacksAnotherSaysSoBeforeAnyRound() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let result = try BuiltCommand.run(["train", "--config", config, "--set", "train.rounds=2"], in: folder)
      #expect(result.status == 1)
      #expect(result.errors.contains("which is not done"), "\(result.errors)")
      let made = folder.appendingPathComponent("runs/tiny/earlier_round").path
      #expect(!FileManager.default.fileExists(atPath: made))
    }
  }

  @Test func aDamagedEarlierRoundNamesTheRunThatMendsIt() throws {
    try BuiltCommand.withFolder { folder in
      let config = try TinyRun.write(to: folder)
      let arguments = [
        "--config", config, "--quiet", "--set", "run.output_dir=rounds", "--set", "train.rounds=2",
      ]
      #expect(try BuiltCommand.run(arguments, in: folder).status == 0)
      let model = folder.appendingPathComponent("rounds/earlier_round/train/model/model.safetensors")
      let whole = try Data(contentsOf: model)
      var bytes = whole
      bytes[bytes.count - 9] ^= 1
      try bytes.write(to: model)
      let damaged = try BuiltCommand.run(arguments + ["--redo", "train"], in: folder)
      #expect(damaged.status == 1)
      #expect(damaged.errors.contains("rounds/earlier_round/config.yaml"), "\(damaged.errors)")
      let mended = try BuiltCommand.run(
        ["train", "--config", "rounds/earlier_round/config.yaml", "--redo", "train", "--quiet"], in: folder)
      #expect(mended.status == 0, "\(mended.errors)")
      #expect(try Data(contentsOf: model) == whole)
      #expect(try BuiltCommand.run(arguments, in: folder).status == 0)
    }
  }
}
