import Checkpoint
import Foundation

/// The token that ends an answer, where a family's `config.json` does not say it.
enum AnswerEnd {
  /// The one that `generation_config.json` names, or else the vocabulary's.
  ///
  /// - Returns: nil where neither names one, or several; whoever opens the model compares it with its
  ///   vocabulary.
  /// - Throws: ``ModelConfigurationError`` or ``ModelDirectoryError`` for a file that cannot be read.
  static func id(in directory: URL) throws -> Int? {
    if let generation = try ModelJSON.ifPresent("generation_config.json", in: directory) {
      switch generation["eos_token_id"] {
      case .array(let ids)?: return ids.count == 1 ? ids[0].whole : nil
      case let id?: return id.whole
      case nil: break
      }
    }
    guard let name = try SpecialTokenNames(of: directory).eos,
      let json = try ModelJSON.ifPresent(TokenizerFiles.jsonName, in: directory),
      case .array(let tokens)? = json["added_tokens"]
    else { return nil }
    return tokens.first { $0["content"]?.text == name }?["id"]?.whole
  }
}
