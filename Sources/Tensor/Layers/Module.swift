/// A trainable tensor that belongs to a module.
///
/// The identity of a parameter lasts; its value changes with every optimizer step.
public final class Parameter: @unchecked Sendable {
  private var value: Tensor
  private let leaf = GradientNode()
  /// Whether gradients are recorded and optimizers change the value.
  public var isTrainable: Bool

  /// A parameter that starts as `value`.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    self.value = value.detached().contiguous()
    self.isTrainable = isTrainable
  }

  /// The value, recorded when the parameter is trainable. Setting it keeps the parameter's identity.
  /// - Precondition: a new value has the old shape and type.
  public var tensor: Tensor {
    get {
      guard isTrainable else { return value }
      var result = value
      result.node = leaf
      return result
    }
    set {
      tensorRequire(
        newValue.shape == value.shape, "Parameter",
        "a value of shape \(newValue.shape) cannot replace one of \(value.shape)")
      value = newValue.detached().to(value.dtype).contiguous()
    }
  }

  /// The shape of the value.
  public var shape: [Int] { value.shape }

  /// The type of the value's elements.
  public var dtype: DType { value.dtype }

  /// The number of elements.
  public var count: Int { value.count }

  /// Converts the value to another floating-point type, as gradient checks in Float64 do.
  public func convert(to dtype: DType) { value = value.to(dtype) }

  /// Changes the value in place, copying first if something else refers to its memory.
  package func update(_ body: (inout Tensor) -> Void) {
    value.makeUnique()
    body(&value)
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
  fileprivate var found: [NamedParameter] = []
  fileprivate var modules: [any Module] = []

  fileprivate init(prefix: String) { path = prefix.isEmpty ? [] : [prefix] }

  /// Names a parameter of the module being visited.
  public mutating func add(_ name: String, _ parameter: Parameter) {
    found.append((name: (path + [name]).joined(separator: "."), parameter: parameter))
  }

  /// Names a parameter that may be absent, such as a bias.
  public mutating func add(_ name: String, _ parameter: Parameter?) {
    if let parameter { add(name, parameter) }
  }

  /// Names a child module of the module being visited.
  public mutating func child(_ name: String, _ module: some Module) {
    path.append(name)
    modules.append(module)
    module.visitParameters(&self)
    path.removeLast()
  }

  /// Names an array of child modules `name.0`, `name.1`, ….
  public mutating func children(_ name: String, _ modules: [some Module]) {
    for (i, module) in modules.enumerated() { child("\(name).\(i)", module) }
  }
}

extension Module {
  /// All parameters of this module and its children with their dotted paths, in a fixed order.
  public func namedParameters(prefix: String = "") -> [NamedParameter] {
    var visitor = ParameterVisitor(prefix: prefix)
    visitParameters(&visitor)
    return visitor.found
  }

  /// This module and all below it, in a fixed order.
  public func modules() -> [any Module] {
    var visitor = ParameterVisitor(prefix: "")
    visitParameters(&visitor)
    return [self] + visitor.modules
  }

  /// The parameters that are trained.
  public func trainableParameters() -> [NamedParameter] {
    namedParameters().filter(\.parameter.isTrainable)
  }

  /// Makes every parameter of this module trainable or frozen.
  public func setTrainable(_ trainable: Bool) {
    for (_, parameter) in namedParameters() { parameter.isTrainable = trainable }
  }

  /// The number of trained and of all elements.
  public var parameterCounts: (trainable: Int, all: Int) {
    namedParameters().reduce((0, 0)) { sum, entry in
      (sum.0 + (entry.parameter.isTrainable ? entry.parameter.count : 0), sum.1 + entry.parameter.count)
    }
  }
}
