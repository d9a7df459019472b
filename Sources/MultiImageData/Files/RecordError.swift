/// A record of the data that cannot be used.
public struct RecordError: Error, Equatable, CustomStringConvertible {
  /// The record's id.
  public var id: String
  /// What is wrong with it.
  public var reason: String

  /// Creates an error.
  public init(id: String, reason: String) {
    self.id = id
    self.reason = reason
  }

  /// The record and the reason.
  public var description: String { "record \(id): \(reason)" }
}
