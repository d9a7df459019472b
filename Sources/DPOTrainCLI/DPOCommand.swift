import ArgumentParser
import DPOTrain
import Foundation
import MultiImageData
import Records
import Runs

/// `dpotrain dpo`: a model and pairs that are there, in one command.
struct DPOCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpo",
    abstract: "Trains a model you have on preference pairs you have.",
    discussion: """
      dpotrain dpo --model models/llava --pairs pairs.jsonl --images pictures --output-dir runs/mine

      The same as a configuration file with model.path, data.pairs, data.image_root, train.adapter and \
      run.output_dir; --set gives any other key, such as train.learning_rate=1e-5 or data.eval_share=0.1. \
      An interrupted run goes on with the same command. The trained model is OUTPUT-DIR/train/model, and \
      OUTPUT-DIR/config.yaml is the configuration file. Of a GGUF file the quantised matrices stay as they \
      are; the adapter is OUTPUT-DIR/train/adapter.
      """)

  @Option(
    help: ArgumentHelp(
      "Directory of the model in Hugging Face layout, or GGUF file of a language model.", valueName: "path"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Preference pairs, JSON or JSONL, in the format "
        + "\(PairFormat.allCases.map(\.rawValue).joined(separator: ", ")); see docs/pairs.md.",
      valueName: "file"))
  var pairs: String

  @Option(
    help: ArgumentHelp("What picture paths are relative to; by default the pairs' folder.", valueName: "dir"))
  var images: String?

  @Option(
    name: .customLong("eval-pairs"),
    help: ArgumentHelp("Pairs that are held out and only looked at.", valueName: "file"))
  var evalPairs: String?

  @Option(help: ArgumentHelp("lora trains adapters, none all weights of the decoder.", valueName: "kind"))
  var adapter: String = "lora"

  @Option(
    name: .customLong("output-dir"), help: ArgumentHelp("Directory of the run's files.", valueName: "dir"))
  var outputDirectory: String

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Any other key of a configuration; can be given several times.", valueName: "section.key=value"))
  var overrides: [String] = []

  @OptionGroup var behaviour: RunBehaviour

  func run() throws {
    var given = [
      ("model.path", model), ("data.pairs", pairs), ("train.adapter", adapter),
      ("run.output_dir", outputDirectory),
    ]
    if let images { given.append(("data.image_root", images)) }
    if let evalPairs { given.append(("data.eval_pairs", evalPairs)) }
    let name = URL(fileURLWithPath: outputDirectory).lastPathComponent
    let isName = name.first != "." && name.allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) }
    if isName, !name.isEmpty { given.append(("run.name", name)) }
    try behaviour.run(
      try RunConfiguration(
        yaml: "", file: "dpotrain dpo",
        overrides: given.map { RunConfiguration.override($0.0, text: $0.1) } + overrides),
      [.train, .report])
  }
}
