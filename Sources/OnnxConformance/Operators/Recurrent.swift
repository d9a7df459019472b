import Tensor

extension OperatorTable {
  static let recurrent: [String: OnnxOperator] = [
    "LSTM": { call in
      try call.require(call.optional(7) == nil, "peepholes")
      // Input, output, forget and new values here; input, forget, new and output there.
      let run = try RecurrentRun(call, order: [0, 2, 3, 1])
      var generator = RandomGenerator(seed: 0)
      let layer = LSTM(run.inputs, run.width, bidirectional: run.isBidirectional, using: &generator)
      try run.fill(layer)
      let hidden = run.state(5)
      let (output, last) = layer(run.x, state: (hidden, run.state(6)), lengths: run.lengths)
      return run.results(output, [last.hidden, last.cell])
    },
    "GRU": { call in
      let run = try RecurrentRun(call, order: [1, 0, 2])
      try call.require(call.flag("linear_before_reset") || run.startsFromNothing, "resets before the product")
      var generator = RandomGenerator(seed: 0)
      let layer = GRU(run.inputs, run.width, bidirectional: run.isBidirectional, using: &generator)
      try run.fill(layer)
      let (output, last) = layer(run.x, state: run.state(5), lengths: run.lengths)
      return run.results(output, [last])
    },
    "RNN": { call in
      let run = try RecurrentRun(call, order: [0])
      var generator = RandomGenerator(seed: 0)
      let layer = RNN(run.inputs, run.width, bidirectional: run.isBidirectional, using: &generator)
      try run.fill(layer)
      let (output, last) = layer(run.x, state: run.state(5), lengths: run.lengths)
      return run.results(output, [last])
    },
  ]
}

/// The operands of ONNX's recurrent operators in the layout of our layers.
private struct RecurrentRun {
  let x: Tensor
  let width: Int
  let isBidirectional: Bool
  let lengths: [Int]?
  private let call: NodeCall
  private let order: [Int]
  private let isBatchFirst: Bool
  private let isReversed: Bool

  var inputs: Int { x.shape[2] }

  /// - Parameter order: which gate of ONNX's stands where in ours.
  init(_ call: NodeCall, order: [Int]) throws {
    (self.call, self.order) = (call, order)
    for key in ["activations", "activation_alpha", "activation_beta", "clip", "input_forget"] {
      try call.require(!call.has(key), "`\(key)`")
    }
    isBatchFirst = try call.flag("layout")
    let direction = try call.text("direction", default: "forward")
    (isBidirectional, isReversed) = (direction == "bidirectional", direction == "reverse")
    width = try call.integer("hidden_size")
    let given = try call.tensor()
    try call.require(given.rank == 3 && 1..<1 << 24 ~= width, "shape \(given.shape)")
    lengths = try call.numbers(4)
    try call.require(!isReversed || lengths == nil, "sequences of several lengths from behind")
    let steps = isBatchFirst ? given.transposed(0, 1) : given
    x = isReversed ? steps.flipped(axis: 0) : steps
  }

  /// Whether the first step is the only one and meets neither a state nor a bias of the state.
  var startsFromNothing: Bool {
    let recurrentBias = call.optional(3).map { $0.chunked(2, axis: -1).last ?? $0 }
    return x.shape[0] == 1 && call.optional(5) == nil
      && !(recurrentBias.map { ($0 .!= 0).any().item(of: Bool.self) } ?? false)
  }

  /// The state that the layer begins with, `[directions, batch, width]`.
  func state(_ input: Int) -> Tensor {
    guard let given = call.optional(input) else {
      return Tensor.zeros([isBidirectional ? 2 : 1, x.shape[1], width], dtype: x.dtype)
    }
    return isBatchFirst ? given.transposed(0, 1) : given
  }

  /// Puts the weights into a layer.
  func fill(_ layer: any Module) throws {
    let (inputWeight, hiddenWeight) = (try call.tensor(1), try call.tensor(2))
    let bias =
      call.optional(3) ?? Tensor.zeros([isBidirectional ? 2 : 1, 2 * order.count * width], dtype: x.dtype)
    let wanted = [bias.rank, inputWeight.rank, hiddenWeight.rank] == [2, 3, 3]
    let directions = isBidirectional ? 2 : 1
    try call.require(
      wanted && [bias, inputWeight, hiddenWeight].allSatisfy { $0.shape[0] == directions },
      "weights of other shapes")
    var places: [String: Tensor] = [:]
    for way in 0..<directions {
      let suffix = "_l0" + (way == 1 ? "_reverse" : "")
      let biases = try bias.indexed(validating: [.index(way)]).chunked(2)
      places["weight_ih" + suffix] = try ordered(inputWeight.indexed(validating: [.index(way)]))
      places["weight_hh" + suffix] = try ordered(hiddenWeight.indexed(validating: [.index(way)]))
      places["bias_ih" + suffix] = try ordered(biases[0])
      places["bias_hh" + suffix] = try ordered(biases[1])
    }
    for (name, parameter) in layer.namedParameters().map({ ($0.name, $0.parameter) }) {
      guard let value = places[name], value.shape == parameter.shape else {
        throw OnnxError("\(call.node.operation): a weight `\(name)` of another shape")
      }
      parameter.tensor = value
    }
  }

  /// The rows of a weight with the gates in our order.
  private func ordered(_ weight: Tensor) throws -> Tensor {
    try call.require(weight.shape[0] == order.count * width, "weights of shape \(weight.shape)")
    let gates = weight.chunked(order.count)
    return Tensor.concatenated(order.map { gates[$0] })
  }

  /// The output with an axis for the directions, and the last states.
  func results(_ output: Tensor, _ last: [Tensor]) -> [Tensor] {
    let directions = isBidirectional ? 2 : 1
    let steps = isReversed ? output.flipped(axis: 0) : output
    let cut = steps.reshaped([steps.shape[0], steps.shape[1], directions, width])
    return [isBatchFirst ? cut.transposed(0, 1) : cut.transposed(1, 2)]
      + last.map { isBatchFirst ? $0.transposed(0, 1) : $0 }
  }
}
