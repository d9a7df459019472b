import CTensorKernels
import Synchronization

/// One recorded operation: where its inputs came from and how a gradient travels back through it.
///
/// Nodes are numbered in the order in which operations ran, so descending numbers are a valid order for the
/// backward pass.
package final class GradientNode: @unchecked Sendable {
  /// Maps the gradient of the output to the gradients of the inputs (nil where none is needed). The second
  /// argument is the output itself when the operation asked to keep it.
  package typealias Backward = (_ gradient: Tensor, _ output: Tensor?) -> [Tensor?]

  private static let nextNumber = Atomic<UInt64>(0)

  package let number: UInt64
  package let name: StaticString
  package private(set) var inputs: [GradientNode?]
  package private(set) var backward: Backward?
  /// The output without its node, kept only for operations whose derivative is cheapest in terms of it.
  private var output: Tensor?
  package let isLeaf: Bool
  /// Called with the gradient on its way through; what it returns travels on.
  package var hook: ((Tensor) -> Tensor)?

  /// A leaf: a tensor whose gradient somebody wants.
  package init() {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    name = "leaf"
    inputs = []
    isLeaf = true
  }

  package init(name: StaticString, inputs: [GradientNode?], output: Tensor?, backward: @escaping Backward) {
    number = Self.nextNumber.add(1, ordering: .relaxed).newValue
    self.name = name
    self.inputs = inputs
    self.output = output
    self.backward = backward
    isLeaf = false
  }

  /// The kept output with this node attached, so that a derivative of the derivative sees it.
  package var attachedOutput: Tensor? {
    guard var result = output else { return nil }
    result.node = self
    return result
  }

  /// Lets go of everything the backward pass kept.
  package func release() {
    backward = nil
    output = nil
    inputs = []
  }

  deinit {
    // Long chains are taken apart in a loop: a recursive release would overflow the stack.
    var pending = inputs
    inputs = []
    backward = nil
    while let last = pending.popLast() {
      if var node = last, isKnownUniquelyReferenced(&node), !node.isLeaf {
        pending.append(contentsOf: node.inputs)
        node.release()
      }
    }
  }
}

/// Whether operations are being recorded on this thread.
package enum GradientMode {
  package static var isEnabled: Bool {
    get { tk_gradient_mode() != 0 }
    set { tk_set_gradient_mode(newValue ? 1 : 0) }
  }
}

/// Runs `body` without recording operations.
///
/// The setting belongs to the calling thread and ends with the closure.
public func noGradient<Result>(_ body: () throws -> Result) rethrows -> Result {
  let previous = GradientMode.isEnabled
  GradientMode.isEnabled = false
  defer { GradientMode.isEnabled = previous }
  return try body()
}

extension Tensor {
  /// Whether gradients flow to this tensor.
  public var requiresGradient: Bool { node != nil }

  /// The same values as the start of a record: ``backward()`` finds its gradient.
  public func requiringGradient() -> Tensor {
    tensorRequire(dtype.isFloatingPoint, "requiringGradient", "needs floating-point elements, found \(dtype)")
    var result = self
    result.node = GradientNode()
    return result
  }

  /// The same values as a constant.
  public func detached() -> Tensor {
    guard node != nil else { return self }
    var result = self
    result.node = nil
    return result
  }

  /// Calls `hook` with the gradient when the backward pass reaches this tensor; the returned gradient travels on.
  public func onGradient(_ hook: @escaping (Tensor) -> Tensor) -> Tensor {
    guard node != nil, GradientMode.isEnabled else { return self }
    let result = recorded("onGradient", from: self, detached()) { gradient, _ in gradient }
    result.node!.hook = hook
    return result
  }

  /// Attaches the record of a one-input operation to `result`.
  @inline(__always)
  package func recorded(
    _ name: StaticString, from input: Tensor, _ result: Tensor, keepingOutput: Bool = false,
    backward: @escaping (_ gradient: Tensor, _ output: Tensor?) -> Tensor
  ) -> Tensor {
    guard let inputNode = input.node, GradientMode.isEnabled else { return result }
    var result = result
    result.node = GradientNode(name: name, inputs: [inputNode], output: keepingOutput ? result : nil) {
      [backward($0, $1)]
    }
    return result
  }

  /// Attaches the record of an operation on several inputs to `result`.
  ///
  /// `backward` returns one gradient for each input; it may return nil for inputs that need none.
  @inline(__always)
  package static func recorded(
    _ name: StaticString, from inputs: [Tensor], _ result: Tensor, keepingOutput: Bool = false,
    backward: @escaping GradientNode.Backward
  ) -> Tensor {
    guard GradientMode.isEnabled, inputs.contains(where: { $0.node != nil }) else { return result }
    var result = result
    result.node = GradientNode(
      name: name, inputs: inputs.map(\.node), output: keepingOutput ? result : nil, backward: backward)
    return result
  }
}
