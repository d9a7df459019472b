import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A DPO step through the whole InternLM-XComposer2.5 against the reference implementation.
@Suite struct XComposerStepTests {
  private struct Step {
    let item: XComposerGolden
    let batch: PackedBatch
    var pixels: Tensor
    /// For each target its place in the reference's `[rows, tokens - 1]`.
    let cells: [Int]
    /// Which targets are of chosen answers.
    var chosen: [Int] { batch.completionOfTarget.indices.filter { batch.completionOfTarget[$0] % 2 == 0 } }

    init(sharesPrefix: Bool = true) throws {
      item = try XComposerGolden("dpo_step.h5")
      let golden = item.golden
      let (pixels, layout) = try item.pictures(item.text("images", on: "batch"))
      self.pixels = pixels
      let ids = try golden.integers("batch/input_ids")
      let attended = try golden.file.read("batch/attention_mask").bytes
      let answered = try golden.file.read("batch/completion_mask").bytes
      let counts = try golden.integers("batch/images_per_prompt").map(Int.init)
      let width = ids.count / counts.count / 2
      var cells: [Int] = []
      var first = 0
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
        examples, sharesPrefix: sharesPrefix, imageTokenID: -100, features: layout)
    }

    func logProbabilities() -> Tensor {
      item.model.logProbabilities(
        batch, imageFeatures: item.model.imageFeatures(pixels, layout: batch.features))
    }

    /// The reference's values at the targets of the batch.
    func values(_ path: String, in golden: Golden) throws -> Tensor {
      let all = try golden.tensor(path).array(of: Float.self)
      return Tensor(cells.map { all[$0] })
    }

    func expect(_ found: Tensor, is path: String, in golden: Golden) throws {
      let error = difference(found.detached(), try values(path, in: golden))
      #expect(try error <= golden.allowedError(path), "\(path)")
    }

    func margins(_ policy: Tensor, _ reference: Tensor) -> [(chosen: Tensor, rejected: Tensor)] {
      let ratio = (policy - reference).reshaped([-1, 1])
      return (0..<batch.completionCount / 2).map { pair in
        let sums = [2 * pair, 2 * pair + 1].map { completion in
          let rows = batch.completionOfTarget.indices.filter { batch.completionOfTarget[$0] == completion }
          return ratio.rows(at: Tensor(rows.map(Int32.init))).sum()
        }
        return (sums[0], sums[1])
      }
    }

    /// `−log σ(β · margin)`, mean over pairs, and `γ` times the mean negative log-probability of the tokens
    /// of chosen answers.
    func loss(_ policy: Tensor, reference: Tensor, beta: Double, gamma: Double = 0) -> Tensor {
      let margins = margins(policy, reference).map { ($0.chosen - $0.rejected) * beta }
      let plain = -Tensor.stacked(margins).logSigmoid().mean()
      guard gamma != 0 else { return plain }
      let tokens = policy.reshaped([-1, 1]).rows(at: Tensor(chosen.map(Int32.init)))
      return plain - tokens.mean() * gamma
    }
  }

  private static func expectGradients(_ gradients: Gradients, _ step: Step, under path: String) throws {
    let golden = step.item.golden
    let parameters = Dictionary(
      uniqueKeysWithValues: step.item.model.namedParameters().map { ($0.name, $0.parameter) })
    let names = try golden.file.datasets(under: path)
    #expect(names.count > 5)
    for name in names {
      let file = String(name.split(separator: "/").last!)
      let canonical = try #require(step.item.model.configuration.names.canonical(file))
      let parameter = try #require(parameters[canonical], "\(canonical)")
      try golden.expect(try #require(gradients[parameter], "\(canonical)"), is: "\(path)/\(file)")
    }
  }

  @Test(arguments: [true, false]) func everyParameter(sharesPrefix: Bool) throws {
    let step = try Step(sharesPrefix: sharesPrefix)
    let golden = step.item.golden
    let reference = try step.values("ref_token_logps", in: golden)
    let policy = step.logProbabilities()
    try step.expect(policy, is: "policy_token_logps", in: golden)
    let beta = try golden.real("beta", on: "plain")
    let rewards = step.margins(policy.detached(), reference)
    try golden.expect(Tensor.stacked(rewards.map { $0.chosen * beta }), is: "chosen_rewards")
    try golden.expect(Tensor.stacked(rewards.map { $0.rejected * beta }), is: "rejected_rewards")
    let plain = step.loss(policy, reference: reference, beta: beta)
    try golden.expect(plain.detached(), is: "plain/loss")
    try Self.expectGradients(plain.backward(), step, under: "plain/grad")
    guard sharesPrefix else { return }
    let gamma = try golden.real("gamma", on: "nll")
    let both = step.loss(step.logProbabilities(), reference: reference, beta: beta, gamma: gamma)
    try golden.expect(both.detached(), is: "nll/loss")
    try Self.expectGradients(both.backward(), step, under: "nll/grad")
  }

  /// In double precision: the first step of AdamW is the sign of a gradient, also of one that is only noise.
  @Test func oneStep() throws {
    var step = try Step()
    let (golden, model) = (step.item.golden, step.item.model)
    for (_, parameter) in model.namedParameters() { parameter.convert(to: .float64) }
    step.pixels = step.pixels.to(.float64)
    func real(_ name: String) throws -> Double { try golden.real(name, on: "plain/train") }
    let reference = try step.values("ref_token_logps", in: golden).to(.float64)
    let beta = try golden.real("beta", on: "plain")
    func loss() -> Tensor { step.loss(step.logProbabilities(), reference: reference, beta: beta) }
    let before = loss()
    var gradients = before.backward()
    let parameters = model.trainableParameters()
    gradients.clip(norm: try real("clip"), of: parameters)
    let optimizer = AdamW(learningRate: try real("lr"), weightDecay: try real("weight_decay"))
    optimizer.step(parameters, gradients)
    let losses = Tensor([before.detached().item(), noGradient { loss() }.item()].map { Float($0) })
    try golden.expect(losses, is: "plain/train/losses")
    for path in try golden.file.datasets(under: "plain/train/params") {
      let file = String(path.split(separator: "/").last!)
      let canonical = try #require(model.configuration.names.canonical(file))
      let parameter = try #require(model.namedParameters().first { $0.name == canonical })
      try golden.expect(parameter.parameter.tensor.detached(), is: "plain/train/params/\(file)")
    }
  }

  @Test func adapters() throws {
    let step = try Step()
    let (golden, model) = (try Golden(at: Fixtures.url("xcomposer/lora.h5")), step.item.model)
    try model.loadAdapter(from: Fixtures.url("xcomposer/lora"))
    model.setTrainable(false, .vision, .projector)
    let trainable = model.trainableParameters()
    #expect(trainable.count == 30)
    let policy = step.logProbabilities()
    try step.expect(policy, is: "policy_token_logps", in: golden)
    model.isAdapterEnabled = false
    let reference = noGradient { step.logProbabilities() }
    try step.expect(reference, is: "ref_token_logps", in: golden)
    model.isAdapterEnabled = true
    let loss = step.loss(policy, reference: reference, beta: try golden.real("beta", on: "/"))
    try golden.expect(loss.detached(), is: "loss")
    let gradients = loss.backward()
    for (name, parameter) in trainable {
      let path = "grad/\(PEFTAdapter.name(name, model.configuration.names))"
      let gradient = try #require(gradients[parameter], "\(name)")
      if try golden.file.exists(path) { try golden.expect(gradient, is: path) }
    }
    try Fixtures.withTemporaryDirectory { folder in
      try model.saveAdapter(to: folder, baseModel: "base")
      let own = try SafeTensorsFile(reading: folder.appending(component: "adapter_model.safetensors"))
      let given = try SafeTensorsFile(
        reading: Fixtures.url("xcomposer/lora/adapter_model.safetensors"))
      #expect(own.names.sorted() == given.names.sorted())
      for name in own.names { #expect(try own.array(name) == given.array(name)) }
      let again = try VisionLanguageModel.load(from: XComposerGolden.modelDirectory)
      try again.loadAdapter(from: folder)
      #expect(again.adapterRank == 4)
    }
    model.mergeAdapters()
    try step.expect(noGradient { step.logProbabilities() }, is: "policy_token_logps", in: golden)
    #expect(!model.namedParameters().contains { $0.name.contains(".lora_") })
  }
}
