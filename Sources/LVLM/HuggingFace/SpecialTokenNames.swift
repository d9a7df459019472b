import Checkpoint
import Foundation

/// How the special tokens are written, by `tokenizer_config.json` and `special_tokens_map.json`, and where
/// the first or `added_tokens.json` says them, their ids and flags.
struct SpecialTokenNames {
  private let directory: URL
  private let configuration: JSONValue?
  private let added: JSONValue?
  /// How the tokens are written that files name.
  private var names: [String: String] = [:]

  var bos: String? { names["bos_token"] }
  var eos: String? { names["eos_token"] }
  var pad: String? { names["pad_token"] }

  /// Reads the files of a directory.
  ///
  /// - Throws: ``ModelConfigurationError`` for a name that is none, ``ModelDirectoryError`` for two files
  ///   with different names: `special_tokens_map.json` takes the other's place in transformers.
  init(of directory: URL) throws {
    self.directory = directory
    configuration = try ModelJSON.ifPresent(TokenizerFiles.configurationName, in: directory)
    added = try ModelJSON.ifPresent(TokenizerFiles.addedName, in: directory)
    let map = try ModelJSON.ifPresent(TokenizerFiles.mapName, in: directory)
    for key in ["bos_token", "eos_token", "pad_token"] {
      let own = try Self.name(key, configuration, TokenizerFiles.configurationName, directory)
      let other = try Self.name(key, map, TokenizerFiles.mapName, directory)
      if let own, let other, own != other {
        throw ModelDirectoryError(
          file: directory.path,
          unusable: [
            "\(TokenizerFiles.configurationName) and \(TokenizerFiles.mapName) (\(key) is \"\(own)\" in one and "
              + "\"\(other)\" in the other, expected one token)"
          ])
      }
      names[key] = own ?? other
    }
  }

  private static func name(
    _ key: String, _ json: JSONValue?, _ file: String, _ directory: URL
  ) throws -> String? {
    guard let value = json?[key], value != .null else { return nil }
    if let name = value.text ?? value["content"]?.text { return name }
    throw ModelConfigurationError(
      file: directory.appending(component: file).path,
      problems: [.init(key: key, found: value.brief, expected: "a token, or an object with its content")])
  }

  /// Compares the ids that the files give to added tokens with those of the vocabulary, and refuses flags
  /// that would change ids and are not computed here.
  func check(_ tokenizer: Tokenizer) throws {
    let keys = KnownKeys(only: [
      "add_bos_token": [.boolean(tokenizer.addsBOS)], "add_eos_token": [.boolean(false)],
      "split_special_tokens": [.boolean(false)], "do_lower_case": [.boolean(false)],
      "sp_model_kwargs": [.object([])],
    ])
    var problems: [ModelConfigurationError.Problem] = []
    if case .object(let members)? = configuration {
      problems += members.filter { keys[$0.key] != nil }.compactMap { keys.problem($0.key, $0.value) }
    }
    var given: [(name: String, id: Int, place: String)] = []
    if case .object(let members)? = added {
      given += members.compactMap { text, id in id.whole.map { (text, $0, TokenizerFiles.addedName) } }
    }
    if case .object(let members)? = configuration?["added_tokens_decoder"] {
      for (id, token) in members {
        guard let text = token["content"]?.text, let number = Int(id) else { continue }
        given.append((text, number, TokenizerFiles.configurationName))
        // They take the place of the vocabulary's own flags.
        for flag in ["lstrip", "rstrip", "single_word"] where token[flag] == .boolean(true) {
          problems.append(
            .init(
              key: "added_tokens_decoder.\(id).\(flag)", found: "true for \(text)",
              expected: "false: nothing else is computed here"))
        }
      }
    }
    guard problems.isEmpty else {
      throw ModelConfigurationError(
        file: directory.appending(component: TokenizerFiles.configurationName).path, problems: problems)
    }
    let marks = [Tokenizer.imageMark, Tokenizer.padMark, bos, eos, pad].compactMap(\.self)
    for token in given where marks.contains(token.name) {
      guard let own = tokenizer.id(of: token.name), Int(own) != token.id else { continue }
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(token.place) (\(token.name) has the id \(token.id), expected \(own), the vocabulary's)"]
      )
    }
  }
}
