import DPOTrain
import Evaluation
import MultiImageData
import Records

/// Whether there are as many records and pictures as the stages ask for.
extension RunCheck {
  func supervisedProblems() -> [RunProblem] {
    guard stages.contains(.sft), configuration.sft.maxSteps > 0 else { return [] }
    guard source.count(of: .sft) > 0 else {
      return [problem("data.sizes.sft", "\(source.name) has no record in the split sft; \(advice(.sft))")]
    }
    let most = configuration.sft.composed.shown.map(\.count).max() ?? 1
    let found = FormatDraw.distinctPictures(of: source, upTo: most)
    return found >= most
      ? []
      : [
        problem(
          "sft.composed.share",
          "has \(configuration.sft.composed.share) with \(most) pictures in a prompt, and the records of "
            + "the split sft show \(found) different \(found == 1 ? "one" : "ones"); 0 needs no more than "
            + "one")
      ]
  }

  /// What is missing for the questions of the looks during supervised training.
  func lookProblems() throws -> [RunProblem] {
    let sft = configuration.sft
    guard stages.contains(.sft), sft.maxSteps > 0, sft.evalSteps > 0 else { return [] }
    return try problems(of: ValidationLook.plan(sft.composed, count: sft.evalQuestions), split: .validation) {
      _ in "sft.eval_questions"
    }
  }

  func compositionProblems() throws -> [RunProblem] {
    guard stages.contains(.compose), configuration.compose.path == nil else { return [] }
    return try problems(of: CompositionPlan(configuration.compose), split: .preference) { entry in
      switch entry.kind {
      case .sequence: "compose.sequence"
      case .grid: "compose.grid"
      case .pictureInPicture: "compose.pic_in_pic"
      }
    }
  }

  func evaluationProblems() throws -> [RunProblem] {
    guard stages.contains(.evaluate), configuration.evaluate.questions > 0 else { return [] }
    return try problems(of: CompositionPlan(configuration.evaluate), split: evaluatedSplit) { entry in
      switch entry.kind {
      case .sequence: "evaluate.sequence_counts"
      case .grid: "evaluate.grid_counts"
      case .pictureInPicture: "evaluate.questions"
      }
    }
  }

  /// Bounds of post-selection within which there can be no pair, whatever the model answers.
  func selectionProblems() throws -> [RunProblem] {
    let select = configuration.select
    guard stages.contains(.select), select.postSelection, select.chosen == .groundTruth,
      configuration.compose.path == nil
    else { return [] }
    let lengths = try (0..<source.count(of: .preference)).map {
      try source.record(.preference, $0).answer.count
    }
    guard let shortest = lengths.min(), let longest = lengths.max() else { return [] }
    var problems: [RunProblem] = []
    if (1..<shortest).contains(select.chosenLengthMax) {
      problems.append(
        problem(
          "select.chosen_length_max",
          "has \(select.chosenLengthMax), and the shortest answer of the pref split has "
            + "\(shortest) characters"))
    }
    // No vocabulary has longer pieces.
    let most = max(longest, 256 * min(select.maxNewTokens, 1 << 32))
    if select.editDistanceMin > most {
      problems.append(
        problem(
          "select.edit_distance_min",
          "has \(select.editDistanceMin), and answers of select.max_new_tokens \(select.maxNewTokens) have "
            + "at most \(most) characters"))
    }
    return problems
  }

  func ballastProblems() -> [RunProblem] {
    let (train, compose) = (configuration.train, configuration.compose)
    guard stages.contains(.train) || stages.contains(.compose), train.ballastPerStep > 0 else { return [] }
    let made: [String: Int] = [
      "single": compose.single, "sequence": compose.sequence.total, "grid": compose.grid.total,
      "pic_in_pic": compose.picInPic.total,
    ]
    guard train.ballastKinds.allSatisfy({ made[$0, default: 0] == 0 }) else { return [] }
    let kinds = train.ballastKinds.joined(separator: ", ")
    return [
      problem(
        "train.ballast_kinds",
        "has \(kinds), of which compose makes none; raise compose.\(train.ballastKinds.first ?? "single") or "
          + "name another kind"
      )
    ]
  }

  /// How to get more records into a split.
  private func advice(_ split: DataSplit) -> String {
    configuration.data.source == .llava
      ? "raise data.sizes.\(split.rawValue) (the file is divided in proportion to data.sizes) or add records"
      : "raise data.sizes.\(split.rawValue)"
  }

  /// How many companions are looked for in all before the rest is believed.
  private static let mostLooks = 3_000_000

  /// What is missing for the prompts of a plan: every target needs pictures that can stand beside its own.
  private func problems(
    of plan: CompositionPlan, split: DataSplit, key: (CompositionPlan.Entry) -> String
  ) throws -> [RunProblem] {
    guard plan.total > 0 else { return [] }
    let size = source.count(of: split)
    guard size > 0 else {
      return [
        problem(
          "data.sizes.\(split.rawValue)",
          "\(source.name) has no record in the split \(split.rawValue) to make \(plan.total) multi-image "
            + "prompts from; "
            + advice(split))
      ]
    }
    let named = plan.entries.filter { $0.level == nil }
    let most = named.filter { $0.records > 0 }.map(\.count).max() ?? 1
    var (known, looks): ([Int: Int], Int) = ([:], 0)
    /// Different pictures that can stand beside a target's, as far as they matter.
    func companions(of target: Int) throws -> Int {
      if let found = known[target] { return found }
      let record = try source.record(split, target)
      var paths = Set<String>()
      for step in 1..<max(size, 2) where paths.count < most - 1 && looks < Self.mostLooks {
        looks += 1
        let image = source.image(split, (target + step) % size)
        if source.isCompanion(image, of: record) { paths.insert(image.path) }
      }
      // Where looking was given up, nothing is claimed.
      let found = looks < Self.mostLooks ? paths.count : most
      known[target] = found
      return found
    }
    let composer = Composer(
      source: source, options: try configuration.compositionOptions(), seed: configuration.run.seed)
    var lacking: [CompositionPlan.Entry: (targets: Set<Int>, of: Set<Int>)] = [:]
    for request in try composer.requests(plan, split: split) where request.level == nil {
      let entry = CompositionPlan.Entry(request.kind, count: request.count, records: 0)
      lacking[entry, default: ([], [])].of.insert(request.target)
      if try companions(of: request.target) < request.count - 1 {
        lacking[entry, default: ([], [])].targets.insert(request.target)
      }
    }
    return try named.compactMap { entry in
      guard let (targets, all) = lacking[.init(entry.kind, count: entry.count, records: 0)], !targets.isEmpty
      else { return nil }
      let name = entry.kind == .pictureInPicture ? "pictures in pictures need 2" : "has \(entry.count)"
      let drop = entry.kind == .pictureInPicture ? "" : " or drop \(entry.count)"
      if targets.count == all.count {
        let best = try targets.map { try companions(of: $0) }.max() ?? 0
        let has =
          best == 0
          ? "no picture that can stand beside another"
          : "\(best + 1) pictures that can stand beside each other"
        return problem(key(entry), "\(name), the \(split.rawValue) split has \(has); \(advice(split))\(drop)")
      }
      // Some cannot: the policy leaves these out.
      guard configuration.run.onBadRecord == .error, let first = targets.min() else { return nil }
      let record = try source.record(split, first)
      return problem(
        key(entry),
        "\(name), and for \(targets.count) of \(all.count) questions of the \(split.rawValue) split fewer "
          + "pictures can stand beside theirs, first for record \(record.id) (\(source.place(of: record))), "
          + "question \"\(record.question)\": \(try companions(of: first)) of \(entry.count - 1); "
          + "\(advice(split))\(drop), or leave these prompts out with run.on_bad_record: skip")
    }
  }
}
