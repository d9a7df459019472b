import DPOTrain

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
    /// MiB of memory for the image features that frozen parts compute once; 0 takes an eighth of the
    /// machine's memory.
    public var featureCacheMiB = 0
    /// MiB of memory for prepared pictures.
    public var pictureCacheMiB = 192

    /// Bytes of memory for image features.
    public var featureCacheBytes: Int {
      featureCacheMiB == 0 ? MachineMemory.featureCacheBytes : featureCacheMiB << 20
    }

    /// Bytes of memory for prepared pictures.
    public var pictureCacheBytes: Int { pictureCacheMiB << 20 }

    /// All defaults.
    public init() {}
  }
}
