import ArgumentParser
import Foundation
import LVLM
import Records

struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Trains a SentencePiece vocabulary from text files, one sentence a line.",
    discussion: "dpotrain tokenizer --vocab-size 1000 --output tokenizer.model corpus.txt")

  @Option(help: "Upper bound of the number of pieces; a small corpus gives fewer.")
  var vocabSize: Int

  @Option(help: "Share of the characters that become pieces; the rest is spelled in bytes.")
  var characterCoverage = 0.99995

  @Option(name: .shortAndLong, help: ArgumentHelp("The tokenizer.model to write.", valueName: "file"))
  var output: String

  @Argument(help: "Text files in UTF-8.")
  var files: [String]

  func validate() throws {
    guard characterCoverage > 0, characterCoverage <= 1 else {
      throw ValidationError("--character-coverage must be above 0 and at most 1")
    }
  }

  func run() throws {
    try OutputPlace.requireFile(output, option: "--output", inputs: files)
    var texts: [String] = []
    for file in files {
      guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: file)) else {
        throw TokenizerError.training(reason: "\(file): found nothing readable, expected text")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw TokenizerError.training(reason: "\(file): found bytes that are no UTF-8, expected text")
      }
      texts += text.split(whereSeparator: \.isNewline).map(String.init)
    }
    let tokenizer = try Tokenizer.train(
      texts: texts, vocabularySize: vocabSize, characterCoverage: characterCoverage,
      to: URL(fileURLWithPath: output))
    print("\(output): \(tokenizer.pieceCount) pieces from \(texts.count) lines")
  }
}
