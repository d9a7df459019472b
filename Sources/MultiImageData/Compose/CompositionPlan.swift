import Records

/// How many compositions of which kind and size are made.
public struct CompositionPlan: Sendable, Equatable {
  /// Records of one kind and size.
  public struct Entry: Sendable, Hashable {
    /// How pictures are put together.
    public var kind: CompositionKind
    /// Pictures per record.
    public var count: Int
    /// Number of records.
    public var records: Int
    /// What is asked where no picture is named; `nil` where one is.
    public var level: PromptLevel?

    /// Creates an entry.
    public init(_ kind: CompositionKind, count: Int, records: Int, level: PromptLevel? = nil) {
      self.level = level
      self.kind = kind
      self.count = count
      self.records = records
    }
  }

  /// One composition that is to be made.
  public struct Request: Sendable, Equatable {
    /// How pictures are put together.
    public var kind: CompositionKind
    /// Pictures in the record.
    public var count: Int
    /// What is asked where no picture is named; `nil` where one is.
    public var level: PromptLevel?
    /// The split all its pictures come from.
    public var split: DataSplit
    /// The index of the target's record in the split.
    public var target: Int
    /// Its number among those of its kind, size and level.
    public var number: Int
  }

  /// What is made, in this order.
  public var entries: [Entry]

  /// Creates a plan.
  public init(_ entries: [Entry]) { self.entries = entries }

  /// What `compose` asks for.
  public init(_ section: CompositionSettings) {
    entries =
      section.sequence.entries.map { Entry(.sequence, count: $0.images, records: $0.records) }
      + section.grid.entries.map { Entry(.grid, count: $0.images, records: $0.records) }
      + [Entry(.pictureInPicture, count: 2, records: section.picInPic.total)]
      + section.levels.flatMap { one in
        one.mix.entries.map { Entry(one.kind, count: $0.images, records: $0.records, level: one.level) }
      }
  }

  /// So many records, divided evenly over numbers of pictures.
  package static func divided(
    _ records: Int, _ counts: [Int], _ kind: CompositionKind, level: PromptLevel?
  ) -> [Entry] {
    CompositionSettings.Mix(total: records, counts: counts).entries.map {
      Entry(kind, count: $0.images, records: $0.records, level: level)
    }
  }

  /// The number of records.
  public var total: Int { entries.reduce(0) { $0 + $1.records } }
}

extension Composer {
  /// The compositions of a plan: targets run through the records of the split in order, beginning again at
  /// its start when it is used up; records of families that are not wanted are passed over.
  /// - Throws: ``DataError`` when the split has no record to make one from.
  public func requests(_ plan: CompositionPlan, split: DataSplit) throws -> [CompositionPlan.Request] {
    var targets = Array(0..<source.count(of: split))
    if !options.families.isEmpty {
      targets = try targets.filter { options.families.contains(try source.record(split, $0).family) }
    }
    guard plan.total == 0 || !targets.isEmpty else {
      throw DataError(
        file: "data source \(source.name)",
        problem: "has no record in \(split.rawValue) to make \(plan.total) multi-image prompts from")
    }
    var requests: [CompositionPlan.Request] = []
    for entry in plan.entries {
      for number in 0..<entry.records {
        requests.append(
          CompositionPlan.Request(
            kind: entry.kind, count: entry.count, level: entry.level, split: split,
            target: targets[requests.count % targets.count],
            number: number))
      }
    }
    return requests
  }

  /// Makes one composition of a plan.
  /// - Throws: as ``compose(_:count:split:target:number:level:)``.
  public func compose(_ request: CompositionPlan.Request) throws -> Composition {
    try compose(
      request.kind, count: request.count, split: request.split, target: request.target,
      number: request.number, level: request.level)
  }
}
