import ArgumentParser
import DPOTrain
import Records

/// `dpotrain run`, and `dpotrain` itself: every stage.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs every stage that is not done yet (the default).")
  @OptionGroup var options: RunOptions
  func run() throws { try options.run(Stage.allCases) }
}

struct SFTCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft", abstract: "Trains the base model on single-image conversations.")
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.sft]) }
}

struct ComposeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compose", abstract: "Makes sequence, grid and pic-in-pic prompts from single-image records."
  )
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.compose]) }
}

struct SelectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "select",
    abstract: "Answers composed prompts and keeps those with too little attention on the named image.")
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.select]) }
}

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Optimizes preferences (DPO) on the selected pairs.")
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.train]) }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Writes report.html with curves, tables and attention maps.")
  @OptionGroup var options: RunOptions
  func run() throws { try options.run([.report]) }
}
