import Records

/// What a column must have in every record of a file because some record has it: programs that read JSON into
/// columns put null elsewhere, and a column has one type.
struct PairColumns {
  /// Whether any pair has pictures.
  private(set) var hasPictures = false
  /// Whether any pair has one answer twice, about other pictures.
  private(set) var repeatsAnswers = false

  mutating func add(_ pair: PreferencePair) {
    hasPictures = hasPictures || !pair.images.isEmpty
    repeatsAnswers = repeatsAnswers || pair.chosen == pair.rejected
  }
}

extension PairFormat {
  /// Why a pair cannot be written in this format without a loss; `nil` where it can.
  func problem(writing pair: PreferencePair) -> String? {
    if let problem = pair.contentProblem { return problem }
    let keys = reservedKeys(beside: pair)
    if let other = pair.extra.first(where: { keys.contains($0.key) && $0.value != .null }) {
      return "has a key \"\(other.key)\" of its own, which means something else in \(rawValue)"
    }
    if Set(pair.extra.map(\.key)).count != pair.extra.count { return "has the same key twice among its own" }
    if pair.rejectedImages != nil, self != .msSwift, self != .miaDPO {
      return "has other pictures for the rejected answer, which \(rawValue) cannot hold"
    }
    switch self {
    case .miaDPO:
      let questions = pair.history.map(\.question) + [pair.prompt]
      if questions.contains(where: { $0.contains(ImageMark.placeholder) }) {
        return "has the text \(ImageMark.placeholder), which is a picture's mark in \(rawValue)"
      }
      return pair.compositionProblem
    case .rlaifV: return Self.rlaifVProblem(pair)
    case .trl, .llamaFactory, .msSwift: return nil
    }
  }

  /// The keys that none kept from elsewhere may have. RLAIF-V's `idx` is the name of a pair unless the pair
  /// has both.
  private func reservedKeys(beside pair: PreferencePair) -> [String] {
    let hasBoth = self == .rlaifV && pair.extra.contains { $0.key == "idx" && $0.value != .null }
    return hasBoth ? ownKeys.filter { $0 != "idx" } : ownKeys
  }

  /// The record of a pair that ``problem(writing:)`` has nothing against: the format's keys, a ground truth
  /// that is not the chosen answer, and the keys of its own.
  /// - Parameter columns: what pairs of the same file have.
  func record(of pair: PreferencePair, _ columns: PairColumns) -> OrderedJSON {
    let keys = reservedKeys(beside: pair)
    var pair = pair
    // What is null under a key of the format says nothing, and another value is refused.
    pair.extra.removeAll { keys.contains($0.key) }
    guard self != .miaDPO else { return pair.json() }
    let name = self == .rlaifV && keys.contains("idx") ? "idx" : "id"
    var members = [OrderedJSON.Member(name, .string(pair.id))]
    switch self {
    case .trl: members += Self.trlRecord(pair, hasPictures: columns.hasPictures)
    case .llamaFactory: members += Self.llamaFactoryRecord(pair, hasPictures: columns.hasPictures)
    case .msSwift: members += Self.msSwiftRecord(pair, columns)
    case .rlaifV, .miaDPO: members += Self.rlaifVRecord(pair)
    }
    if pair.groundTruth != pair.chosen { members.append(.init("gt", .string(pair.groundTruth))) }
    return .object(members + pair.extra)
  }
}
