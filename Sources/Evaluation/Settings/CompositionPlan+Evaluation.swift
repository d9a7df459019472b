import MultiImageData

extension CompositionPlan {
  /// What `evaluate` asks for: as many questions of every kind, divided evenly over the numbers of pictures.
  public init(_ section: EvaluationSettings) {
    func mix(_ counts: [Int], _ kind: CompositionKind) -> [Entry] {
      Self.divided(section.questions, counts, kind, level: nil)
    }
    self.init(
      mix(section.sequenceCounts, .sequence) + mix(section.gridCounts, .grid)
        + [Entry(.pictureInPicture, count: 2, records: section.questions)]
        + section.levels.filter { $0.count > 0 }.flatMap { one in
          Self.divided(one.count, one.counts, one.kind, level: one.level)
        })
  }
}
