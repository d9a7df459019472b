import Tensor
import Testing

@Suite struct ScheduleTests {
  /// Factors of transformers' `get_scheduler` for 3 warm-up steps of 10 and a rate of 0.5.
  @Test(
    arguments: [
      (.constantWithWarmup, [0, 0.3333333333, 0.6666666667, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
      (
        .linear,
        [
          0, 0.3333333333, 0.6666666667, 1, 0.8571428571, 0.7142857143, 0.5714285714, 0.4285714286,
          0.2857142857,
          0.1428571429, 0, 0,
        ]
      ),
      (
        .cosine,
        [
          0, 0.3333333333, 0.6666666667, 1, 0.950484434, 0.8117449009, 0.611260467, 0.388739533, 0.1882550991,
          0.04951556605, 0,
        ]
      ),
      (
        .cosineWithRestarts,
        [
          0, 0.3333333333, 0.6666666667, 1, 0.8117449009, 0.388739533, 0.04951556605, 0.950484434,
          0.611260467,
          0.1882550991, 0, 0,
        ]
      ),
      (.polynomial, [0, 0.3333333333, 0.6666666667, 1, 0.74, 0.52, 0.34, 0.2, 0.1, 0.04, 0.02, 0.02]),
      (
        .inverseSquareRoot,
        [
          0, 0.3333333333, 0.6666666667, 1, 0.8660254038, 0.7745966692, 0.7071067812, 0.6546536707,
          0.6123724357,
          0.5773502692, 0.5477225575, 0.5222329679,
        ]
      ),
    ] as [(LearningRateSchedule.Kind, [Double])])
  func factorsAgreeWithTransformers(_ kind: LearningRateSchedule.Kind, _ expected: [Double]) {
    let schedule = LearningRateSchedule(
      kind, peak: 0.5, warmupSteps: 3, totalSteps: 10, cycles: 2, power: 2, finalRate: 0.01)
    for (step, factor) in expected.enumerated() {
      #expect(abs(schedule.factor(step: step) - factor) < 1e-9, "step \(step)")
      #expect(abs(schedule.rate(step: step) - 0.5 * factor) < 1e-9, "step \(step)")
    }
  }

  /// PyTorch's `OneCycleLR(max_lr=1, total_steps=10)`.
  @Test func oneCycleAgreesWithPyTorch() {
    let schedule = LearningRateSchedule(.oneCycle, peak: 1, totalSteps: 10)
    let expected = [
      0.04, 0.52, 1, 0.950484632, 0.8117456539, 0.6112620219, 0.3887419781, 0.1882583461, 0.04951936799, 4e-6,
      4e-6,
    ]
    for (step, factor) in expected.enumerated() {
      #expect(abs(schedule.factor(step: step) - factor) < 1e-9, "step \(step)")
    }
  }

  @Test func decayStepsKeepThePlateau() {
    let schedule = LearningRateSchedule(.linear, peak: 1, warmupSteps: 2, totalSteps: 10, decaySteps: 4)
    #expect((0...10).map { schedule.factor(step: $0) } == [0, 0.5, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0])
  }

  @Test func emptyRunsAreFine() {
    for kind in LearningRateSchedule.Kind.allCases {
      for steps in 0...2 {
        let schedule = LearningRateSchedule(kind, peak: 1, warmupSteps: steps / 2, totalSteps: steps)
        for step in 0...3 {
          let factor = schedule.factor(step: step)
          #expect(factor >= 0 && factor <= 1, "\(kind) \(steps) \(step)")
        }
      }
    }
  }
}
