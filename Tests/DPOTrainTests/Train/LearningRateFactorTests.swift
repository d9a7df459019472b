import DPOTrain
import Foundation
import LVLM
import Records
import Tensor
import TestSupport
import Testing

/// Parameters with learning rates of their own, and steps that a checkpoint interrupts.
@Suite struct LearningRateFactorTests {
  /// Every parameter has the gradient 1 in every element, so that a step of any optimizer shows its rate.
  private struct Ones: TrainingObjective {
    let model: LlavaModel

    func outcome(ofStep step: Int) throws -> StepOutcome {
      let sum = model.trainableParameters().reduce(Tensor([Float(0)])) { $0 + $1.parameter.tensor.sum() }
      return StepOutcome(gradients: sum.sum().backward(), loss: 1, tokens: 1, metrics: [], highlights: [])
    }

    func recordIDs(ofStep step: Int) -> [String] { [] }
    func epoch(afterSteps step: Int) -> Double { 0 }
  }

  private struct Killed: Error {}

  private static func model() throws -> LlavaModel {
    var generator = RandomGenerator(seed: 4)
    let model = try OneLayerModel.make(using: &generator)
    model.applyLoRA(rank: 2, alpha: 4, decomposesWeights: true, using: &generator)
    model.setTrainable(true, .projector, .vision)
    return model
  }

  /// How far the first element of each parameter moves.
  private static func moves(
    steps: Int = 1, killedAfter last: Int? = nil, _ edit: (inout TrainingLoop.Settings) -> Void
  ) throws -> [String: Float] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rates-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try model()
    let before = first.trainableParameters().map { ($0.name, $0.parameter.tensor.array(of: Float.self)[0]) }
    var settings = TrainingLoop.Settings(
      stage: .train, steps: steps,
      schedule: LearningRateSchedule(.constant, peak: 1e-3, totalSteps: steps), beta1: 0.9, beta2: 0.99,
      weightDecay: 0, maxGradNorm: 0, loggingSteps: 1, saveSteps: 1, saveTotalLimit: 1,
      configurationHash: "h", configuration: "")
    edit(&settings)
    func loop(_ model: LlavaModel) -> TrainingLoop {
      TrainingLoop(
        settings: settings, model: model, checkpoints: folder.appendingPathComponent("checkpoints"),
        metrics: folder.appendingPathComponent("metrics.jsonl"), console: .silent)
    }
    var trained = first
    if let last {
      settings.evalSteps = last + 1
      #expect(throws: Killed.self) { try loop(first).run(Ones(model: first)) { throw Killed() } }
      trained = try model()
      let rest = loop(trained)
      #expect(try rest.resume() == last)
      try rest.run(Ones(model: trained))
    } else {
      try loop(first).run(Ones(model: first))
    }
    let after = Dictionary(
      uniqueKeysWithValues: trained.trainableParameters().map { ($0.name, $0.parameter) })
    return Dictionary(
      uniqueKeysWithValues: before.map { name, value in
        (name, value - after[name]!.tensor.array(of: Float.self)[0])
      })
  }

  private static func part(_ name: String) -> String {
    name.hasSuffix(".lora_B.weight")
      ? "B" : name.hasPrefix("vision") ? "vision" : name.hasPrefix("multi") ? "projector" : "rest"
  }

  @Test func everyPartHasItsRate() throws {
    let expected: [String: Float] = ["B": 16e-3, "vision": 0.25e-3, "projector": 3e-3, "rest": 1e-3]
    let moves = try Self.moves {
      $0.rateFactors = LearningRateFactors(loraB: 16, projector: 3, vision: 0.25)
    }
    #expect(Set(moves.keys.map(Self.part)) == Set(expected.keys))
    #expect(moves.keys.contains { $0.hasSuffix("lora_magnitude_vector") })
    for (name, move) in moves {
      let rate = try #require(expected[Self.part(name)])
      #expect(abs(move - rate) < 1e-2 * rate + 1e-6, "\(name): \(move)")
    }
  }

  /// A first step for gradients of 1.
  @Test(arguments: zip(OptimizerChoice.allCases, [1e-3, 1e-3, 1e-3, 1e-3, 1e-2, 1e-3] as [Float]))
  func everyOptimizerTakesItsStep(optimizer: OptimizerChoice, expected: Float) throws {
    let found = try Self.moves { $0.optimizer = optimizer }
    #expect(found.values.allSatisfy { abs($0 - expected) < 1e-2 * expected }, "\(found)")
    let small = try Self.moves {
      $0.optimizer = optimizer
      $0.epsilon = 1
    }
    let share: Float = optimizer.readsEpsilon ? 0.5 : 1
    #expect(small.values.allSatisfy { abs($0 - share * expected) < 1e-2 * expected }, "\(small)")
  }

  @Test(arguments: OptimizerChoice.allCases) func everyOptimizerGoesOn(optimizer: OptimizerChoice) throws {
    #expect(
      try Self.moves(steps: 4) { $0.optimizer = optimizer }
        == Self.moves(steps: 4, killedAfter: 2) { $0.optimizer = optimizer })
  }

  @Test func aRunThatIsKilledEndsTheSame() throws {
    let edit: (inout TrainingLoop.Settings) -> Void = {
      $0.rateFactors = LearningRateFactors(loraB: 4, projector: 2, vision: 1)
      $0.weightDecay = 0.1
    }
    #expect(try Self.moves(steps: 4, edit) == Self.moves(steps: 4, killedAfter: 2, edit))
  }
}
