import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A preference step of the tiny SmolVLM, and its adapters, against the reference implementation.
@Suite struct SmolVLMGradientTests {
  private struct Step {
    let golden: Golden
    let model: VisionLanguageModel
    let batch: PackedBatch
    let pixels: Tensor
    let layout: FeatureLayout
    /// For each target its place in the reference's `[rows, tokens - 1]`.
    let cells: [Int]

    init(sharesPrefix: Bool = true) throws {
      golden = try SmolVLMFixture.golden("dpo_step.h5")
      model = try SmolVLMFixture.load().model
      let shown = try SmolVLMFixture.pictures(
        SmolVLMFixture.text("images", on: "batch", in: golden),
        mode: SmolVLMFixture.text("mode", on: "batch", in: golden))
      (pixels, layout) = (try #require(shown.pixels), shown.layout)
      let ids = try golden.integers("batch/input_ids")
      let attended = try golden.file.read("batch/attention_mask").floats()
      let answered = try golden.file.read("batch/completion_mask").floats()
      let counts = try golden.integers("batch/images_per_prompt").map(Int.init)
      let width = ids.count / counts.count / 2
      var (cells, first): ([Int], Int) = ([], 0)
      let examples = counts.enumerated().map { pair, count in
        let prompt = (0..<width).filter {
          attended[pair * width + $0] != 0 && answered[pair * width + $0] == 0
        }
        let completions = [pair, counts.count + pair].map { row in
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
        examples, sharesPrefix: sharesPrefix, imageTokenID: SmolVLMFixture.imageID, features: layout)
    }

    func logProbabilities() -> Tensor {
      model.logProbabilities(batch, imageFeatures: model.imageFeatures(pixels, layout: layout))
    }

    /// The reference's values at the targets of the batch.
    func values(_ path: String, in golden: Golden) throws -> Tensor {
      let all = try golden.tensor(path).array(of: Float.self)
      return Tensor(cells.map { all[$0] })
    }

    func expect(_ found: Tensor, is path: String, in golden: Golden) throws {
      let error = difference(found.detached(), try values(path, in: golden))
      #expect(try error <= golden.allowedError(path), "\(path): \(error)")
    }

    /// Beta times the log-ratios of the answers, `[answers]`: chosen and rejected of each pair in turn.
    func rewards(_ policy: Tensor, reference: Tensor, beta: Double) -> Tensor {
      let ratio = (policy - reference).reshaped([-1, 1])
      return Tensor.stacked(
        (0..<batch.completionCount).map { completion in
          let rows = batch.completionOfTarget.indices.filter { batch.completionOfTarget[$0] == completion }
          return ratio.rows(at: Tensor(rows.map(Int32.init))).sum() * beta
        })
    }

    /// `−log σ(chosen − rejected)`, mean over pairs.
    func loss(_ policy: Tensor, reference: Tensor, beta: Double) -> Tensor {
      let pairs = rewards(policy, reference: reference, beta: beta).reshaped([-1, 2])
      let margins = pairs.slice(axis: 1, 0..<1) - pairs.slice(axis: 1, 1..<2)
      return -margins.logSigmoid().mean()
    }
  }

  @Test(arguments: [true, false]) func everyParameter(sharesPrefix: Bool) throws {
    let step = try Step(sharesPrefix: sharesPrefix)
    let beta = try step.golden.real("beta", on: "plain")
    let policy = step.logProbabilities()
    let reference = try step.values("ref_token_logps", in: step.golden)
    try step.expect(policy, is: "policy_token_logps", in: step.golden)
    let rewards = step.rewards(policy.detached(), reference: reference, beta: beta).reshaped([-1, 2])
    try step.golden.expect(rewards.slice(axis: 1, 0..<1), is: "chosen_rewards")
    try step.golden.expect(rewards.slice(axis: 1, 1..<2), is: "rejected_rewards")
    let loss = step.loss(policy, reference: reference, beta: beta)
    try step.golden.expect(loss.detached(), is: "plain/loss")
    var gradients = loss.backward()
    var compared = 0
    for (name, parameter) in step.model.namedParameters() {
      let path = "plain/grad/\(step.model.configuration.names.name(name, in: .saved))"
      let gradient = try #require(gradients[parameter], "\(name)")
      guard try step.golden.file.exists(path) else { continue }
      compared += 1
      // Softmax does not see a bias of all keys of the tower: there is only noise.
      if name.hasPrefix("vision_tower."), name.hasSuffix("k_proj.bias") { continue }
      try step.golden.expect(gradient, is: path)
    }
    #expect(compared > 20)
    let norm = gradients.norm(of: step.model.trainableParameters())
    #expect(abs(norm - (try step.golden.real("grad_norm", on: "plain"))) < 1e-4)

    func setting(_ name: String) throws -> Double { try step.golden.real(name, on: "plain") }
    _ = try gradients.clip(norm: setting("clip"), of: step.model.trainableParameters())
    let optimizer = try AdamW(
      learningRate: setting("lr"), beta1: setting("beta1"), beta2: setting("beta2"),
      epsilon: setting("eps"), weightDecay: setting("weight_decay"))
    optimizer.step(step.model.trainableParameters(), gradients)
    let after = noGradient { step.loss(step.logProbabilities(), reference: reference, beta: beta) }
    try step.golden.expect(after, is: "plain/loss_after")
    for (name, parameter) in step.model.namedParameters() {
      let path = "plain/step/\(step.model.configuration.names.name(name, in: .saved))"
      guard try step.golden.file.exists(path), !name.hasSuffix("k_proj.bias") else { continue }
      try step.golden.expect(parameter.tensor.detached(), is: path)
    }
  }

  /// An adapter that is put on here comes back from PEFT's files.
  @Test func ownAdapters() throws {
    try Fixtures.withTemporaryDirectory { folder in
      let step = try Step()
      var generator = RandomGenerator(seed: 7)
      step.model.applyLoRA(rank: 2, alpha: 4, targets: ["q_proj", "down_proj"], using: &generator)
      for (name, parameter) in step.model.namedParameters() where name.hasSuffix(".lora_B.weight") {
        parameter.tensor = .randomNormal(parameter.shape, standardDeviation: 0.1, using: &generator)
      }
      let expected = noGradient { step.logProbabilities() }
      try step.model.saveAdapter(to: folder, baseModel: "smolvlm")
      let names = try SafeTensorsFile(reading: folder.appending(component: "adapter_model.safetensors")).names
      #expect(names.count == 12)
      #expect(names.allSatisfy { $0.hasPrefix("base_model.model.model.text_model.layers.") })
      let again = try Step()
      try again.model.loadAdapter(from: folder)
      #expect(difference(expected, noGradient { again.logProbabilities() }) == 0)
      again.model.isAdapterEnabled = false
      try again.expect(
        noGradient { again.logProbabilities() }, is: "policy_token_logps", in: again.golden)
    }
  }

  /// Adapters that PEFT put on whatever has the names of the decoder's layers, the tower among it.
  @Test(arguments: ["qv", "all"]) func adapters(name: String) throws {
    let step = try Step()
    let golden = try SmolVLMFixture.golden("lora.h5")
    try step.expect(noGradient { step.logProbabilities() }, is: "\(name)/ref_token_logps", in: golden)
    let reference = try step.values("\(name)/ref_token_logps", in: golden)
    try step.model.loadAdapter(from: Fixtures.url("smolvlm/lora_\(name)"))
    for item in ["img1", "img3"] where try golden.file.exists("\(name)/\(item)/tail_logits") {
      var loaded = try SmolVLMFixture.load()
      loaded.model = step.model
      let shown = try SmolVLMCase(item, loaded)
      try noGradient {
        let hidden = step.model.hiddenStates(
          try shown.batch(promptCount: shown.ids.count), imageFeatures: shown.features())
        let tail = hidden.slice(axis: 0, shown.promptCount - 1..<shown.ids.count)
        try golden.expect(step.model.decoder.logits(tail), is: "\(name)/\(item)/tail_logits")
      }
    }
    let policy = step.logProbabilities()
    try step.expect(policy, is: "\(name)/policy_token_logps", in: golden)
    let loss = step.loss(policy, reference: reference, beta: try golden.real("beta", on: name))
    try golden.expect(loss.detached(), is: "\(name)/loss")
    let gradients = loss.backward()
    var compared = 0
    for (own, parameter) in step.model.trainableParameters() where own.contains(".lora_") {
      let path = "\(name)/grad/\(PEFTAdapter.name(own, step.model.configuration.names))"
      let gradient = try #require(gradients[parameter], "\(own)")
      compared += 1
      if try golden.file.exists(path) { try golden.expect(gradient, is: path) }
    }
    #expect(compared == (name == "qv" ? 20 : 68))
  }
}
