/// Changes parameters by their gradients.
///
/// What an optimizer remembers about a parameter is kept under the parameter's name, so that it can be saved with a
/// checkpoint and found again. All follow PyTorch's formulas, defaults and names of state.
///
///     let optimizer: any Optimizer = RMSprop(learningRate: 1e-3)
///     optimizer.step(model.trainableParameters(), loss.backward())
public protocol Optimizer: AnyObject {
  /// The step size; set it before every step when a schedule is in use.
  var learningRate: Double { get set }

  /// The number of steps taken.
  var stepCount: Int { get }

  /// Changes every parameter that has a gradient; the others are left alone, decay included.
  /// - Parameters:
  ///   - parameters: the parameters with the names their state is kept under.
  ///   - gradients: their gradients.
  ///   - gradientScale: multiplies every gradient first, as clipping and accumulation need.
  ///   - isDecayed: whether weight decay applies to a parameter.
  func step(
    _ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double,
    isDecayed: (NamedParameter) -> Bool)

  /// Everything a checkpoint needs, sorted by parameter: `<parameter>.<slot>` for every slot, such as `exp_avg`, and
  /// `<parameter>.step`, as PyTorch names them.
  func namedState() -> [(name: String, tensor: Tensor)]

  /// Takes over a state saved by ``namedState()``.
  /// - Throws: ``TensorError`` when an entry is missing or does not fit its parameter.
  func load(state: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]) throws
}

extension Optimizer {
  /// Changes every parameter that has a gradient, with decay for all of them.
  public func step(_ parameters: [NamedParameter], _ gradients: Gradients, gradientScale: Double = 1) {
    step(parameters, gradients, gradientScale: gradientScale, isDecayed: { _ in true })
  }
}

/// The tensors an optimizer keeps for each parameter, by slot, and how often it has changed the parameter.
struct OptimizerState {
  private struct Entry {
    var tensors: [Tensor]
    var steps: Int
  }

  /// The optimizer's name, for messages.
  let optimizer: String
  /// The names of the slots.
  let slots: [String]
  private(set) var stepCount = 0
  private var entries: [String: Entry] = [:]

  init(_ optimizer: String, slots: [String]) {
    self.optimizer = optimizer
    self.slots = slots
  }

  /// Calls `body` once for each parameter that has a gradient, with its slots ready to be written to; a slot starts
  /// as `initialValue` everywhere. `decayed` tells for each parameter whether weight decay applies to it: it is known
  /// beforehand, because a caller's closure may look at the parameter, which is being changed during `body`.
  mutating func update(
    _ parameters: [NamedParameter], _ gradients: Gradients, decayed: [Bool], initialValue: Double = 0,
    _ body: (OptimizerUpdate) -> Void
  ) {
    stepCount += 1
    for (entry, isDecayed) in zip(parameters, decayed) {
      guard let found = gradients[entry.parameter] else { continue }
      let name = entry.name
      var state =
        entries.removeValue(forKey: name)
        ?? Entry(
          tensors: slots.map { _ in
            Tensor.full(entry.parameter.shape, initialValue, dtype: entry.parameter.dtype)
          }, steps: 0)
      state.steps += 1
      for index in state.tensors.indices { state.tensors[index].makeUnique() }
      entry.parameter.update { value in
        body(
          OptimizerUpdate(
            target: value, gradient: found.detached().to(value.dtype).contiguous(), slots: state.tensors,
            steps: state.steps, isDecayed: isDecayed))
      }
      entries[name] = state
    }
  }

  func named() -> [(name: String, tensor: Tensor)] {
    entries.keys.sorted().flatMap { name -> [(name: String, tensor: Tensor)] in
      let state = entries[name]!
      return zip(slots, state.tensors).map { ("\(name).\($0)", $1) }
        + [("\(name).step", Tensor([Int64(state.steps)], shape: []))]
    }
  }

  mutating func load(
    _ saved: [(name: String, tensor: Tensor)], stepCount: Int, parameters: [NamedParameter]
  ) throws {
    let tensors = Dictionary(saved.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    var loaded: [String: Entry] = [:]
    for (name, parameter) in parameters {
      let found = slots.map { tensors["\(name).\($0)"] }
      let steps = tensors["\(name).step"]
      if steps == nil && found.allSatisfy({ $0 == nil }) { continue }
      guard let steps, !found.contains(where: { $0 == nil }) else {
        throw TensorError(operation: optimizer, message: "the saved state of \(name) is incomplete")
      }
      for case let tensor? in found where tensor.shape != parameter.shape {
        throw TensorError(
          operation: optimizer,
          message: "the saved state of \(name) has shape \(tensor.shape), the parameter \(parameter.shape)")
      }
      guard steps.count == 1, let number = Int(exactly: steps.item()), number >= 0 else {
        throw TensorError(
          operation: optimizer,
          message: "the saved step of \(name) is no count: \(steps.array(of: Double.self))")
      }
      loaded[name] = Entry(tensors: found.map { $0!.contiguous() }, steps: number)
    }
    entries = loaded
    self.stepCount = stepCount
  }
}

/// One parameter in the middle of a step: its elements, its gradient and its slots, contiguous and of one type.
struct OptimizerUpdate {
  let target: Tensor
  let gradient: Tensor
  let slots: [Tensor]
  /// How often the parameter has been changed, this time included.
  let steps: Int
  let isDecayed: Bool

  /// Pointers to one piece of the elements.
  struct Piece<Scalar> {
    let target: UnsafeMutablePointer<Scalar>
    let gradient: UnsafeMutablePointer<Scalar>
    let count: Int64
    let start: Int
    let slots: [Tensor]

    /// The piece of a slot; nil for a slot the optimizer does not have.
    func slot(_ index: Int?) -> UnsafeMutablePointer<Scalar>? {
      index.map { slots[$0].pointer(Scalar.self) + start }
    }

    /// The piece of a slot that is always there.
    subscript(index: Int) -> UnsafeMutablePointer<Scalar> { slots[index].pointer(Scalar.self) + start }
  }

  /// Runs the kernel of the parameter's type over all elements.
  func run(_ single: (Piece<Float>) -> Void, _ double: (Piece<Double>) -> Void) {
    switch target.dtype {
    case .float32: pieces(single)
    case .float64: pieces(double)
    default:
      tensorFailure("step", "parameters must be float32 or float64, found \(target.dtype) \(target.shape)")
    }
  }

  private func pieces<Scalar>(_ body: (Piece<Scalar>) -> Void) {
    tensorRequire(
      gradient.shape == target.shape, "step",
      "a gradient of shape \(gradient.shape) does not fit a parameter of shape \(target.shape)")
    Threads.parallel(target.count, grain: 1 << 14) { range in
      body(
        Piece(
          target: target.pointer(Scalar.self) + range.lowerBound,
          gradient: gradient.pointer(Scalar.self) + range.lowerBound, count: Int64(range.count),
          start: range.lowerBound, slots: slots))
    }
  }
}
