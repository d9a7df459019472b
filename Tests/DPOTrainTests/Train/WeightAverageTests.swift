import Checkpoint
import DPOTrain
import Foundation
import LVLM
import Records
import Tensor
import Testing

/// A run whose outcome is an average of its weights.
@Suite struct WeightAverageTests {
  private struct Killed: Error {}

  /// Moves every weight down, by t² in step t.
  private struct Fall: TrainingObjective {
    let model: LlavaModel

    func outcome(ofStep step: Int) throws -> StepOutcome {
      let sum = model.trainableParameters().reduce(Tensor([Float(0)])) { $0 + $1.parameter.tensor.sum() }
      let size = Double((step + 1) * (step + 1))
      return StepOutcome(gradients: (sum.sum() * size).backward(), loss: 1, tokens: 1, metrics: [])
    }

    func recordIDs(ofStep step: Int) -> [String] { [] }
    func epoch(afterSteps step: Int) -> Double { 0 }
  }

  /// Where `EMAModel` of diffusers 0.42.1 is after each step, in Float64: by how much the average lies below
  /// a weight that falls by 0.01 t² in step t.
  private static let golden: [Double: [Double]] = [
    0.9: [
      -0.01, -0.0427272727272727, -0.1156818181818182, -0.2432867132867133, -0.4404595404595404,
      -0.7221838161838162,
    ],
    0.3: [
      -0.01, -0.0427272727272727, -0.1156818181818182, -0.2447045454545455, -0.4584113636363636,
      -0.7745234090909091,
    ],
  ]

  private static func model() throws -> LlavaModel {
    var generator = RandomGenerator(seed: 4)
    let model = try OneLayerModel.make(using: &generator)
    model.setTrainable(false, .vision)
    return model
  }

  private static func weights(_ model: LlavaModel) -> [Float] {
    model.trainableParameters().flatMap { $0.parameter.tensor.array(of: Float.self) }
  }

  /// Runs six steps in a folder.
  /// - Returns: the weights that looks saw, and those that the model has at the end.
  private func run(
    _ decay: Double, in folder: URL, keepsBest: Bool = false, failsIn last: Int? = nil
  ) throws -> (seen: [[Float]], end: [Float]) {
    let model = try Self.model()
    let checkpoints = folder.appendingPathComponent("checkpoints")
    try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    let loop = TrainingLoop(
      settings: TrainingLoop.Settings(
        stage: .train, steps: 6, schedule: LearningRateSchedule(.constant, peak: 0.01, totalSteps: 6),
        beta1: 0.9, beta2: 0.99, weightDecay: 0, maxGradNorm: 0, loggingSteps: 1, saveSteps: 1,
        saveTotalLimit: 2, optimizer: .sgd, emaDecay: decay, evalSteps: 1, keepsBest: keepsBest,
        configurationHash: "h", configuration: ""),
      model: model, checkpoints: checkpoints,
      metrics: folder.appendingPathComponent("metrics.jsonl"), console: .silent)
    try loop.resume()
    var seen: [[Float]] = []
    try loop.run(Fall(model: model)) {
      if loop.step == last { throw Killed() }
      seen.append(Self.weights(model))
      // The fourth look is the best one.
      return TrainingLoop.Look(values: [], score: loop.step == 4 ? 1 : 0)
    }
    return (seen, Self.weights(model))
  }

  private func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ema-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  @Test(arguments: [0.9, 0.3]) func looksAndOutcomeAreTheAverage(decay: Double) throws {
    let start = Self.weights(try Self.model())
    let golden = try #require(Self.golden[decay])
    try withFolder { folder in
      let found = try run(decay, in: folder)
      #expect(found.seen.count == 6 && found.end == found.seen[5])
      for (weights, fall) in zip(found.seen, golden) {
        for (own, before) in zip(weights, start) {
          #expect(abs(Double(own) - Double(before) - fall) < 2e-6)
        }
      }
      // The checkpoint has the weights as they were trained under their names, and the average beside them.
      let (step, url) = try #require(
        try CheckpointDirectory(folder.appendingPathComponent("checkpoints")).newest())
      #expect(step == 6)
      let entries = Dictionary(
        uniqueKeysWithValues: try TrainingCheckpoint.readModel(url).map { ($0.name, $0.tensor) })
      let model = try Self.model()
      let raw = model.trainableParameters().flatMap { entries[$0.name]!.array(of: Float.self) }
      let average = model.trainableParameters().flatMap { entries["ema.\($0.name)"]!.array(of: Float.self) }
      #expect(average == found.end)
      for (own, before) in zip(raw, start) { #expect(abs(Double(own) - Double(before) + 0.91) < 2e-6) }
    }
  }

  /// Training itself is another's in nothing, and a run without an average keeps none.
  @Test func offItCostsNothing() throws {
    let (plain, names) = try withFolder { folder in
      let found = try run(0, in: folder)
      let (_, url) = try #require(
        try CheckpointDirectory(folder.appendingPathComponent("checkpoints")).newest())
      return (found, try TrainingCheckpoint.readModel(url).map(\.name))
    }
    #expect(plain.end == plain.seen[5] && !names.contains { $0.hasPrefix("ema.") })
    for (own, before) in zip(plain.end, Self.weights(try Self.model())) {
      #expect(abs(Double(own) - Double(before) + 0.91) < 2e-6)
    }
  }

  @Test(arguments: [1, 3, 6]) func aRunThatIsKilledEndsTheSame(last: Int) throws {
    for keepsBest in [false, true] {
      let whole = try withFolder { try run(0.9, in: $0, keepsBest: keepsBest) }
      let parts = try withFolder { folder in
        #expect(throws: Killed.self) { try run(0.9, in: folder, keepsBest: keepsBest, failsIn: last) }
        return try run(0.9, in: folder, keepsBest: keepsBest)
      }
      #expect(parts.end == whole.end && parts.seen == Array(whole.seen[(last - 1)...]))
      // The best look's weights are the average that it saw.
      #expect(whole.end == whole.seen[keepsBest ? 3 : 5])
    }
  }
}
