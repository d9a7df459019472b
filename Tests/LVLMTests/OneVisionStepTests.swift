import Checkpoint
import Foundation
import LVLM
import Tensor
import TestSupport
import Testing

/// A preference step through the whole LLaVA-OneVision, and adapters on all of its parts.
@Suite struct OneVisionStepTests {
  /// Three pairs of answers, to prompts with one, two and three pictures.
  private struct Step {
    let golden: Golden
    let batch: PackedBatch
    let pixels: Tensor
    let layout: FeatureLayout
    /// For each target its place in the reference's `[rows, tokens - 1]`.
    let cells: [Int]

    init(_ loaded: PretrainedModel) throws {
      golden = try OneVision.golden("dpo_step.h5")
      let ids = try golden.integers("batch/input_ids")
      let attended = try golden.file.read("batch/attention_mask").floats()
      let answered = try golden.file.read("batch/completion_mask").floats()
      let counts = try golden.integers("batch/images_per_prompt").map(Int.init)
      let pictures = try golden.text("images", on: "batch").split(separator: ",").map {
        try OneVision.picture(String($0))
      }
      let isAlone = counts.flatMap { Array(repeating: $0 == 1, count: $0) }
      let processor = try #require(loaded.processor)
      pixels = Tensor.concatenated(zip(pictures, isAlone).map { processor.pixels($0, isAlone: $1) })
      layout = FeatureLayout(
        zip(pictures, isAlone).map {
          processor.geometry.grid(width: $0.width, height: $0.height, isAlone: $1)
        })
      let width = ids.count / counts.count / 2
      var (cells, first): ([Int], Int) = ([], 0)
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
        examples, sharesPrefix: true, imageTokenID: loaded.encoder.imageTokenID, features: layout)
    }

    func logProbabilities(_ model: VisionLanguageModel) -> Tensor {
      model.logProbabilities(batch, imageFeatures: model.imageFeatures(pixels, layout: layout))
    }

    /// The reference's values at the targets of the batch.
    func values(_ path: String, in golden: Golden) throws -> Tensor {
      let all = try golden.tensor(path).array(of: Float.self)
      return Tensor(cells.map { all[$0] })
    }

    /// Expects log-probabilities of the targets to be the reference's.
    func expect(_ found: Tensor, is path: String, in golden: Golden) throws {
      let error = difference(found.detached(), try values(path, in: golden))
      #expect(try error <= golden.allowedError(path), "\(path): \(error)")
    }

    /// `−log σ(β · margin)`, mean over pairs; answers alternate between chosen and rejected.
    func loss(_ policy: Tensor, reference: Tensor) throws -> Tensor {
      let beta = try golden.real("beta", on: "plain")
      let ratio = (policy - reference).reshaped([-1, 1])
      let margins = (0..<batch.completionCount / 2).map { pair in
        let sums = [2 * pair, 2 * pair + 1].map { completion in
          let rows = batch.completionOfTarget.indices.filter { batch.completionOfTarget[$0] == completion }
          return ratio.rows(at: Tensor(rows.map(Int32.init))).sum()
        }
        return (sums[0] - sums[1]) * beta
      }
      return -Tensor.stacked(margins).logSigmoid().mean()
    }
  }

  private static func names(under group: String, of golden: Golden) throws -> Set<String> {
    Set(try golden.file.datasets(under: group).map { String($0.split(separator: "/").last!) })
  }

  @Test func everyParameter() throws {
    let loaded = try OneVisionModelTests.load()
    let (model, step) = (loaded.model, try Step(loaded))
    let golden = step.golden
    let policy = step.logProbabilities(model)
    try step.expect(policy, is: "policy_token_logps", in: golden)
    let reference = try step.values("ref_token_logps", in: golden)
    let loss = try step.loss(policy, reference: reference)
    try golden.expect(loss.detached(), is: "plain/loss")
    var gradients = loss.backward()
    var compared = 0
    for (name, parameter) in model.namedParameters() {
      let saved = model.configuration.names.name(name, in: .saved)
      guard let gradient = gradients[parameter] else {
        // The norm behind the tower is never computed.
        #expect(saved.contains("post_layernorm"), "no gradient for \(name)")
        continue
      }
      if try golden.file.exists("plain/grad/\(saved)") {
        try golden.expect(gradient, is: "plain/grad/\(saved)")
        compared += 1
      }
    }
    #expect(compared == (try Self.names(under: "plain/grad", of: golden).count) && compared > 40)

    func setting(_ name: String) throws -> Double { try golden.real(name, on: "plain") }
    let parameters = model.namedParameters()
    let norm = gradients.clip(norm: try setting("clip"), of: parameters)
    #expect(abs(norm - (try setting("grad_norm"))) < 1e-4)
    let optimizer = AdamW(
      learningRate: try setting("lr"), beta1: try setting("beta1"), beta2: try setting("beta2"),
      epsilon: try setting("eps"), weightDecay: try setting("weight_decay"))
    optimizer.step(parameters, gradients)
    let stepped = try Self.names(under: "plain/step", of: golden)
    for (name, parameter) in parameters {
      let saved = model.configuration.names.name(name, in: .saved)
      guard stepped.contains(saved) else { continue }
      // The true gradient of these is zero, and its rounding decides the direction of a step.
      if saved.hasPrefix("vision_tower"), saved.hasSuffix("k_proj.bias") { continue }
      try golden.expect(parameter.tensor.detached(), is: "plain/step/\(saved)")
    }
    let after = noGradient { step.logProbabilities(model) }
    try golden.expect(try step.loss(after, reference: reference), is: "plain/loss_after")
  }

  /// Adapters that PEFT put on the decoder's blocks, the tower and the connector.
  @Test(arguments: ["qv", "all"]) func adapters(name: String) throws {
    let (golden, directory) = (
      try OneVision.golden("lora.h5"), OneVision.directory.appending(component: "lora_\(name)")
    )
    let loaded = try OneVisionModelTests.load()
    let (model, step) = (loaded.model, try Step(loaded))
    let reference = noGradient { step.logProbabilities(model) }
    try step.expect(reference, is: "\(name)/ref_token_logps", in: golden)
    try model.loadAdapter(from: directory)
    for path in ["img1", "img3"] where try golden.file.exists("\(name)/\(path)/tail_logits") {
      let item = try OneVisionModelTests.Case(path, loaded)
      let hidden = noGradient { model.hiddenStates(try! item.batch(), imageFeatures: item.features) }
      let tail = hidden.slice(axis: 0, item.promptCount - 1..<item.ids.count)
      try golden.expect(model.decoder.logits(tail), is: "\(name)/\(path)/tail_logits")
    }
    let policy = step.logProbabilities(model)
    try step.expect(policy, is: "\(name)/policy_token_logps", in: golden)
    let loss = try step.loss(policy, reference: reference)
    try golden.expect(loss.detached(), is: "\(name)/loss")
    let gradients = loss.backward()
    let parameters = Dictionary(uniqueKeysWithValues: model.namedParameters().map { ($0.name, $0.parameter) })
    var compared = 0
    for theirs in try Self.names(under: "\(name)/grad", of: golden).sorted() {
      let path = "\(name)/grad/\(theirs)"
      let bare = String(theirs.dropFirst("base_model.model.".count))
      let canonical = try #require(model.configuration.names.canonical(bare))
      let parameter = try #require(parameters[canonical], "\(theirs)")
      try golden.expect(try #require(gradients[parameter]), is: path)
      compared += 1
    }
    #expect(compared > 0)
  }
}
