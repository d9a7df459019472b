import Records

/// Records that cannot be used, all that were found at once.
public struct UnusableRecords: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, in the order of the records; at least one.
  public var problems: [DataError]
  /// What leaves such records out.
  public var remedy: String
  /// How many more there are than `problems`, where not all were kept.
  public var further: Int

  /// Creates an error.
  public init(
    _ problems: [DataError],
    remedy: String = "run.on_bad_record: skip leaves them out and lists them in omissions.txt",
    further: Int = 0
  ) {
    self.problems = problems
    self.remedy = remedy
    self.further = further
  }

  /// One record's problem by itself; of several the first ten, a line each, and how many there are.
  public var description: String {
    let count = problems.count + further
    guard count > 1 else { return problems.first?.description ?? "" }
    let more = count > 10 ? "\nand \(count - 10) more" : ""
    return problems.prefix(10).map(\.description).joined(separator: "\n") + more
      + "\n\(count) records cannot be used; \(remedy)"
  }
}

extension DataError {
  /// Any error as one about a record: a ``DataError`` says itself where it belongs.
  /// - Parameter file: where it happened, of an error that does not say so.
  package init(_ error: any Error, of file: String) { self.init(error, file: file, record: "") }

  package init(_ error: any Error, file: String, record: String) {
    switch error {
    case let error as DataError: self = error
    case let error as RecordError: self.init(file: file, record: error.id, problem: error.reason)
    default: self.init(file: file, record: record, problem: "\(error)")
    }
  }
}
