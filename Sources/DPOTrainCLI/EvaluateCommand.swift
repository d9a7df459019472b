import ArgumentParser
import CommandArguments
import DPOTrain
import Evaluation
import Foundation
import LVLM
import Records
import Runs

extension BenchmarkRun.Score: ExpressibleByArgument {}
extension BenchmarkPrompt.Form: ExpressibleByArgument {}

/// `dpotrain evaluate`: the held-out questions of a run, or the file of a benchmark.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract:
      "Asks held-out questions before and after, and prints the table; or those of a benchmark's file.",
    discussion: """
      dpotrain evaluate --config FILE
      dpotrain evaluate --data MMBench_DEV_EN.tsv --model llava-1.5-7b-hf --score both

      The second form reads VLMEvalKit's TSV (pictures in base64 or as paths) and writes \
      DATA_predictions.tsv, DATA_results.json and DATA_results.md. Answers are read by VLMEvalKit's exact \
      rules, without a judge; --score likelihood takes the option that the model finds likeliest. The same \
      command goes on after an interruption.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("YAML file of the run.", valueName: "file"))
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Override a value of the file (repeatable).", valueName: "section.key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("A benchmark's file in VLMEvalKit's format.", valueName: "file.tsv"))
  var data: String?

  @OptionGroup(title: "With --data") var benchmark: BenchmarkOptions

  @Flag(name: .shortAndLong, help: "Shows results, warnings and errors only.")
  var quiet = false

  @Flag(help: "Removes what an earlier run or evaluation left and starts over.")
  var fresh = false

  func validate() throws {
    if benchmark.listPresets { return }
    switch (config, data) {
    case (nil, nil):
      throw ValidationError("Missing expected argument '--config <file>' or '--data <file.tsv>'")
    case (.some, .some):
      throw ValidationError("--config evaluates a run and --data a model; give one of them")
    case (.some, nil):
      guard benchmark.model == nil else {
        throw ValidationError("--model belongs to --data, not to --config")
      }
    case (nil, .some):
      guard benchmark.model != nil else {
        throw ValidationError("Missing expected argument '--model <path>'")
      }
      guard overrides.isEmpty else { throw ValidationError("--set belongs to --config, not to --data") }
    }
  }

  func run() throws {
    if benchmark.listPresets { return print(BenchmarkOptions.presets, terminator: "") }
    if let config {
      let arguments =
        ["--config", config] + overrides.flatMap { ["--set", $0] } + (quiet ? ["--quiet"] : [])
        + (fresh ? ["--fresh"] : [])
      return try RunOptions.parse(arguments).run([.evaluate])
    }
    guard let data, let model = benchmark.model else { return }
    if let folder = benchmark.outputDir { try OutputPlace.requireFolder(folder, option: "--output-dir") }
    Interruption.install()
    let choice = try ModelChoice(model: model, adapter: benchmark.adapter)
    for note in choice.notes { Console(isQuiet: quiet).warning(note) }
    var options = benchmark.options(BenchmarkRun.Options(data: data, model: model, choice: choice))
    options.fresh = fresh
    try BenchmarkRun(options, console: Console(isQuiet: quiet)).run()
  }
}

/// How a benchmark's file is evaluated.
struct BenchmarkOptions: ParsableArguments {
  @Option(help: ArgumentHelp(ModelArguments.model, valueName: "path"))
  var model: String?

  @Option(help: ArgumentHelp(ModelArguments.projector, valueName: "file"))
  var projector: String?

  @Option(help: ArgumentHelp(ModelArguments.adapter, valueName: "path"))
  var adapter: String?

  @Option(help: ArgumentHelp(ModelArguments.storage, valueName: "type"))
  var dtype = WeightStorage.auto

  @Option(help: ArgumentHelp(ModelArguments.template))
  var template: String?

  @Option(help: "The benchmark (--list-presets); by the file's name when left out.")
  var preset: String?

  @Flag(help: "Lists the benchmarks, and what is reported of each.")
  var listPresets = false

  @Option(
    help: ArgumentHelp(
      "How a row becomes a question: llava, dataset (VLMEvalKit's for its LLaVA models and for others), "
        + "question, video; the preset's when left out.",
      valueName: "form"))
  var prompt: BenchmarkPrompt.Form?

  @Option(help: "Text at the end of every question.")
  var promptSuffix = ""

  @Option(
    help: ArgumentHelp("Where paths of pictures start; the file's folder when left out.", valueName: "dir"))
  var imageRoot: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Folder for the results; evaluations/MODEL-KEY, its own for this model and these options, when left "
        + "out.",
      valueName: "dir"))
  var outputDir: String?

  @Option(help: "How answers are taken: generate, likelihood or both.")
  var score = BenchmarkRun.Score.generate

  @Option(help: "Asks only the first so many rows of the file.")
  var limit: Int?

  @Option(help: "Rows at a time, at most.")
  var batchSize = 16

  @Option(help: "Tokens at a time, at most; a longer row goes alone.")
  var batchTokens = 8192

  @Option(
    help: "Tokens of an answer at most; 64 for options and yes or no, 512 for open answers when left out.")
  var maxNewTokens: Int?

  @Flag(help: "Asks rows without a picture too, which VLMEvalKit leaves out.")
  var textRows = false

  @Option(
    help: ArgumentHelp(
      "What to do with a row that cannot be asked: error stops before anything is asked, skip skips it "
        + "and tells.")
  )
  var onBadRow = RunConfiguration.Run.BadRecordPolicy.error

  func validate() throws {
    for (name, value) in [
      ("--limit", limit), ("--batch-size", batchSize), ("--batch-tokens", batchTokens),
      ("--max-new-tokens", maxNewTokens),
    ] where !(1...1_000_000_000).contains(value ?? 1) {
      throw ValidationError("\(name) must be from 1 to 1000000000")
    }
    try ModelArguments.template(named: template)
    if let preset, BenchmarkPreset(named: preset) == nil {
      let names = BenchmarkPreset.all.map(\.name).joined(separator: ", ")
      throw ValidationError("--preset: found \(preset), expected one of \(names)")
    }
  }

  func options(_ options: BenchmarkRun.Options) -> BenchmarkRun.Options {
    var options = options
    options.projector = projector
    options.weights = dtype
    options.template = template.flatMap { ChatTemplate(named: $0) }
    options.preset = preset.flatMap { BenchmarkPreset(named: $0) }
    options.form = prompt
    options.suffix = promptSuffix
    options.imageRoot = imageRoot
    options.outputFolder = outputDir
    options.score = score
    options.limit = limit
    options.batchSize = batchSize
    options.batchTokens = batchTokens
    options.maxNewTokens = maxNewTokens
    options.asksTextRows = textRows
    options.onBadRow = onBadRow
    return options
  }

  /// A line per preset.
  static var presets: String {
    TextTable(
      header: ["preset", "answers", "prompt", "what is reported"],
      rows: BenchmarkPreset.all.map { [$0.name, $0.answers.rawValue, $0.prompt.rawValue, $0.reports] },
      leftColumns: 4
    ).plain
  }
}
