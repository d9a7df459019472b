import Tensor
import Testing

private let types: [DType] = [.float16, .bfloat16, .float32, .float64]
private let slopes: [[Double]] = [
  [0.5, -0.25, 0.0625, 1], [-0.5, 0.125, 0.25, -2], [0.25, 0.5, -0.125, 0.5], [0.75, 0, -0.5, 0.125],
]

/// The state of every optimizer belongs to parameters, in their type, whatever they are called.
@Suite struct OptimizerStateTests {
  private func parameter(_ dtype: DType, _ values: [Double] = [0.5, -1.25, 2, -0.125]) -> Parameter {
    Parameter(Tensor(values).to(dtype))
  }

  private func step(_ optimizer: any Optimizer, _ parameters: [NamedParameter], _ slope: [Double]) {
    var gradients = Gradients()
    for (_, parameter) in parameters {
      gradients[parameter] = Tensor(Array(slope.prefix(parameter.count))).to(parameter.dtype).reshaped(
        parameter.shape)
    }
    optimizer.step(parameters, gradients)
  }

  private func values(_ parameter: Parameter) -> [Double] { parameter.tensor.array(of: Double.self) }

  /// Half precision: the Float32 run, rounded once, because it steps with a copy in Float32.
  @Test(arguments: optimizerRows, types) func everyTypeSteps(_ row: OptimizerRow, _ dtype: DType) {
    let (parameter, optimizer) = (parameter(dtype), row.make())
    let (reference, exact) = (self.parameter(dtype == .float64 ? .float64 : .float32), row.make())
    for slope in slopes {
      step(optimizer, [("p", parameter)], slope)
      step(exact, [("p", reference)], slope)
      #expect(
        parameter.tensor.array(of: Double.self) == reference.tensor.to(dtype).array(of: Double.self))
    }
    let slots = optimizer.namedState().filter { $0.name != "p.step" }
    #expect(slots.allSatisfy { $0.tensor.dtype == reference.dtype })
    #expect(slots.contains { $0.name == "p.master_param" } == dtype.isHalfPrecision)
  }

  /// Steps far below half precision add up.
  @Test(arguments: [DType.float16, .bfloat16]) func smallStepsAddUp(_ dtype: DType) {
    let (parameter, optimizer) = (parameter(dtype, [1, 1, 1, 1]), SGD(learningRate: 1e-4))
    for _ in 0..<1000 { step(optimizer, [("p", parameter)], [1, 1, 1, 1]) }
    #expect(values(parameter).allSatisfy { abs($0 - 0.9) < 0.01 })
  }

  @Test(arguments: optimizerRows, types) func loadedStateGoesOn(_ row: OptimizerRow, _ dtype: DType) throws {
    let (whole, first) = (parameter(dtype), row.make())
    for slope in slopes.prefix(2) { step(first, [("p", whole)], slope) }
    let (part, second) = (Parameter(whole.tensor), row.make())
    try second.load(state: first.namedState(), stepCount: 2, parameters: [("p", part)])
    for slope in slopes.suffix(2) {
      step(first, [("p", whole)], slope)
      step(second, [("p", part)], slope)
    }
    #expect(values(part) == values(whole))
    for (one, other) in zip(first.namedState(), second.namedState()) {
      #expect(one.name == other.name && one.tensor.dtype == other.tensor.dtype)
      #expect(one.tensor.array(of: Double.self) == other.tensor.array(of: Double.self))
    }
  }

  /// Slots of every floating-point type are converted; the result is that of the converted slots.
  @Test(arguments: optimizerRows, types) func slotsOfOtherTypesAreConverted(
    _ row: OptimizerRow, _ dtype: DType
  ) throws {
    for stored in types {
      let (source, first) = (parameter(.float64), row.make())
      step(first, [("p", source)], slopes[0])
      let state = first.namedState().map { name, tensor in
        (name: name, tensor: name.hasSuffix(".step") ? tensor : tensor.to(stored))
      }
      let (one, other) = (parameter(dtype), parameter(dtype))
      let (optimizer, reference) = (row.make(), row.make())
      try optimizer.load(state: state, stepCount: 1, parameters: [("p", one)])
      let type = dtype == .float64 ? DType.float64 : .float32
      try reference.load(
        state: state.map { ($0.name, $0.name.hasSuffix(".step") ? $0.tensor : $0.tensor.to(type)) },
        stepCount: 1, parameters: [("p", other)])
      for slope in slopes.dropFirst() {
        step(optimizer, [("p", one)], slope)
        step(reference, [("p", other)], slope)
      }
      #expect(values(one) == values(other), "\(stored)")
      #expect(values(one).allSatisfy { $0.isFinite })
    }
  }

  @Test(arguments: optimizerRows, types) func theTypeMayChangeBetweenSteps(
    _ row: OptimizerRow, _ dtype: DType
  ) {
    for other in types {
      let (parameter, optimizer) = (parameter(dtype), row.make())
      for slope in slopes.prefix(2) { step(optimizer, [("p", parameter)], slope) }
      parameter.convert(to: other)
      for slope in slopes.suffix(2) { step(optimizer, [("p", parameter)], slope) }
      let (reference, exact) = (self.parameter(.float64), row.make())
      for slope in slopes { step(exact, [("p", reference)], slope) }
      let tolerance =
        [dtype, other].contains(.bfloat16) ? 0.02 : [dtype, other].contains(.float16) ? 3e-3 : 1e-5
      for (ours, expected) in zip(values(parameter), values(reference)) {
        #expect(abs(ours - expected) <= tolerance, "\(other)")
      }
      let type = other == .float64 ? DType.float64 : .float32
      #expect(
        optimizer.namedState().allSatisfy { $0.name == "p.step" || $0.tensor.dtype == type }, "\(other)")
    }
  }

  /// A value that was set from outside is where the next step starts, with a copy in Float32 too.
  @Test(arguments: optimizerRows, types) func valuesSetFromOutsideCount(_ row: OptimizerRow, _ dtype: DType) {
    let (parameter, optimizer) = (parameter(dtype), row.make())
    step(optimizer, [("p", parameter)], slopes[0])
    let before = values(parameter)
    parameter.tensor = Tensor([before[0], 8, before[2], -8]).to(dtype)
    optimizer.learningRate = 1e-9
    step(optimizer, [("p", parameter)], slopes[1])
    for (found, expected) in zip(values(parameter), [before[0], 8, before[2], -8]) {
      #expect(abs(found - expected) < 1e-5)
    }
  }

  @Test(arguments: optimizerRows, types) func sharedParametersStepOnce(_ row: OptimizerRow, _ dtype: DType) {
    let (shared, optimizer) = (parameter(dtype), row.make())
    let (single, reference) = (parameter(dtype), row.make())
    for slope in slopes {
      step(optimizer, [("embedding.weight", shared), ("head.weight", shared)], slope)
      step(reference, [("embedding.weight", single)], slope)
    }
    #expect(values(shared) == values(single))
    #expect(optimizer.namedState().map(\.name) == reference.namedState().map(\.name))
  }

  /// Two models whose parameters have the same names, of other shapes and of the same.
  @Test(arguments: optimizerRows, types) func namesDoNotMatter(_ row: OptimizerRow, _ dtype: DType) {
    let (together, apart) = (row.make(), row.make())
    let shapes = [[2, 2], [2], [700, 3], [4]]
    func fresh() -> [Parameter] {
      shapes.map { Parameter((Tensor.arange($0.reduce(1, *)) / 10.0).to(dtype).reshaped($0)) }
    }
    let (these, those) = (fresh(), fresh())
    for round in 0..<3 {
      var (gradients, others) = (Gradients(), Gradients())
      for (index, (one, other)) in zip(these, those).enumerated() {
        let slope = (Tensor.arange(one.count) * 0.01 + Double(index - round)).to(dtype).reshaped(one.shape)
        gradients[one] = slope
        others[other] = slope
      }
      together.step(these.map { ("weight", $0) }, gradients)
      apart.step(those.enumerated().map { ("\($0.offset).weight", $0.element) }, others)
    }
    for (one, other) in zip(these, those) { #expect(values(one) == values(other)) }
    // State belongs to parameters that live.
    defer { withExtendedLifetime(these) {} }
    do {
      let together = UncheckedBox(together)
      _ = try withTensorErrors { together.value.namedState().count }
      Issue.record("two parameters of one name were saved")
    } catch {
      #expect("\(error)".contains("two parameters are named weight, of shapes"), "\(error)")
    }
  }

  @Test(arguments: optimizerRows) func badStateIsRefused(_ row: OptimizerRow) throws {
    let (parameter, optimizer) = (parameter(.float32), row.make())
    step(optimizer, [("w", parameter)], slopes[0])
    let state = optimizer.namedState()
    func refused(
      _ state: [(name: String, tensor: Tensor)], _ parameters: [NamedParameter], stepCount: Int = 1,
      _ words: String...
    ) {
      do {
        try optimizer.load(state: state, stepCount: stepCount, parameters: parameters)
        Issue.record("accepted, expected \(words)")
      } catch {
        #expect(error is TensorError)
        for word in words { #expect("\(error)".contains(word), "\(error)") }
      }
    }
    let same = [("w", parameter), ("w", self.parameter(.float32))]
    refused(state, same, "two parameters are named w")
    refused(state + [state[0]], [("w", parameter)], "two entries named \(state[0].name)")
    refused(state + [("v.step", Tensor([1 as Int64]))], [("w", parameter)], "v.step", "no parameter")
    refused(state, [("w", parameter)], stepCount: -1, "-1")
    refused(
      state.filter { $0.name != "w.step" } + [("w.step", Tensor([1.5]))], [("w", parameter)], "step of w")
    for (index, entry) in state.enumerated() where !entry.name.hasSuffix(".step") {
      for dtype in [DType.int32, .int64, .uint8, .bool] {
        var wrong = state
        wrong[index].tensor = entry.tensor.to(dtype)
        refused(wrong, [("w", parameter)], entry.name, "\(dtype)", "float32")
      }
      var wrong = state
      wrong[index].tensor = Tensor.zeros([3])
      refused(wrong, [("w", parameter)], "of w", "[3]", "[4]")
      wrong.remove(at: index)
      refused(wrong, [("w", parameter)], "w is incomplete")
    }
    // Nothing was changed by any of it.
    #expect(optimizer.namedState().map(\.name) == state.map(\.name))
    for (one, other) in zip(optimizer.namedState(), state) {
      #expect(one.tensor.array(of: Double.self) == other.tensor.array(of: Double.self))
    }
  }

  @Test func stateOfGoneParametersIsNotSaved() {
    let optimizer = Adam()
    func stepOnce() { step(optimizer, [("w", parameter(.float32))], slopes[0]) }
    stepOnce()
    stepOnce()
    #expect(optimizer.namedState().isEmpty)
    let last = parameter(.float32)
    step(optimizer, [("w", last)], slopes[0])
    #expect(optimizer.namedState().map(\.name) == ["w.exp_avg", "w.exp_avg_sq", "w.step"])
  }

  @Test func badGradientsAreRefused() {
    let (parameter, box) = (parameter(.float32), UncheckedBox(AdamW()))
    do {
      _ = try withTensorErrors {
        var gradients = Gradients()
        gradients[parameter] = Tensor.ones([3])
        box.value.step([("w", parameter)], gradients)
        return 0
      }
      Issue.record("a gradient of another shape was taken")
    } catch {
      #expect("\(error)" == "[AdamW] a gradient of shape [3] does not fit w, a parameter of shape [4]")
    }
  }
}

/// Carries what is not `Sendable` into a body that runs while its owner waits.
private final class UncheckedBox<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

@Suite struct SharedParameterTests {
  private final class Tied: Module {
    let embedding: Embedding, head: Linear
    init() {
      var generator = RandomGenerator(seed: 1)
      embedding = Embedding(10, 4, using: &generator)
      head = Linear(weight: embedding.weight)
    }
    func visitParameters(_ visitor: inout ParameterVisitor) {
      visitor.child("embedding", embedding)
      visitor.child("head", head)
    }
  }

  @Test func tiedWeightsAreListedCountedClippedAndSteppedOnce() {
    let model = Tied()
    #expect(model.namedParameters().map(\.name) == ["embedding.weight"])
    #expect(model.trainableParameters().count == 1)
    #expect(model.parameterCounts.trainable == 40 && model.parameterCounts.all == 40)
    let weight = model.embedding.weight
    let twice = [("a", weight), ("b", weight)]
    func loss() -> Tensor { model.head(model.embedding(Tensor([1, 2, 3]))).square().sum() }
    var gradients = loss().backward()
    let norm = gradients[weight]!.to(.float64).square().sum().item().squareRoot()
    #expect(abs(gradients.norm(of: twice) - norm) < 1e-6 * norm)
    let before = gradients[weight]!.array(of: Float.self)
    #expect(abs(gradients.clip(norm: norm / 2, of: twice) - norm) < 1e-6 * norm)
    for (clipped, whole) in zip(gradients[weight]!.array(of: Float.self), before) {
      #expect(abs(clipped - whole / 2) <= 1e-5 * abs(whole))
    }
    let start = weight.tensor.array(of: Float.self)
    SGD(learningRate: 0.5).step(twice, gradients)
    let slope = gradients[weight]!.array(of: Float.self)
    for ((now, then), g) in zip(zip(weight.tensor.array(of: Float.self), start), slope) {
      #expect(abs(now - (then - 0.5 * g)) < 1e-6)
    }
  }

  @Test func layersThatStandTwiceInAChain() {
    var generator = RandomGenerator(seed: 2)
    let shared = Linear(3, 3, using: &generator)
    let model = Sequential(shared, ActivationLayer.relu, shared, Dropout(0.5, using: &generator))
    #expect(model.namedParameters().map(\.name) == ["0.weight", "0.bias"])
    #expect(model.parameterCounts.all == 12)
    #expect(model.modules().count == 4)
  }

  /// An encoder and a decoder whose parameters have the same names, in one optimizer.
  @Test func twoModelsInOneOptimizer() {
    func train(prefixes: [String]) -> [[Float]] {
      var generator = RandomGenerator(seed: 3)
      let parts = [
        Sequential(Linear(4, 3, using: &generator), ActivationLayer.tanh),
        Sequential(Linear(3, 4, using: &generator), ActivationLayer.tanh),
      ]
      let parameters = zip(parts, prefixes).flatMap { $0.namedParameters(prefix: $1) }
      let (x, optimizer) = (Tensor.randomNormal([8, 4], using: &generator), AdamW(learningRate: 0.05))
      for _ in 0..<20 {
        optimizer.step(parameters, (parts[1](parts[0](x)) - x).square().mean().backward())
      }
      return parameters.map { $0.parameter.tensor.array(of: Float.self) }
    }
    #expect(train(prefixes: ["", ""]) == train(prefixes: ["encoder", "decoder"]))
  }
}

@Suite struct GradientNormTests {
  private func norm(_ gradients: Tensor...) -> Double {
    var found = Gradients()
    let parameters = gradients.map { gradient in
      let parameter = Parameter(Tensor.zeros(gradient.shape, dtype: gradient.dtype))
      found[parameter] = gradient
      return (name: "p", parameter: parameter)
    }
    return found.norm(of: parameters)
  }

  @Test func everyTypeAndMixtures() {
    for dtype in types {
      #expect(norm(Tensor.ones([4], dtype: dtype)) == 2, "\(dtype)")
      #expect(norm(Tensor.full([100_000], 2, dtype: dtype).slice(axis: 0, 0..<90_000)) == 600, "\(dtype)")
    }
    #expect(norm(Tensor([3.0]).to(.bfloat16), Tensor([4.0]).to(.float16)) == 5)
    #expect(norm(Tensor([3.0]), Tensor([4.0]).to(.float16), Tensor([12.0]).to(.float32)) == 13)
    #expect(norm(Tensor.zeros([3])) == 0 && norm() == 0 && norm(Tensor.zeros([0])) == 0)
  }

  /// Squares leave a type's range long before its numbers do.
  @Test func numbersWhoseSquaresDoNotFit() {
    #expect(abs(norm(Tensor([3e30, 4e30] as [Float])) / 5e30 - 1) < 1e-6)
    #expect(abs(norm(Tensor([3e-30, 4e-30] as [Float])) / 5e-30 - 1) < 1e-6)
    #expect(abs(norm(Tensor([3e200, 4e200])) / 5e200 - 1) < 1e-12)
    #expect(abs(norm(Tensor([3e-200, 4e-200])) / 5e-200 - 1) < 1e-12)
    #expect(norm(Tensor([60000, 60000]).to(.float16)) > 84_000)
    #expect(norm(Tensor([1, .infinity] as [Float])) == .infinity)
    #expect(norm(Tensor([1, .nan] as [Float])).isNaN)
  }

  @Test func clippingEveryType() {
    for dtype in types {
      let parameter = Parameter(Tensor.ones([4]).to(dtype))
      var gradients = parameter.tensor.square().sum().backward()
      #expect(gradients.clip(norm: 1, of: [("p", parameter)]) == 4, "\(dtype)")
      let clipped = gradients[parameter]!
      #expect(clipped.dtype == dtype)
      #expect(clipped.array(of: Double.self).allSatisfy { abs($0 - 0.5) < 1e-3 }, "\(dtype)")
    }
  }
}
