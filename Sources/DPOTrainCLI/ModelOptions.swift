import ArgumentParser
import Foundation
import LVLM
import Records
import Runs
import Tensor

extension WeightStorage: ExpressibleByArgument {}

/// The model that a command asks.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Model directory, directory of a run (its trained model), or GGUF file of a language model.",
      valueName: "path"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "Vision tower and projector of a GGUF file (mmproj); the one *mmproj*.gguf beside it when left out.",
      valueName: "file"))
  var projector: String?

  @Option(
    help: ArgumentHelp(
      "How weights are kept: auto (as a GGUF file has them, else float32), float32, bfloat16 or quantized.",
      valueName: "type"))
  var dtype = WeightStorage.auto

  @Option(
    help: ArgumentHelp(
      "PEFT directory, or checkpoint of a LoRA run (step-N.h5), to put on the model.", valueName: "path"))
  var adapter: String?

  @Option(
    help:
      "Chat template: \(ChatTemplate.all.map(\.name).joined(separator: ", ")); the model's own when left out."
  )
  var template: String?

  func validate() throws {
    guard template.map({ ChatTemplate(named: $0) != nil }) ?? true else {
      throw ValidationError(
        "--template: found \(template ?? ""), expected one of "
          + "\(ChatTemplate.all.map(\.name).joined(separator: ", "))"
      )
    }
  }

  func open() throws -> PretrainedModel {
    try ModelChoice(
      model, projector: projector, adapter: adapter, weights: dtype,
      template: template.flatMap { ChatTemplate(named: $0) }
    ).open(Console(isQuiet: false).warning)
  }
}

/// How answers are made.
struct AnswerOptions: ParsableArguments {
  @Option(help: "Tokens of the answer at most.")
  var maxNewTokens = 256

  @Option(help: "Divides the scores; 0 always takes the best token.")
  var temperature = 0.0

  @Option(help: "Only this many of the best tokens can be chosen.")
  var topK: Int?

  @Option(help: "Only the best tokens that add up to this probability can be chosen.")
  var topP: Double?

  @Option(help: "Divides the scores of tokens that are there already.")
  var repetitionPenalty = 1.0

  @Option(
    name: .customLong("stop"), parsing: .unconditionalSingleValue,
    help: "Text that ends the answer; can be given several times.")
  var stops: [String] = []

  @Option(help: "Seed of the source of chance.")
  var seed: UInt64 = 0

  func validate() throws {
    guard (1...1_000_000).contains(maxNewTokens) else {
      throw ValidationError("--max-new-tokens must be from 1 to 1000000")
    }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature must be 0 or more")
    }
    guard topK ?? 1 > 0 else { throw ValidationError("--top-k must be positive") }
    guard topP ?? 1 > 0, topP ?? 1 <= 1 else {
      throw ValidationError("--top-p must be above 0 and at most 1")
    }
    guard repetitionPenalty > 0, repetitionPenalty.isFinite else {
      throw ValidationError("--repetition-penalty must be positive")
    }
  }

  var sampling: Sampling {
    Sampling(
      temperature: temperature, topK: topK, topP: topP, repetitionPenalty: repetitionPenalty,
      generator: RandomGenerator(seed: seed))
  }
}
