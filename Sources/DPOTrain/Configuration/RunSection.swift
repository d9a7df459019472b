extension RunConfiguration {
  /// `run`: name, place and seed of the run.
  public struct Run: Sendable, Equatable {
    /// What to do with a record of the data that cannot be used.
    public enum BadRecordPolicy: String, CaseIterable, Sendable {
      /// Stop the run, naming the record.
      case error
      /// Leave the record out, count it and list it in the report.
      case skip
    }

    /// Name of the run; the name of the configuration file without its extension when not given.
    public var name = "run"
    /// Where the run's files go; `runs/<name>` when not given.
    public var outputDirectory = "runs/run"
    /// Seed of every random choice of the run.
    public var seed: UInt64 = 0
    /// Number of threads; 0 takes one per core.
    public var threads = 0
    /// What to do with a record that cannot be used.
    public var onBadRecord = BadRecordPolicy.error

    /// All defaults.
    public init() {}
  }
}
