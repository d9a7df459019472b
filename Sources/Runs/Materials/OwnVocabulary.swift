import Checkpoint
import DPOTrain
import Foundation
import LVLM
import MultiImageData

/// The vocabulary that a run makes of its own texts, made when it is first asked for: to measure records
/// before anything is trained, then by the stage that keeps it.
final class OwnVocabulary {
  /// What it is made of, whatever is left out afterwards for its length.
  private let source: any QuestionSource
  private let size: Int
  private let symbols: [String]
  private let asksLevels: Bool
  private var made: (tokenizer: Tokenizer, bytes: Data)?

  /// The vocabulary of a configuration; `nil` where one comes with a model.
  init?(_ configuration: RunConfiguration, source: any QuestionSource) {
    guard configuration.sft.maxSteps > 0, configuration.model.path == nil,
      configuration.model.languageModel == nil
    else { return nil }
    self.source = source
    size = configuration.tokenizer.vocabSize
    symbols = configuration.model.vocabularySymbols
    asksLevels = !configuration.sft.composed.levelShares.isEmpty
  }

  /// The texts.
  var texts: [String] { get throws { try VocabularyTexts.texts(of: source, levels: asksLevels) } }

  /// The vocabulary.
  /// - Throws: `TokenizerError` when the texts give none of that size.
  var tokenizer: Tokenizer { get throws { try make().tokenizer } }

  /// Writes it as a `tokenizer.model`.
  func write(to url: URL) throws { try AtomicFile.write(try make().bytes, to: url) }

  private func make() throws -> (tokenizer: Tokenizer, bytes: Data) {
    if let made { return made }
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).model")
    defer { try? FileManager.default.removeItem(at: url) }
    let tokenizer = try Tokenizer.train(texts: try texts, vocabularySize: size, symbols: symbols, to: url)
    let new = (tokenizer, try Data(contentsOf: url))
    made = new
    return new
  }
}
