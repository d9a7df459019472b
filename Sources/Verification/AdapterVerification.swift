import DPOTrain
import Foundation
import LVLM
import Tensor

/// A PEFT adapter on the batch of the DPO step, the model without it as reference.
enum AdapterVerification {
  static func run(_ golden: GoldenFolder, _ report: inout VerificationReport) throws {
    let arrays = try GoldenArrays(golden.file("lora.h5"))
    let models = try ModelPair { dtype in
      let model = try golden.open().model
      model.setTrainable(false, .vision, .projector, .decoder)
      try model.loadAdapter(from: golden.file("lora"))
      model.convert(to: dtype)
      return model
    }
    let batch = try StepBatch(GoldenArrays(golden.file("dpo_step.h5")), models.single.configuration)
    let (rank, alpha) = (models.single.adapterRank, models.single.adapterAlpha)
    for (attribute, value) in [("r", rank.map(Double.init)), ("alpha", alpha)] {
      guard let expected = try arrays.number(attribute, on: "") else { continue }
      report.expectEqual("\(arrays.name) @\(attribute)", [value ?? 0], [expected])
    }
    let beta = try arrays.requiredNumber("beta", on: "")
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
        results["grad/" + PEFTAdapter.name(name)] = gradients[parameter] ?? .zeros(parameter.shape)
      }
      return results
    }
    try results.compare(with: arrays, under: "", in: &report)
    models.single.mergeAdapters()
    models.double.mergeAdapters()
    let merged = try PrecisionPair { dtype in
      noGradient { ["policy_token_logps": batch.stored(batch.logProbabilities(models[dtype]))] }
    }
    try merged.compare(with: arrays, under: "", in: &report)
    arrays.reportUnknown(in: &report)
  }
}
