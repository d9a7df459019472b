/// A differentiable operation of your own: a function on tensors, and the function that carries gradients
/// back through it.
///
///     let cube = CustomOperation("cube") { x in
///       x * x * x
///     } backward: { gradient, x, _ in
///       3 * x * x * gradient
///     }
///     let y = cube(x)
///
/// `forward` runs without being recorded and may do anything: read elements into arrays, call C, use
/// operations without a gradient. When `backward` is written in differentiable operations on its arguments,
/// the operation has derivatives of every order. When it reads elements or computes without the record, it
/// has first derivatives only, and a second one (also `jvp` and `hessian`) fails in words, as with PyTorch's
/// `once_differentiable`: see ``constantGradient(_:)`` for gradients that are constant on purpose. Check an
/// operation with ``gradCheck(_:step:tolerance:_:)``.
public struct CustomOperation {
  /// What `backward` can use.
  public struct Context {
    /// The inputs of the operation, as part of the record.
    public let inputs: [Tensor]
    /// The outputs of the operation, as part of the record.
    public let outputs: [Tensor]
    /// What `forward` saved. Saved inputs and outputs are part of the record; anything else counts as
    /// computed outside of it, so that a second derivative which goes through it fails: compute from `inputs`
    /// and `outputs` what depends on them, and use `saved[i].detached()` for what does not, such as a mask
    /// that was drawn.
    public let saved: [Tensor]
  }

  /// Maps inputs to outputs, and may add tensors to `saved` for the backward pass.
  public typealias Forward = (_ inputs: [Tensor], _ saved: inout [Tensor]) -> [Tensor]

  /// Maps the gradient of every output, nil for those that none reached, to the gradient of every input, nil
  /// for those that have none. Gradients have the shapes of what they belong to.
  public typealias Backward = (_ gradients: [Tensor?], _ context: Context) -> [Tensor?]

  /// The name in messages.
  public let name: String
  private let forward: Forward
  private let backward: Backward

  /// An operation with any number of inputs and outputs.
  public init(_ name: String, forward: @escaping Forward, backward: @escaping Backward) {
    self.name = name
    self.forward = forward
    self.backward = backward
  }

  /// An operation with one input and one output.
  /// - Parameters:
  ///   - name: the name in messages.
  ///   - forward: maps the input to the output.
  ///   - backward: maps the gradient of the output, the input and the output to the gradient of the input.
  public init(
    _ name: String, forward: @escaping (Tensor) -> Tensor,
    backward: @escaping (_ gradient: Tensor, _ input: Tensor, _ output: Tensor) -> Tensor
  ) {
    self.init(name) { inputs, _ in
      tensorRequire(inputs.count == 1, name, "needs one input, found \(inputs.count)")
      return [forward(inputs[0])]
    } backward: { gradients, context in
      [gradients[0].map { backward($0, context.inputs[0], context.outputs[0]) }]
    }
  }

  /// Applies the operation to an input; for operations with one output.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    let outputs = self([input])
    tensorRequire(outputs.count == 1, name, "has \(outputs.count) outputs; call it with an array of inputs")
    return outputs[0]
  }

  /// Applies the operation to inputs.
  ///
  /// Outputs that are not floating point take no part in the record.
  public func callAsFunction(_ inputs: [Tensor]) -> [Tensor] {
    var saved: [Tensor] = []
    let outputs = noGradient { forward(inputs.map { $0.detached() }, &saved) }.map { $0.detached() }
    let kept = saved.map { $0.detached() }
    let (name, backward) = (name, backward)
    let recorded = Tensor.recordedJointly("custom operation", from: inputs, outputs) { gradients, outputs in
      let saved = kept.map { Self.recorded($0, name, inputs, outputs) }
      let found = UserDerivative.run(name, gradients, operands: inputs) {
        backward($0, Context(inputs: inputs, outputs: outputs, saved: saved))
      }
      tensorRequire(
        found.count == inputs.count, name,
        "the backward closure gave \(found.count) gradients for \(inputs.count) inputs")
      for (index, (gradient, input)) in zip(found, inputs).enumerated() {
        if let gradient {
          tensorRequire(
            gradient.shape == input.shape, name,
            "the backward closure gave a gradient of shape \(gradient.shape) for input \(index) of shape "
              + "\(input.shape)")
        }
      }
      return found
    }
    return zip(outputs, recorded).map { $0.dtype.isFloatingPoint ? $1 : $0 }
  }

  /// A gradient that `backward` computed outside of the record on purpose, because it depends neither on the
  /// inputs nor on the gradients it was given: its own derivative is zero.
  ///
  ///     CustomOperation("sign") { $0.sign() } backward: { _, x, _ in
  ///       CustomOperation.constantGradient(Tensor.zeros(x.shape, dtype: x.dtype))
  ///     }
  public static func constantGradient(_ gradient: Tensor) -> Tensor {
    UserDerivative.recorded(gradient.detached(), from: [])
  }

  /// A saved tensor in the record: as the input or output that it is, or as something whose derivative is
  /// missing.
  private static func recorded(
    _ saved: Tensor, _ name: String, _ inputs: [Tensor], _ outputs: [Tensor]
  ) -> Tensor {
    guard GradientMode.isEnabled, saved.dtype.isFloatingPoint else { return saved }
    if let origin = (inputs + outputs).first(where: { $0.isSameView(as: saved) }) { return origin }
    let nodes = inputs.compactMap(\.node)
    return UserDerivative.recorded(
      saved, from: [UserDerivative.missing(name, "used a saved tensor that is no input or output", nodes)])
  }
}

extension Tensor {
  /// Whether both have the same elements at the same place in memory.
  fileprivate func isSameView(as other: Tensor) -> Bool {
    storage === other.storage && offset == other.offset && shape == other.shape && strides == other.strides
      && dtype == other.dtype
  }
}
