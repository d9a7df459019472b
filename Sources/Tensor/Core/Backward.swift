/// The gradients found by a backward pass, one for each leaf that was reached.
public struct Gradients: Sendable {
  /// Latest leaf first.
  private var entries: [(leaf: GradientNode, gradient: Tensor)] = []

  /// No gradients.
  public init() {}

  /// The gradient of a tensor made by ``Tensor/requiringGradient()``; nil if the result did not depend on it.
  /// - Complexity: O(log *n*) for *n* gradients.
  public subscript(tensor: Tensor) -> Tensor? {
    tensor.node.flatMap { self[$0] }.map { $0.lowered(like: tensor) }
  }

  package subscript(leaf: GradientNode) -> Tensor? {
    get {
      let (index, isThere) = position(of: leaf)
      return isThere ? entries[index].gradient : nil
    }
    set {
      let (index, isThere) = position(of: leaf)
      switch (isThere, newValue) {
      case (true, let gradient?): entries[index].gradient = gradient
      case (true, nil): entries.remove(at: index)
      case (false, let gradient?): entries.insert((leaf, gradient), at: index)
      case (false, nil): break
      }
    }
  }

  /// Adds the gradients of another backward pass, as gradient accumulation does.
  public mutating func add(_ other: Gradients) {
    for (leaf, gradient) in other.entries {
      let (index, isThere) = position(of: leaf)
      if isThere {
        entries[index].gradient.accumulate(gradient)
      } else {
        entries.insert((leaf, gradient), at: index)
      }
    }
  }

  private func position(of leaf: GradientNode) -> (index: Int, isThere: Bool) {
    entries.position(of: leaf.number) { $0.leaf.number }
  }
}

extension Tensor {
  /// The gradients of this tensor's only element with respect to every leaf it was computed from.
  ///
  /// The record is released on the way; a second call on the same record finds nothing.
  /// - Parameter keepingGraph: keeps the record and records the backward pass itself, for higher derivatives.
  /// - Precondition: the tensor has one element and requires a gradient.
  public func backward(keepingGraph: Bool = false) -> Gradients {
    tensorRequire(
      count == 1, "backward",
      "needs a tensor with one element, found shape \(shape); pass the gradient of the output")
    return backward(from: Tensor.ones(shape, dtype: dtype), keepingGraph: keepingGraph)
  }

  /// The gradients of `(self * gradient).sum()` with respect to every leaf.
  /// - Parameters:
  ///   - gradient: the gradient that arrives at this tensor, of its shape.
  ///   - keepingGraph: keeps the record and records the backward pass itself, for higher derivatives.
  public func backward(from gradient: Tensor, keepingGraph: Bool = false) -> Gradients {
    BatchRun.noteBackward()
    if isStandIn || gradient.isStandIn {
      return firstExample().backward(from: gradient.firstExample(), keepingGraph: keepingGraph)
    }
    guard let root = node else {
      tensorFailure("backward", "nothing was recorded: no input requires a gradient")
    }
    tensorRequire(
      gradient.shape == shape, "backward", "the gradient has shape \(gradient.shape), the tensor \(shape)")
    return BackwardPass.run(
      from: [(root, gradient)], keepsRecord: keepingGraph, isRecorded: keepingGraph)
  }

  /// Adds `other` to this tensor, in place when nobody else refers to its memory.
  package mutating func accumulate(_ other: Tensor) {
    if GradientMode.isEnabled || dtype != other.dtype || shape != other.shape {
      self = self + other
    } else {
      Elementwise.accumulate(other, into: &self)
    }
  }
}
