/// The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno (Liu and Nocedal, "On the limited
/// memory BFGS method for large scale optimization", 1989), as `torch.optim.LBFGS` computes it.
///
/// A step is several iterations, each of which asks for the loss again, on the same data:
///
///     let optimizer = LBFGS(lineSearch: .strongWolfe)
///     for _ in 0..<10 {
///       optimizer.step(model.trainableParameters()) { (model(x) - y).square().mean() }
///     }
///
/// It remembers `2 · historySize` vectors with as many elements as all parameters together.
public final class LBFGS {
  /// How far an iteration goes along its direction.
  public enum LineSearch: String, Sendable, CaseIterable {
    /// As far as the strong Wolfe conditions ask for.
    case strongWolfe = "strong_wolfe"
  }

  /// The step size; with a line search, the first that it tries.
  public var learningRate: Double
  /// The largest number of iterations in a step.
  public let maxIterations: Int
  /// The largest number of evaluations in a step, which a line search may go over by little.
  public let maxEvaluations: Int
  /// A step ends where no element of the gradient is larger.
  public let gradientTolerance: Double
  /// A step ends where neither the loss nor a parameter changes by more.
  public let changeTolerance: Double
  /// How many differences of gradients are remembered.
  public let historySize: Int
  /// Nil for steps of the size ``learningRate``.
  public let lineSearch: LineSearch?
  /// The iterations of all steps.
  public private(set) var iterationCount = 0
  /// The evaluations of all steps.
  public private(set) var evaluationCount = 0
  private var memory = LBFGSMemory()

  /// Creates an optimizer without history.
  /// - Parameter maxEvaluations: nil for 1.25 times the iterations.
  ///
  /// Fails with a ``TensorError`` for negative numbers and a history of none.
  public init(
    learningRate: Double = 1, maxIterations: Int = 20, maxEvaluations: Int? = nil,
    gradientTolerance: Double = 1e-7, changeTolerance: Double = 1e-9, historySize: Int = 100,
    lineSearch: LineSearch? = nil
  ) {
    tensorRequire(
      learningRate >= 0 && 0...1 << 32 ~= maxIterations && maxEvaluations ?? 0 >= 0 && historySize > 0,
      "LBFGS",
      "rate \(learningRate), iterations \(maxIterations) and evaluations \(maxEvaluations ?? 0) must not be "
        + "negative, the history \(historySize) must be positive")
    self.learningRate = learningRate
    self.maxIterations = maxIterations
    self.maxEvaluations = maxEvaluations ?? maxIterations * 5 / 4
    self.gradientTolerance = gradientTolerance
    self.changeTolerance = changeTolerance
    self.historySize = historySize
    self.lineSearch = lineSearch
  }

  /// Changes the parameters so that the loss falls; those it does not depend on stay as they are.
  ///
  /// Fails with a ``TensorError`` unless all parameters are float32 or all float64, and as many elements as
  /// in the steps before, and where the loss is no recorded number.
  /// - Parameters:
  ///   - parameters: the same in every step, in the same order.
  ///   - loss: computes the loss from the parameters' present values; called several times.
  /// - Returns: the loss before the step.
  /// - Throws: what `loss` throws; the parameters are then those that it was asked about.
  @discardableResult
  public func step<Failure: Error>(
    _ parameters: [NamedParameter], _ loss: () throws(Failure) -> Tensor
  ) throws(Failure) -> Double {
    let own = tensorChecked { () throws(TensorError) in try FlatParameters(parameters) }
    tensorRequire(
      memory.width == nil || memory.width == own.count, "LBFGS",
      "\(own.count) elements of parameters do not fit the history, which is of \(memory.width ?? 0)")
    var (evaluations, iterations) = (1, 0)
    defer {
      evaluationCount += evaluations
      iterationCount += iterations
    }
    let first = try own.evaluate(loss)
    var (value, gradient) = first
    if own.count == 0 || Self.largest(gradient) <= gradientTolerance { return first.loss }
    while iterations < maxIterations {
      iterations += 1
      let isFirst = iterationCount + iterations == 1
      noGradient { memory.turn(to: gradient, isFirst: isFirst, historySize: historySize) }
      let direction = memory.direction!
      let before = value
      let start =
        isFirst ? min(1, 1 / gradient.abs().sum().item()) * learningRate : learningRate
      memory.step = start
      let slope = LBFGSMemory.dot(gradient, direction)
      // The direction leads nowhere.
      if slope > -changeTolerance { break }
      if lineSearch == .strongWolfe {
        let origin = own.values()
        let (found, looks) = try StrongWolfe.search(
          from: .init(step: 0, loss: value, gradient: gradient, slope: slope), first: start,
          length: Self.largest(direction), limit: maxEvaluations - evaluations
        ) { (step) throws(Failure) in
          own.set(origin, step, direction)
          let (loss, gradient) = try own.evaluate(loss)
          return .init(
            step: step, loss: loss, gradient: gradient, slope: LBFGSMemory.dot(gradient, direction))
        }
        own.set(origin, found.step, direction)
        (value, gradient) = (found.loss, found.gradient)
        memory.step = found.step
        evaluations += looks
      } else {
        own.set(own.values(), start, direction)
        if iterations < maxIterations {
          (value, gradient) = try own.evaluate(loss)
          evaluations += 1
        }
      }
      if evaluations >= maxEvaluations || Self.largest(gradient) <= gradientTolerance
        || Self.largest(direction) * abs(memory.step) <= changeTolerance
        || abs(value - before) < changeTolerance
      {
        break
      }
    }
    return first.loss
  }

  private static func largest(_ x: Tensor) -> Double { x.abs().max().item() }

  /// Everything a checkpoint needs; PyTorch's names, lists as one tensor each. Nothing before the first step.
  public func namedState() -> [(name: String, tensor: Tensor)] {
    guard let memory = memory.named() else { return [] }
    return memory + [
      ("func_evals", Tensor([Int64(evaluationCount)], shape: [])),
      ("n_iter", Tensor([Int64(iterationCount)], shape: [])),
    ]
  }

  /// Takes over a state saved by ``namedState()``.
  /// - Throws: ``TensorError`` when an entry is missing, unknown, or does not fit the parameters, which are
  ///   those of the next step; the optimizer is then as before.
  public func load(state saved: [(name: String, tensor: Tensor)], parameters: [NamedParameter]) throws {
    let own = try FlatParameters(parameters)
    var entries: [String: Tensor] = [:]
    for (name, tensor) in saved where entries.updateValue(tensor.detached(), forKey: name) != nil {
      throw LBFGSMemory.error("the saved state has two entries named \(name)")
    }
    if entries.isEmpty {
      (memory, evaluationCount, iterationCount) = (LBFGSMemory(), 0, 0)
      return
    }
    func number(_ name: String) throws -> Int {
      guard let tensor = entries.removeValue(forKey: name) else {
        throw LBFGSMemory.error("the saved state is incomplete: \(name)")
      }
      guard tensor.count == 1, let count = Int(exactly: tensor.item()), count >= 0 else {
        throw LBFGSMemory.error("the saved \(name) is no count: \(tensor.array(of: Double.self))")
      }
      return count
    }
    let (evaluations, iterations) = (try number("func_evals"), try number("n_iter"))
    memory = try LBFGSMemory(entries, own, historySize: historySize)
    (evaluationCount, iterationCount) = (evaluations, iterations)
  }
}

/// Parameters as one vector.
struct FlatParameters {
  private let parameters: [NamedParameter]
  let dtype: DType
  let count: Int

  /// - Throws: ``TensorError`` unless all are float32 or all float64.
  init(_ all: [NamedParameter]) throws(TensorError) {
    var seen = Set<UInt64>()
    parameters = all.filter { seen.insert($0.parameter.identity).inserted }
    dtype = parameters.first?.parameter.dtype ?? .float32
    for (name, parameter) in parameters
    where parameter.dtype != dtype || ![.float32, .float64].contains(parameter.dtype) {
      throw LBFGSMemory.error(
        "parameters must be all float32 or all float64, found \(name), \(parameter.dtype) "
          + "\(parameter.shape), beside \(dtype)")
    }
    count = parameters.reduce(0) { $0 + $1.parameter.count }
  }

  /// The values as they are.
  func values() -> [Tensor] { parameters.map { $0.parameter.tensor.detached() } }

  /// Sets the values to some others plus a step along a direction.
  func set(_ origin: [Tensor], _ step: Double, _ direction: Tensor) {
    noGradient {
      var place = 0
      for ((_, parameter), value) in zip(parameters, origin) {
        let part = direction.slice(axis: 0, place..<place + value.count).reshaped(value.shape)
        parameter.tensor = value + part * step
        place += value.count
      }
    }
  }

  /// The loss at the present values and its gradient as a vector.
  func evaluate<Failure: Error>(
    _ loss: () throws(Failure) -> Tensor
  ) throws(Failure) -> (loss: Double, gradient: Tensor) {
    let value = try GradientMode.with(.on) { () throws(Failure) in try loss() }
    let gradients = value.backward()
    let parts = parameters.map { _, parameter in
      gradients[parameter].map { $0.detached().to(dtype).reshaped([parameter.count]) }
        ?? Tensor.zeros([parameter.count], dtype: dtype)
    }
    return (
      value.item(), parts.isEmpty ? Tensor.zeros([0], dtype: dtype) : Tensor.concatenated(parts, axis: 0)
    )
  }
}
