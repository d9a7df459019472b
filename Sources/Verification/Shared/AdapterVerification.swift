import DPOTrain
import Foundation
import LVLM
import Tensor

/// A PEFT adapter on the batch of the DPO step, the model without it as reference.
enum AdapterVerification {
  static func run(_ golden: any GoldenModels, _ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(golden.file("lora.h5"))
    let steps = try GoldenArrays(golden.file("dpo_step.h5"))
    _ = try run(
      golden, "lora", arrays, group: "", batch: { try StepBatch(steps, $0) }, in: &report)
    arrays.reportUnknown(in: &report)
  }

  /// - Parameters:
  ///   - adapter: the folder of the adapter.
  ///   - group: where the expected values are.
  ///   - batch: makes the stored pairs ready for the model.
  /// - Returns: the models with the adapter.
  static func run(
    _ golden: any GoldenModels, _ adapter: String, _ arrays: GoldenArrays, group: String,
    batch: (any FamilyConfiguration) throws -> StepBatch, in report: inout VerificationReport
  ) throws -> ModelPair {
    func adapted() throws -> ModelPair {
      try ModelPair { dtype in
        let model = try golden.loadModel(.float32)
        model.setTrainable(false, .vision, .projector, .decoder)
        try model.loadAdapter(from: golden.file(adapter))
        model.convert(to: dtype)
        return model
      }
    }
    let models = try adapted()
    let names = models.single.configuration.names
    let batch = try batch(models.single.configuration)
    let (rank, alpha) = (models.single.adapterRank, models.single.adapterAlpha)
    let isRankStabilised = try arrays.number("use_rslora", on: group) == 1
    for (attribute, value) in [("r", rank.map(Double.init)), ("alpha", alpha)] {
      guard let expected = try arrays.number(attribute, on: group) else { continue }
      let scaled =
        attribute == "alpha" && isRankStabilised ? expected * Double(rank ?? 1).squareRoot() : expected
      report.expectEqual("\(arrays.name) \(group)@\(attribute)", [value ?? 0], [scaled])
    }
    let beta = try arrays.requiredNumber("beta", on: group)
    let results = try PrecisionPair { dtype in
      let model = models[dtype]
      let policy = batch.logProbabilities(model)
      model.isAdapterEnabled = false
      let reference = noGradient { batch.logProbabilities(model) }
      model.isAdapterEnabled = true
      let loss = try batch.loss(
        batch.scores(policy: policy, reference: reference), beta: beta, gamma: 0)
      var results = [
        "policy_token_logps": batch.stored(policy.detached()), "ref_token_logps": batch.stored(reference),
        "loss": loss.detached(),
      ]
      let gradients = loss.backward()
      for (name, parameter) in model.trainableParameters() {
        results["grad/" + PEFTAdapter.name(name, names)] = gradients[parameter] ?? .zeros(parameter.shape)
      }
      return results
    }
    try results.compare(with: arrays, under: group, in: &report)
    let merging = try adapted()
    merging.single.mergeAdapters()
    merging.double.mergeAdapters()
    let merged = try PrecisionPair { dtype in
      noGradient { ["policy_token_logps": batch.stored(batch.logProbabilities(merging[dtype]))] }
    }
    try merged.compare(with: arrays, under: group, in: &report)
    return models
  }
}
