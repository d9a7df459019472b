/// Layers of recurrent cells over each other, one way or both: what ``RNN``, ``GRU`` and ``LSTM`` have in
/// common. Parameters have PyTorch's names, such as `weight_ih_l0` and `bias_hh_l1_reverse`.
public class RecurrentStack: TrainingDependent {
  /// The weights of a layer in one direction.
  struct Direction {
    let inputWeight, hiddenWeight: Parameter
    let inputBias, hiddenBias: Parameter?
  }

  /// The width of the input.
  public let inputs: Int
  /// The width of a state.
  public let width: Int
  /// How many layers lie over each other.
  public let layers: Int
  /// Whether a second set of cells goes from the last step to the first; outputs are twice as wide then.
  public let bidirectional: Bool
  /// Whether inputs and outputs are `[batch, time, ...]` rather than `[time, batch, ...]`.
  public let batchFirst: Bool
  /// How likely an element between two layers is dropped while the module is trained.
  public let dropout: Double
  public var isTraining = true
  /// Where the draws of dropout come from; its ``RandomGenerator/state`` belongs in a checkpoint.
  public var generator: RandomGenerator
  let cell: RecurrentCell
  /// Layer by layer, forward before backward.
  let directions: [Direction]
  private let name: String

  /// Weights and biases from a uniform distribution over ±1/√width, as PyTorch initialises them.
  init(
    _ name: String, _ cell: RecurrentCell, _ inputs: Int, _ width: Int, layers: Int, bias: Bool,
    batchFirst: Bool, dropout: Double, bidirectional: Bool, _ generator: inout RandomGenerator
  ) {
    Initialization.requireExtents([inputs, width, cell.gates], name)
    tensorRequire(
      layers > 0 && layers <= 1 << 16 && dropout >= 0 && dropout <= 1, name,
      "needs layers, found \(layers), and a probability between 0 and 1, found \(dropout)")
    let count = bidirectional ? 2 : 1
    Initialization.requireExtents([cell.gates, width, max(inputs, width, 1), layers, 4], name)
    self.name = name
    self.cell = cell
    self.inputs = inputs
    self.width = width
    self.layers = layers
    self.batchFirst = batchFirst
    self.dropout = dropout
    self.bidirectional = bidirectional
    let bound = 1 / Double(max(width, 1)).squareRoot()
    func drawn(_ shape: [Int]) -> Parameter {
      Parameter(Tensor.randomUniform(shape, in: -bound..<bound, using: &generator))
    }
    let rows = cell.gates * width
    directions = (0..<layers * count).map { index in
      let inputWeight = drawn([rows, index < count ? inputs : count * width])
      let hiddenWeight = drawn([rows, width])
      return Direction(
        inputWeight: inputWeight, hiddenWeight: hiddenWeight, inputBias: bias ? drawn([rows]) : nil,
        hiddenBias: bias ? drawn([rows]) : nil)
    }
    let key = generator.next()
    self.generator = generator.split(key)
  }

  public func visitParameters(_ visitor: inout ParameterVisitor) {
    let count = bidirectional ? 2 : 1
    for (index, direction) in directions.enumerated() {
      let suffix = "_l\(index / count)" + (index % count == 1 ? "_reverse" : "")
      visitor.add("weight_ih" + suffix, direction.inputWeight)
      visitor.add("weight_hh" + suffix, direction.hiddenWeight)
      visitor.add("bias_ih" + suffix, direction.inputBias)
      visitor.add("bias_hh" + suffix, direction.hiddenBias)
    }
  }

  /// All layers over a batch of sequences.
  /// - Parameters:
  ///   - x: `[time, batch, inputs]`, with `batchFirst` `[batch, time, inputs]`; without the batch `[time,
  ///     inputs]`.
  ///   - state: the state before the first step, each `[layers · directions, batch, width]`, or without the
  ///     batch; zeros when nil.
  ///   - lengths: how many steps each sequence has; nil for all of them.
  func run(_ x: Tensor, _ state: [Tensor]?, _ lengths: [Int]?) -> (output: Tensor, state: [Tensor]) {
    tensorRequire(
      (x.rank == 3 || x.rank == 2) && x.shape[x.rank - 1] == inputs, name,
      "needs [\(batchFirst ? "batch, time" : "time, batch"), \(inputs)], found shape \(x.shape)")
    let isSingle = x.rank == 2
    // [time, batch, inputs] from here on.
    var value = isSingle ? x.expandedDimensions(axis: 1) : batchFirst ? x.transposed(0, 1) : x
    let (time, batch) = (value.shape[0], value.shape[1])
    let full = [directions.count, batch, width]
    let given = state?.map { isSingle && $0.rank == 2 ? $0.expandedDimensions(axis: 1) : $0 }
    for one in given ?? [] {
      tensorRequire(
        one.shape == full, name,
        "a state of shape \(one.shape) does not fit \(full), for input of shape \(x.shape)")
    }
    let ended = endedSequences(lengths, time, batch)
    if let lengths, ended.contains(where: { $0 != nil }) {
      // What lies behind a sequence's end takes no part, a NaN there neither: 0 times it would reach
      // gradients.
      let isPast = Tensor((0..<time).flatMap { t in lengths.map { $0 <= t } }, shape: [time, batch, 1])
      value = value.maskedFill(isPast, 0)
    }
    let type = DType.promoted(x.dtype, directions[0].inputWeight.dtype)
    tensorRequire(type.isFloatingPoint, name, "needs floating-point numbers, found \(x.dtype)")
    let start = given ?? (0..<cell.stateCount).map { _ in Tensor.zeros(full, dtype: type) }
    let count = bidirectional ? 2 : 1
    var lasts: [[Tensor]] = []
    for layer in 0..<layers {
      if layer > 0, isTraining, dropout > 0 {
        value = dropped(value, dropout, &generator)
      }
      var outputs: [Tensor] = []
      for way in 0..<count {
        let index = layer * count + way
        let own = start.map {
          $0.slice(axis: 0, index..<index + 1).reshaped([batch, width]).to(type)
        }
        let (output, last) = Self.pass(
          cell, value, own, directions[index], isReversed: way == 1, ended, type)
        outputs.append(output)
        lasts.append(last)
      }
      value = outputs.count == 1 ? outputs[0] : Tensor.concatenated(outputs, axis: 2)
    }
    let ends = (0..<cell.stateCount).map { index in
      let all = Tensor.stacked(lasts.map { $0[index] })
      return isSingle ? all.squeezed(axis: 1) : all
    }
    return (isSingle ? value.squeezed(axis: 1) : batchFirst ? value.transposed(0, 1) : value, ends)
  }

  /// One layer in one direction; the input of all steps is projected by one product.
  private static func pass(
    _ cell: RecurrentCell, _ x: Tensor, _ state: [Tensor], _ direction: Direction, isReversed: Bool,
    _ ended: [Tensor?], _ type: DType
  ) -> (output: Tensor, last: [Tensor]) {
    let projected = linear(
      x.to(type), weight: direction.inputWeight.tensor, bias: direction.inputBias?.tensor)
    return RecurrentPass(cell: cell, isReversed: isReversed, ended: ended)(
      .init(
        input: projected.to(type), state: state, weight: direction.hiddenWeight.tensor.to(type),
        bias: direction.hiddenBias?.tensor.to(type)))
  }

  /// For each step which sequences have ended; nil where none has.
  private func endedSequences(_ lengths: [Int]?, _ time: Int, _ batch: Int) -> [Tensor?] {
    guard let lengths else { return [Tensor?](repeating: nil, count: time) }
    tensorRequire(
      lengths.count == batch && lengths.allSatisfy { 0...time ~= $0 }, name,
      "lengths \(lengths) do not fit \(batch) sequences of up to \(time) steps")
    return (0..<time).map { t in
      lengths.allSatisfy { $0 > t } ? nil : Tensor(lengths.map { $0 <= t }, shape: [batch, 1])
    }
  }
}

/// The function, which the property of the same name hides.
private func dropped(_ x: Tensor, _ probability: Double, _ generator: inout RandomGenerator) -> Tensor {
  dropout(x, probability: probability, using: &generator)
}
