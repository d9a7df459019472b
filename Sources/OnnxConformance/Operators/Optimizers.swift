import Tensor

extension OperatorTable {
  private static let domain = "ai.onnx.preview.training:"

  static let optimizers: [String: OnnxOperator] = [
    domain + "Adagrad": { call in
      let optimizer = Adagrad(
        learningRate: try rate(call), learningRateDecay: try call.real("decay_factor", default: 0),
        weightDecay: try call.real("norm_coefficient", default: 0),
        epsilon: try call.real("epsilon", default: 0))
      return try step(call, optimizer, slot: "sum")
    },
    domain + "Momentum": { call in
      let isNesterov = try call.text("mode") == "nesterov"
      let (alpha, beta) = (try call.real("alpha"), try call.real("beta"))
      try call.require(alpha != 0 && (!isNesterov || beta == 1), "momentum of \(alpha) and \(beta)")
      let optimizer = SGD(
        learningRate: try rate(call), momentum: alpha, dampening: 1 - beta,
        weightDecay: try call.real("norm_coefficient"), nesterov: isNesterov)
      return try step(call, optimizer, slot: "momentum_buffer")
    },
  ]

  private static func rate(_ call: NodeCall) throws -> Double {
    let rate = try call.tensor()
    try call.require(rate.count == 1, "a rate of shape \(rate.shape)")
    return rate.item()
  }

  /// One step of an optimizer with one state for each parameter: rate, steps that were done, then all
  /// parameters, all gradients and all states.
  private static func step(
    _ call: NodeCall, _ optimizer: any Optimizer, slot: String
  ) throws -> [Tensor] {
    let steps = try call.number(1)
    let count = (call.inputs.count - 2) / 3
    try call.require(
      count > 0 && call.inputs.count == 3 * count + 2 && 0..<1 << 40 ~= steps,
      "\(call.inputs.count) inputs, \(steps) steps")
    let parameters: [NamedParameter] = try (0..<count).map { ("p\($0)", Parameter(try call.tensor($0 + 2))) }
    var gradients = Gradients()
    var state: [(name: String, tensor: Tensor)] = []
    for (index, (name, parameter)) in parameters.enumerated() {
      let gradient = try call.tensor(2 + count + index)
      try call.require(gradient.shape == parameter.shape, "a gradient of shape \(gradient.shape)")
      gradients[parameter] = gradient
      state.append(("\(name).\(slot)", try call.tensor(2 + 2 * count + index)))
      state.append(("\(name).step", Tensor([Int64(steps)], shape: [])))
    }
    try optimizer.load(state: state, stepCount: steps, parameters: parameters)
    optimizer.step(parameters, gradients)
    let after = optimizer.namedState()
    return try parameters.map { $0.parameter.tensor.detached() }
      + parameters.map { name, _ in
        guard let found = after.first(where: { $0.name == "\(name).\(slot)" }) else {
          throw OnnxError("no state of \(name)")
        }
        return found.tensor
      }
  }
}
