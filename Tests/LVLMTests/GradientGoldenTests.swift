import Checkpoint
import LVLM
import Tensor
import Testing
import TestSupport

/// Gradients of a DPO step through the whole model against the reference implementation, answers of a pair
/// sharing their prompt.
@Suite struct GradientGoldenTests {
  private struct Step {
    let golden: Golden
    let model: LlavaModel
    let batch: PackedBatch
    let pixels: Tensor
    /// For each target its place in the reference's `[rows, tokens - 1]`.
    let cells: [Int]

    init(sharesPrefix: Bool = true) throws {
      golden = try Golden("dpo_step.h5")
      model = try Golden.model()
      pixels = try golden.tensor("batch/pixel_values")
      let ids = try golden.integers("batch/input_ids")
      let attended = try golden.integers("batch/attention_mask")
      let answered = try golden.integers("batch/completion_mask")
      let counts = try golden.integers("batch/images_per_prompt").map(Int.init)
      let width = ids.count / counts.count / 2
      var cells: [Int] = []
      var first = 0
      let examples = counts.enumerated().map { pair, count in
        let rows = [pair, counts.count + pair]
        let prompt = (0..<width).filter {
          attended[pair * width + $0] != 0 && answered[pair * width + $0] == 0
        }
        let completions = rows.map { row in
          (0..<width).filter { answered[row * width + $0] != 0 }.map { column in
            cells.append(row * (width - 1) + column - 1)
            return ids[row * width + column]
          }
        }
        defer { first += count }
        return PackedExample(
          promptIDs: prompt.map { ids[pair * width + $0] }, images: Array(first..<first + count),
          completions: completions)
      }
      self.cells = cells
      batch = try PackedBatch(
        examples, sharesPrefix: sharesPrefix, imageTokenID: Int32(model.configuration.imageTokenIndex),
        features: FeatureLayout(repeating: model.configuration.viewGrid, count: first))
    }

    func logProbabilities() -> Tensor {
      model.logProbabilities(batch, imageFeatures: model.imageFeatures(pixels))
    }

    /// The reference's values at the targets of the batch.
    func values(_ path: String, in golden: Golden) throws -> Tensor {
      let all = try golden.tensor(path).array(of: Float.self)
      return Tensor(cells.map { all[$0] })
    }

    /// Expects log-probabilities of the targets to be the reference's.
    func expect(_ found: Tensor, is path: String, in golden: Golden) throws {
      let error = difference(found.detached(), try values(path, in: golden))
      #expect(try error <= golden.allowedError(path), "\(path)")
    }

    /// `−log σ(β · margin)`, mean over pairs; answers alternate between chosen and rejected.
    func loss(_ policy: Tensor, reference: Tensor, beta: Double) -> Tensor {
      let ratio = (policy - reference).reshaped([-1, 1])
      var margins: [Tensor] = []
      for pair in 0..<batch.completionCount / 2 {
        let sums = [2 * pair, 2 * pair + 1].map { completion in
          let rows = batch.completionOfTarget.indices.filter { batch.completionOfTarget[$0] == completion }
          return ratio.rows(at: Tensor(rows.map(Int32.init))).sum()
        }
        margins.append((sums[0] - sums[1]) * beta)
      }
      return -Tensor.stacked(margins).logSigmoid().mean()
    }
  }

  @Test(arguments: [true, false]) func everyParameter(sharesPrefix: Bool) throws {
    let step = try Step(sharesPrefix: sharesPrefix)
    let beta = try step.golden.real("beta", on: "plain")
    let policy = step.logProbabilities()
    try step.expect(policy, is: "policy_token_logps", in: step.golden)
    let loss = step.loss(
      policy, reference: try step.values("ref_token_logps", in: step.golden), beta: beta)
    try step.golden.expect(loss.detached(), is: "plain/loss")
    let gradients = loss.backward()
    let names = Set(try step.golden.file.datasets(under: "plain/grad").map { $0.split(separator: "/").last! })
    #expect(names.count > 40)
    for (name, parameter) in step.model.namedParameters() {
      guard let gradient = gradients[parameter] else {
        #expect(!names.contains(Substring(name)), "no gradient for \(name)")
        continue
      }
      try step.golden.expect(gradient, is: "plain/grad/\(name)")
    }
  }

  @Test func adapters() throws {
    let step = try Step()
    let golden = try Golden("lora.h5")
    let file = try SafeTensorsFile(reading: Fixtures.url("golden/lora/adapter_model.safetensors"))
    var generator = RandomGenerator(seed: 0)
    step.model.applyLoRA(rank: 4, alpha: 8, using: &generator)
    step.model.setTrainable(false, .vision, .projector)
    let trainable = step.model.trainableParameters()
    #expect(trainable.count == file.names.count)
    func peft(_ name: String) -> String {
      "base_model.model." + ParameterNames.llava.name(name, in: .inMemory)
    }
    for (name, parameter) in trainable {
      let array = try file.array(peft(name))
      parameter.tensor = Tensor(array.floats(), shape: array.shape)
    }
    let policy = step.logProbabilities()
    try step.expect(policy, is: "policy_token_logps", in: golden)
    step.model.isAdapterEnabled = false
    let reference = noGradient { step.logProbabilities() }
    try step.expect(reference, is: "ref_token_logps", in: golden)
    step.model.isAdapterEnabled = true
    let beta = try step.golden.real("beta", on: "plain")
    let gradients = step.loss(policy, reference: reference, beta: beta).backward()
    for (name, parameter) in trainable {
      try golden.expect(try #require(gradients[parameter]), is: "grad/\(peft(name))")
    }
    step.model.mergeAdapters()
    try step.expect(noGradient { step.logProbabilities() }, is: "policy_token_logps", in: golden)
    #expect(!step.model.namedParameters().contains { $0.name.contains("lora") })
  }
}
