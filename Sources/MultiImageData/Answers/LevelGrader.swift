/// Grades answers to questions of both ``PromptLevel``s by what they claim about the pictures of a prompt.
///
/// For evaluation and for the diagnosis of a selection, as every ``AnswerGrader``.
struct LevelGrader: Sendable {
  /// The words of the source.
  let words: [FactWords]

  /// The verdict on an answer; `nil` where nobody knows: the source has no words for the pictures, or what is
  /// asked for is not known of them.
  ///
  /// *Right* says yes or no as it is, or gives both pictures their values, or names the picture that fits and
  /// no other; and nothing in it is false.
  /// - Parameter facts: of every picture, in order.
  func verdict(
    of answer: String, to question: LevelQuestion, facts: [[String: String]]
  ) -> AnswerVerdict? {
    guard let words = words(for: question, facts) else { return nil }
    guard let claims = PictureClaims(answer, words: words), claims.mentioned.allSatisfy(facts.isPlace),
      claims.areTrue(of: facts, question)
    else { return .wrong }
    switch question.level {
    case .compare:
      let (first, second) = (facts[question.targets[0] - 1], facts[question.targets[1] - 1])
      guard let isSame = LevelQuestion.isSame(first, second, in: question.about) else { return nil }
      if let says = claims.says, says != isSame { return .wrong }
      if claims.deniesQuestion, isSame { return .wrong }
      return claims.says != nil || claims.deniesQuestion || claims.settles(question) ? .right : .incomplete
    case .find:
      let target = question.targets[0]
      guard claims.says == nil, !claims.deniesQuestion, claims.sameness.isEmpty,
        !claims.excluded.contains(target), claims.named.isSubset(of: [target])
      else { return .wrong }
      return claims.named.isEmpty ? .incomplete : .right
    }
  }

  /// Whether an answer names another picture than the one that fits, and no further one; `nil` for
  /// comparisons.
  func namesAnother(
    _ answer: String, than question: LevelQuestion, facts: [[String: String]]
  ) -> Bool? {
    guard question.level == .find, let words = words(for: question, facts) else { return nil }
    guard let named = PictureClaims(answer, words: words)?.named, named.count == 1, let one = named.first
    else { return false }
    return one != question.targets[0] && facts.isPlace(one)
  }

  private func words(for question: LevelQuestion, _ facts: [[String: String]]) -> FactWords? {
    guard question.targets.allSatisfy(facts.isPlace), let first = question.targets.first,
      let words = words.words(for: facts[first - 1]), facts.allSatisfy({ $0[words.mark] != nil }),
      question.targets.allSatisfy({ target in question.about.allSatisfy { facts[target - 1][$0] != nil } })
    else { return nil }
    return words
  }
}

extension [[String: String]] {
  /// Whether there is a picture with this 1-based number.
  fileprivate func isPlace(_ number: Int) -> Bool { number >= 1 && number <= count }
}

extension PictureClaims {
  /// Every picture that it speaks of.
  fileprivate var mentioned: Set<Int> {
    (values.compactMap(\.pictures) + sameness.compactMap(\.pictures)).reduce(named.union(excluded)) {
      $0.union($1)
    }
  }

  /// Whether nothing of it is false of the pictures; what is not known of them counts neither way.
  fileprivate func areTrue(of facts: [[String: String]], _ question: LevelQuestion) -> Bool {
    let targets = Set(question.targets)
    return values.allSatisfy { claim in
      let pictures = (claim.pictures ?? targets).map { facts[$0 - 1] }
      guard claim.isDenied else {
        return claim.values.allSatisfy { attribute, values in
          values.count == 1 && pictures.allSatisfy { $0[attribute].map(values.contains) ?? true }
        }
      }
      func has(_ picture: [String: String]) -> Bool {
        claim.values.allSatisfy { attribute, values in picture[attribute].map(values.contains) ?? false }
      }
      return claim.isOfAll ? !pictures.allSatisfy(has) : !pictures.contains(where: has)
    }
      && sameness.allSatisfy { claim in
        // One picture is the same as the others that are asked about.
        let pictures = (claim.pictures ?? targets).union(claim.pictures?.count == 1 ? targets : [])
        let values = pictures.map { facts[$0 - 1][claim.attribute ?? question.about[0]] }
        guard values.allSatisfy({ $0 != nil }) else { return true }
        return (Set(values).count == 1) == claim.isSame
      }
  }

  /// Whether it says of both pictures what is asked for.
  fileprivate func settles(_ question: LevelQuestion) -> Bool {
    let targets = Set(question.targets)
    if sameness.contains(where: {
      ($0.pictures ?? targets) == targets && $0.attribute ?? question.about[0] == question.about[0]
    }) {
      return true
    }
    return values.filter { !$0.isDenied && $0.values[question.about[0]] != nil }
      .reduce(into: Set<Int>()) { $0.formUnion($1.pictures ?? targets) }.isSuperset(of: targets)
  }
}
