import Checkpoint
import Foundation

/// The JSON files of a model directory, all of which are objects.
enum ModelJSON {
  /// The value in a file, nil when there is no such file.
  ///
  /// - Throws: ``ModelDirectoryError`` for a link that leaves the directory, ``ModelConfigurationError`` for
  ///   a file that cannot be read or is no JSON.
  static func ifPresent(_ name: String, in directory: URL) throws -> JSONValue? {
    let url = try ModelFile.inside(directory, name)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    return try read(url)
  }

  /// The value in a file.
  ///
  /// - Throws: ``ModelConfigurationError`` for a file that cannot be read or is no JSON.
  static func read(_ url: URL) throws -> JSONValue {
    func failure(_ found: String, _ expected: String) -> ModelConfigurationError {
      ModelConfigurationError(
        file: url.path, problems: [.init(key: "file", found: found, expected: expected)])
    }
    guard let data = try? Data(contentsOf: url) else {
      throw failure("nothing readable", "a JSON object")
    }
    guard !GitLFSPointer.isPointer(data, count: data.count) else {
      throw failure(GitLFSPointer.words, "a JSON object")
    }
    let text = data.withoutByteOrderMark
    do {
      let value = try text.withUnsafeBytes { try JSONReader.read($0) }
      guard case .object = value else { throw failure(value.kind, "a JSON object") }
      return value
    } catch let error as JSONSyntaxError {
      throw failure("\(error.message) at byte \(error.offset)", "a JSON object")
    }
  }
}
