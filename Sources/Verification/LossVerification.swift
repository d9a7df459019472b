import DPOTrain
import Foundation
import Tensor

/// Every preference loss on given log-probabilities: value, per-pair values, rewards, metrics and gradients.
struct LossVerification {
  private let arrays: GoldenArrays

  static func run(_ golden: GoldenFolder, _ report: inout VerificationReport) throws {
    let verification = LossVerification(arrays: try GoldenArrays(golden.file("dpo_losses.h5")))
    try verification.compareSums(&report)
    for group in verification.arrays.names(in: "") where group != "inputs" {
      report.part("dpo_losses.h5 \(group)") { try verification.compare(group, &$0) }
    }
    verification.arrays.reportUnknown(in: &report)
  }

  /// The stored log-probabilities in one precision; the policy's are leaves.
  private func inputs(_ dtype: DType) throws -> TokenScores {
    let policy = try arrays.tensor("inputs/policy_token_logps").to(dtype)
    // The mask belongs to the tokens; the log-probabilities begin with the second one.
    let mask = try arrays.tensor("inputs/completion_mask")
    return TokenScores(
      policy: policy.requiringGradient(), reference: try arrays.tensor("inputs/ref_token_logps").to(dtype),
      mask: mask.slice(axis: 1, 1..<mask.shape[1]).to(dtype))
  }

  private func compareSums(_ report: inout VerificationReport) throws {
    func sums(_ dtype: DType) throws -> [(String, Tensor)] {
      let scores = try noGradient { try inputs(dtype).scores() }
      return [
        ("policy_logps", Tensor.concatenated([scores.policyChosen, scores.policyRejected])),
        ("ref_logps", Tensor.concatenated([scores.referenceChosen, scores.referenceRejected])),
      ]
    }
    for (found, exact) in zip(try sums(.float32), try sums(.float64)) {
      try arrays.compare(found.1, "inputs/\(found.0)", exact: exact.1, in: &report)
    }
  }

  /// What one configuration gives in one precision.
  private struct Outcome {
    var loss: Tensor
    var perPair: Tensor?
    var gradient: Tensor
    var scores: PreferenceScores
  }

  private func compare(_ group: String, _ report: inout VerificationReport) throws {
    let beta = try arrays.requiredNumber("beta", on: group)
    let (found, exact) = (try outcome(group, .float32), try outcome(group, .float64))
    try arrays.compare(found.loss, "\(group)/loss", exact: exact.loss, in: &report)
    let path = "\(group)/grad_policy_token_logps"
    if arrays.has(path) {
      try arrays.compare(found.gradient, path, exact: exact.gradient, in: &report)
    }
    if arrays.has("\(group)/per_sequence"), let perPair = found.perPair {
      try arrays.compare(perPair, "\(group)/per_sequence", exact: exact.perPair, in: &report)
    }
    for (name, value) in [
      ("chosen_rewards", { (scores: PreferenceScores) in scores.chosenLogRatio * beta }),
      ("rejected_rewards", { $0.rejectedLogRatio * beta }),
    ] where arrays.has("\(group)/\(name)") {
      try arrays.compare(
        value(found.scores), "\(group)/\(name)", exact: value(exact.scores), in: &report)
    }
    var metrics = PreferenceMetrics()
    metrics.add(found.scores, beta: beta)
    var values: [Double] = []
    var stored: [Double] = []
    for (name, value) in metrics.named {
      guard let expected = try arrays.number(name.replacing("/", with: "_"), on: group) else { continue }
      values.append(value)
      stored.append(expected)
    }
    if !stored.isEmpty {
      // TRL sums in single precision.
      let scale = stored.map(abs).max() ?? 0
      report.add(
        GoldenArrays.comparison(
          "\(arrays.name) \(group)@metrics", values, stored, allowed: max(2e-6 * scale, 1e-7)))
    }
  }

  private func outcome(_ group: String, _ dtype: DType) throws -> Outcome {
    let tokens = try inputs(dtype)
    let pairs = tokens.pairs
    let names = (try arrays.text("loss_types", on: group) ?? "").split(separator: ",").map(String.init)
    let weights = try arrays.numbers("loss_weights", on: group) ?? names.map { _ in 1 }
    guard !names.isEmpty, names.count == weights.count else {
      throw VerificationError(
        file: "\(arrays.name) \(group)", found: "\(names.count) losses, \(weights.count) weights",
        expected: "a weight per loss")
    }
    let alpha = try arrays.number("ld_alpha", on: group) ?? -1
    let scores = tokens.scores(lengthWeight: alpha < 0 ? nil : alpha)
    let isWeighted = try arrays.number("use_weighting", on: group) ?? 0 != 0
    var parts: [Tensor] = []
    var perPair: Tensor?
    for (name, weight) in zip(names, weights) {
      if name == "sft" {
        // The mean over all chosen tokens of the batch, which the objective has as its likelihood term.
        let terms = try PreferenceObjectiveTerms(losses: ["sigmoid"], options: LossOptions(), gamma: 1)
        let share = terms.likelihoodShare(
          of: scores.policyChosen, stepAnswers: pairs, stepChosenTokens: scores.chosenTokens.reduce(0, +))
        parts.append(share * weight)
        continue
      }
      let loss = try PreferenceLoss.named(name)
      let options = try options(for: loss, group)
      try loss.validate(options)
      var values = loss(scores, options)
      if isWeighted {
        values =
          values * tokens.onPolicyWeights(squares: try arrays.tensor("inputs/log_sum_sq_probs").to(dtype))
      }
      parts.append(values.mean() * weight)
      if names.count == 1 { perPair = values.detached() }
    }
    let total = parts.dropFirst().reduce(parts[0], +)
    let gradient = total.backward()[tokens.policy] ?? .zeros(tokens.policy.shape, dtype: dtype)
    arrays.acknowledge("inputs/log_sum_sq_probs")
    return Outcome(
      loss: total.detached(), perPair: perPair, gradient: gradient.detached() * tokens.mask, scores: scores)
  }

  /// The options of a group that the loss reads; the others stand in the file with their defaults.
  private func options(for loss: PreferenceLoss, _ group: String) throws -> LossOptions {
    var options = LossOptions(beta: try arrays.requiredNumber("beta", on: group))
    let smoothing = try arrays.number("label_smoothing", on: group) ?? 0
    if smoothing != 0 { options.labelSmoothing = smoothing }
    let divergence = try arrays.text("f_divergence_type", on: group) ?? LossDivergence.reverseKL.rawValue
    guard let known = LossDivergence(rawValue: divergence) else {
      throw VerificationError(
        file: "\(arrays.name) \(group)", found: "f_divergence_type \(divergence)",
        expected: LossDivergence.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if known != .reverseKL {
      options.divergence = known
      if known == .alpha {
        options.alphaDivergenceCoefficient = try arrays.number("f_alpha_divergence_coef", on: group)
      }
    }
    if loss.reads.contains(.discopopTau) {
      options.discopopTau = try arrays.number("discopop_tau", on: group)
    }
    return options
  }
}
