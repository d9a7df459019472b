/// A model directory whose files do not fit together: everything that is wrong at once.
public struct ModelDirectoryError: Error, Equatable, CustomStringConvertible, Sendable {
  /// The directory or file.
  public var file: String
  /// Parameters that the configuration asks for and the files lack.
  public var missing: [String] = []
  /// Parameters in the files that the model does not have.
  public var unexpected: [String] = []
  /// Parameters of another shape than the configuration's: `name: found [..], expected [..]`.
  public var wrongShapes: [String] = []
  /// Parameters with values that are not numbers, and what else cannot be used.
  public var unusable: [String] = []

  var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && wrongShapes.isEmpty && unusable.isEmpty }

  /// One line; long lists are shortened, their lengths are not.
  public var description: String {
    func list(_ title: String, _ names: [String]) -> String? {
      guard !names.isEmpty else { return nil }
      let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
      return "\(names.count) \(title): \(shown)"
    }
    let parts = [
      list("missing", missing), list("unexpected", unexpected), list("of the wrong shape", wrongShapes),
      list("unusable", unusable),
    ]
    return "\(file): " + parts.compactMap(\.self).joined(separator: "; ")
  }
}
