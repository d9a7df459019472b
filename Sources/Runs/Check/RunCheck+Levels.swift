import DPOTrain
import Evaluation
import LVLM
import MultiImageData
import Records

/// Whether the source can ask questions of levels 2 and 3, and has the pictures for them.
extension RunCheck {
  /// What is missing for every use of a level.
  func levelProblems() throws -> [RunProblem] {
    let (sft, compose, evaluate) = (configuration.sft, configuration.compose, configuration.evaluate)
    var problems: [RunProblem] = []
    if stages.contains(.sft), sft.maxSteps > 0 {
      problems += supervisedLevelProblems()
      if sft.evalSteps > 0 {
        let plan = ValidationLook.plan(sft.composed, count: sft.evalQuestions)
        problems += try levelProblems(of: plan, split: .validation) { "sft.composed.\($0.level?.name ?? "")" }
      }
    }
    if stages.contains(.compose), compose.path == nil {
      problems += try levelProblems(of: CompositionPlan(compose), split: .preference) { entry in
        "compose.\(entry.kind.questionKind(entry.level).rawValue)"
      }
    }
    if stages.contains(.evaluate) {
      problems += try levelProblems(of: CompositionPlan(evaluate), split: evaluatedSplit) { entry in
        "evaluate.\(entry.kind.questionKind(entry.level).rawValue)"
      }
    }
    return problems
  }

  /// What a source lacks that a key needs; `nil` for nothing.
  private func lack(_ key: String) -> RunProblem? {
    if source.factWords.isEmpty {
      return problem(
        key,
        "source \(source.name) knows nothing of its pictures by which they can be compared or found; "
          + "expected none of these questions, or shapes, fashion, emoji, stamps or a mixture of them")
    }
    return source.grader == nil
      ? problem(key, "source \(source.name) has no grader for answers; expected none of these questions")
      : nil
  }

  /// Whether the pictures of supervised training differ and agree in anything.
  private func supervisedLevelProblems() -> [RunProblem] {
    configuration.sft.composed.levelShares.compactMap { level, share in
      let key = "sft.composed.\(level.name)"
      if let lack = lack(key) { return lack }
      var values: [String: [String: Set<String>]] = [:]
      var (isDifferent, isAlike) = (false, false)
      for index in 0..<source.count(of: .sft) where !(isDifferent && isAlike) {
        let image = source.image(.sft, index)
        guard let (facts, words) = source.knownFacts(of: image) else { continue }
        for attribute in words.attributes.map(\.key) {
          guard let value = facts[attribute] else { continue }
          values[words.mark + "." + attribute, default: [:]][value, default: []].insert(image.path)
        }
        isDifferent = values.values.contains { $0.count > 1 }
        isAlike = values.values.contains { $0.values.contains { $0.count > 1 } }
      }
      guard !isDifferent || level == .compare && !isAlike else { return nil }
      return problem(
        key,
        "has \(share), and no two pictures of the split sft \(isDifferent ? "agree" : "differ") in what is "
          + "known of them; raise data.sizes.sft or take 0")
    }
  }

  /// What came of the prompts of an entry.
  private struct Outcome {
    var all = 0
    var made = 0
    var failures: [String] = []
  }

  /// How many prompts of an entry may fail before the rest is not looked at.
  private static let mostFailures = 50

  /// Makes every prompt of a level, without drawing it: what `compose` will not find is not there now.
  private func levelProblems(
    of plan: CompositionPlan, split: DataSplit, key: (CompositionPlan.Entry) -> String
  ) throws -> [RunProblem] {
    let entries = plan.entries.filter { $0.level != nil && $0.records > 0 }
    guard !entries.isEmpty else { return [] }
    let lacks = entries.compactMap { lack(key($0)) }
    guard lacks.isEmpty else { return lacks.uniqued }
    // Told where the other prompts are.
    guard source.count(of: split) > 0 else { return [] }
    let composer = Composer(
      source: source, options: try configuration.compositionOptions(), seed: configuration.run.seed)
    var found: [CompositionPlan.Entry: Outcome] = [:]
    for request in try composer.requests(plan, split: split) where request.level != nil {
      let entry = CompositionPlan.Entry(request.kind, count: request.count, records: 0, level: request.level)
      found[entry, default: .init()].all += 1
      guard found[entry, default: .init()].failures.count < Self.mostFailures else { continue }
      do {
        _ = try composer.plan(request)
        found[entry]?.made += 1
      } catch {
        found[entry]?.failures.append("\(error)")
      }
    }
    return entries.compactMap { entry in
      let place = CompositionPlan.Entry(entry.kind, count: entry.count, records: 0, level: entry.level)
      guard let outcome = found[place], let first = outcome.failures.first else { return nil }
      // Some cannot: the policy leaves these out.
      guard outcome.made == 0 || configuration.run.onBadRecord == .error else { return nil }
      let (count, all) = (outcome.failures.count, outcome.all)
      let many = count == Self.mostFailures && count < all ? "at least \(count)" : "\(count)"
      return problem(
        key(entry),
        "has \(entry.count), and for \(many) of \(all) prompts the \(split.rawValue) split has too few "
          + "pictures with the facts they need, first: \(first); raise data.sizes.\(split.rawValue) or ask "
          + "about fewer pictures"
          + (outcome.made == 0 ? "" : ", or leave these prompts out with run.on_bad_record: skip"))
    }
  }
}

extension [RunProblem] {
  /// Each once.
  fileprivate var uniqued: [RunProblem] {
    reduce(into: []) { found, one in if !found.contains(one) { found.append(one) } }
  }
}
