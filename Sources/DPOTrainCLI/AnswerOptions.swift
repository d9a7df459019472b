import ArgumentParser
import LVLM
import Tensor

/// How answers are made.
struct AnswerOptions: ParsableArguments {
  @Option(help: "Tokens of the answer at most.")
  var maxNewTokens = 256

  @Option(help: "Sampling temperature; 0 is greedy.")
  var temperature = 0.0

  @Option(help: "Sample from the k likeliest tokens.")
  var topK: Int?

  @Option(help: "Sample from the likeliest tokens that add up to this probability.")
  var topP: Double?

  @Option(help: "Penalty on tokens already generated.")
  var repetitionPenalty = 1.0

  @Option(
    name: .customLong("stop"), parsing: .unconditionalSingleValue,
    help: "Text that ends the answer; can be given several times.")
  var stops: [String] = []

  @Option(help: "Random seed.")
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
