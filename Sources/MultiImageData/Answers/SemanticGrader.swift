/// What a question asks for, in attributes of a picture.
struct AskedFacts: Sendable, Equatable {
  /// A statement that is to be confirmed or denied.
  struct Statement: Sendable, Equatable {
    var attribute: String
    var value: String
    /// Whether the question asks for the contrary: `is there not a red shape?`
    var isNegated = false
  }

  /// Attributes whose values are asked for; none where a statement is.
  var attributes: [String] = []
  /// What yes and no are about.
  var statement: Statement?
  /// Values that the question takes for granted; it does not apply to other pictures.
  var assumed: [String: Set<String>] = [:]
}

/// Grades answers by reading what they claim with a grammar.
package struct SemanticGrader: AnswerGrader {
  /// The words of answers.
  let grammar: AnswerGrammar
  /// An attribute that the grammar does not list, whose value is spelled as in the facts where it is asked
  /// for.
  var openAttribute: String?
  /// An attribute that every picture of the source has.
  let mark: String
  /// What a text asks for; `nil` where it is no question of the source.
  let asked: @Sendable (String) -> AskedFacts?

  package func verdict(of answer: String, to question: String, facts: [String: String]) -> AnswerVerdict? {
    guard facts[mark] != nil, let asked = asked(question),
      asked.assumed.allSatisfy({ facts[$0.key].map($0.value.contains) ?? false }),
      (asked.attributes + (asked.statement.map { [$0.attribute] } ?? [])).allSatisfy({ facts[$0] != nil }),
      let grammar = grammar(for: asked, facts)
    else { return nil }
    guard let claims = grammar.claims(in: answer), claims.areTrue(of: facts) else { return .wrong }
    if let statement = asked.statement {
      return Self.verdict(claims, on: statement, holds: facts[statement.attribute] == statement.value)
    }
    return Self.verdict(claims, on: asked.attributes)
  }

  /// The verdict on an answer to a question of which the shortest right answer is all that is known: what it
  /// says beside that counts neither way.
  /// - Returns: `nil` for a question that asks for several attributes, or is none of the source's.
  package func verdict(of answer: String, to question: String, expecting truth: String) -> AnswerVerdict? {
    guard let asked = asked(question) else { return nil }
    var facts = asked.assumed.filter { $0.value.count == 1 }.compactMapValues(\.first)
    let truth = AnswerText.normalized(truth)
    if let statement = asked.statement {
      guard ["yes", "no"].contains(truth) else { return nil }
      let holds = (truth == "yes") != statement.isNegated
      if holds { facts[statement.attribute] = statement.value }
      guard let claims = grammar.claims(in: answer), claims.areTrue(of: facts),
        holds || claims.given[statement.attribute]?.contains(statement.value) != true
      else { return .wrong }
      return Self.verdict(claims, on: statement, holds: holds)
    }
    guard let attribute = asked.attributes.first, asked.attributes.count == 1 else { return nil }
    facts[attribute] = truth
    guard let claims = grammar.claims(in: answer), claims.areTrue(of: facts) else { return .wrong }
    return Self.verdict(claims, on: asked.attributes)
  }

  private static func verdict(_ claims: AnswerClaims, on attributes: [String]) -> AnswerVerdict {
    // Yes and no are no answer to an open question, and nothing can be made of what they affirm or deny.
    guard claims.says == nil, !claims.deniesQuestion else { return .wrong }
    return attributes.allSatisfy { claims.given[$0] != nil } ? .right : .incomplete
  }

  private func grammar(for asked: AskedFacts, _ facts: [String: String]) -> AnswerGrammar? {
    guard let openAttribute, asked.attributes.contains(openAttribute), let value = facts[openAttribute] else {
      return grammar
    }
    return grammar.adding(value, of: openAttribute)
  }

  private static func verdict(
    _ claims: AnswerClaims, on statement: AskedFacts.Statement, holds: Bool
  ) -> AnswerVerdict {
    if let says = claims.says, says != (holds != statement.isNegated) { return .wrong }
    if claims.deniesQuestion, holds { return .wrong }
    let isSettled =
      claims.says != nil || claims.deniesQuestion || claims.given[statement.attribute] != nil
      || claims.denied.contains {
        $0.count == 1 && $0[statement.attribute]?.contains(statement.value) == true
      }
    return isSettled ? .right : .incomplete
  }
}

extension AnswerClaims {
  /// Whether nothing of it is false of a picture; what is not known of the picture counts neither way.
  func areTrue(of facts: [String: String]) -> Bool {
    given.allSatisfy { attribute, values in
      values.count == 1 && (facts[attribute].map(values.contains) ?? true)
    }
      && !denied.contains {
        $0.allSatisfy { attribute, values in facts[attribute].map(values.contains) ?? false }
      }
  }
}
