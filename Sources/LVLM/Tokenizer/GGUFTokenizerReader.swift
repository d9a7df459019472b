import Checkpoint
import Foundation

/// The keys `tokenizer.ggml.…` of a GGUF file.
struct GGUFTokenizerReader {
  let file: GGUFFile

  private func value(_ key: String) -> GGUFValue? { file.metadata["tokenizer.ggml.\(key)"] }

  /// What is wrong with one key.
  func unsupported(_ key: String, _ found: String, _ expected: String) -> TokenizerError {
    .unsupported(file: file.url.path, found: "tokenizer.ggml.\(key) \(found)", expected: expected)
  }

  func text(_ key: String) -> String? { value(key)?.asString }

  func list(_ key: String) throws -> [GGUFValue] {
    guard let values = value(key)?.asArray else {
      throw TokenizerError.unsupported(
        file: file.url.path, found: "no tokenizer.ggml.\(key)", expected: "a list")
    }
    return values
  }

  /// The texts of the tokens, in the order of their ids.
  func tokens() throws -> [String] {
    try list("tokens").map { token in
      guard let text = token.asString else { throw unsupported("tokens", "with no text", "texts") }
      return text
    }
  }

  /// A list with one entry for each token.
  func list(_ key: String, count: Int) throws -> [GGUFValue] {
    let values = try list(key)
    guard values.count == count else {
      throw unsupported(key, "of \(values.count) tokens", "one for each of \(count)")
    }
    return values
  }

  /// An id; nil where the file says none.
  func id(_ key: String, below count: Int) throws -> Int32? {
    guard let value = value("\(key)_token_id") else { return nil }
    guard let id = value.asInt, (0..<count).contains(id) else {
      throw unsupported("\(key)_token_id", JSONValue(value).brief, "an id below \(count)")
    }
    return Int32(id)
  }

  func requiredID(_ key: String, below count: Int) throws -> Int32 {
    guard let id = try id(key, below: count) else {
      throw TokenizerError.missingToken(file: file.url.path, token: key)
    }
    return id
  }

  /// A truth value; `usual` where the file says none.
  func flag(_ key: String, usual: Bool) throws -> Bool {
    switch value(key) {
    case nil: usual
    case .boolean(let flag)?: flag
    case let other?: throw unsupported(key, JSONValue(other).brief, "true or false")
    }
  }

  /// A list of bytes; nil where the file has none.
  func byteList(_ key: String) throws -> [UInt8]? {
    guard let value = value(key) else { return nil }
    let bytes = value.asArray?.map { $0.asInt.map { UInt8(truncatingIfNeeded: $0) } }
    guard let bytes, !bytes.contains(nil) else { throw unsupported(key, JSONValue(value).brief, "bytes") }
    return bytes.compactMap(\.self)
  }

  /// A pattern that is written here.
  func pattern(_ source: String) throws -> ScalarPattern {
    do {
      return try ScalarPattern(source, .init(file: file.url.path, key: "tokenizer.ggml.pre"))
    } catch let error as TokenizerPatternError {
      throw unsupported("pre", "with \(error.problem)", "a pattern without it")
    }
  }
}
