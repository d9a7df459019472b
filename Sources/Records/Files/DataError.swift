/// Why data from outside cannot be used; the description is one or two lines that name the file and the
/// record.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file, with a line or position where that is known: `train.jsonl:17`.
  public var file: String
  /// The record, as its id or number; empty when the whole file is meant.
  public var record: String
  /// What was found and what was expected.
  public var problem: String

  /// Creates an error.
  public init(file: String, record: String = "", problem: String) {
    self.file = file
    self.record = record
    self.problem = problem
  }

  /// The file, the record, the problem.
  public var description: String {
    record.isEmpty ? "\(file): \(problem)" : "\(file): record \(record): \(problem)"
  }
}
