import Foundation
import LVLM
import DPOTrain
import Tensor

/// A DPO step through the whole model: log-probabilities, losses, every gradient, and training over some
/// steps.
struct StepVerification {
  private let arrays: GoldenArrays
  private let golden: any GoldenModels
  private let batch: StepBatch
  private let names: ParameterNames

  /// - Parameter batch: makes the stored pairs ready for the model.
  static func run(
    _ golden: any GoldenModels, _ report: inout VerificationReport,
    batch: (GoldenArrays, any FamilyConfiguration) throws -> StepBatch = { try StepBatch($0, $1) }
  ) throws {
    let arrays = try GoldenArrays(golden.file("dpo_step.h5"))
    let model = try golden.loadModel(.float32)
    let verification = StepVerification(
      arrays: arrays, golden: golden, batch: try batch(arrays, model.configuration),
      names: model.configuration.names)
    try verification.run(&report)
    arrays.reportUnknown(in: &report)
  }

  /// What one precision computes before any training.
  private struct Start {
    var model: VisionLanguageModel
    var reference: Tensor
    var policy: Tensor
  }

  private func start(_ dtype: DType) throws -> Start {
    let model = try golden.loadModel(dtype)
    let reference = try golden.loadReference(dtype)
    return Start(
      model: model, reference: noGradient { batch.logProbabilities(reference) },
      policy: noGradient { batch.logProbabilities(model) })
  }

  private func run(_ report: inout VerificationReport) throws {
    let (single, double) = (try start(.float32), try start(.float64))
    let beta = try arrays.requiredNumber("beta", on: "plain")
    let results = try PrecisionPair { dtype in
      let start = dtype == .float64 ? double : single
      let scores = batch.scores(policy: start.policy, reference: start.reference)
      return [
        "policy_token_logps": batch.stored(start.policy), "ref_token_logps": batch.stored(start.reference),
        "chosen_rewards": scores.chosenLogRatio * beta, "rejected_rewards": scores.rejectedLogRatio * beta,
      ]
    }
    try results.compare(with: arrays, under: "", in: &report)
    for group in arrays.names(in: "") where arrays.has("\(group)/loss") {
      try compareObjective(group, single, double, &report)
    }
  }

  private func compareObjective(
    _ group: String, _ single: Start, _ double: Start, _ report: inout VerificationReport
  ) throws {
    let beta = try arrays.requiredNumber("beta", on: group)
    let gamma = try arrays.number("gamma", on: group) ?? 0
    func gradients(_ start: Start) throws -> (loss: Tensor, gradients: Gradients, norm: Double) {
      let scores = batch.scores(policy: batch.logProbabilities(start.model), reference: start.reference)
      let loss = try batch.loss(scores, beta: beta, gamma: gamma)
      let gradients = loss.backward()
      return (loss.detached(), gradients, gradients.norm(of: start.model.trainableParameters()))
    }
    let (found, exact) = (try gradients(single), try gradients(double))
    try arrays.compare(found.loss, "\(group)/loss", exact: exact.loss, in: &report)
    for name in ["grad_norm", "trl_grad_norm", "trl_loss"] {
      guard let expected = try arrays.number(name, on: group) else { continue }
      let isNorm = name != "trl_loss"
      let value = isNorm ? found.norm : found.loss.item()
      let noise = abs(value - (isNorm ? exact.norm : exact.loss.item()))
      // TRL computed its two in single precision through its own fused head.
      let slack = name == "grad_norm" ? 2e-6 * abs(expected) : 1e-4 * abs(expected) + 2e-5
      report.add(
        Comparison(
          name: "\(arrays.name) \(group)@\(name)", error: abs(value - expected),
          allowed: max(8 * noise, slack, 1e-7)))
    }
    try compareGradients(group, single.model, found.gradients, &report) { name in
      double.model.namedParameters().first { $0.name == name }.flatMap { exact.gradients[$0.parameter] }
    }
    if arrays.has("\(group)/train/losses") {
      try compareTraining(group, beta: beta, gamma: gamma, &report)
    } else if arrays.has("\(group)/loss_after") {
      try compareStep(group, beta: beta, gamma: gamma, &report)
    }
  }

  /// Every stored gradient, and that no other parameter has one.
  private func compareGradients(
    _ group: String, _ model: VisionLanguageModel, _ gradients: Gradients, _ report: inout VerificationReport,
    exact: (String) -> Tensor?
  ) throws {
    let parameters = Dictionary(uniqueKeysWithValues: model.namedParameters().map { ($0.name, $0.parameter) })
    var expected: Set<String> = []
    for name in arrays.paths(under: "\(group)/grad") {
      let path = "\(group)/grad/\(name)"
      let canonical = names.canonical(name) ?? name
      expected.insert(canonical)
      guard let parameter = parameters[canonical] else {
        report.fail("\(arrays.name) \(path)", "the model has no such parameter")
        arrays.acknowledge(path)
        continue
      }
      let gradient = gradients[parameter] ?? .zeros(parameter.shape)
      try arrays.compare(gradient, path, exact: exact(canonical), in: &report)
    }
    // A group may hold some of the gradients only, when another one holds all.
    for other in arrays.names(in: "") where other != group {
      expected.formUnion(arrays.paths(under: "\(other)/grad").map { names.canonical($0) ?? $0 })
    }
    let others = parameters.filter { !expected.contains($0.key) && gradients[$0.value] != nil }
    report.expectEqual("\(arrays.name) \(group)/grad: parameters without one", others.keys.sorted(), [])
  }

  /// The course of training on the same batch, and the parameters after it.
  private func compareTraining(
    _ group: String, beta: Double, gamma: Double, _ report: inout VerificationReport
  ) throws {
    let settings = try arrays.number("lr", on: "\(group)/train") != nil ? "\(group)/train" : "plain/train"
    let rate = try arrays.requiredNumber("lr", on: settings)
    let steps = Int(try arrays.requiredNumber("steps", on: settings))
    func train(_ dtype: DType) throws -> Course {
      try course(of: steps, settings, dtype, beta: beta, gamma: gamma)
    }
    let (found, exact) = (try train(.float32), try train(.float64))
    try arrays.compare(
      Tensor(found.losses), "\(group)/train/losses", exact: Tensor(exact.losses), in: &report)
    for (name, own, doubled) in [
      ("grad_norms", found.norms, exact.norms), ("reward_margins", found.margins, exact.margins),
    ] where arrays.has("\(group)/train/\(name)") {
      try arrays.compare(
        Tensor(own), "\(group)/train/\(name)", exact: Tensor(doubled), in: &report)
    }
    guard !arrays.names(in: "\(group)/train/params").isEmpty else { return }
    try compareParameters(
      "\(group)/train/params", found.model, exact.model, reach: rate * Double(steps), &report)
  }

  /// One step, and the parameters after it.
  private func compareStep(
    _ group: String, beta: Double, gamma: Double, _ report: inout VerificationReport
  ) throws {
    let rate = try arrays.requiredNumber("lr", on: group)
    func step(_ dtype: DType) throws -> Course {
      try course(of: 1, group, dtype, beta: beta, gamma: gamma)
    }
    let (found, exact) = (try step(.float32), try step(.float64))
    try arrays.compare(
      Tensor(found.losses[1]), "\(group)/loss_after", exact: Tensor(exact.losses[1]), in: &report)
    try compareParameters("\(group)/step", found.model, exact.model, reach: rate, &report)
  }

  /// What steps of AdamW do.
  private struct Course {
    var model: VisionLanguageModel
    /// Before each step, and after the last.
    var losses: [Double] = []
    var norms: [Double] = []
    var margins: [Double] = []
  }

  /// - Parameter settings: the group whose attributes the optimizer's settings are.
  private func course(
    of steps: Int, _ settings: String, _ dtype: DType, beta: Double, gamma: Double
  ) throws -> Course {
    let start = try start(dtype)
    var course = Course(model: start.model)
    let optimizer = AdamW(
      learningRate: try arrays.requiredNumber("lr", on: settings),
      beta1: try arrays.requiredNumber("beta1", on: settings),
      beta2: try arrays.requiredNumber("beta2", on: settings),
      epsilon: try arrays.requiredNumber("eps", on: settings),
      weightDecay: try arrays.requiredNumber("weight_decay", on: settings))
    let clip = try arrays.requiredNumber("clip", on: settings)
    let parameters = start.model.trainableParameters()
    func evaluate() throws -> (loss: Tensor, margin: Double) {
      let scores = batch.scores(policy: batch.logProbabilities(start.model), reference: start.reference)
      let margin = ((scores.chosenLogRatio - scores.rejectedLogRatio).detached() * beta).mean().item()
      return (try batch.loss(scores, beta: beta, gamma: gamma), margin)
    }
    for _ in 0..<steps {
      let (loss, margin) = try evaluate()
      let gradients = loss.backward()
      let norm = gradients.norm(of: parameters)
      optimizer.step(
        parameters, gradients, gradientScale: Gradients.clippingFactor(norm: norm, maximum: clip))
      course.losses.append(loss.detached().item())
      course.norms.append(norm)
      course.margins.append(margin)
    }
    course.losses.append(try noGradient { try evaluate().loss.item() })
    return course
  }

  /// - Parameter place: the group of the parameters that were changed.
  private func compareParameters(
    _ place: String, _ model: VisionLanguageModel, _ exact: VisionLanguageModel, reach: Double,
    _ report: inout VerificationReport
  ) throws {
    let untouched = Dictionary(
      uniqueKeysWithValues: try golden.loadModel(.float32).namedParameters().map { ($0.name, $0.parameter) })
    var changed: [String] = []
    for ((name, parameter), (_, doubled)) in zip(model.namedParameters(), exact.namedParameters()) {
      let saved = ParameterNames.Layout.allCases.map { names.name(name, in: $0) }
      if let path = saved.map({ "\(place)/\($0)" }).first(where: arrays.has) {
        // The true gradient of these is zero: AdamW turns rounding noise into steps of up to the learning
        // rate.
        let isNoise = name.hasPrefix("vision_tower.") && name.hasSuffix("k_proj.bias")
        try arrays.compare(
          parameter.tensor, path, exact: doubled.tensor, floor: isNoise ? reach : 0, in: &report)
      } else if parameter.tensor.array(of: Float.self) != untouched[name]?.tensor.array(of: Float.self) {
        changed.append(name)
      }
    }
    report.expectEqual("\(arrays.name) \(place): others left alone", changed, [])
  }
}
