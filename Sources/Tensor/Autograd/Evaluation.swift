/// A function evaluated on variables of its own, which are linked to the arguments when those are part of a
/// record.
struct Evaluation {
  let variables: [Tensor]
  /// What the function gave, attached to the variables.
  let outputs: [Tensor]
  /// Whether the outputs depend on anything else that requires a gradient, so that derivatives must be
  /// recorded too.
  let isPartOfRecord: Bool

  init(_ arguments: [Tensor], _ function: ([Tensor]) throws -> [Tensor]) rethrows {
    let isRecording = GradientMode.isEnabled
    let variables = arguments.map { argument in
      // Every example has a gradient of its own, also with respect to what all have in common.
      let argument = BatchRun.current?.spread(argument) ?? argument
      guard isRecording, let node = argument.node else { return argument.detached().requiringGradient() }
      var variable = argument
      variable.node = GradientNode(name: "argument", inputs: [node], output: nil) { gradient, _ in [gradient]
      }
      return variable
    }
    outputs = try GradientMode.with(.on) { try function(variables) }
    self.variables = variables
    let own = Set(variables.map { ObjectIdentifier($0.node!) })
    isPartOfRecord =
      isRecording
      && BackwardPass.reachable(
        from: outputs.compactMap(\.node) + variables.map { $0.node! },
        through: { !own.contains(ObjectIdentifier($0)) }
      ).contains { own.contains(ObjectIdentifier($0)) ? !$0.isLeaf : $0.isLeaf }
  }

  /// The outputs as the caller sees them.
  var values: [Tensor] { isPartOfRecord ? outputs : outputs.map { $0.detached() } }

  /// The products of gradients of the outputs with the Jacobian.
  func pullback(_ gradients: [Tensor], keepsRecord: Bool, isRecorded: Bool? = nil) -> [Tensor] {
    var roots: [(node: GradientNode, gradient: Tensor)] = []
    for (output, gradient) in zip(outputs, gradients) {
      tensorRequire(
        output.shape == gradient.shape, "vjp",
        "the gradient has shape \(gradient.shape), the output \(output.shape)")
      let output = output.settled()
      if let node = output.node { roots.append((node, gradient.lifted(like: output))) }
    }
    let found = BackwardPass.run(
      from: roots, to: variables.map { $0.node! }, keepsRecord: keepsRecord,
      isRecorded: isRecorded ?? isPartOfRecord)
    return variables.map { found[$0] ?? Tensor.zeros($0.shape, dtype: $0.dtype) }
  }
}
