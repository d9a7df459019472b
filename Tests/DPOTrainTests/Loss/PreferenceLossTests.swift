import DPOTrain
import Foundation
import Tensor
import Testing

@Suite("Preference losses")
struct PreferenceLossTests {
  /// Scores of `LossGolden`'s five pairs whose policy log-probabilities are leaves.
  private func goldenScores() -> (PreferenceScores, chosen: Tensor, rejected: Tensor) {
    let chosen = Tensor(Array(LossGolden.policy[..<5])).requiringGradient()
    let rejected = Tensor(Array(LossGolden.policy[5...])).requiringGradient()
    let scores = PreferenceScores(
      policyChosen: chosen, policyRejected: rejected,
      referenceChosen: Tensor(Array(LossGolden.reference[..<5])),
      referenceRejected: Tensor(Array(LossGolden.reference[5...])),
      chosenTokens: Array(LossGolden.tokens[..<5]), rejectedTokens: Array(LossGolden.tokens[5...]))
    return (scores, chosen, rejected)
  }

  /// One pair with given log-ratios, 2 chosen and 4 rejected tokens.
  private func pair(_ chosen: Double, _ rejected: Double) -> PreferenceScores {
    PreferenceScores(
      policyChosen: Tensor([chosen]), policyRejected: Tensor([rejected]),
      referenceChosen: Tensor([0.0]), referenceRejected: Tensor([0.0]), chosenTokens: [2],
      rejectedTokens: [4])
  }

  @Test("value and gradient are TRL's", arguments: LossGolden.all + LossGolden.otherTrainers)
  func golden(_ golden: LossGolden) throws {
    let loss = try PreferenceLoss.named(golden.name)
    try loss.validate(golden.options)
    let (scores, chosen, rejected) = goldenScores()
    let mean = loss(scores, golden.options).mean()
    #expect(abs(mean.item() - golden.loss) <= 2e-6 * max(1, abs(golden.loss)))
    let gradients = mean.backward()
    // A loss of the chosen answers alone says nothing of the others.
    let found = [chosen, rejected].flatMap {
      gradients[$0]?.array(of: Double.self) ?? [Double](repeating: 0, count: 5)
    }
    #expect(gradients[chosen] != nil && (gradients[rejected] != nil || loss.isLikelihood))
    let scale = golden.gradient.map(abs).max() ?? 0
    for (mine, theirs) in zip(found, golden.gradient) {
      #expect(abs(mine - theirs) <= 1e-5 * scale + 1e-8, "found \(found)")
    }
  }

  @Test("every loss that TRL names is here, and every loss here has numbers from elsewhere")
  func complete() throws {
    let known = Set(PreferenceLoss.registry.map(\.name))
    let golden = Set((LossGolden.all + LossGolden.otherTrainers).map(\.name))
    // `loss_type` of TRL 1.16's DPOConfig.
    let named: Set = [
      "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot",
      "aot_unpaired", "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
    ]
    #expect(named.subtracting(known).isEmpty && named.subtracting(golden).isEmpty)
    // Its values are worked out by hand below.
    #expect(known.subtracting(golden) == ["dpop"])
  }

  @Test("gradients are those of differences", arguments: PreferenceLoss.registry.map(\.name))
  func gradients(_ name: String) throws {
    let loss = try PreferenceLoss.named(name)
    let options = LossOptions(
      beta: 0.3, labelSmoothing: loss.reads.contains(.labelSmoothing) ? 0.1 : nil,
      dpopLambda: loss.reads.contains(.dpopLambda) ? 5 : nil)
    try loss.validate(options)
    // Here no answer is likelier than under the reference: the divergences of `kto_pair`, through which no
    // gradient goes, are 0 around this point.
    let shift = name == "kto_pair" ? 9.0 : 0
    let worst = gradCheck([
      Tensor(LossGolden.policy[..<5].map { $0 - shift }), Tensor(LossGolden.policy[5...].map { $0 - shift }),
    ]) { policy in
      let scores = PreferenceScores(
        policyChosen: policy[0], policyRejected: policy[1],
        referenceChosen: Tensor(Array(LossGolden.reference[..<5])),
        referenceRejected: Tensor(Array(LossGolden.reference[5...])),
        chosenTokens: Array(LossGolden.tokens[..<5]), rejectedTokens: Array(LossGolden.tokens[5...]))
      return loss(scores, options).mean()
    }
    #expect(worst <= 1)
  }

  @Test("values worked out by hand")
  func byHand() throws {
    func value(_ name: String, _ options: LossOptions, _ scores: PreferenceScores) throws -> Double {
      try PreferenceLoss.named(name)(scores, options).item()
    }
    // Equal log-ratios: −log σ(0) = ln 2, the loss of every run's first step.
    #expect(abs(try value("sigmoid", LossOptions(), pair(-3, -3)) - log(2)) < 1e-12)
    // βΔ = 0.1 · (1 − (−1)) = 0.2: log(1 + e^−0.2) = 0.5981388693815919.
    #expect(abs(try value("sigmoid", LossOptions(), pair(1, -1)) - 0.5981388693815919) < 1e-12)
    // ε = 0.1: 0.9 · 0.59813887 + 0.1 · log(1 + e^0.2) = 0.9 · 0.59813887 + 0.1 · 0.79813887.
    #expect(
      abs(try value("sigmoid", LossOptions(labelSmoothing: 0.1), pair(1, -1)) - 0.6181388693815918) < 1e-12)
    // max(0, 1 − 0.2) = 0.8, and 0 once βΔ passes 1.
    #expect(abs(try value("hinge", LossOptions(), pair(1, -1)) - 0.8) < 1e-12)
    #expect(try value("hinge", LossOptions(), pair(6, -6)) == 0)
    // Per-token means 1/2 and −1/4: (0.75 − 1/(2 · 0.1))² = 4.25².
    #expect(abs(try value("ipo", LossOptions(), pair(1, -1)) - 18.0625) < 1e-12)
    // (1 − 5)² + (−1 + 5)² = 32.
    #expect(abs(try value("sppo_hard", LossOptions(), pair(1, -1)) - 32) < 1e-12)
    // The chosen answer lost one nat: Δ − λ·1 = 2 − 1 − ... with λ = 3: (−1 + 3) − 3 = −1, βΔ = −0.1.
    #expect(
      abs(try value("dpop", LossOptions(dpopLambda: 3), pair(-1, -3)) - log(1 + exp(0.1))) < 1e-12)
    // Means −1/2 and −3/4: β · 0.25 − γ = 0.025 − 0.5.
    #expect(abs(try value("simpo", LossOptions(), pair(-1, -3)) - log(1 + exp(0.475))) < 1e-12)
  }

  @Test(
    "conservative DPO as older TRL had it", arguments: [(0.1, 0.6738904694466352), (0.3, 0.7014894284357751)])
  func labelSmoothing(epsilon: Double, expected: Double) throws {
    let (scores, _, _) = goldenScores()
    let loss = PreferenceLoss.registry[0](scores, LossOptions(labelSmoothing: epsilon)).mean().item()
    #expect(abs(loss - expected) < 1e-6)
  }

  @Test("an option that the loss would ignore is refused")
  func unreadOption() throws {
    #expect(
      throws: LossError.unreadOption(
        .labelSmoothing, loss: "hinge",
        readBy: ["sigmoid", "robust", "exo_pair", "aot", "aot_unpaired", "cpo"])
    ) {
      try PreferenceLoss.named("hinge").validate(LossOptions(labelSmoothing: 0.1))
    }
    #expect(throws: LossError.self) {
      try PreferenceLoss.named("sigmoid").validate(LossOptions(alphaDivergenceCoefficient: 0.5))
    }
    #expect(throws: LossError.self) {
      try PreferenceLoss.named("exo_pair").validate(LossOptions())
    }
    #expect(throws: LossError.self) {
      try PreferenceLoss.named("sigmoid").validate(LossOptions(beta: 0))
    }
  }

  @Test("an unknown name lists the known ones")
  func unknown() {
    #expect(throws: LossError.unknownLoss("dpo", known: PreferenceLoss.registry.map(\.name))) {
      try PreferenceLoss.named("dpo")
    }
  }

  @Test("TRL's mixture of sigmoid and 0.1 sft")
  func likelihoodTerm() throws {
    let (scores, _, _) = goldenScores()
    let terms = try PreferenceObjectiveTerms(losses: ["sigmoid"], options: LossOptions(), gamma: 0.1)
    let tokens = scores.chosenTokens.reduce(0, +)
    let loss = terms.share(of: scores, stepPairs: 5, stepChosenTokens: tokens).item()
    // 0.660091043 + 0.1 · 1.89554155 (the mean over the 40 chosen tokens).
    #expect(abs(loss - 0.8496452) < 1e-6)
    let summed = try PreferenceObjectiveTerms(
      losses: ["sigmoid"], options: LossOptions(), gamma: 0.1, reduction: .sum)
    // The same, per pair: 0.660091043 + 0.1 · 75.821662 / 5.
    #expect(abs(summed.share(of: scores, stepPairs: 5, stepChosenTokens: tokens).item() - 2.1765243) < 1e-5)
  }

  @Test("sft in a list is the likelihood of the chosen answers, split or not")
  func likelihoodInAList() throws {
    let (scores, _, _) = goldenScores()
    let tokens = scores.chosenTokens.reduce(0, +)
    let terms = try PreferenceObjectiveTerms(
      losses: ["sigmoid", "sft"], weights: [1, 0.1], options: LossOptions())
    #expect(abs(terms.share(of: scores, stepPairs: 5, stepChosenTokens: tokens).item() - 0.8496452) < 1e-6)
    #expect(terms.isPerPair)
    // Answers beside the pairs are in the likelihood term of γ alone.
    #expect(
      abs(
        terms.share(of: scores, stepPairs: 5, stepChosenTokens: 2 * tokens, stepPairTokens: tokens).item()
          - 0.8496452) < 1e-6)
    let part = PreferenceScores(
      policyChosen: scores.policyChosen.slice(axis: 0, 0..<2),
      policyRejected: scores.policyRejected.slice(axis: 0, 0..<2),
      referenceChosen: scores.referenceChosen.slice(axis: 0, 0..<2),
      referenceRejected: scores.referenceRejected.slice(axis: 0, 0..<2),
      chosenTokens: Array(scores.chosenTokens[..<2]), rejectedTokens: Array(scores.rejectedTokens[..<2]))
    let alone = try PreferenceObjectiveTerms(losses: ["sft"], options: LossOptions())
    #expect(!alone.needsReference)
    // (11.4130417 + 14.1621941) / 40
    #expect(abs(alone.share(of: part, stepPairs: 5, stepChosenTokens: tokens).item() - 0.639380895) < 1e-8)
  }

  @Test("the anchor is the sigmoid loss of the chosen answer alone")
  func anchor() throws {
    let (scores, _, _) = goldenScores()
    let tokens = scores.chosenTokens.reduce(0, +)
    func loss(_ anchor: Double) throws -> Double {
      try PreferenceObjectiveTerms(losses: ["sigmoid"], options: LossOptions(beta: 0.1), anchor: anchor)
        .share(of: scores, stepPairs: 5, stepChosenTokens: tokens).item()
    }
    let ratios = zip(
      scores.policyChosen.array(of: Double.self), scores.referenceChosen.array(of: Double.self)
    ).map { $0 - $1 }
    let expected = ratios.reduce(0) { $0 + log(1 + exp(-0.1 * $1)) } / 5
    #expect(abs(try loss(2) - loss(0) - 2 * expected) < 1e-6)
    #expect(throws: LossError.self) { try loss(-1) }
    // A loss without a reference needs one for the anchor.
    let simpo = try PreferenceObjectiveTerms(losses: ["simpo"], options: LossOptions(), anchor: 1)
    #expect(simpo.needsReference)
  }

  @Test("parts of a step add up to the step, uneven parts included")
  func accumulation() throws {
    let (scores, _, _) = goldenScores()
    let tokens = scores.chosenTokens.reduce(0, +)
    for reduction in LikelihoodReduction.allCases {
      let terms = try PreferenceObjectiveTerms(
        losses: ["sigmoid", "ipo"], weights: [0.7, 0.3], options: LossOptions(), gamma: 0.5,
        reduction: reduction)
      let whole = terms.share(of: scores, stepPairs: 5, stepChosenTokens: tokens).item()
      var parts = 0.0
      for range in [0..<2, 2..<5] {
        let part = PreferenceScores(
          policyChosen: scores.policyChosen.slice(axis: 0, range),
          policyRejected: scores.policyRejected.slice(axis: 0, range),
          referenceChosen: scores.referenceChosen.slice(axis: 0, range),
          referenceRejected: scores.referenceRejected.slice(axis: 0, range),
          chosenTokens: Array(scores.chosenTokens[range]),
          rejectedTokens: Array(scores.rejectedTokens[range]))
        parts += terms.share(of: part, stepPairs: 5, stepChosenTokens: tokens).item()
      }
      #expect(abs(whole - parts) < 1e-12 * abs(whole))
    }
  }

  @Test("metrics are TRL's, counted per pair")
  func metrics() {
    let (scores, _, _) = goldenScores()
    var metrics = PreferenceMetrics()
    metrics.add(scores, beta: 0.1)
    let named = Dictionary(uniqueKeysWithValues: metrics.named)
    #expect(abs((named["rewards/chosen"] ?? 0) - 0.0792430192232132) < 1e-6)
    #expect(abs((named["rewards/rejected"] ?? 0) + 0.058751724660396576) < 1e-6)
    #expect(abs((named["rewards/margins"] ?? 0) - 0.13799473643302917) < 1e-6)
    #expect(named["rewards/accuracies"] == 0.4)
    #expect(abs((named["logps/chosen"] ?? 0) + 15.164332389831543) < 1e-5)
    #expect(metrics.ties == 0)
  }
}
