/// What a recurrent layer does at one step of time, forward and backward.
///
/// Gates stand side by side in the last axis in PyTorch's order: input, forget, cell and output of an LSTM,
/// reset, update and new of a GRU. Everything is written in differentiable operations, so that the same lines
/// are the backward pass and, when that is recorded, the source of second derivatives; ``RecurrentKernels``
/// does the same where nothing is recorded.
enum RecurrentCell: Sendable {
  /// `h' = tanh(x + y)`, `x` from the input and `y` from the state (Elman, 1990).
  case tanh
  /// `h' = max(0, x + y)`.
  case relu
  /// `c' = σ(f) c + σ(i) tanh(g)`, `h' = σ(o) tanh(c')` (Hochreiter and Schmidhuber, 1997).
  case lstm
  /// `n = tanh(xₙ + σ(r) yₙ)`, `h' = (1 − σ(z)) n + σ(z) h` (Cho et al., 2014).
  case gru

  /// How many gates there are.
  var gates: Int {
    switch self {
    case .tanh, .relu: 1
    case .lstm: 4
    case .gru: 3
    }
  }

  /// Hidden states, and for an LSTM the cells: `[batch, width]` each.
  typealias State = [Tensor]

  /// The number of tensors in a state.
  var stateCount: Int { if case .lstm = self { 2 } else { 1 } }

  /// What the backward pass of a step needs.
  struct Kept {
    /// Activations of the gates, and what else a kind of cell needs; one tensor of all where a kernel ran.
    let values: [Tensor]
    /// The state before the step.
    let before: State
  }

  /// One step.
  /// - Parameters:
  ///   - input: what came from the input, `[batch, gates · width]`.
  ///   - hidden: what came from the state before, of the same shape.
  ///   - before: the state before.
  func forward(input: Tensor, hidden: Tensor, before: State) -> (after: State, kept: Kept) {
    let width = before[0].shape[1]
    func part(_ x: Tensor, _ gates: Range<Int>) -> Tensor {
      x.slice(axis: 1, gates.lowerBound * width..<gates.upperBound * width)
    }
    if !GradientMode.isEnabled, before[0].dtype == before[0].fusedType {
      if case .lstm = self {
        let (after, kept) = RecurrentKernels.lstm(input, hidden, before)
        return (after, Kept(values: [kept], before: before))
      }
      if case .gru = self {
        let (after, kept) = RecurrentKernels.gru(input, hidden, before)
        return (after, Kept(values: [kept], before: before))
      }
    }
    switch self {
    case .tanh, .relu:
      let sum = input + hidden
      let after = if case .tanh = self { sum.tanh() } else { sum.relu() }
      return ([after], Kept(values: [after], before: before))
    case .lstm:
      let sum = input + hidden
      let early = part(sum, 0..<2).sigmoid()
      let (i, f) = (part(early, 0..<1), part(early, 1..<2))
      let (g, o) = (part(sum, 2..<3).tanh(), part(sum, 3..<4).sigmoid())
      let cell = f * before[1] + i * g
      let bent = cell.tanh()
      return ([o * bent, cell], Kept(values: [i, f, g, o, bent], before: before))
    case .gru:
      let early = (part(input, 0..<2) + part(hidden, 0..<2)).sigmoid()
      let (r, z) = (part(early, 0..<1), part(early, 1..<2))
      let inner = part(hidden, 2..<3)
      let n = (part(input, 2..<3) + r * inner).tanh()
      return ([n + z * (before[0] - n)], Kept(values: [r, z, n, inner], before: before))
    }
  }

  /// The gradients of one step: of what came from the input, of what came from the state through the weight,
  /// and of the state directly; nil where there is none.
  func backward(_ gradients: State, _ kept: Kept) -> (input: Tensor, hidden: Tensor, before: [Tensor?]) {
    let (values, d) = (kept.values, gradients[0])
    if case .lstm = self, values.count == 1 {
      let (sum, cell) = RecurrentKernels.lstmBackward(gradients, values[0], kept.before[1])
      return (sum, sum, [nil, cell])
    }
    if case .gru = self, values.count == 1 {
      let (input, hidden, before) = RecurrentKernels.gruBackward(gradients, values[0], kept.before[0])
      return (input, hidden, [before])
    }
    switch self {
    case .tanh:
      let sum = d * (1 - values[0].square())
      return (sum, sum, [nil])
    case .relu:
      let sum = d.maskedFill(values[0] .<= 0, 0.0)
      return (sum, sum, [nil])
    case .lstm:
      let (i, f, g, o, bent) = (values[0], values[1], values[2], values[3], values[4])
      let cell = gradients[1] + d * o * (1 - bent.square())
      let sum = Tensor.concatenated(
        [
          cell * g * (i * (1 - i)), cell * kept.before[1] * (f * (1 - f)), cell * i * (1 - g.square()),
          d * bent * (o * (1 - o)),
        ], axis: 1)
      return (sum, sum, [nil, cell * f])
    case .gru:
      let (r, z, n, inner) = (values[0], values[1], values[2], values[3])
      let new = d * (1 - z) * (1 - n.square())
      let update = d * (kept.before[0] - n) * (z * (1 - z))
      let reset = new * inner * (r * (1 - r))
      return (
        Tensor.concatenated([reset, update, new], axis: 1),
        Tensor.concatenated([reset, update, new * r], axis: 1), [d * z]
      )
    }
  }
}
