/// A trainable tensor that belongs to a module.
///
/// The identity of a parameter lasts; its value changes with every optimizer step. Tasks may share a
/// parameter: a reader gets the whole value from before or after a change, never a mixture.
public final class Parameter: Sendable {
  private struct State {
    var value: Tensor
    var isTrainable: Bool
  }

  private let state: RecoveringLock<State>
  private let leaf = GradientNode()
  /// How many numbers the value stands for, where its elements are bytes of quantised blocks.
  private let packed: Int?

  /// A number that no other parameter ever has.
  package var identity: UInt64 { leaf.number }

  /// A parameter that starts as `value`.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    state = RecoveringLock(State(value: value.detached().contiguous(), isTrainable: isTrainable))
    packed = nil
  }

  /// The blocks of a quantised matrix, which are never trained.
  package init(_ matrix: QuantizedMatrix) {
    state = RecoveringLock(State(value: matrix.blocks.detached().contiguous(), isTrainable: false))
    packed = matrix.shape[0] * matrix.shape[1]
  }

  /// Whether gradients are recorded and optimizers change the value.
  public var isTrainable: Bool {
    get { state.withLock { $0.isTrainable } }
    set { state.withLock { $0.isTrainable = newValue } }
  }

  /// The value, recorded when the parameter is trainable. Setting it keeps the parameter's identity.
  /// - Precondition: a new value has the old shape; it is converted to the old type.
  public var tensor: Tensor {
    get {
      state.withLock { state in
        guard state.isTrainable else { return state.value }
        var result = state.value
        result.node = leaf
        return result
      }
    }
    set {
      let (shape, dtype) = state.withLock { ($0.value.shape, $0.value.dtype) }
      tensorRequire(
        newValue.shape == shape, "Parameter",
        "a value of shape \(newValue.shape) cannot replace one of \(shape)")
      let value = newValue.detached().to(dtype).contiguous()
      value.storage.outlast(with: leaf)
      state.withLock { $0.value = value }
    }
  }

  /// The shape of the value.
  public var shape: [Int] { state.withLock { $0.value.shape } }

  /// The type of the value's elements.
  public var dtype: DType { state.withLock { $0.value.dtype } }

  /// The number of elements.
  public var count: Int { state.withLock { $0.value.count } }

  /// The number of weights that the value holds: of elements, or of the numbers in its quantised blocks.
  package var weightCount: Int { packed ?? count }

  /// Converts the value to another floating-point type, as gradient checks in Float64 do.
  public func convert(to dtype: DType) {
    tensorRequire(dtype.isFloatingPoint, "Parameter", "values are floating-point numbers, found \(dtype)")
    let value = MemoryPool.forLong { state.withLock { $0.value }.to(dtype) }
    value.storage.outlast(with: leaf)
    state.withLock { $0.value = value }
  }

  /// Puts another value in, which may have another floating-point type: how a file's weights arrive in the
  /// type in which they are to be kept.
  package func replace(with newValue: Tensor) {
    let shape = shape
    tensorRequire(
      newValue.shape == shape, "Parameter",
      "a value of shape \(newValue.shape) cannot replace one of \(shape)")
    let value = newValue.detached().contiguous()
    value.storage.outlast(with: leaf)
    state.withLock { $0.value = value }
  }

  /// Changes the value in place, copying first if something else refers to its memory. `body` must not read
  /// this parameter in another way. Where a check fails in it, the value stays as far changed as it was.
  package func update(_ body: (inout Tensor) -> Void) {
    state.withLock {
      $0.value.makeUnique()
      body(&$0.value)
      $0.value.storage.outlast(with: leaf)
    }
  }

  package func gradient(in gradients: Gradients) -> Tensor? { gradients[leaf] }

  package func setGradient(_ gradient: Tensor?, in gradients: inout Gradients) { gradients[leaf] = gradient }
}

extension Gradients {
  /// The gradient of a parameter; nil if the result did not depend on it.
  public subscript(parameter: Parameter) -> Tensor? {
    get { parameter.gradient(in: self) }
    set { parameter.setGradient(newValue, in: &self) }
  }
}

/// A parameter with its dotted path in the module tree, such as `layers.0.self_attn.q_proj.weight`.
public typealias NamedParameter = (name: String, parameter: Parameter)

/// Part of a model: owns parameters and other modules, and names them.
///
///     final class Block: Module {
///       let norm: RMSNorm, projection: Linear
///       func visitParameters(_ visitor: inout ParameterVisitor) {
///         visitor.child("norm", norm)
///         visitor.child("projection", projection)
///       }
///     }
public protocol Module: AnyObject {
  /// Names every parameter and child to `visitor`, always in the same order.
  func visitParameters(_ visitor: inout ParameterVisitor)
}

/// Collects the parameters of a module tree with their paths.
public struct ParameterVisitor {
  private var path: [String] = []
  private var seenParameters = Set<UInt64>()
  private var seenModules = Set<ObjectIdentifier>()
  fileprivate var found: [NamedParameter] = []
  fileprivate var modules: [any Module] = []

  fileprivate init(prefix: String) { path = prefix.isEmpty ? [] : [prefix] }

  /// Names a parameter of the module being visited. One that was named before keeps its first name.
  public mutating func add(_ name: String, _ parameter: Parameter) {
    guard seenParameters.insert(parameter.identity).inserted else { return }
    found.append((name: (path + [name]).joined(separator: "."), parameter: parameter))
  }

  /// Names a parameter that may be absent, such as a bias.
  public mutating func add(_ name: String, _ parameter: Parameter?) {
    if let parameter { add(name, parameter) }
  }

  /// Names a child module of the module being visited.
  public mutating func child(_ name: String, _ module: some Module) {
    path.append(name)
    if seenModules.insert(ObjectIdentifier(module)).inserted { modules.append(module) }
    module.visitParameters(&self)
    path.removeLast()
  }

  /// Names an array of child modules `name.0`, `name.1`, ….
  public mutating func children(_ name: String, _ modules: [some Module]) {
    for (i, module) in modules.enumerated() { child("\(name).\(i)", module) }
  }
}

extension Module {
  /// All parameters of this module and its children with their dotted paths, in a fixed order. A parameter
  /// that several layers share is there once, under its first name, as in PyTorch.
  public func namedParameters(prefix: String = "") -> [NamedParameter] {
    var visitor = ParameterVisitor(prefix: prefix)
    visitParameters(&visitor)
    return visitor.found
  }

  /// This module and all below it, each once, in a fixed order.
  public func modules() -> [any Module] {
    var visitor = ParameterVisitor(prefix: "")
    visitParameters(&visitor)
    return [self] + visitor.modules.filter { $0 !== self }
  }

  /// The parameters that are trained.
  public func trainableParameters() -> [NamedParameter] {
    namedParameters().filter(\.parameter.isTrainable)
  }

  /// Makes every parameter of this module trainable or frozen.
  public func setTrainable(_ trainable: Bool) {
    for (_, parameter) in namedParameters() { parameter.isTrainable = trainable }
  }

  /// The number of trained and of all weights; shared ones count once, and a quantised matrix has as many as
  /// it has numbers.
  public var parameterCounts: (trainable: Int, all: Int) {
    namedParameters().reduce((0, 0)) { sum, entry in
      let count = entry.parameter.weightCount
      return (sum.0 + (entry.parameter.isTrainable ? count : 0), sum.1 + count)
    }
  }
}
