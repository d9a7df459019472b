import ArgumentParser
import DPOTrain
import Records

/// `dpotrain run`, and `dpotrain` itself: every stage.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs every stage that is not done yet (the default).",
    discussion: """
      dpotrain run --config configs/quickstart.yaml --set run.seed=2 --set run.output_dir=runs/seed-2

      The stages are sft, compose, select, train, evaluate and report, in this order. Everything is written \
      below run.output_dir; the same command resumes after an interruption.
      """)
  @OptionGroup var options: RunOptions
  func run() throws { try options.run(Stage.allCases) }
}

struct SFTCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft", abstract: "Trains the base model on single-image conversations.",
    discussion: """
      dpotrain sft --config configs/quickstart.yaml

      Reads data.*, and model.path where it is given. Writes sft/model, sft/checkpoints and metrics.jsonl.
      """)
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.sft]) }
}

struct ComposeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compose",
    abstract: "Makes sequence, grid and pic-in-pic prompts from single-image records.",
    discussion: """
      dpotrain compose --config configs/quickstart.yaml

      Reads data.*. Writes compose/records.jsonl, compose/single.jsonl and pictures.
      """)
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.compose]) }
}

struct SelectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "select",
    abstract: "Answers composed prompts and keeps those with too little attention on the named image.",
    discussion: """
      dpotrain select --config configs/quickstart.yaml

      Reads sft/model and compose/. Writes select/answers.jsonl, select/candidates.jsonl, select/summary.md \
      and pairs.jsonl.
      """)
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.select]) }
}

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Optimizes preferences (DPO) on the selected pairs.",
    discussion: """
      dpotrain train --config configs/quickstart.yaml --set train.gamma=0.3

      Reads sft/model and pairs.jsonl. Writes train/model, checkpoints/ and metrics.jsonl. With pairs of \
      your own see dpotrain dpo --help.
      """)
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.train]) }
}
