import ArgumentParser
import CommandArguments
import DPOTrain
import Evaluation
import Foundation
import LVLM
import Records
import Runs

struct EasyVQACommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "easy-vqa",
    abstract: "Grades a run or a model on the public easy-VQA test set.",
    discussion: """
      scripts/easy-vqa
      dpotrain easy-vqa --run runs/quickstart

      Open questions (colour, shape) come first, yes/no questions apart: a guess by the question alone is \
      right on most of the latter. Beside the model stand the same model without the picture (blind) and \
      that guess. Intervals are 95 %, over pictures. Writes every answer (before.jsonl, after.jsonl), \
      results.json and table.md.
      """)

  @Option(help: ArgumentHelp("Folder of the data set, as scripts/easy-vqa makes it.", valueName: "dir"))
  var data = "data/easy-vqa"

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "Directory of a run; its base model is graded, and the one after preference training where it is "
        + "there.",
      valueName: "dir"))
  var runDirectory: String?

  @Option(help: ArgumentHelp("Model directory to grade in place of a run's.", valueName: "dir"))
  var model: String?

  @Option(
    help:
      "Chat template of --model: \(ModelArguments.templates); the model's own when left out."
  )
  var template: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Folder to write; easy-vqa in the run's directory when left out.", valueName: "dir"))
  var output: String?

  @Flag(name: .shortAndLong, help: "Shows results, warnings and errors only.")
  var quiet = false

  func validate() throws {
    guard (runDirectory == nil) != (model == nil) else {
      throw ValidationError("expected either --run or --model")
    }
    guard model == nil || output != nil else { throw ValidationError("--model needs --output") }
    guard template == nil || model != nil else {
      throw ValidationError("--template is for --model; a run has its own")
    }
    try ModelArguments.template(named: template)
  }

  func run() throws {
    Interruption.install()
    let console = Console(isQuiet: quiet)
    if let output { try OutputPlace.requireFolder(output, option: "--output") }
    let questions = try EasyVQA(folder: data)
    let folder = output.map { URL(fileURLWithPath: $0, isDirectory: true) }
    let grading =
      if let model, let folder {
        try EasyVQAGrading(
          model: URL(fileURLWithPath: model, isDirectory: true),
          template: template.flatMap { ChatTemplate(named: $0) }, data: questions, folder: folder,
          console: console)
      } else {
        try EasyVQAGrading(
          run: URL(fileURLWithPath: runDirectory ?? "", isDirectory: true), data: questions, folder: folder,
          console: console)
      }
    console.result(grading.result.table.plain)
    for note in grading.notes { console.result(note) }
  }
}
