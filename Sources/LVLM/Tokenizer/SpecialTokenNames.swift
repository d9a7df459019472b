import Checkpoint
import Foundation

/// How the special tokens are written, by `tokenizer_config.json` and `special_tokens_map.json`, and where
/// the first or `added_tokens.json` says them, their ids and flags.
struct SpecialTokenNames {
  private let directory: URL
  private let configuration: JSONValue?
  private let map: JSONValue?
  private let added: JSONValue?
  /// How the tokens are written that files name.
  private var names: [String: String] = [:]

  /// Names that a chat template knows tokens by, as the files say them.
  var written: [String: String] { names }
  var bos: String? { names["bos_token"] }
  var eos: String? { names["eos_token"] }
  var pad: String? { names["pad_token"] }

  /// Whether the vocabulary is read by InternLM2's own class.
  var isInternLM2: Bool {
    configuration?["tokenizer_class"]?.text.map(KnownKeys.internLM2Classes.contains) ?? false
  }

  /// Tokens with the ids that files give them.
  var tokens: [(text: String, id: Int32)] {
    var seen: Set<String> = []
    return given.compactMap { token in
      guard let id = Int32(exactly: token.id), seen.insert(token.name).inserted else { return nil }
      return (token.name, id)
    }
  }

  /// Reads the files of a directory.
  ///
  /// - Throws: ``ModelConfigurationError`` for a name that is none, ``ModelDirectoryError`` for two files
  ///   with different names: `special_tokens_map.json` takes the other's place in transformers.
  init(of directory: URL) throws {
    self.directory = directory
    configuration = try ModelJSON.ifPresent(TokenizerFiles.configurationName, in: directory)
    added = try ModelJSON.ifPresent(TokenizerFiles.addedName, in: directory)
    map = try ModelJSON.ifPresent(TokenizerFiles.mapName, in: directory)
    for key in ["bos_token", "eos_token", "pad_token"] {
      let own = try Self.name(key, configuration, TokenizerFiles.configurationName, directory)
      let other = try Self.name(key, map, TokenizerFiles.mapName, directory)
      if let own, let other, own != other {
        throw ModelDirectoryError(
          file: directory.path,
          unusable: [
            "\(TokenizerFiles.configurationName) and \(TokenizerFiles.mapName) (\(key) is \"\(own)\" in one "
              + "and \"\(other)\" in the other, expected one token)"
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

  /// Refuses keys that would change ids or texts and are not computed here, and tokens that the vocabulary
  /// does not have with the ids that the files give them.
  func check(_ tokenizer: Tokenizer) throws {
    for (file, json, keys) in [
      (TokenizerFiles.configurationName, configuration, keys(tokenizer)),
      (TokenizerFiles.mapName, map, KnownKeys.tokenMap),
    ] {
      guard let json else { continue }
      let problems = keys.problems(in: json) + Self.unknownTokens(in: json, tokenizer)
      guard problems.isEmpty else {
        throw ModelConfigurationError(file: directory.appending(component: file).path, problems: problems)
      }
    }
    try checkFlags(tokenizer)
    try checkIDs(tokenizer)
  }

  /// Tokens that transformers would add behind the vocabulary, with ids that no model here was trained on.
  private static func unknownTokens(
    in json: JSONValue, _ tokenizer: Tokenizer
  ) -> [ModelConfigurationError.Problem] {
    func problem(_ key: String, _ value: JSONValue) -> ModelConfigurationError.Problem? {
      guard let name = value.text ?? value["content"]?.text else {
        return .init(key: key, found: value.brief, expected: "a token, or an object with its content")
      }
      if name.isEmpty || tokenizer.id(of: name) != nil { return nil }
      return .init(key: key, found: "\"\(name)\"", expected: "a token that the vocabulary has")
    }
    return KnownKeys.namedTokens.compactMap { key in
      json[key].flatMap { $0 == .null ? nil : problem(key, $0) }
    }
      + KnownKeys.listedTokens.flatMap { key -> [ModelConfigurationError.Problem] in
        switch json[key] {
        case nil, .null?: []
        case .array(let tokens)?: tokens.compactMap { problem(key, $0) }
        case .object(let members)?: members.compactMap { problem("\(key).\($0.key)", $0.value) }
        case let other?: [.init(key: key, found: other.brief, expected: "a list of tokens")]
        }
      }
  }

  private func checkFlags(_ tokenizer: Tokenizer) throws {
    guard case .object(let members)? = configuration?["added_tokens_decoder"] else { return }
    // They take the place of the vocabulary's own flags.
    let problems = members.flatMap { id, token in
      let text = token["content"]?.text ?? "a token"
      let own = tokenizer.flags(of: text)
      return own.compactMap { flag, isSet -> ModelConfigurationError.Problem? in
        let isStated = token[flag] == .boolean(true)
        // A file of the class alone has no flags of its own to compare with.
        guard isStated != isSet, isStated || token[flag] != nil else { return nil }
        return .init(
          key: "added_tokens_decoder.\(id).\(flag)", found: "\(isStated) for \(text)",
          expected: "\(isSet), the vocabulary's")
      }
    }
    guard problems.isEmpty else {
      throw ModelConfigurationError(
        file: directory.appending(component: TokenizerFiles.configurationName).path, problems: problems)
    }
  }

  private func keys(_ tokenizer: Tokenizer) -> KnownKeys {
    let keys = KnownKeys.tokenizerConfiguration(tokenizer)
    return isInternLM2 ? keys.merging(.internLM2Tokenizer) : keys
  }

  /// Tokens whose ids files say, and which file.
  private var given: [(name: String, id: Int, place: String)] {
    var given: [(name: String, id: Int, place: String)] = []
    if case .object(let members)? = added {
      given += members.compactMap { text, id in id.whole.map { (text, $0, TokenizerFiles.addedName) } }
    }
    if case .object(let members)? = configuration?["added_tokens_decoder"] {
      given += members.compactMap { id, token in
        guard let text = token["content"]?.text, let number = Int(id) else { return nil }
        return (text, number, TokenizerFiles.configurationName)
      }
    }
    return given
  }

  private func checkIDs(_ tokenizer: Tokenizer) throws {
    for token in given {
      let own = tokenizer.id(of: token.name).map(Int.init)
      guard own != token.id else { continue }
      let expected = own.map { "\($0), the vocabulary's" } ?? "one that the vocabulary has"
      throw ModelDirectoryError(
        file: directory.path,
        unusable: ["\(token.place) (\(token.name) has the id \(token.id), expected \(expected))"])
    }
  }
}
