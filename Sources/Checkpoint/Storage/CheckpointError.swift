import Foundation

/// What went wrong with a file of named arrays: where, what was found there and what was expected.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  /// The family of the failure, for callers that react differently to each.
  public enum Kind: String, Sendable {
    /// The file is absent or may not be read.
    case cannotOpen
    /// The file could not be written; what was there before is untouched.
    case cannotWrite
    /// The file is of another format altogether.
    case wrongFormat
    /// The file is of the right format but cut short or inconsistent.
    case damaged
    /// A group, dataset, attribute or tensor that must be there is not.
    case missing
    /// An entry has another type or shape than the caller asked for.
    case mismatch
    /// A legal construct of the format that is deliberately not supported.
    case unsupported
    /// The file was written in another version of the checkpoint layout.
    case otherVersion
    /// The file belongs to a run with another configuration.
    case otherConfiguration
  }

  /// The family of the failure.
  public let kind: Kind
  /// Path of the file.
  public let file: String
  /// The entry inside the file, such as `/model/lm_head/weight` or a tensor's name.
  public let location: String?
  /// What was found.
  public let found: String
  /// What was expected instead, where that is known.
  public let expected: String?

  /// Creates an error; `found` and `expected` are noun phrases that read well in "found …, expected …".
  public init(_ kind: Kind, file: String, at location: String? = nil, found: String, expected: String? = nil)
  {
    self.kind = kind
    self.file = file
    self.location = location
    self.found = found
    self.expected = expected
  }

  /// One line: file, place, found, expected.
  public var description: String {
    var text = file
    if let location { text += ": \(location)" }
    text += kind == .cannotWrite || kind == .cannotOpen ? ": \(verb): \(found)" : ": found \(found)"
    if let expected { text += ", expected \(expected)" }
    return text
  }

  private var verb: String { kind == .cannotWrite ? "cannot write" : "cannot open" }

  /// The same line as `description`.
  public var errorDescription: String? { description }
}
