import Checkpoint
import Foundation

/// The vocabulary of a model directory, and its files as they are, which are kept with whatever is made of
/// the model.
package struct TokenizerFiles {
  static let modelName = "tokenizer.model"
  static let jsonName = "tokenizer.json"
  static let configurationName = "tokenizer_config.json"
  static let mapName = "special_tokens_map.json"
  static let addedName = "added_tokens.json"
  /// Every file that belongs to a vocabulary.
  private static let names = [modelName, jsonName, configurationName, mapName, addedName]

  package private(set) var tokenizer: Tokenizer
  /// The files by their names.
  private(set) var contents: [String: Data] = [:]
  /// What whoever opens the directory should be told.
  private(set) var notes: [String] = []

  /// Opens `tokenizer.model`, or `tokenizer.json` with `tokenizer_config.json`. Where both are there they
  /// must mean the same.
  ///
  /// Two files that differ only in where a blank is put before a text are `tokenizer.json`'s, as for
  /// transformers.
  /// - Throws: ``TokenizerError`` or ``ModelDirectoryError``.
  package init(of directory: URL) throws {
    let files = FileManager.default
    for name in Self.names {
      let url = try ModelFile.inside(directory, name)
      guard files.fileExists(atPath: url.path) else { continue }
      guard let bytes = try? Data(contentsOf: url) else {
        throw ModelDirectoryError(file: directory.path, unusable: ["\(name) (nothing readable)"])
      }
      contents[name] = bytes
    }
    func path(_ name: String) -> String { directory.appending(component: name).path }
    let names = try SpecialTokenNames(of: directory)
    let pieces = try contents[Self.modelName].map { bytes in
      guard names.isInternLM2 else { return try Tokenizer(model: bytes, name: path(Self.modelName)) }
      return try Tokenizer(
        model: bytes, name: path(Self.modelName), added: names.tokens,
        image: Tokenizer.unembeddedImageID)
    }
    let json = try contents[Self.jsonName].map {
      try Tokenizer(json: $0, name: path(Self.jsonName), bos: names.bos, eos: names.eos, pad: names.pad)
    }
    switch (pieces, json) {
    case (let pieces?, let json?):
      switch try pieces.comparison(with: json, directory: directory) {
      // Words that were added stand in one of the two.
      case .same: tokenizer = json.hasWords ? json : pieces
      case .otherBlanks:
        tokenizer = json
        notes.append(
          "\(directory.path): \(Self.modelName) and \(Self.jsonName) put blanks at other places; "
            + "\(Self.jsonName) counts, as for transformers")
      }
    case (let only?, nil), (nil, let only?): tokenizer = only
    case (nil, nil): tokenizer = try Tokenizer(contentsOf: directory.appending(component: Self.modelName))
    }
    try names.check(tokenizer)
  }

  /// The vocabulary of a GGUF file, whose files are made when they are asked for.
  init(_ tokenizer: Tokenizer, gguf file: GGUFFile) {
    self.tokenizer = tokenizer
    source = file
  }

  /// The file that the vocabulary is part of.
  private(set) var source: GGUFFile?

  /// The files by their names, and those that transformers needs and that are not among them.
  ///
  /// - Throws: ``TokenizerError`` for a vocabulary that they cannot state.
  package func complete() throws -> [String: Data] {
    var all = try source.map { try Tokenizer.files(of: $0) } ?? contents
    if all[Self.jsonName] == nil, let bytes = all[Self.modelName] {
      all[Self.jsonName] = try tokenizer.json(ofPieces: bytes)
    }
    if all[Self.configurationName] == nil {
      all[Self.configurationName] = try tokenizer.configurationJSON()
    } else if let bytes = all[Self.configurationName] {
      all[Self.configurationName] = try Self.withoutTemplate(bytes)
    }
    return all
  }

  /// A `tokenizer_config.json` without its chat template, which is written beside it.
  private static func withoutTemplate(_ bytes: Data) throws -> Data {
    guard var keys = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],
      keys.removeValue(forKey: "chat_template") != nil
    else { return bytes }
    return try JSONSerialization.data(
      withJSONObject: keys, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }
}
