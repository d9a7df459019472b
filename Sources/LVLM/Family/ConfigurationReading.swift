import Checkpoint
public import Foundation
public import Tensor

extension FamilyConfiguration where Self: Decodable {
  /// Reads and validates a `config.json`.
  ///
  /// - Parameter unknownKeys: the keys that are unknown or have values that are not computed here.
  /// - Throws: ``ModelConfigurationError`` with the file and every key that is missing, of another type,
  ///   unknown or contradictory: what was found and what was expected.
  static func read(
    from url: URL, unknownKeys: (JSONValue) -> [ModelConfigurationError.Problem]
  ) throws -> Self {
    guard let data = try? Data(contentsOf: url) else {
      throw ModelConfigurationError(
        file: url.path,
        problems: [.init(key: "file", found: "nothing readable", expected: "a config.json")])
    }
    guard !GitLFSPointer.isPointer(data, count: data.count) else {
      throw ModelConfigurationError(
        file: url.path,
        problems: [.init(key: "file", found: GitLFSPointer.words, expected: "a config.json")])
    }
    let notes = ConfigurationNotes()
    let decoder = JSONDecoder()
    decoder.userInfo[.configurationNotes] = notes
    do {
      let configuration = try decoder.decode(Self.self, from: data.withoutByteOrderMark)
      let unknown = unknownKeys(try ModelJSON.read(url))
      var checks = ConfigurationChecks(after: notes.problems)
      configuration.check(&checks)
      // A key whose value could not be read is named already.
      let named = Set(checks.problems.map(\.key))
      let problems = checks.problems + unknown.filter { !named.contains($0.key) }
      if problems.isEmpty { return configuration }
      throw ModelConfigurationError(problems: problems)
    } catch {
      let contradictions = error as? ModelConfigurationError
      if contradictions == nil { notes.add(error) }
      throw ModelConfigurationError(file: url.path, problems: contradictions?.problems ?? notes.problems)
    }
  }
}

extension FamilyConfiguration {
  /// The bytes of a `config.json`: keys sorted, indented.
  /// - Parameter dtype: the type of the weights beside it, which transformers loads them in; left out when
  ///   nil.
  public func json(dtype: DType? = nil) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(TypedConfiguration(configuration: self, dtype: dtype))
  }
}

/// A configuration with the type of the weights beside it.
private struct TypedConfiguration: Encodable {
  let configuration: any FamilyConfiguration
  let dtype: DType?

  enum Key: String, CodingKey { case dtype }

  func encode(to encoder: any Encoder) throws {
    try configuration.encode(to: encoder)
    var keys = encoder.container(keyedBy: Key.self)
    try keys.encodeIfPresent(dtype?.rawValue, forKey: .dtype)
  }
}
