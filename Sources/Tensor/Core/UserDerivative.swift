import CTensorKernels

/// Runs derivatives that users write: those of custom operations, and hooks.
///
/// Such a derivative may leave the record: read elements into arrays, or compute inside ``noGradient(_:)``.
/// For first derivatives that is all right. In a pass that is itself recorded, what it gives would count as a
/// constant, and second derivatives would lack a part, in silence. So what was left out gets a node here,
/// which fails when a derivative arrives at it: a pass that never asks for it goes on undisturbed, as with
/// PyTorch's `once_differentiable`.
enum UserDerivative {
  /// - Parameters:
  ///   - name: the operation, for messages.
  ///   - gradients: what arrived.
  ///   - operands: recorded tensors that the derivative is written in, beside the gradients.
  ///   - body: gives gradients, or nil where there is none.
  static func run(
    _ name: String, _ gradients: [Tensor?], operands: [Tensor],
    _ body: (_ gradients: [Tensor?]) -> [Tensor?]
  ) -> [Tensor?] {
    guard GradientMode.isEnabled else { return body(gradients) }
    // A constant gradient becomes part of the record too: whether the derivative stays in the record shows on
    // it.
    let arrived = gradients.map { $0.map { $0.node == nil ? recorded($0, from: []) : $0 } }
    var read: [GradientNode] = []
    let found = withUnsafeMutablePointer(to: &read) { list in
      let outer = tk_read_records()
      tk_set_read_records(list)
      defer { tk_set_read_records(outer) }
      return body(arrived)
    }
    let everything = arrived.compactMap { $0?.node } + operands.compactMap(\.node)
    return found.map { gradient in
      guard let gradient, gradient.dtype.isFloatingPoint else { return gradient }
      guard let node = gradient.node else {
        return recorded(
          gradient, from: [missing(name, "gave a gradient that was not computed in the record", everything)])
      }
      return read.isEmpty
        ? gradient
        : recorded(gradient, from: [node, missing(name, "read elements of a recorded tensor", read)])
    }
  }

  /// Notes that elements of a tensor leave the record.
  @inline(__always)
  static func noteRead(_ tensor: Tensor) {
    guard let node = tensor.node, let list = tk_read_records() else { return }
    list.assumingMemoryBound(to: [GradientNode].self).pointee.append(node)
  }

  /// A tensor whose derivative arrives unchanged at some nodes.
  static func recorded(_ tensor: Tensor, from inputs: [GradientNode]) -> Tensor {
    var result = tensor
    let count = inputs.count
    result.node = GradientNode(name: "gradient", inputs: inputs, output: nil) { gradient, _ in
      [Tensor?](repeating: gradient, count: count)
    }
    return result
  }

  /// The node of what `name` left out of the record and what depends on `inputs`.
  static func missing(_ name: String, _ what: String, _ inputs: [GradientNode]) -> GradientNode {
    GradientNode(name: "derivative outside of the record", inputs: inputs, output: nil) { _, _ in
      tensorFailure(
        name,
        "a derivative of its derivative is needed, but the backward closure \(what). Compute with operations "
          + "on its arguments alone; detached() says that a value is to count as a constant, and "
          + "CustomOperation.constantGradient(_:) that a whole gradient is")
    }
  }
}
