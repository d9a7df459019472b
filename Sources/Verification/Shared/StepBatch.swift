import DPOTrain
import LVLM
import Tensor

/// The pairs of `dpo_step.h5`, packed with shared prompts as training does, and the way back into the stored
/// layout.
struct StepBatch {
  let pairs: Int
  let pixels: Tensor
  /// Tokens of the chosen and the rejected answers.
  let chosenTokens: [Int]
  let rejectedTokens: [Int]
  private let packed: PackedBatch
  /// For each target its place in the stored `[rows, tokens − 1]`.
  private let cells: [Int]
  private let cellCount: Int

  /// The batch of a LLaVA, whose pixels are stored beside it.
  init(_ arrays: GoldenArrays, _ configuration: any FamilyConfiguration) throws {
    let pixels = try arrays.tensor("batch/pixel_values")
    try self.init(
      arrays, configuration, pixels: pixels,
      layout: FeatureLayout(repeating: configuration.viewGrid, count: pixels.shape[0]))
  }

  /// - Parameters:
  ///   - pixels: the views of all pictures, pair by pair.
  ///   - layout: what their features stand for.
  init(
    _ arrays: GoldenArrays, _ configuration: any FamilyConfiguration, pixels: Tensor, layout: FeatureLayout
  ) throws {
    self.pixels = pixels
    let image = Int32(configuration.imageTokenIndex)
    // InternLM-XComposer2.5 has no token for pictures: -100 stands for one.
    let ids = try arrays.integers("batch/input_ids").map { $0 == -100 ? image : $0 }
    let attended = try arrays.integers("batch/attention_mask")
    let answered = try arrays.integers("batch/completion_mask")
    let counts = try arrays.integers("batch/images_per_prompt").map(Int.init)
    pairs = counts.count
    let width = ids.count / counts.count / 2
    var cells: [Int] = []
    var first = 0
    let examples = counts.enumerated().map { pair, count in
      let prompt = (pair * width..<(pair + 1) * width).filter { attended[$0] != 0 && answered[$0] == 0 }
      let completions = [pair, counts.count + pair].map { row in
        (0..<width).filter { answered[row * width + $0] != 0 }.map { column in
          cells.append(row * (width - 1) + column - 1)
          return ids[row * width + column]
        }
      }
      defer { first += count }
      return PackedExample(
        promptIDs: prompt.map { ids[$0] }, images: Array(first..<first + count), completions: completions)
    }
    chosenTokens = examples.map { $0.completions[0].count }
    rejectedTokens = examples.map { $0.completions[1].count }
    self.cells = cells
    cellCount = 2 * counts.count * (width - 1)
    packed = try PackedBatch(
      examples, sharesPrefix: true, imageTokenID: image, features: layout)
  }

  /// Log-probability of every answer token, in the order of the packed batch.
  func logProbabilities(_ model: VisionLanguageModel) -> Tensor {
    let features = model.imageFeatures(
      pixels.to(model.decoder.headWeight.dtype), layout: packed.features)
    return model.logProbabilities(packed, imageFeatures: features)
  }

  /// Values of tokens in the stored layout, zero outside the answers.
  func stored(_ values: Tensor) -> Tensor {
    var all = [Double](repeating: 0, count: cellCount)
    for (cell, value) in zip(cells, values.array(of: Double.self)) { all[cell] = value }
    return Tensor(all)
  }

  /// The scores of the pairs.
  func scores(policy: Tensor, reference: Tensor) -> PreferenceScores {
    func table(_ values: Tensor) -> (chosen: Tensor, rejected: Tensor) {
      let sums = segmentSums(values, segments: packed.completionOfTarget, count: packed.completionCount)
        .reshaped([pairs, 2])
      return (
        sums.slice(axis: 1, 0..<1).reshaped([pairs]), sums.slice(axis: 1, 1..<2).reshaped([pairs])
      )
    }
    let (ours, theirs) = (table(policy), table(reference.detached()))
    return PreferenceScores(
      policyChosen: ours.chosen, policyRejected: ours.rejected, referenceChosen: theirs.chosen,
      referenceRejected: theirs.rejected, chosenTokens: chosenTokens, rejectedTokens: rejectedTokens)
  }

  /// The objective of the whole batch: `sigmoid`, plus `gamma` times the mean negative log-probability.
  func loss(_ scores: PreferenceScores, beta: Double, gamma: Double) throws -> Tensor {
    let terms = try PreferenceObjectiveTerms(
      losses: ["sigmoid"], options: LossOptions(beta: beta), gamma: gamma)
    return terms.share(of: scores, stepPairs: pairs, stepChosenTokens: chosenTokens.reduce(0, +))
  }
}
