import Records

extension ComposedRecord {
  /// The numbers of the pictures that are asked about.
  package var asked: [Int] { targets ?? [target] }

  /// What is known of every picture, in order; `nil` where it is not known of each.
  var factsByPicture: [[String: String]]? {
    guard let facts, var all = factsOfOthers, all.count == count - 1, (1...count).contains(target) else {
      return nil
    }
    all.insert(facts, at: target - 1)
    return all
  }

  /// The question of a level; `nil` where the prompt names the one picture it is about.
  var levelQuestion: LevelQuestion? {
    guard let level, let targets, let about else { return nil }
    return LevelQuestion(level: level, targets: targets, about: about)
  }

  /// What contradicts the record's level, or that it has none.
  var levelProblem: String? {
    guard let level else {
      return targets == nil && about == nil ? nil : "has targets or about without a level"
    }
    guard kind.namesPictures else { return "has the level \(level.name), which a \(kind.rawValue) has not" }
    guard let targets, targets.count == level.targetCount, targets.allSatisfy((1...count).contains),
      zip(targets, targets.dropFirst()).allSatisfy({ $0 < $1 }), targets[0] == target
    else {
      let found = targets.map { "\($0)" } ?? "none"
      return
        "has the targets \(found), expected \(level.targetCount) of \(count) pictures, ascending, target "
        + "first"
    }
    guard let about, level == .compare ? about.count == 1 : !about.isEmpty else {
      return "has \(about?.count ?? 0) entries in about, expected \(level == .compare ? "one" : "some")"
    }
    guard let facts = factsByPicture else { return "has no facts of each of its \(count) pictures" }
    let own = targets.map { facts[$0 - 1] }
    if let missing = about.first(where: { key in own.contains { $0[key] == nil } }) {
      return "is about \"\(missing)\", which is not known of a picture it asks about"
    }
    guard prompt.hasSuffix(question) else { return "has a prompt that does not end with its question" }
    let named = question.namedPictures
    switch level {
    case .compare:
      return named.sorted() == targets
        ? nil : "names the pictures \(named.words), expected its targets \(targets.words)"
    case .find:
      guard named.isEmpty else { return "names the pictures \(named.words), expected none" }
      let other = facts.indices.first {
        $0 != target - 1 && !LevelQuestion.differs(facts[$0], from: own[0], in: about)
      }
      return other.map { "asks for one picture, and Image\($0 + 1) fits as Image\(target) does" }
    }
  }

  /// The same question with every picture one place on, the last one first, under their new names.
  var turned: ComposedRecord {
    func next(_ number: Int) -> Int { number % count + 1 }
    var record = self
    record.images = [images[images.count - 1]] + images.dropLast()
    record.target = next(target)
    guard level != nil else {
      record.prompt = PromptRewriting.prompt(question, kind: kind, target: record.target, count: count)
      return record
    }
    record.targets = targets?.map(next).sorted()
    record.target = record.targets?.first ?? record.target
    record.question = question.renamingPictures(next)
    record.prompt = PromptRewriting.imageBlock(kind, count: count) + record.question
    record.answer = answer.renamingPictures(next)
    record.answersOfOthers = answersOfOthers.map { $0.renamingPictures(next) }
    if var facts = factsByPicture {
      facts = [facts[count - 1]] + facts.dropLast()
      record.facts = facts.remove(at: record.target - 1)
      record.factsOfOthers = facts
    }
    return record
  }
}
