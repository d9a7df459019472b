import Tensor
import Testing

/// One optimizer with its options and where PyTorch 2's `torch.optim` arrives after the four steps below.
struct OptimizerRow: CustomTestStringConvertible, Sendable {
  let name: String
  let expected: [Double]
  let make: @Sendable () -> any Optimizer
  var testDescription: String { name }
}

let optimizerRows: [OptimizerRow] = [
  .init(name: "AdamW", expected: [0.483125422717, -1.24195777381, 1.97269065315, -0.103750251546]) {
    AdamW(learningRate: 0.01, weightDecay: 0.1)
  },
  .init(name: "AdamW, AMSGrad", expected: [0.483125422717, -1.24195561557, 1.97269065315, -0.103750251546]) {
    AdamW(learningRate: 0.01, weightDecay: 0.1, amsgrad: true)
  },
  .init(name: "Adam", expected: [0.481521740743, -1.23697610427, 1.9687053247, -0.103429248825]) {
    Adam(learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1)
  },
  .init(name: "Adam, AMSGrad", expected: [0.484680203766, -1.25160927537, 1.98816800613, -0.103169816886]) {
    Adam(learningRate: 0.01, beta1: 0.5, beta2: 0.6, amsgrad: true)
  },
  .init(name: "SGD", expected: [0.395643035, -1.2505400325, 1.965370325, -0.059069501]) {
    SGD(learningRate: 0.1, weightDecay: 0.1)
  },
  .init(name: "SGD, dampened", expected: [0.389264518979, -1.24403791457, 1.99359264453, -0.225752288833]) {
    SGD(learningRate: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01)
  },
  .init(name: "SGD, Nesterov", expected: [0.313957, -1.365088, 2.0703565, 0.01904]) {
    SGD(learningRate: 0.1, momentum: 0.9, nesterov: true)
  },
  .init(name: "RMSprop", expected: [0.34173082889, -1.20795822021, 1.85425907493, -0.136385675049]) {
    RMSprop(learningRate: 0.01, weightDecay: 0.1)
  },
  .init(
    name: "RMSprop, centered", expected: [0.450562184311, -1.26255963854, 1.99280154708, -0.113674764689]
  ) {
    RMSprop(learningRate: 0.01, smoothing: 0.9, centered: true)
  },
  .init(name: "RMSprop, momentum", expected: [0.240955718322, -1.23321157198, 1.74637167829, -0.22175252455])
  {
    RMSprop(learningRate: 0.01, momentum: 0.8)
  },
  .init(
    name: "RMSprop, centered, momentum",
    expected: [0.410726556508, -1.24370997629, 1.91377180714, -0.14295571948]
  ) {
    RMSprop(learningRate: 0.01, smoothing: 0.9, momentum: 0.8, centered: true)
  },
  .init(name: "Adagrad", expected: [0.413762186546, -1.28501934165, 2.03064318781, -0.133376014143]) {
    Adagrad(learningRate: 0.1, learningRateDecay: 0.1, weightDecay: 0.01, initialAccumulator: 0.2)
  },
  .init(name: "Adafactor", expected: [0.252087464518, -1.31688386016, 1.95635903317, -0.135142723992]) {
    Adafactor(learningRate: 0.1, weightDecay: 0.1)
  },
  // By NumPy, from the paper's program 1.
  .init(name: "Lion", expected: [0.47802297801, -1.26500747501, 1.99205195201, -0.11958061959]) {
    Lion(learningRate: 0.01, weightDecay: 0.1)
  },
]

private let steps: [[Double]] = [
  [0.3, -0.2, 0.05, 1.0], [-0.4, 0.1, 0.02, -2.0], [0.25, 0.6, -0.01, 0.5], [0.7, 0.0, -0.5, 0.125],
]

@Suite struct OptimizerTests {
  private func parameter(_ dtype: DType = .float64) -> Parameter {
    Parameter(Tensor([0.5, -1.25, 2.0, -0.1] as [Double]).to(dtype))
  }

  private func gradients(_ values: [Double], _ parameter: Parameter) -> Gradients {
    (parameter.tensor * Tensor(values).to(parameter.dtype)).sum().backward()
  }

  @Test(arguments: optimizerRows) func agreesWithPyTorch(_ row: OptimizerRow) {
    for (dtype, tolerance) in [(DType.float64, 1e-10), (.float32, 2e-6)] {
      let (parameter, optimizer) = (parameter(dtype), row.make())
      for step in steps { optimizer.step([("p", parameter)], gradients(step, parameter)) }
      #expect(optimizer.stepCount == 4)
      for (ours, expected) in zip(parameter.tensor.array(of: Double.self), row.expected) {
        #expect(abs(ours - expected) <= tolerance, "\(dtype)")
      }
    }
  }

  @Test(arguments: optimizerRows) func goesOnFromSavedState(_ row: OptimizerRow) throws {
    let (whole, first) = (parameter(), row.make())
    for step in steps.prefix(2) { first.step([("p", whole)], gradients(step, whole)) }
    let part = Parameter(whole.tensor)
    let second = row.make()
    try second.load(state: first.namedState(), stepCount: first.stepCount, parameters: [("p", part)])
    for step in steps.suffix(2) {
      first.step([("p", whole)], gradients(step, whole))
      second.step([("p", part)], gradients(step, part))
    }
    #expect(part.tensor.array(of: Double.self) == whole.tensor.array(of: Double.self))
    #expect(second.stepCount == 4)
    #expect(second.namedState().map(\.name) == first.namedState().map(\.name))
  }

  @Test(arguments: optimizerRows) func sameBytesForAnyThreadCount(_ row: OptimizerRow) {
    let before = Threads.count
    defer { Threads.count = before }
    var generator = RandomGenerator(seed: 3)
    let start = Tensor.randomNormal([100_003], using: &generator)
    let slope = Tensor.randomNormal([100_003], using: &generator)
    var results: [[Float]] = []
    for count in [1, 2, 4] {
      Threads.count = count
      let (parameter, optimizer) = (Parameter(start), row.make())
      for _ in 0..<2 { optimizer.step([("p", parameter)], (parameter.tensor * slope).sum().backward()) }
      results.append(parameter.tensor.array())
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func stateHasPyTorchsNames() {
    let (parameter, optimizer) = (parameter(), Adam(amsgrad: true))
    optimizer.step([("w", parameter)], gradients(steps[0], parameter))
    #expect(
      optimizer.namedState().map(\.name)
        == ["w.exp_avg", "w.exp_avg_sq", "w.max_exp_avg_sq", "w.step"])
  }

  @Test func damagedStateIsRefused() throws {
    let (parameter, optimizer) = (parameter(), SGD(momentum: 0.9))
    let fresh = SGD(momentum: 0.9)
    optimizer.step([("w", parameter)], gradients(steps[0], parameter))
    let state = optimizer.namedState()
    #expect(throws: TensorError(operation: "SGD", message: "the saved state of w is incomplete")) {
      try fresh.load(state: [state[0]], stepCount: 1, parameters: [("w", parameter)])
    }
    let other = Parameter(Tensor.zeros([3], dtype: .float64))
    #expect(
      throws: TensorError(operation: "SGD", message: "the saved state of w has shape [4], the parameter [3]")
    ) {
      try fresh.load(state: state, stepCount: 1, parameters: [("w", other)])
    }
    #expect(throws: TensorError.self) {
      try fresh.load(
        state: [state[0], ("w.step", Tensor(Double.nan, dtype: .float64))], stepCount: 1,
        parameters: [("w", parameter)])
    }
  }

  @Test func parametersWithoutGradientStay() {
    let (moved, still) = (parameter(), parameter())
    let optimizer: any Optimizer = AdamW(weightDecay: 0.5)
    optimizer.step([("moved", moved), ("still", still)], gradients(steps[0], moved))
    #expect(still.tensor.array(of: Double.self) == [0.5, -1.25, 2.0, -0.1])
    #expect(optimizer.namedState().allSatisfy { $0.name.hasPrefix("moved.") })
  }

  @Test func decayCanBeLeftOut() {
    let (decayed, plain) = (parameter(), parameter())
    let optimizer = SGD(learningRate: 0.1, weightDecay: 1)
    let zero = ((decayed.tensor + plain.tensor) * 0).sum().backward()
    optimizer.step([("a", decayed), ("b", plain)], zero, isDecayed: { $0.name == "a" })
    #expect(abs(decayed.tensor[0].item() - 0.45) < 1e-12)
    #expect(plain.tensor[0].item() == 0.5)
  }

  /// The closure may look at the parameter and at the optimizer.
  @Test(arguments: optimizerRows) func decayIsDecidedBeforeTheUpdate(_ row: OptimizerRow) {
    let parameter = parameter()
    let optimizer = row.make()
    optimizer.step(
      [("w", parameter)], gradients([1, 1, 1, 1], parameter), gradientScale: 1,
      isDecayed: { $0.parameter.shape.count > 1 && optimizer.stepCount == 0 })
    #expect(optimizer.stepCount == 1)
  }

  @Test func clippingByValue() {
    let parameter = parameter()
    var found = gradients(steps[1], parameter)
    found.clip(value: 0.3, of: [("p", parameter)])
    #expect(found[parameter]!.array(of: Double.self) == [-0.3, 0.1, 0.02, -0.3])
  }
}
