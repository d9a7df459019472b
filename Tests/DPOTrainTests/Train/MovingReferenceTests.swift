import DPOTrain
import Foundation
import LVLM
import Records
import Tensor
import TestSupport
import Testing

/// A reference that moves towards the model that is trained.
@Suite struct MovingReferenceTests {
  private struct Killed: Error {}

  /// Pulls every weight away from the reference's and down: a step depends on where the reference is.
  private struct Pull: TrainingObjective {
    let model: LlavaModel
    let reference: LlavaModel

    func outcome(ofStep step: Int) throws -> StepOutcome {
      let there = Dictionary(
        uniqueKeysWithValues: reference.namedParameters().map { ($0.name, $0.parameter) })
      let sum = model.trainableParameters().reduce(Tensor([Float(0)])) { sum, one in
        let away = one.parameter.tensor - there[one.name]!.tensor.detached()
        return sum + one.parameter.tensor.sum() - (away * away).sum() * 0.5
      }
      return StepOutcome(gradients: sum.sum().backward(), loss: 1, tokens: 1, metrics: [])
    }

    func recordIDs(ofStep step: Int) -> [String] { [] }
    func epoch(afterSteps step: Int) -> Double { 0 }
  }

  private static func model() throws -> LlavaModel {
    var generator = RandomGenerator(seed: 4)
    let model = try OneLayerModel.make(using: &generator)
    model.setTrainable(false, .vision)
    return model
  }

  private static func weights(_ model: LlavaModel) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: model.namedParameters().map {
        ($0.name, $0.parameter.tensor.array(of: Float.self))
      })
  }

  /// Both models after five steps.
  private static func run(
    every interval: Int, mixup: Double?, killedAfter last: Int? = nil
  ) throws -> (model: [String: [Float]], reference: [String: [Float]], moves: Int) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("moving-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var moves = 0
    func part(_ model: LlavaModel, _ reference: LlavaModel) -> TrainingLoop {
      TrainingLoop(
        settings: TrainingLoop.Settings(
          stage: .train, steps: 5, schedule: LearningRateSchedule(.constant, peak: 1e-2, totalSteps: 5),
          beta1: 0.9, beta2: 0.99, weightDecay: 0, maxGradNorm: 0, loggingSteps: 1, saveSteps: 1,
          saveTotalLimit: 1, optimizer: .sgd, evalSteps: (last ?? 9) + 1, configurationHash: "h",
          configuration: ""),
        model: model, checkpoints: folder.appendingPathComponent("checkpoints"),
        metrics: folder.appendingPathComponent("metrics.jsonl"), console: .silent,
        reference: mixup.map { MovingReference(reference, every: interval, mixup: $0) { moves += 1 } })
    }
    var (model, reference) = (try model(), try model())
    if last != nil {
      let objective = Pull(model: model, reference: reference)
      #expect(throws: Killed.self) { try part(model, reference).run(objective) { throw Killed() } }
      (model, reference) = (try Self.model(), try Self.model())
    }
    let loop = part(model, reference)
    #expect(try loop.resume() == last ?? 0)
    try loop.run(Pull(model: model, reference: reference))
    return (weights(model), weights(reference), moves)
  }

  @Test func withoutMixupItNeverMoves() throws {
    let (fixed, still) = (try Self.run(every: 2, mixup: nil), try Self.run(every: 2, mixup: 0))
    #expect(still.moves == 0 && still.model == fixed.model && still.reference == fixed.reference)
    #expect(try still.reference == Self.weights(Self.model()))
  }

  @Test func itTakesAShareOfWhatIsTrained() throws {
    let whole = try Self.run(every: 5, mixup: 1)
    #expect(whole.moves == 1 && whole.reference == whole.model)
    let (start, half) = (try Self.weights(Self.model()), try Self.run(every: 5, mixup: 0.5))
    for (name, values) in half.reference {
      if name.hasPrefix("vision_tower") { #expect(values == start[name]) }
      for (index, value) in values.enumerated() {
        #expect(abs(value - (start[name]![index] + half.model[name]![index]) / 2) < 1e-6)
      }
    }
    // A reference that moved on the way leads elsewhere.
    let often = try Self.run(every: 2, mixup: 0.5)
    #expect(often.moves == 2 && often.model != half.model)
  }

  @Test(arguments: [1, 2, 3]) func aRunThatIsKilledEndsTheSame(last: Int) throws {
    let (whole, parts) = (
      try Self.run(every: 2, mixup: 0.5), try Self.run(every: 2, mixup: 0.5, killedAfter: last)
    )
    #expect(whole.model == parts.model && whole.reference == parts.reference)
  }
}
