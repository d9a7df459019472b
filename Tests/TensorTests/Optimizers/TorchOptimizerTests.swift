import Foundation
import Tensor
import TestSupport
import Testing

private let shapes = ["matrix": [4, 3], "wide": [2, 5], "vector": [5], "cube": [2, 3, 4]]

/// The first values and gradients of `Tests/Fixtures/optimizers/make_optimizers.py`.
private func start(_ shape: [Int]) -> Tensor {
  let count = shape.reduce(1, *)
  let values = (0..<count).map { (index: Int) -> Double in Double(index * 7 % 11 - 5) / 4 }
  return Tensor(values, shape: shape)
}

private func slope(_ shape: [Int], _ step: Int) -> Tensor {
  let count = shape.reduce(1, *)
  let values = (0..<count).map { (index: Int) -> Double in
    let whole = (index * 5 + step * 3) % 13 - 6
    return Double(whole) / Double(4 + step)
  }
  return Tensor(values, shape: shape)
}

private func close(_ ours: Tensor, _ expected: [Double], _ tolerance: Double, _ words: String = "") {
  let found = ours.array(of: Double.self)
  #expect(found.count == expected.count)
  for (one, other) in zip(found, expected) { #expect(abs(one - other) <= tolerance, "\(words)") }
}

private struct Fixture: Decodable {
  struct Look: Decodable {
    let loss: Double
    let x: [Double]
    let evals, iterations: Int
  }
  struct Average: Decodable {
    let decay: Double
    let weight: [Double]
  }
  let adafactor, adafactor_options, muon, muon_options, muon_bfloat16, groups: [String: [Double]]
  let lbfgs, lbfgs_short_history, lbfgs_strong_wolfe: [Look]
  let ema: Average

  static func read() throws -> Fixture {
    try JSONDecoder().decode(
      Fixture.self, from: Data(contentsOf: Fixtures.url("optimizers/optimizers.json")))
  }
}

@Suite struct TorchOptimizerTests {
  /// Ten steps, the state saved and loaded by another optimizer after five of them.
  private func check(
    _ expected: [String: [Double]], _ tolerance: Double, _ make: () -> any Optimizer
  ) throws {
    let named = expected.keys.sorted().map { (name: $0, parameter: Parameter(start(shapes[$0]!))) }
    let straight = named.map { (name: $0.name, parameter: Parameter($0.parameter.tensor)) }
    func gradients(_ parameters: [NamedParameter], _ step: Int) -> Gradients {
      var found = Gradients()
      for (name, parameter) in parameters { found[parameter] = slope(shapes[name]!, step) }
      return found
    }
    var optimizer = make()
    let whole = make()
    for step in 0..<10 {
      if step == 5 {
        let second = make()
        try second.load(state: optimizer.namedState(), stepCount: optimizer.stepCount, parameters: named)
        optimizer = second
      }
      optimizer.step(named, gradients(named, step))
      whole.step(straight, gradients(straight, step))
    }
    for ((name, parameter), (_, other)) in zip(named, straight) {
      close(parameter.tensor, expected[name]!, tolerance, name)
      #expect(parameter.tensor.array(of: Double.self) == other.tensor.array(of: Double.self))
    }
    #expect(optimizer.stepCount == 10)
  }

  @Test func adafactor() throws {
    let fixture = try Fixture.read()
    try check(fixture.adafactor, 1e-12) { Adafactor() }
    try check(fixture.adafactor_options, 1e-12) {
      Adafactor(
        learningRate: 0.5, beta2Decay: -0.5, epsilon1: 1e-4, epsilon2: 0.01, clippingThreshold: 2,
        weightDecay: 0.1)
    }
  }

  @Test func adafactorKeepsRowsAndColumns() throws {
    let (parameter, optimizer) = (Parameter(start([2, 3, 4])), Adafactor())
    var gradients = Gradients()
    gradients[parameter] = slope([2, 3, 4], 0)
    optimizer.step([("w", parameter)], gradients)
    let state = optimizer.namedState()
    #expect(state.map(\.name) == ["w.row_var", "w.col_var", "w.step"])
    #expect(state.map(\.tensor.shape) == [[2, 3, 1], [2, 1, 4], []])
    for (index, shape) in [(0, [2, 3, 4]), (1, [2, 3, 1])] {
      var wrong = state
      wrong[index].tensor = Tensor.zeros(shape)
      let error = #expect(throws: TensorError.self) {
        try optimizer.load(state: wrong, stepCount: 1, parameters: [("w", parameter)])
      }
      #expect(error?.message.contains("for which \(state[index].name) has") == true)
    }
    #expect(throws: TensorError.self) {
      try optimizer.load(
        state: state, stepCount: 1, parameters: [("w", Parameter(Tensor.zeros([4, 3, 2])))])
    }
    // A parameter of one axis has no rows.
    #expect(throws: TensorError.self) {
      try optimizer.load(state: state, stepCount: 1, parameters: [("w", Parameter(Tensor.zeros([24])))])
    }
  }

  @Test func muon() throws {
    let fixture = try Fixture.read()
    try check(fixture.muon, 1e-12) { Muon(iterationType: .float64) }
    try check(fixture.muon_options, 1e-12) {
      Muon(
        learningRate: 0.02, weightDecay: 0.01, momentum: 0.8, nesterov: false, coefficients: (2, -1.5, 0.5),
        iterations: 3, rateAdjustment: .matchRMSAdamW, iterationType: .float64)
    }
    // Steps of 0.001, in directions with eight bits.
    try check(fixture.muon_bfloat16, 1e-4) { Muon() }
    try check(fixture.muon, 5e-6) { Muon(iterationType: .float32) }
  }

  @Test func muonTakesMatricesAlone() throws {
    let (matrix, vector) = (Parameter(start([4, 3])), Parameter(start([5])))
    let before = matrix.tensor.array(of: Double.self)
    let error = #expect(throws: TensorError.self) {
      try withTensorErrors {
        var gradients = Gradients()
        (gradients[matrix], gradients[vector]) = (slope([4, 3], 0), slope([5], 0))
        Muon().step([("w", matrix), ("bias", vector)], gradients)
      }
    }
    #expect(error?.operation == "Muon" && error?.message.contains("bias of shape [5]") == true)
    #expect(matrix.tensor.array(of: Double.self) == before)
  }

  /// An empty parameter, one in half precision and one without gradient.
  @Test func adafactorAndMuonOfOddParameters() {
    for make in [{ Adafactor() }, { Muon() }] as [() -> any Optimizer] {
      let (optimizer, still) = (make(), Parameter(start([4, 3])))
      let (empty, half) = (Parameter(Tensor.zeros([0, 3])), Parameter(start([4, 3]).to(.bfloat16)))
      var gradients = Gradients()
      (gradients[empty], gradients[half]) = (Tensor.zeros([0, 3]), slope([4, 3], 1).to(.bfloat16))
      optimizer.step([("a", empty), ("b", half), ("c", still)], gradients)
      #expect(still.tensor.array(of: Double.self) == start([4, 3]).array(of: Double.self))
      #expect(half.dtype == .bfloat16)
      #expect(optimizer.namedState().contains { $0.name == "b.master_param" })
      #expect(half.tensor.array(of: Double.self).allSatisfy { $0.isFinite })
    }
  }

  @Test func groupsHaveRatesAndDecaysOfTheirOwn() throws {
    let expected = try Fixture.read().groups
    let (one, other) = (Parameter(start([4, 3])), Parameter(start([4, 3])))
    let optimizer = AdamW(learningRate: 0.01, weightDecay: 0.1)
    for step in 0..<10 {
      var gradients = Gradients()
      (gradients[one], gradients[other]) = (slope([4, 3], step), -slope([4, 3], step))
      optimizer.step(
        [
          ParameterGroup([("one", one)], learningRateFactor: 16, weightDecay: 0),
          ParameterGroup([("other", other)]),
        ], gradients)
    }
    close(one.tensor, expected["one"]!, 1e-12)
    close(other.tensor, expected["other"]!, 1e-12)
    #expect(optimizer.stepCount == 10 && optimizer.learningRate == 0.01 && optimizer.weightDecay == 0.1)
    for groups in [
      [ParameterGroup([("a", one)]), ParameterGroup([("b", one)])],
      [ParameterGroup([("a", one)], learningRateFactor: -1)],
      [ParameterGroup([("a", one)], weightDecay: .nan)],
    ] {
      let box = Box(groups)
      #expect(throws: TensorError.self) { try withTensorErrors { SGD().step(box.value, Gradients()) } }
    }
  }
}

private final class Box<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

@Suite struct LBFGSTests {
  private func rosenbrock(_ x: Tensor) -> Tensor {
    let n = x.count
    let (low, high) = (x.slice(axis: 0, 0..<n - 1), x.slice(axis: 0, 1..<n))
    return (100 * (high - low.square()).square() + (1 - low).square()).sum()
  }

  private func parameter(_ width: Int) -> Parameter {
    Parameter(Tensor((0..<width).map { $0 % 2 == 0 ? -1.2 : 1 }))
  }

  private func check(
    _ expected: [Fixture.Look], _ tolerance: Double, _ make: () -> LBFGS
  ) throws {
    let (x, straight) = (parameter(expected[0].x.count), parameter(expected[0].x.count))
    var optimizer = make()
    let whole = make()
    for (step, look) in expected.enumerated() {
      if step == 5 {
        let second = make()
        try second.load(state: optimizer.namedState(), parameters: [("x", x)])
        optimizer = second
      }
      let loss = optimizer.step([("x", x)]) { rosenbrock(x.tensor) }
      whole.step([("x", straight)]) { rosenbrock(straight.tensor) }
      #expect(abs(loss - look.loss) <= tolerance * max(1, look.loss))
      close(x.tensor, look.x, tolerance, "step \(step)")
      #expect(optimizer.evaluationCount == look.evals && optimizer.iterationCount == look.iterations)
      #expect(x.tensor.array(of: Double.self) == straight.tensor.array(of: Double.self))
    }
  }

  @Test func agreesWithPyTorch() throws {
    let fixture = try Fixture.read()
    try check(fixture.lbfgs, 1e-9) { LBFGS(learningRate: 1e-3, maxIterations: 4) }
    try check(fixture.lbfgs_short_history, 1e-9) {
      LBFGS(learningRate: 1e-3, maxIterations: 4, historySize: 2)
    }
    try check(fixture.lbfgs_strong_wolfe, 1e-6) { LBFGS(maxIterations: 5, lineSearch: .strongWolfe) }
  }

  @Test func findsTheMinimum() {
    let (x, still) = (parameter(6), Parameter(Tensor([3.0])))
    let optimizer = LBFGS(maxIterations: 100, lineSearch: .strongWolfe)
    for _ in 0..<5 { optimizer.step([("x", x), ("still", still)]) { rosenbrock(x.tensor) } }
    close(x.tensor, [Double](repeating: 1, count: 6), 1e-4)
    #expect(still.tensor.item() == 3)
  }

  @Test func errorsOfTheLossArePassedOn() {
    struct Stop: Error {}
    let x = parameter(4)
    #expect(throws: Stop.self) { try LBFGS().step([("x", x)]) { () throws(Stop) in throw Stop() } }
  }

  @Test func badStateAndParametersAreRefused() throws {
    let (x, optimizer) = (parameter(4), LBFGS(maxIterations: 8, lineSearch: .strongWolfe))
    #expect(optimizer.namedState().isEmpty)
    optimizer.step([("x", x)]) { rosenbrock(x.tensor) * 1e-3 }
    let state = optimizer.namedState()
    for index in state.indices {
      var wrong = state
      wrong[index].tensor = Tensor.zeros([7, 7], dtype: .int64)
      #expect(throws: TensorError.self, "\(state[index].name)") {
        try optimizer.load(state: wrong, parameters: [("x", x)])
      }
      wrong.remove(at: index)
      #expect(throws: TensorError.self) { try optimizer.load(state: wrong, parameters: [("x", x)]) }
    }
    #expect(throws: TensorError.self) { try optimizer.load(state: state, parameters: [("x", parameter(6))]) }
    #expect(throws: TensorError.self) {
      try optimizer.load(state: state + [("x", Tensor(1))], parameters: [("x", x)])
    }
    #expect(throws: TensorError.self) {
      try LBFGS(historySize: 1).load(state: state, parameters: [("x", x)])
    }
    let box = Box((optimizer, parameter(6), Parameter(Tensor.ones([2], dtype: .float16)), self))
    #expect(throws: TensorError.self) {
      try withTensorErrors { box.value.0.step([("y", box.value.1)]) { box.value.1.tensor.sum() } }
    }
    #expect(throws: TensorError.self) {
      try withTensorErrors { LBFGS().step([("h", box.value.2)]) { box.value.2.tensor.sum() } }
    }
  }
}

@Suite struct ExponentialMovingAverageTests {
  @Test func agreesWithPyTorchAndIsSaved() throws {
    let expected = try Fixture.read().ema
    let weight = Parameter(Tensor.zeros([4, 3], dtype: .float64))
    let named: [NamedParameter] = [("w", weight)]
    var average = ExponentialMovingAverage(decay: expected.decay)
    for step in 0..<10 {
      weight.tensor = start([4, 3]) + slope([4, 3], step)
      average.update(named)
      if step == 4 {
        let second = ExponentialMovingAverage(decay: expected.decay)
        try second.load(state: average.namedState(), parameters: named)
        average = second
      }
    }
    #expect(average.updateCount == 10)
    close(average[weight]!, expected.weight, 1e-13)
    let own = weight.tensor.array(of: Double.self)
    average.withAverages(in: named) { close(weight.tensor, expected.weight, 1e-13) }
    #expect(weight.tensor.array(of: Double.self) == own)
    average.swap(with: named)
    close(weight.tensor, expected.weight, 1e-13)
    average.swap(with: named)
    #expect(weight.tensor.array(of: Double.self) == own)
    average.put(into: named)
    close(weight.tensor, expected.weight, 1e-13)
  }

  @Test func ofOtherTypesAndWrongStates() throws {
    let half = Parameter(Tensor.ones([3], dtype: .bfloat16))
    let average = ExponentialMovingAverage(decay: 0.999)
    average.update([("h", half)])
    half.tensor = Tensor.full([3], 2, dtype: .bfloat16)
    for _ in 0..<10 { average.update([("h", half), ("again", half)]) }
    #expect(average[half]!.dtype == .float32)
    #expect(abs(average[half]![0].item() - (2 - 0.99004488)) < 1e-5)
    let state = average.namedState()
    #expect(state.map(\.name) == ["h.ema", "n_averaged"])
    for wrong in [
      [state[0]], [state[1], state[1]], state + [("v.ema", Tensor(1))],
      [("h.ema", Tensor.zeros([4])), state[1]], [("h.ema", Tensor.zeros([3], dtype: .int32)), state[1]],
      [state[0], ("n_averaged", Tensor(-1))],
    ] {
      #expect(throws: TensorError.self) { try average.load(state: wrong, parameters: [("h", half)]) }
    }
    #expect(average.updateCount == 11)
    #expect(throws: TensorError.self) {
      try withTensorErrors { _ = ExponentialMovingAverage(decay: 1.5) }
    }
  }
}
